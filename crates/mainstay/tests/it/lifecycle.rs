//! A service is described, runs, is replaced, is broken, and is taken back.

use crate::project::{Project, hello_project};

#[test]
fn a_described_service_comes_up_is_replaced_is_reverted_and_rolled_back() {
    let project = Project::new(&hello_project(2));
    project.run(&["up", "--detach"]).exits(0);
    assert_eq!(project.get("hello.localhost", "/").1, "hello from release 1");
    project.run(&["plan", "--detailed-exitcode"]).exits(0);

    let status = project.run(&["status", "--json"]).exits(0).json();
    assert_eq!(status["cells"][0]["ready"], 2, "{status}");

    project.run(&["apply", "--yes", "--var", "release=2"]).exits(0);
    assert_eq!(project.get("hello.localhost", "/").1, "hello from release 2");

    // The folder still describes release 1: that is a change.
    project.run(&["plan", "--detailed-exitcode"]).exits(2);

    let broken = project.run(&["apply", "--yes", "--var", "release=3", "--var", "mode=sick"]).exits(1);
    assert!(broken.err.contains("500 Internal Server Error"), "the cause is named: {}", broken.err);
    assert_eq!(project.get("hello.localhost", "/").1, "hello from release 2");

    let crashed = project.run(&["apply", "--yes", "--var", "release=4", "--var", "mode=exit"]).exits(1);
    assert!(crashed.err.contains("exited with code 3"), "the exit code is named: {}", crashed.err);
    assert!(
        crashed.err.contains("cannot read /etc/hello.conf"),
        "the end of the log is shown: {}",
        crashed.err
    );

    project.run(&["rollback", "--yes"]).exits(0);
    assert_eq!(project.get("hello.localhost", "/").1, "hello from release 1");

    let history = project.run(&["history", "--json"]).exits(0).json();
    let outcomes: Vec<&str> =
        history.as_array().expect("a list").iter().filter_map(|d| d["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["succeeded", "reverted", "reverted", "succeeded", "succeeded"]);

    let logs = project.run(&["logs", "web", "--json"]).exits(0);
    assert!(logs.out.contains("release 1 listens"), "{}", logs.out);
    let recent = project.run(&["logs", "web", "--since", "1h"]).exits(0);
    assert!(recent.out.contains("release 1 listens"), "{}", recent.out);
    assert_eq!(project.run(&["logs", "web", "--since", "2999-01-01T00:00:00Z"]).exits(0).out, "");
    let refused = project.run(&["logs", "web", "--since", "yesterday"]).exits(2);
    assert!(refused.err.contains("`yesterday` is no time") && refused.err.contains("10m"), "{}", refused.err);

    project.run(&["down"]).exits(0);
    assert_eq!(project.get("hello.localhost", "/").0, "HTTP/1.1 404 Not Found");
    project.run(&["plan", "--detailed-exitcode"]).exits(2);
}

#[test]
fn a_saved_plan_does_just_that_and_is_refused_once_the_state_has_moved() {
    let project = Project::new(&hello_project(1));
    project.run(&["up", "--detach"]).exits(0);
    project.run(&["plan", "--out", "next.plan", "--var", "release=2"]).exits(0);
    project.run(&["apply", "next.plan"]).exits(0);
    assert_eq!(project.get("hello.localhost", "/").1, "hello from release 2");
    let stale = project.run(&["apply", "next.plan"]).exits(1);
    assert!(stale.err.contains("out of date"), "{}", stale.err);
}

#[test]
fn a_secret_is_in_no_output_and_in_no_file_of_the_project() {
    let project = Project::new(&hello_project(1));
    let mut printed = String::new();
    for arguments in [
        &["up", "--detach"][..],
        &["plan", "--var", "release=2", "--out", "next.plan"],
        &["plan", "--json", "--var", "release=2"],
        &["status", "--json"],
        &["history", "--json"],
        &["apply", "next.plan", "--json"],
    ] {
        let answer = project.run(arguments).exits(0);
        printed.push_str(&answer.out);
        printed.push_str(&answer.err);
    }
    assert!(
        project.get("hello.localhost", "/env").1.contains("TOKEN=t0p-s3cret-value"),
        "the program itself gets it"
    );
    assert!(!printed.contains("t0p-s3cret"), "printed: {printed}");
    let mut folders = vec![project.path().join(".mainstay"), project.path().join(".agent")];
    let mut files = vec![project.path().join("next.plan")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let kind = entry.file_type().expect("a type");
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    for file in files {
        let bytes = std::fs::read(&file).unwrap_or_default();
        // The default of the variable stands in the configuration, which a revision keeps as it is, compressed.
        let found = bytes.windows(10).any(|w| w == b"t0p-s3cret");
        assert!(!found, "{} holds the secret in clear", file.display());
    }
}

#[test]
fn what_somebody_stopped_behind_our_back_is_drift_and_is_mended() {
    let project = Project::new(&hello_project(1));
    project.run(&["up", "--detach"]).exits(0);
    let status = project.run(&["status", "--json"]).exits(0).json();
    let instance = status["cells"][0]["instances"][0].clone();
    let supervisor =
        std::fs::read_to_string(format!("/proc/{}/status", instance["pid"])).expect("the process");
    assert!(supervisor.contains("hello"), "{supervisor}");
    project.run(&["destroy", "--yes", "--target", "web"]).exits(0);
    project.run(&["plan", "--detailed-exitcode"]).exits(2);
    project.run(&["apply", "--yes"]).exits(0);
    assert_eq!(project.get("hello.localhost", "/").1, "hello from release 1");
}

#[test]
fn a_broken_configuration_in_the_folder_does_not_stand_in_the_way_of_taking_back() {
    let project = Project::new(&hello_project(1));
    project.run(&["up", "--detach"]).exits(0);
    project.run(&["apply", "--yes", "--var", "release=2"]).exits(0);
    project.write("mainstay.hcl", "servic \"x\" {\n");
    project.run(&["plan"]).exits(2);
    project.run(&["status"]).exits(0);
    project.run(&["rollback", "--yes"]).exits(0);
    assert_eq!(project.get("hello.localhost", "/").1, "hello from release 1");
    project.run(&["down"]).exits(0);
}

#[test]
fn a_state_that_was_lost_is_not_taken_for_a_new_projects() {
    let project = Project::new(&hello_project(1));
    project.run(&["up", "--detach"]).exits(0);
    let state = project.path().join(".mainstay/state.db");
    for file in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(project.path().join(".mainstay").join(file));
    }
    let lost = project.run(&["history"]).exits(1);
    assert!(lost.err.contains("missing or empty") && lost.err.contains("state.db.backup"), "{}", lost.err);
    std::fs::copy(project.path().join(".mainstay/state.db.backup"), state).expect("the way out");
    let history = project.run(&["history", "--json"]).exits(0).json();
    assert_eq!(history.as_array().map(Vec::len), Some(1), "{history}");
}

#[test]
fn deploying_a_program_builds_no_image() {
    let image = "image \"own/box\" {\n  build = [\"./never\"]\n}\n";
    let project = Project::new(&format!("{}\n{image}", hello_project(1)));
    project.write("never", "#!/bin/sh\nexit 9\n");
    let deployed = project.run(&["deploy", "web", "--yes"]);
    assert!(!deployed.err.contains("own/box"), "{}", deployed.err);
}
