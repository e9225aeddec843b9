//! `remote-exec`.

use std::fs;
use std::path::Path;

use value::{Marks, Value};

use crate::rig::{Case, eventually, object, runs, text, texts};
use crate::sshd::sshd;

/// What comes after the lines about the connection.
fn printed(lines: &[String]) -> &[String] {
    let connected = lines.iter().position(|line| line == "Connected!").unwrap();
    &lines[connected + 1..]
}

#[tokio::test]
async fn commands_run_in_one_script_at_a_terminal_and_the_script_goes() {
    let Some(server) = sshd() else { return };
    let inline =
        texts(&["echo $0; stat -c %a $0", "false", "echo err >&2", "tty >/dev/null && echo at a terminal"]);
    let lines = Case::new(server.folder.path())
        .over(server.connection(&[]))
        .run("remote-exec", object([("inline", inline)]))
        .await
        .ok();
    assert_eq!(lines[..2], ["Connecting to remote host via SSH...", "  Host: 127.0.0.1"]);
    let printed = printed(&lines);
    assert_eq!(printed[1..], ["700", "err", "at a terminal"]);
    assert!(printed[0].starts_with("/tmp/terraform_") && printed[0].ends_with(".sh"), "{}", printed[0]);
    assert!(!Path::new(&printed[0]).exists());
}

#[tokio::test]
async fn a_failing_script_tells_its_status_and_goes_too() {
    let Some(server) = sshd() else { return };
    let check = async |inline: &str, expect: &str| {
        let path = server.folder.path().join("it's a script-%RAND%.sh");
        let connection = server.connection(&[("script_path", text(path.display().to_string()))]);
        let outcome = Case::new(server.folder.path())
            .over(connection)
            .run("remote-exec", object([("inline", texts(&[inline]))]))
            .await;
        let fault = outcome.fault();
        assert!(fault.contains("error executing") && fault.ends_with(expect), "{fault}");
        let left = fs::read_dir(server.folder.path()).unwrap().flatten();
        assert_eq!(left.filter(|e| e.file_name().to_string_lossy().starts_with("it's")).count(), 0);
    };
    check("exit 7", "Process exited with status 7").await;
    check("kill -9 $$", "Process exited with status 137 from signal KILL").await;
}

#[tokio::test]
async fn scripts_run_in_their_order_until_one_fails() {
    let Some(server) = sshd() else { return };
    let folder = server.folder.path();
    fs::write(folder.join("1.sh"), "echo first").unwrap();
    fs::write(folder.join("2.sh"), "#!/usr/bin/env -S sh -e\necho second\nfalse\necho never").unwrap();
    fs::write(folder.join("3.sh"), "echo third").unwrap();
    let outcome = Case::new(folder)
        .over(server.connection(&[]))
        .run("remote-exec", object([("scripts", texts(&["1.sh", "2.sh", "3.sh"]))]))
        .await;
    assert_eq!(printed(&outcome.lines), ["first", "second"]);
    outcome.fails("Process exited with status 1");
    let lines = Case::new(folder)
        .over(server.connection(&[]))
        .run("remote-exec", object([("script", text("3.sh"))]))
        .await
        .ok();
    assert_eq!(printed(&lines), ["third"]);
}

#[tokio::test]
async fn a_script_that_cannot_be_uploaded_says_why() {
    let Some(server) = sshd() else { return };
    Case::new(server.folder.path())
        .over(server.connection(&[("script_path", text("/no/such/folder/script.sh"))]))
        .run("remote-exec", object([("inline", texts(&["true"]))]))
        .await
        .fails("Failed to upload script: Process exited with status");
}

#[tokio::test]
async fn nothing_that_a_sensitive_script_prints_is_seen() {
    let Some(server) = sshd() else { return };
    let inline = object([("inline", texts(&["echo hush; exit 3"]).with_marks(Marks::SENSITIVE))]);
    let outcome =
        Case::new(server.folder.path()).over(server.connection(&[])).run("remote-exec", inline).await;
    assert!(outcome.lines.iter().all(|line| line == "(output suppressed due to sensitive value in config)"));
    assert!(!outcome.fault().contains("hush"));
    outcome.fails("Process exited with status 3");
}

#[tokio::test]
async fn an_interrupted_script_ends_there_too() {
    let Some(server) = sshd() else { return };
    let check = async |script: &str| {
        let pid_file = server.folder.path().join("pid");
        let script = script.replace("PID", &pid_file.display().to_string());
        let outcome = Case::new(server.folder.path())
            .over(server.connection(&[]))
            .interrupted_at("ready")
            .run("remote-exec", object([("inline", texts(&[&script]))]))
            .await;
        let pid = fs::read_to_string(&pid_file).unwrap();
        eventually("the script is gone", || !runs(pid.trim())).await;
        outcome.fails("interrupted");
    };
    check("echo $$ > PID; echo ready; sleep 1000").await;
    // What does not mind an interrupt is hung up.
    check("trap '' INT; echo $$ > PID; echo ready; sleep 1000; sleep 1000").await;
}

#[tokio::test]
async fn a_machine_without_terminals_runs_scripts_as_well() {
    let Some(server) = crate::sshd::sshd_with(|_| "PermitTTY no".to_owned()) else { return };
    let inline = object([("inline", texts(&["echo out", "echo err >&2", "tty || true"]))]);
    let lines =
        Case::new(server.folder.path()).over(server.connection(&[])).run("remote-exec", inline).await.ok();
    let mut printed = printed(&lines).to_vec();
    printed.sort();
    assert_eq!(printed, ["err", "not a tty", "out"]);
}

#[tokio::test]
async fn a_script_that_prints_much_is_all_handed_on() {
    let Some(server) = sshd() else { return };
    let inline: Value = object([("inline", texts(&["seq 1 100000"]))]);
    let lines =
        Case::new(server.folder.path()).over(server.connection(&[])).run("remote-exec", inline).await.ok();
    let printed = printed(&lines);
    assert_eq!((printed.len(), printed.last().unwrap().as_str()), (100_000, "100000"));
}
