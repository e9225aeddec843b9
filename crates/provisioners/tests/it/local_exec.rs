//! `local-exec`.

use std::fs;

use value::{Marks, Type, Value};

use crate::rig::{Case, Outcome, eventually, object, runs, text, texts};

async fn run(configuration: Value) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    Case::new(folder.path()).run("local-exec", configuration).await
}

#[tokio::test]
async fn both_outputs_come_line_by_line_in_their_order() {
    let command = "echo one; echo two >&2; printf three";
    let lines = run(object([("command", text(command))])).await.ok();
    let executing = format!("Executing: [\"/bin/sh\" \"-c\" \"{command}\"]");
    assert_eq!(lines, [executing.as_str(), "one", "two", "three"]);
}

#[tokio::test]
async fn a_failing_command_tells_its_code_and_what_it_printed() {
    let outcome = run(object([("command", text("echo out; echo err >&2; exit 3"))])).await;
    assert_eq!(
        outcome.fault(),
        "terraform_data.it: local-exec provisioner error: Error running command 'echo out; echo err >&2; exit 3': \
         exit status 3. Output: out\nerr"
    );
    run(object([("command", text("kill -9 $$"))]))
        .await
        .fails("Error running command 'kill -9 $$': signal: killed. Output:");
}

#[tokio::test]
async fn environment_folder_and_interpreter_are_those_given() {
    let configuration = object([
        ("command", text("echo $GIVEN-$PATH; basename $PWD; echo $0")),
        ("working_dir", text("sub")),
        ("environment", Value::map(Type::String, [("GIVEN", text("it"))])),
        ("interpreter", texts(&["sh", "-e", "-c"])),
    ]);
    let lines = run(configuration).await.ok();
    let path = std::env::var("PATH").unwrap();
    assert_eq!(lines[1..], [format!("it-{path}"), "sub".to_owned(), "sh".to_owned()]);
}

#[tokio::test]
async fn a_quiet_command_is_not_shown_but_its_output_is() {
    let lines = run(object([("command", text("echo out")), ("quiet", Value::bool(true))])).await.ok();
    assert_eq!(lines, ["local-exec: Executing: Suppressed by quiet=true", "out"]);
}

#[tokio::test]
async fn nothing_of_a_sensitive_configuration_is_seen() {
    let check = async |marks: Marks, why: &str| {
        let secret = text("hush").with_marks(marks);
        let environment = Value::map(Type::String, [("SECRET", secret)]);
        let configuration = object([("command", text("echo $SECRET; exit 3")), ("environment", environment)]);
        let outcome = run(configuration).await;
        let suppressed = format!("(output suppressed due to {why} value in config)");
        assert_eq!(outcome.lines, [suppressed.clone(), suppressed]);
        let fault = format!("{:?}", outcome.result);
        assert!(fault.contains("exit status 3") && !fault.contains("hush"), "{fault}");
    };
    check(Marks::SENSITIVE, "sensitive").await;
    check(Marks::EPHEMERAL, "ephemeral").await;
    check(Marks::SENSITIVE.union(Marks::EPHEMERAL), "sensitive, ephemeral").await;
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    run(object([("command", text("x")), ("interpreter", texts(&["no-such-program"]))]))
        .await
        .fails("exec: \"no-such-program\": executable file not found in $PATH");
    run(object([("command", text("x")), ("working_dir", text("nowhere"))]))
        .await
        .fails("chdir nowhere: no such file or directory");
}

#[tokio::test]
async fn an_interrupt_reaches_the_command_and_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let command = "trap 'echo tidied; exit 5' INT; sleep 1000 & echo pid $!; echo ready; wait";
    let outcome = Case::new(folder.path())
        .interrupted_at("ready")
        .run("local-exec", object([("command", text(command))]))
        .await;
    assert!(outcome.lines.contains(&"tidied".to_owned()), "{:?}", outcome.lines);
    outcome.fails("interrupted, exit status 5");
}

#[tokio::test]
async fn what_ignores_an_interrupt_is_killed_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let command = "trap '' INT; sleep 1000 & echo \"$!\" > pid; echo ready; wait; sleep 1000";
    let outcome = Case::new(folder.path())
        .interrupted_at("ready")
        .run("local-exec", object([("command", text(command))]))
        .await;
    outcome.fails("interrupted, signal: killed");
    let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
    eventually("the child is gone", || !runs(pid.trim())).await;
}

#[tokio::test]
async fn much_output_is_all_handed_on() {
    let lines = run(object([("command", text("seq 1 200000"))])).await.ok();
    assert_eq!(lines.len(), 200_001);
    assert_eq!(lines.last().unwrap(), "200000");
}
