//! A run that ends while its provider is at work on one object: before it acts, or after it acted and before it answers; killed, or
//! left alone by a provider that crashes. What is told of the object, and both ways to go on.

use testkit::provider::{Cloud, Crash, Ids, Object, Rule, Script};
use value::Value;

use super::caller::{Caller, Line};
use super::rig::{Rig, until};

const APPLY: &str = "ApplyResourceChange";
/// Longer than any test takes: what waits is killed.
const LONG_MS: u64 = 120_000;
const ADDRESS: &str = "scripted_thing.it";

/// When a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Before,
    After,
}

impl When {
    const BOTH: [Self; 2] = [Self::Before, Self::After];
}

/// The one object.
fn thing(body: &str) -> String {
    format!("resource \"scripted_thing\" \"it\" {{\n  name = \"it\"\n{body}}}\n")
}

fn counted(script: Script) -> Script {
    script
}

/// Kills an apply with SIGKILL while the provider is at work on `it`. `is_done`: whether the provider has acted.
fn kill(caller: &Caller, when: When, is_done: impl Fn(&Rig) -> bool) {
    let rig = &caller.rig;
    let before = rig.count(APPLY, "it");
    let rule = Rule::at(APPLY).about("it");
    rig.misbehaves(match when {
        When::Before => rule.waits(LONG_MS),
        When::After => rule.waits_after(LONG_MS),
    });
    let mut run = caller.begin();
    until("the provider is asked", || rig.count(APPLY, "it") > before);
    match when {
        When::Before => assert!(!is_done(rig)),
        When::After => until("the provider has acted", || is_done(rig)),
    }
    run.kill().expect("a kill");
    run.wait().expect("its end");
    rig.all_ended();
    rig.behaves();
}

fn is_made(rig: &Rig) -> bool {
    rig.id("it").is_some()
}

/// Nothing was made of it: it is forgotten, and made.
fn forget_and_make(caller: &Caller) {
    caller.forget(ADDRESS);
    assert!(caller.plan().makes(ADDRESS));
    caller.apply(0);
    caller.has_nothing_to_do();
    assert_eq!(caller.rig.objects().len(), 1);
}

/// It was made: it is adopted, and not made again.
fn adopt(caller: &Caller) {
    let id = caller.rig.id("it").expect("an object");
    caller.adopt(ADDRESS, &id);
    caller.has_nothing_to_do();
    assert_eq!(caller.rig.id("it").as_ref(), Some(&id));
}

/// What a plan has to say of an object whose making was killed, and which ID it has to offer.
fn check_create(line: Line, when: When, change: fn(Script) -> Script, says: &str, id: Option<&str>) {
    let caller = Caller::new(line, Rig::new(change), &thing(""));
    kill(&caller, when, is_made);
    let plan = caller.plan();
    let said = plan.error(ADDRESS);
    assert!(plan.code != 0 && plan.changes.is_empty(), "{}", plan.text);
    assert!(said.contains(says), "{line:?} {when:?} should say {says:?}: {said}");
    let [way_to_adopt, way_to_forget] = caller.ways(ADDRESS, id.unwrap_or("ID"));
    assert!(said.contains(&way_to_forget), "{said}");
    assert_eq!(said.contains(&way_to_adopt), id.is_some(), "{said}");
    // It does not begin, and is told again.
    let refused = caller.apply(caller.refusal());
    assert!(refused.err.contains("left it open whether this object exists"), "{}", refused.err);
    assert_eq!(caller.plan().doubts, plan.doubts);
    match when {
        When::Before => forget_and_make(&caller),
        When::After => adopt(&caller),
    }
}

#[test]
fn an_object_that_is_known_by_its_identity_is_found_by_it() {
    let planned = |script: Script| Script { ids: Ids::PlannedNames, ..script };
    for line in Line::BOTH {
        let there = "scripted_thing \"it\" exists, and is what was planned";
        check_create(line, When::After, planned, there, Some("'it'"));
        let nowhere = "there is no scripted_thing {\"id\":\"it\",\"zone\":null}";
        check_create(line, When::Before, planned, nowhere, None);
    }
}

#[test]
fn an_object_without_identity_is_found_by_its_id_or_its_name() {
    let there = "scripted_thing \"it\" exists, and is what was planned";
    let by_id = |script: Script| Script { ids: Ids::PlannedNames, has_identities: false, ..script };
    check_create(Line::Terraform, When::After, by_id, there, Some("'it'"));
    let by_name = |script: Script| Script { ids: Ids::Named, ..script };
    check_create(Line::Project, When::After, by_name, there, Some("'it'"));
    let not_found =
        "no scripted_thing was found by \"it\", and whether it would be known by that nobody can tell";
    check_create(Line::Terraform, When::Before, by_name, not_found, Some("ID"));
}

#[test]
fn an_object_whose_id_is_given_by_the_other_side_is_looked_for_by_hand() {
    let not_found = "no scripted_thing was found by \"it\", and whether it would be known by that nobody can tell; look for it by hand";
    for when in When::BOTH {
        check_create(Line::Terraform, when, counted, not_found, Some("ID"));
    }
    // Of this kind, nothing that is known beforehand is a name.
    let other = "resource \"other_thing\" \"it\" {\n  provider = scripted\n  title    = \"it\"\n}\n";
    let caller = Caller::new(Line::Terraform, Rig::new(counted), other);
    kill(&caller, When::After, is_made);
    let plan = caller.plan();
    let said = plan.error("other_thing.it");
    assert!(said.contains("its name is given by the other side, so that it cannot be looked up"), "{said}");
    caller.adopt("other_thing.it", &caller.rig.id("it").expect("an object"));
    caller.has_nothing_to_do();
}

#[test]
fn an_object_that_is_found_and_is_another_than_was_planned_is_told_so() {
    let caller = Caller::new(
        Line::Terraform,
        Rig::new(|script| Script { ids: Ids::PlannedNames, ..script }),
        &thing("  size = 1\n"),
    );
    kill(&caller, When::After, is_made);
    Cloud::change(caller.rig.folder(), |cloud| {
        let object = cloud.objects.get_mut("it").expect("the object");
        let mut entries = object.value().expect("a value").as_entries().expect("entries").clone();
        entries.insert("size".into(), Value::number(7));
        *object = Object { value: value::encode(&Value::object(entries)), kind: object.kind.clone() };
    })
    .expect("a cloud");
    let plan = caller.plan();
    assert!(plan.error(ADDRESS).contains("exists, and differs from what was planned"), "{}", plan.text);
    caller.adopt(ADDRESS, "it");
    assert_eq!(caller.plan().changes[ADDRESS], ["update"]);
    caller.apply(0);
    assert_eq!(caller.rig.numbers("size")["it"], Some(1));
}

#[test]
fn while_somebody_is_at_work_on_an_object_it_is_in_no_doubt() {
    for line in Line::BOTH {
        let caller = Caller::new(line, Rig::new(counted), &thing(""));
        caller.rig.misbehaves(Rule::at(APPLY).about("it").waits_after(LONG_MS));
        let mut run = caller.begin();
        until("the provider has acted", || is_made(&caller.rig));
        let plan = caller.plan();
        assert!(plan.code == 0 && plan.doubts.is_empty() && plan.makes(ADDRESS), "{}", plan.text);
        let refused = if line == Line::Terraform { ["state", "rm"].as_slice() } else { &["forget"] };
        caller.ends(1, &[refused, &[ADDRESS]].concat());
        run.kill().expect("a kill");
        run.wait().expect("its end");
        caller.rig.all_ended();
        caller.rig.behaves();
        assert!(!caller.plan().doubts.is_empty());
        adopt(&caller);
    }
}

#[test]
fn a_change_that_was_killed_is_read_again_and_the_rest_of_it_follows() {
    for (line, when) in Line::BOTH.into_iter().flat_map(|line| When::BOTH.map(|when| (line, when))) {
        let caller = Caller::new(line, Rig::new(counted), &thing("  size = 1\n"));
        caller.apply(0);
        let id = caller.rig.id("it");
        caller.describe(&thing("  size = 2\n"));
        kill(&caller, when, |rig| rig.numbers("size")["it"] == Some(2));
        let plan = caller.plan();
        assert!(plan.code == 0 && plan.doubts.is_empty(), "{}", plan.text);
        match when {
            When::Before => assert_eq!(plan.changes[ADDRESS], ["update"]),
            When::After => assert!(plan.changes.is_empty(), "{}", plan.text),
        }
        caller.apply(0);
        caller.has_nothing_to_do();
        assert_eq!((caller.rig.id("it"), caller.rig.numbers("size")["it"]), (id, Some(2)));
        assert_eq!(caller.rig.numbers("revision")["it"], Some(2), "it was changed once: {line:?} {when:?}");
    }
}

#[test]
fn a_removal_that_was_killed_is_read_again_and_the_rest_of_it_follows() {
    for (line, when) in Line::BOTH.into_iter().flat_map(|line| When::BOTH.map(|when| (line, when))) {
        let caller = Caller::new(line, Rig::new(counted), &thing(""));
        caller.apply(0);
        caller.describe("");
        kill(&caller, when, |rig| !is_made(rig));
        let plan = caller.plan();
        assert!(plan.code == 0 && plan.doubts.is_empty(), "{}", plan.text);
        match when {
            When::Before => assert_eq!(plan.changes[ADDRESS], ["delete"]),
            When::After => assert!(plan.changes.is_empty(), "{}", plan.text),
        }
        caller.apply(0);
        caller.has_nothing_to_do();
        assert!(caller.rig.objects().is_empty() && caller.state().is_empty());
    }
}

#[test]
fn a_provider_that_crashes_after_it_made_something_leaves_it_in_doubt() {
    let crashes = [Crash::Kill, Crash::Exit(3), Crash::Abort, Crash::Panic("nil map".into())];
    for (at, crash) in crashes.into_iter().enumerate() {
        let line = Line::BOTH[at % 2];
        let more = "resource \"scripted_thing\" \"next\" {\n  name  = \"next\"\n  parts = [scripted_thing.it.id]\n}\n";
        let caller = Caller::new(line, Rig::new(counted), &(thing("") + more));
        caller.rig.misbehaves(Rule::at(APPLY).about("it").crashes_after(crash.clone()));
        let failed = caller.apply(1);
        let said = failed.out + &failed.err;
        assert!(said.contains("nobody knows what was done to this object"), "{crash:?}: {said}");
        if let Crash::Panic(text) = &crash {
            assert!(said.contains(text), "{said}");
        }
        caller.rig.all_ended();
        caller.rig.behaves();
        let plan = caller.plan();
        assert!(!plan.error(ADDRESS).is_empty() && !plan.makes(ADDRESS), "{}", plan.text);
        let id = caller.rig.id("it").expect("an object");
        caller.adopt(ADDRESS, &id);
        caller.apply(0);
        caller.has_nothing_to_do();
        assert_eq!(caller.rig.id("it"), Some(id));
        assert_eq!(caller.rig.objects().len(), 2);
    }
}

#[test]
fn a_provider_under_development_that_crashes_in_a_change_or_a_removal_is_asked_again_what_is_there() {
    for when in When::BOTH {
        let caller = Caller::new(Line::Terraform, Rig::new(counted), &thing("  size = 1\n"));
        caller.rig.develop();
        std::fs::remove_dir_all(caller.path(".terraform")).expect("what was installed");
        std::fs::remove_file(caller.path(".terraform.lock.hcl")).expect("the lock");
        caller.apply(0);
        let crash = || {
            let rule = Rule::at(APPLY).about("it");
            match when {
                When::Before => rule.crashes(Crash::Kill),
                When::After => rule.crashes_after(Crash::Kill),
            }
        };
        for (body, expect) in [(thing("  size = 2\n"), "update"), (String::new(), "delete")] {
            caller.describe(&body);
            caller.rig.misbehaves(crash());
            caller.apply(1);
            caller.rig.all_ended();
            caller.rig.behaves();
            let plan = caller.plan();
            assert!(plan.code == 0 && plan.doubts.is_empty(), "{}", plan.text);
            let changes = plan.changes.get(ADDRESS).cloned().unwrap_or_default();
            match when {
                When::Before => assert_eq!(changes, [expect]),
                When::After => assert!(changes.is_empty(), "{}", plan.text),
            }
            caller.apply(0);
            caller.has_nothing_to_do();
        }
        assert!(caller.rig.objects().is_empty() && caller.state().is_empty());
    }
}
