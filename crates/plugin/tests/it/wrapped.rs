//! Providers that end with the process that started them, however that ends.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use plugin::{Plugin, Program, Wrapper};
use testkit::provider::{SCRIPT, Script};

use crate::rig::{Ready, Rig, all_ended, binary, lines, runs};

/// Names the script of a provider that the test binary starts instead of testing.
const HOLDS: &str = "PLUGIN_TEST_HOLDS";

fn wrapped(program: Program) -> Program {
    Program { wrapper: Some(Wrapper::new(binary())), ..program }
}

/// Not a test by itself: what is killed below.
#[tokio::test(flavor = "multi_thread")]
async fn process_that_holds_a_provider() {
    let Some(script) = std::env::var_os(HOLDS).map(PathBuf::from) else { return };
    let program = Program {
        path: binary(),
        hash: None,
        variables: [(SCRIPT.into(), script.into())].into(),
        wrapper: Some(Wrapper::new(binary())),
        reattach: None,
    };
    let ready = Ready::of(Plugin::new(program, None)).await;
    println!("ready");
    std::future::pending::<()>().await;
    drop(ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrapped_provider_works_as_any_other() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let program = wrapped(rig.program(&Script { protocol, ..rig.script() }));
        let ready = Ready::of(Plugin::new(program, None)).await;
        ready.make("name = \"a\"").await;
        ready.plugin.shut_down().await;
        all_ended(&rig.pids()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_does_not_outlive_a_run_that_is_killed() {
    let rig = Rig::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "wrapped::process_that_holds_a_provider", "--nocapture"])
        .env(HOLDS, rig.script().write().unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    // What prints before says which test it is, without ending its line.
    assert!(said.any(|line| line.unwrap().ends_with("ready")));
    let pids = rig.pids();
    assert!(runs(pids[0]));
    child.kill().unwrap();
    child.wait().unwrap();
    all_ended(&pids).await;
    assert_eq!(rig.count("Shutdown"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_executed_behind_a_wrapper_is_named() {
    let rig = Rig::new();
    let path = rig.folder().join("nothing-here");
    let program = wrapped(Program { path: path.clone(), ..rig.program(&rig.script()) });
    let said = lines(&Plugin::new(program, None).provider().schema().await.unwrap_err());
    let ends = format!("(exit status: 126); the last it wrote:\n{}: No such file", path.display());
    assert!(said.contains(&ends), "{said}");
}
