//! Wrong input in each place where a person can be wrong: the place, the cause, the way out, and the exit code.

use crate::project::{Project, hello_project};

/// What a command says to a wrong input; nothing is on stdout.
fn check(project: &Project, arguments: &[&str], code: i32, expect: &[&str]) {
    let answer = project.run(arguments).exits(code);
    assert_eq!(answer.out, "", "{arguments:?}");
    for part in expect {
        assert!(answer.err.contains(part), "{arguments:?} should say {part:?}:\n{}", answer.err);
    }
}

#[test]
fn a_folder_without_a_project_is_told_and_how_to_begin_one() {
    let project = Project::empty();
    for verb in [
        "validate", "plan", "apply", "destroy", "up", "down", "status", "logs", "deploy", "rollback",
        "history",
    ] {
        check(&project, &[verb], 2, &["there is no project here", "mainstay init"]);
    }
}

#[test]
fn a_wrong_name_is_told_with_the_one_that_was_meant() {
    let project = Project::new(&hello_project(1));
    check(&project, &["plan", "--env", "dve"], 2, &["there is no environment `dve`", "did you mean `dev`?"]);
    check(
        &project,
        &["plan", "--var", "releas=2"],
        2,
        &["there is no variable `releas`", "did you mean `release`?"],
    );
    check(&project, &["plan", "--var", "release"], 2, &["has no value", "--var release=VALUE"]);
    check(&project, &["deploy", "wbe"], 2, &["there is no service `wbe`", "did you mean `web`?"]);
    check(&project, &["logs", "wbe"], 2, &["there is no service `wbe`", "did you mean `web`?"]);
    check(&project, &["image", "build", "shop"], 2, &["there is no image `shop`", "declares no image"]);
    check(&project, &["plan", "--target", "service."], 2, &["is not an address"]);
    check(&project, &["rollback", "--yes", "abc"], 2, &["there is no revision `abc`", "mainstay history"]);
    check(&project, &["fly"], 2, &["unrecognized subcommand 'fly'"]);
}

#[test]
fn an_invalid_configuration_is_told_with_all_of_its_faults_and_nothing_is_tried() {
    let project = Project::new(&hello_project(1).replace("replicas =", "replica ="));
    project.write("more.hcl", "output \"x\" {\n  value = var.nope\n}\n");
    check(
        &project,
        &["up"],
        2,
        &["mainstay.hcl", "did you mean `replicas`?", "more.hcl", "there is no variable `nope`"],
    );
    let answer = project.run(&["validate", "--json"]).exits(2);
    assert_eq!(answer.json()["diagnostics"].as_array().map(Vec::len), Some(2), "{}", answer.out);
}

#[test]
fn nobody_is_asked_without_a_terminal_and_nothing_is_assumed() {
    let project = Project::new(&hello_project(1));
    project.run(&["up", "--detach"]).exits(0);
    let answer = project.run(&["destroy"]).exits(2);
    assert!(answer.err.contains("--yes"), "{}", answer.err);
    assert_eq!(project.get("hello.localhost", "/").1, "hello from release 1");
}

#[test]
fn without_an_agent_the_cluster_its_socket_and_the_way_out_are_named() {
    let project = Project::new(&hello_project(1));
    check(&project, &["apply", "--yes"], 1, &["cluster local", "agent.sock", "mainstay up"]);
    check(&project, &["status"], 1, &["cluster local", "agent.sock"]);
}

#[test]
fn a_file_that_is_no_plan_is_refused() {
    let project = Project::new(&hello_project(1));
    project.write("next.plan", "{}");
    check(&project, &["apply", "next.plan"], 2, &["next.plan", "not a plan", "plan --out"]);
    check(&project, &["apply", "none.plan"], 1, &["none.plan"]);
}

#[test]
fn init_writes_a_valid_project_once() {
    let project = Project::empty();
    project.run(&["init", "--name", "shop"]).exits(0);
    project.run(&["validate"]).exits(0);
    project.run(&["fmt", "--check"]).exits(0);
    check(&project, &["init"], 1, &["there is a project here already"]);
    check(&project, &["init", "other", "--name", "Shop!"], 2, &["is not a project's name"]);
}
