//! What is frozen or pinned moves by nothing but a way back, until a person lets it go.

use crate::project::{Project, hello_project};

fn says(project: &Project, release: &str) {
    assert_eq!(project.get("hello.localhost", "/").1, format!("hello from release {release}"));
}

#[test]
fn a_rollback_pins_what_it_has_moved_until_a_person_lets_it_go() {
    let project = Project::new(&hello_project(1));
    project.run(&["up", "--detach"]).exits(0);
    project.run(&["apply", "--yes", "--var", "release=2"]).exits(0);
    project.run(&["rollback", "--yes"]).exits(0);
    says(&project, "1");
    let status = project.run(&["status"]).exits(0);
    assert!(status.out.contains("service.web is pinned by ann@"), "{}", status.out);
    assert!(status.out.contains("it was rolled back to"), "{}", status.out);

    for words in
        [&["apply", "--yes", "--var", "release=2"] as &[&str], &["up", "--detach", "--var", "release=2"]]
    {
        let refused = project.run(words).exits(1);
        assert!(refused.err.contains("service.web is pinned by ann@"), "{}", refused.err);
        assert!(
            refused.err.contains("mainstay unpin web") && refused.err.contains("--unpin"),
            "{}",
            refused.err
        );
        says(&project, "1");
    }
    // What changes nothing of it is not refused, and it is still pinned then.
    project.run(&["apply", "--yes"]).exits(0);
    project.run(&["apply", "--yes", "--var", "release=2"]).exits(1);
    project.run(&["apply", "--yes", "--unpin", "--var", "release=2"]).exits(0);
    says(&project, "2");
    let json = project.run(&["status", "--json"]).exits(0).json();
    assert_eq!(json["holds"], serde_json::json!([]));

    // Going back again is no matter of pins, nor is taking down.
    project.run(&["pin", "web", "--message", "under investigation"]).exits(0);
    project.run(&["rollback", "--yes"]).exits(0);
    says(&project, "1");
    project.run(&["unpin", "web"]).exits(0);
    let refused = project.run(&["unpin", "web"]).exits(2);
    assert!(refused.err.contains("the service `web` is not pinned"), "{}", refused.err);
    let refused = project.run(&["pin", "wep"]).exits(2);
    assert!(refused.err.contains("did you mean `web`?"), "{}", refused.err);
    project.run(&["pin", "web"]).exits(0);
    project.run(&["down"]).exits(0);
    let json = project.run(&["history", "--json"]).exits(0).json();
    assert_eq!((&json[0]["kind"], &json[0]["holds"]), (&"destroy".into(), &serde_json::Value::Null));
}

#[test]
fn nothing_in_a_frozen_environment_moves_but_backwards() {
    let project = Project::new(&hello_project(1));
    project.run(&["up", "--detach"]).exits(0);
    project.run(&["apply", "--yes", "--var", "release=2"]).exits(0);
    let frozen = project.run(&["freeze", "--message", "the sale"]).exits(0);
    assert!(frozen.out.contains("frozen by ann@") && frozen.out.contains("the sale"), "{}", frozen.out);
    for words in [
        &["apply", "--yes", "--var", "release=3"] as &[&str],
        &["up", "--detach", "--unpin", "--var", "release=3"],
        &["down"],
        &["destroy", "--yes"],
    ] {
        let refused = project.run(words).exits(1);
        assert!(refused.err.contains("the sale") && refused.err.contains("mainstay thaw"), "{}", refused.err);
        says(&project, "2");
    }
    project.run(&["plan", "--var", "release=3"]).exits(0);
    project.run(&["rollback", "--yes"]).exits(0);
    says(&project, "1");
    // The way back has pinned the service, and thawing leaves that.
    let thawed = project.run(&["thaw"]).exits(0);
    assert!(thawed.out.contains("service.web is pinned"), "{}", thawed.out);
    let refused = project.run(&["thaw"]).exits(2);
    assert!(refused.err.contains("is not frozen"), "{}", refused.err);
    project.run(&["unpin", "--all"]).exits(0);
    project.run(&["apply", "--yes", "--var", "release=3"]).exits(0);
    says(&project, "3");
    let history = project.run(&["history"]).exits(0);
    assert!(history.out.contains("hold") && history.out.contains("release"), "{}", history.out);
}
