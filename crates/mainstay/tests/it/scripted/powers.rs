//! What providers can do besides making things, through the program: configurations that share a process, functions, what is ephemeral,
//! objects of another kind that are taken over, being stopped, and being asked for so much at once.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use testkit::provider::Rule;

use super::caller::{Caller, Line};
use super::rig::{Rig, until};

fn outputs(caller: &Caller) -> Json {
    let shown: Json = serde_json::from_str(&caller.ends(0, &["output", "-json"]).out).expect("JSON");
    let each = shown.as_object().expect("outputs").iter();
    each.map(|(name, output)| (name.clone(), output["value"].clone())).collect()
}

#[test]
fn configurations_that_are_the_same_share_a_process_and_others_have_their_own() {
    let caller = Caller::folder(
        r#"
provider "scripted" {
  region = "north"
}
provider "scripted" {
  alias  = "same"
  region = "north"
}
provider "scripted" {
  alias  = "other"
  region = "south"
}
data "scripted_process" "one" {}
data "scripted_process" "same" {
  provider = scripted.same
}
data "scripted_process" "other" {
  provider = scripted.other
}
output "processes" {
  value = [data.scripted_process.one.pid, data.scripted_process.same.pid, data.scripted_process.other.pid]
}
output "regions" {
  value = [data.scripted_process.one.region, data.scripted_process.same.region, data.scripted_process.other.region]
}
"#,
    );
    caller.apply(0);
    let told = outputs(&caller);
    let processes = told["processes"].as_array().expect("processes");
    assert_eq!(processes[0], processes[1]);
    assert_ne!(processes[0], processes[2]);
    assert_eq!(told["regions"], serde_json::json!(["north", "north", "south"]));
    caller.rig.all_ended();
}

#[test]
fn functions_of_a_provider_are_called_in_expressions() {
    let caller = Caller::folder(
        r#"
locals {
  words = provider::scripted::join_words("-", "a", "b")
}
resource "scripted_thing" "it" {
  name = local.words
}
output "all" {
  value = [local.words, provider::scripted::quotient(7, 2), provider::scripted::echo({ a = [1, null] })]
}
"#,
    );
    caller.apply(0);
    assert_eq!(outputs(&caller)["all"], serde_json::json!(["a-b", 3, { "a": [1, null] }]));
    assert!(caller.rig.id("a-b").is_some());
    caller.describe("output \"x\" {\n  value = provider::scripted::quotient(7,\n    0)\n}\n");
    let failed = caller.ends(1, &["plan"]);
    assert!(failed.err.contains("nothing can be divided by 0"), "{}", failed.err);
    assert!(failed.err.contains("main.tf:10"), "the second argument: {}", failed.err);
    caller.describe("output \"x\" {\n  value = provider::scripted::quotiend(7, 0)\n}\n");
    let failed = caller.ends(1, &["plan"]);
    assert!(failed.err.contains("quotient"), "{}", failed.err);
}

#[test]
fn what_is_ephemeral_is_renewed_while_it_is_needed_closed_and_never_kept() {
    let caller = Caller::folder(
        r#"
ephemeral "scripted_lease" "it" {
  scope          = "all"
  renew_after_ms = 200
}
resource "scripted_thing" "it" {
  name           = "it"
  secret         = ephemeral.scripted_lease.it.token
  secret_version = 1
}
"#,
    );
    caller.rig.misbehaves(Rule::at("ApplyResourceChange").waits(1500));
    let applied = caller.apply(0);
    assert_eq!(
        caller.rig.numbers("secret_length")["it"],
        Some(i64::try_from("all:lease-2".len()).expect("a length"))
    );
    let opened = caller.rig.calls().iter().filter(|call| call.call == "OpenEphemeralResource").count();
    let renewed = caller.rig.calls().iter().filter(|call| call.call == "RenewEphemeralResource").count();
    assert!(opened == 2 && renewed >= 2, "{opened} {renewed}");
    assert!(caller.rig.cloud().leases.is_empty(), "{:?}", caller.rig.cloud().leases);
    let state = caller.ends(0, &["state", "pull"]).out;
    assert!(!state.contains("lease") && !applied.out.contains("all:lease"), "{state}{}", applied.out);
    caller.has_nothing_to_do();
    assert!(caller.rig.cloud().leases.is_empty());
}

#[test]
fn an_object_of_another_kind_is_taken_over_by_a_moved_block() {
    let caller =
        Caller::folder("resource \"other_thing\" \"old\" {\n  provider = scripted\n  title    = \"it\"\n}\n");
    caller.apply(0);
    let id = caller.rig.id("it");
    caller.describe(
        "resource \"scripted_thing\" \"new\" {\n  name = \"it\"\n}\nmoved {\n  from = other_thing.old\n  to   = scripted_thing.new\n}\n",
    );
    let refused = caller.ends(1, &["plan", "-target=scripted_thing.new"]);
    assert!(refused.err.contains("moved, and not among the targets: other_thing.old"), "{}", refused.err);
    let planned = caller.ends(0, &["plan"]);
    assert!(planned.out.contains("other_thing.old has moved to scripted_thing.new"), "{}", planned.out);
    assert!(!caller.plan().makes("scripted_thing.new"));
    caller.apply(0);
    caller.has_nothing_to_do();
    assert_eq!(caller.rig.id("it"), id);
    assert_eq!(caller.state().into_values().collect::<Vec<_>>(), ["scripted_thing.new"]);
}

#[test]
fn an_apply_that_is_interrupted_asks_the_provider_to_stop_and_ends_in_order() {
    let chain = "resource \"scripted_thing\" \"first\" {\n  name = \"first\"\n}\nresource \"scripted_thing\" \"slow\" {\n  name  = \"slow\"\n  parts = [scripted_thing.first.id]\n}\nresource \"scripted_thing\" \"last\" {\n  name  = \"last\"\n  parts = [scripted_thing.slow.id]\n}\n";
    for line in Line::BOTH {
        let caller = Caller::new(line, Rig::new(|script| script), chain);
        caller.rig.misbehaves(Rule::at("ApplyResourceChange").about("slow").waits(120_000));
        let mut command = caller.applying(Path::new(env!("CARGO_BIN_EXE_mainstay")));
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let run = command.spawn().expect("the program");
        until("the provider is asked", || caller.rig.count("ApplyResourceChange", "slow") > 0);
        let begun = Instant::now();
        let pid = nix::unistd::Pid::from_raw(i32::try_from(run.id()).expect("a process"));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("a signal");
        let ended = crate::folder::Answer::of(&run.wait_with_output().expect("its end"));
        assert!(begun.elapsed() < Duration::from_secs(30), "it waited for the provider");
        assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
        assert!(ended.err.contains("told to stop before it acted"), "{}", ended.err);
        assert!(caller.rig.calls().iter().any(|call| call.call == "StopProvider"));
        assert_eq!(caller.rig.count("ApplyResourceChange", "last"), 0);
        caller.rig.all_ended();
        caller.rig.behaves();
        // It is known that nothing was made: nothing is in doubt.
        let plan = caller.plan();
        assert!(plan.code == 0 && plan.doubts.is_empty(), "{}", plan.text);
        assert!(plan.makes("scripted_thing.slow") && !plan.makes("scripted_thing.first"), "{}", plan.text);
        caller.apply(0);
        assert_eq!(caller.rig.objects().len(), 3);
    }
}

#[test]
fn so_many_calls_are_made_at_once_as_is_said() {
    let caller = Caller::folder(
        "resource \"scripted_thing\" \"it\" {\n  count = 8\n  name  = \"it${count.index}\"\n}\n",
    );
    caller.rig.misbehaves(Rule::at("ApplyResourceChange").waits(120_000));
    let asked = || caller.rig.calls().iter().filter(|call| call.call == "ApplyResourceChange").count();
    for (words, expect) in [(&["-parallelism=1"] as &[&str], 1), (&["-parallelism=3"], 3), (&[], 8)] {
        let before = asked();
        let mut command = caller.applying(Path::new(env!("CARGO_BIN_EXE_mainstay")));
        let mut run = command
            .args(words)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the program");
        until("the provider is asked", || asked() == before + expect);
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(asked(), before + expect, "{words:?}");
        run.kill().expect("a kill");
        run.wait().expect("its end");
        caller.rig.all_ended();
        caller.forget("scripted_thing.it");
    }
}
