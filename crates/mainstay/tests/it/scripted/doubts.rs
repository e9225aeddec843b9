//! Objects in doubt where something else happens meanwhile: they are no longer described, imported by a block, replaced, in a module,
//! or to be destroyed.

use testkit::provider::Rule;

use super::caller::{Caller, Line};
use super::rig::{Rig, until};

const APPLY: &str = "ApplyResourceChange";
const ADDRESS: &str = "scripted_thing.it";
const IT: &str = "resource \"scripted_thing\" \"it\" {\n  name = \"it\"\n}\n";
const OTHER: &str = "resource \"scripted_thing\" \"other\" {\n  name = \"other\"\n}\n";

/// An apply is killed when the provider has made another object `it`, and has not said so.
fn kill(caller: &Caller) {
    let named = || caller.rig.objects().iter().filter(|(name, _)| name == "it").count();
    let before = named();
    caller.rig.misbehaves(Rule::at(APPLY).about("it").waits_after(120_000));
    let mut run = caller.begin();
    until("the provider has acted", || named() > before);
    run.kill().expect("a kill");
    run.wait().expect("its end");
    caller.rig.all_ended();
    caller.rig.behaves();
}

#[test]
fn a_doubt_about_what_is_no_longer_described_is_a_warning_until_it_is_forgotten() {
    for line in Line::BOTH {
        let caller = Caller::new(line, Rig::new(|script| script), IT);
        kill(&caller);
        caller.describe(OTHER);
        let plan = caller.plan();
        let Some((false, said)) = plan.doubts.get(ADDRESS) else { panic!("{line:?}: {}", plan.text) };
        assert!(said.contains("nothing describes it in this plan"), "{said}");
        assert!(said.contains(&caller.ways(ADDRESS, "")[1]), "{said}");
        assert!(plan.code == 0 && plan.makes("scripted_thing.other"), "{}", plan.text);
        // The rest is made, and it is still told.
        caller.apply(0);
        assert!(caller.plan().doubts.contains_key(ADDRESS));
        caller.rig.remove(&caller.rig.id("it").expect("an object"));
        caller.forget(ADDRESS);
        let plan = caller.plan();
        assert!(plan.doubts.is_empty(), "{}", plan.text);
        caller.has_nothing_to_do();
    }
}

#[test]
fn a_doubt_is_settled_by_an_import_block() {
    let caller = Caller::new(Line::Terraform, Rig::new(|script| script), IT);
    kill(&caller);
    let id = caller.rig.id("it").expect("an object");
    caller.describe(&format!("{IT}import {{\n  to = {ADDRESS}\n  id = \"{id}\"\n}}\n"));
    caller.apply(0);
    let plan = caller.plan();
    assert!(plan.code == 0 && plan.doubts.is_empty(), "{}", plan.text);
    caller.describe(IT);
    let plan = caller.plan();
    assert!(plan.doubts.is_empty() && plan.changes.is_empty(), "{}", plan.text);
    assert_eq!(caller.rig.objects().len(), 1);
}

#[test]
fn what_was_to_be_replaced_first_is_still_known_when_its_replacement_is_in_doubt() {
    let zoned = |zone: &str| {
        let life = "  lifecycle {\n    create_before_destroy = true\n  }\n";
        format!("resource \"scripted_thing\" \"it\" {{\n  name = \"it\"\n  zone = \"{zone}\"\n{life}}}\n")
    };
    for (line, adopts) in [(Line::Terraform, true), (Line::Terraform, false), (Line::Project, false)] {
        let caller = Caller::new(line, Rig::new(|script| script), &zoned("one"));
        caller.apply(0);
        let old = caller.rig.id("it").expect("an object");
        caller.describe(&zoned("two"));
        kill(&caller);
        let plan = caller.plan();
        assert!(!plan.error(ADDRESS).is_empty() && !plan.makes(ADDRESS), "{}", plan.text);
        let objects = caller.rig.objects();
        let (_, new) = objects.iter().find(|(_, id)| *id != old).expect("a second object");
        if adopts {
            caller.adopt(ADDRESS, new);
        } else {
            caller.rig.remove(new);
            caller.forget(ADDRESS);
        }
        assert!(caller.state().contains_key(&old), "{line:?}: the old object is not known any more");
        let plan = caller.plan();
        assert!(plan.code == 0 && plan.makes(ADDRESS) != adopts, "{}", plan.text);
        assert!(plan.changes[ADDRESS].iter().any(|it| it == "delete"), "{}", plan.text);
        caller.apply(0);
        caller.has_nothing_to_do();
        let left = caller.rig.id("it").expect("one object");
        assert!(left != old && (left == *new) == adopts);
    }
}

#[test]
fn nothing_is_destroyed_and_nothing_is_lost_while_an_object_is_in_doubt() {
    for line in Line::BOTH {
        let caller = Caller::new(line, Rig::new(|script| script), OTHER);
        caller.apply(0);
        caller.describe(&format!("{OTHER}{IT}"));
        kill(&caller);
        let destroy: &[&str] =
            if line == Line::Terraform { &["destroy", "-auto-approve"] } else { &["destroy", "--yes"] };
        let refused = caller.ends(caller.refusal(), destroy);
        assert!(refused.err.contains("left it open whether this object exists"), "{}", refused.err);
        assert_eq!(caller.rig.objects().len(), 2);
        caller.adopt(ADDRESS, &caller.rig.id("it").expect("an object"));
        caller.ends(0, destroy);
        assert!(caller.rig.objects().is_empty());
    }
}

#[test]
fn while_an_object_is_in_doubt_others_are_applied_by_name() {
    for line in Line::BOTH {
        let caller = Caller::new(line, Rig::new(|script| script), IT);
        kill(&caller);
        caller.describe(&format!("{OTHER}{IT}"));
        let words: &[&str] = match line {
            Line::Terraform => &["apply", "-auto-approve", "-target=scripted_thing.other"],
            Line::Project => &["apply", "--yes", "--target", "scripted_thing.other"],
        };
        caller.ends(0, words);
        assert!(caller.rig.id("other").is_some());
        let plan = caller.plan();
        assert!(!plan.error(ADDRESS).is_empty());
        // Not by its own name, either.
        let own: Vec<String> = words.iter().map(|word| word.replace("other", "it")).collect();
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        let refused = caller.ends(caller.refusal(), &own);
        assert!(refused.err.contains("left it open whether this object exists"), "{}", refused.err);
    }
}

#[test]
fn a_whole_module_is_forgotten_with_what_is_in_doubt_in_it() {
    let call = "module \"m\" {\n  source = \"./m\"\n}\n";
    let caller = Caller::new(Line::Terraform, Rig::new(|script| script), "");
    std::fs::create_dir(caller.path("m")).expect("a folder");
    let required = super::rig::REQUIRED;
    caller.write("m/main.tf", &format!("{required}{OTHER}"));
    caller.describe(call);
    caller.ends(0, &["init"]);
    caller.apply(0);
    caller.write("m/main.tf", &format!("{required}{OTHER}{IT}"));
    kill(&caller);
    assert!(!caller.plan().error("module.m.scripted_thing.it").is_empty());
    let told = caller.ends(0, &["state", "rm", "-dry-run", "module.m"]).out;
    assert!(told.contains("Would remove module.m.scripted_thing.other"), "{told}");
    assert!(told.contains("left open about module.m.scripted_thing.it"), "{told}");
    assert!(!caller.plan().doubts.is_empty(), "nothing was done");
    caller.forget("module.m");
    let plan = caller.plan();
    assert!(plan.doubts.is_empty() && plan.makes("module.m.scripted_thing.other"), "{}", plan.text);
    assert!(plan.makes("module.m.scripted_thing.it"), "{}", plan.text);
}

#[test]
fn what_is_in_no_doubt_cannot_be_forgotten() {
    let caller = Caller::new(Line::Project, Rig::new(|script| script), IT);
    kill(&caller);
    let refused = caller.ends(2, &["forget", "scripted_thing.other"]);
    assert!(refused.err.contains("there is no doubt about scripted_thing.other"), "{}", refused.err);
    assert!(refused.err.contains(ADDRESS), "{}", refused.err);
    let refused = caller.ends(2, &["adopt", "scripted_thing.other", "thing-1"]);
    assert!(refused.err.contains("there is nothing that `scripted_thing.other` names"), "{}", refused.err);
    let refused = caller.ends(2, &["adopt", ADDRESS, "thing-99"]);
    assert!(refused.err.contains("thing-99"), "{}", refused.err);
    assert!(!caller.plan().doubts.is_empty());
}
