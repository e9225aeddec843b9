//! An apply that is killed before and after every write of its store: whatever the provider's cloud has by then is in the state or is
//! named by the next plan, and nothing is made twice.

use std::os::unix::process::ExitStatusExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::caller::{Caller, Line};
use super::rig::{Rig, example};

/// What there is before.
const BEFORE: &str = r#"
resource "scripted_thing" "a" {
  name = "a"
}
resource "scripted_thing" "b" {
  name  = "b"
  parts = [scripted_thing.a.address]
}
resource "scripted_thing" "c" {
  name = "c"
  size = 1
}
resource "scripted_thing" "d" {
  name  = "d"
  parts = [scripted_thing.c.id]
}
resource "scripted_thing" "e" {
  name = "e"
  zone = "one"
}
resource "scripted_thing" "f" {
  name = "f"
  zone = "one"
  lifecycle {
    create_before_destroy = true
  }
}
"#;

/// What there is to be: two objects more, one less, one that is changed, and two that are replaced, each in its own order.
fn after() -> String {
    let changed = BEFORE.replace("\"one\"", "\"two\"").replace("size = 1", "size = 2");
    let (first, rest) = changed.split_once("resource \"scripted_thing\" \"d\"").expect("d");
    let (_, rest) = rest.split_once("\n}\n").expect("its end");
    format!(
        "{first}{rest}\nresource \"scripted_thing\" \"g\" {{\n  name = \"g\"\n}}\nresource \"scripted_thing\" \"h\" {{\n  name  = \"h\"\n  parts = [scripted_thing.g.id]\n}}\n"
    )
}

/// As many moments as are tried; where there are more, evenly from all of them.
const MOMENTS_MAX: usize = 40;
/// At once, for machines with two processors.
const THREADS: usize = 2;

fn apply_killed_at_every_write(line: Line, moments_max: usize) {
    let base = Caller::new(line, Rig::new(|script| script), BEFORE);
    base.apply(0);
    base.describe(&after());
    let count = moments(&base);
    assert!(count >= 30, "only {count} moments");
    // Odd steps, so that moments before and after writes are both met.
    let step = count.div_ceil(moments_max) | 1;
    let all: Vec<usize> = (1..=count).step_by(step).collect();
    let next = AtomicUsize::new(0);
    let sum = Mutex::new(Met::default());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(moment) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let met = killed_at(&base, *moment);
                    let mut sum = sum.lock().expect("no panic");
                    sum.kills += met.kills;
                    sum.doubts += met.doubts;
                    sum.adopted += met.adopted;
                }
            });
        }
    });
    let met = sum.into_inner().expect("no panic");
    println!("{} of {count} moments were tried: {met:?}", all.len());
    // Writes that wait for each other may go together; then there are a few moments less.
    assert!(met.kills + 4 >= all.len(), "{met:?}");
    assert!(met.doubts > 0 && met.adopted > 0, "{met:?}");
}

/// What kills came to.
#[derive(Debug, Default)]
struct Met {
    kills: usize,
    /// Objects in doubt.
    doubts: usize,
    /// Those of them that were there, and were adopted.
    adopted: usize,
}

/// How many moments an apply has that is not killed.
fn moments(base: &Caller) -> usize {
    let whole = base.copy();
    let file = whole.path("moments");
    let ended = whole.applying(&example("crasher")).env("CRASH_COUNT", &file).output().expect("an answer");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    whole.has_nothing_to_do();
    std::fs::read_to_string(file).expect("a number").parse().expect("a number")
}

fn killed_at(base: &Caller, moment: usize) -> Met {
    let caller = base.copy();
    let untouched = [caller.rig.id("a"), caller.rig.id("b"), caller.rig.id("c")];
    let mut command = caller.applying(&example("crasher"));
    let ended = command.env("CRASH_AT_WRITE", moment.to_string()).output().expect("an answer");
    if ended.status.success() {
        return Met::default();
    }
    assert_eq!(ended.status.signal(), Some(9), "at {moment}: {}", String::from_utf8_lossy(&ended.stderr));
    caller.rig.all_ended();

    let plan = caller.plan();
    let state = caller.state();
    let objects = caller.rig.objects();
    for (name, id) in &objects {
        let address = format!("scripted_thing.{name}");
        assert!(
            state.contains_key(id) || plan.doubts.contains_key(&address),
            "at {moment}: {name} ({id}) is in the cloud, and neither in the state nor named by the plan:\n{}\n{state:?}",
            plan.text
        );
    }
    assert_eq!(plan.code == 0, plan.doubts.is_empty(), "at {moment}: {}", plan.text);
    // What is in doubt is decided; every second time it is adopted, where there is something to adopt.
    let mut adopted = Vec::new();
    for address in plan.doubts.keys() {
        let name = address.trim_start_matches("scripted_thing.");
        let found = objects.iter().find(|(its, id)| its == name && !state.contains_key(id));
        match found {
            Some((_, id)) if moment % 4 < 2 => {
                caller.adopt(address, id);
                adopted.push(address);
                continue;
            }
            Some((_, id)) => caller.rig.remove(id),
            None => {}
        }
        caller.forget(address);
    }
    if !plan.doubts.is_empty() {
        let next = caller.plan();
        assert!(next.code == 0 && next.doubts.is_empty(), "at {moment}: {}", next.text);
        for address in plan.doubts.keys() {
            let makes = !adopted.contains(&address);
            assert_eq!(next.makes(address), makes, "at {moment}, {address}: {}", next.text);
        }
    }
    caller.apply(0);
    caller.has_nothing_to_do();
    let (objects, state) = (caller.rig.objects(), caller.state());
    let names: Vec<&str> = objects.iter().map(|(name, _)| name.as_str()).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["a", "b", "c", "e", "f", "g", "h"], "at {moment}");
    assert_eq!(state.len(), 7, "at {moment}: {state:?}");
    assert!(objects.iter().all(|(_, id)| state.contains_key(id)), "at {moment}: {objects:?} {state:?}");
    let now = [caller.rig.id("a"), caller.rig.id("b"), caller.rig.id("c")];
    assert_eq!(now, untouched, "at {moment}");
    caller.rig.all_ended();
    Met { kills: 1, doubts: plan.doubts.len(), adopted: adopted.len() }
}

#[test]
fn a_folders_apply_that_is_killed_at_any_write_loses_no_object_and_makes_none_twice() {
    apply_killed_at_every_write(Line::Terraform, MOMENTS_MAX);
}

#[test]
fn a_projects_apply_that_is_killed_at_any_write_loses_no_object_and_makes_none_twice() {
    apply_killed_at_every_write(Line::Project, MOMENTS_MAX / 3);
}
