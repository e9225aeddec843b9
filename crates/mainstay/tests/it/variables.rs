//! Environment variables of services: the service's, over it its environment's, over that what is given at the launch; and what `explain`
//! says of it.

use crate::project::{Project, hello_project};

fn project() -> Project {
    let project = Project::new(&hello_project(1));
    let text = std::fs::read_to_string(project.path().join("environments/dev.hcl")).expect("a file");
    let more = "  env = {\n    EVERYWHERE = \"environment\"\n    MODE = \"environment\"\n  }\n  service \"web\" {\n    env = {\n      HERE = \"of web\"\n      EVERYWHERE = \"of web\"\n    }\n  }\n";
    project.write("environments/dev.hcl", &text.replacen("{\n", &format!("{{\n{more}"), 1));
    project
}

#[test]
fn what_is_given_later_goes_over_what_is_given_before() {
    let project = project();
    project.run(&["up", "--detach", "--set-env", "web.HERE=launch", "--set-env", "web.ONCE=now"]).exits(0);
    let env = project.get("hello.localhost", "/env").1;
    for expect in
        ["EVERYWHERE=of web", "MODE=environment", "HERE=launch", "ONCE=now", "TOKEN=t0p-s3cret-value"]
    {
        assert!(env.lines().any(|line| line == expect), "{expect} in {env}");
    }
    // It belongs to the deployment: a way back has it again, and an apply without it has not.
    project.run(&["apply", "--yes"]).exits(0);
    let env = project.get("hello.localhost", "/env").1;
    assert!(env.contains("HERE=of web") && !env.contains("ONCE="), "{env}");
    project.run(&["rollback", "--yes"]).exits(0);
    let env = project.get("hello.localhost", "/env").1;
    assert!(env.contains("HERE=launch") && env.contains("ONCE=now"), "{env}");
}

#[test]
fn where_a_variable_comes_from_is_explained_without_an_agent() {
    let project = project();
    let told = project.run(&["explain", "web", "EVERYWHERE", "--json"]).exits(0).json();
    let layers: Vec<(&str, &str)> = told[0]["given"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| (it["layer"].as_str().unwrap_or_default(), it["value"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(layers, [("environment", "environment"), ("environment, this service", "of web")]);
    let told = project.run(&["explain", "web", "--set-env", "web.MODE=launch"]).exits(0).out;
    let mode: Vec<&str> = told.lines().skip_while(|line| !line.starts_with("MODE")).take(3).collect();
    assert!(
        mode[0].contains("launch") && mode[1].contains("environment") && mode[2].contains("service"),
        "{told}"
    );
    assert!(told.contains("(sensitive value)") && !told.contains("t0p-s3cret"), "{told}");

    for (words, code, expect) in [
        (&["explain", "wep"] as &[&str], 2, "did you mean `web`?"),
        (&["explain", "web", "MODUS"], 2, "it has EVERYWHERE, HERE, MODE"),
        (&["plan", "--set-env", "web"], 2, "--set-env web.LOG_LEVEL=debug"),
        (&["plan", "--set-env", "wep.A=b"], 2, "did you mean `web`?"),
    ] {
        let refused = project.run(words).exits(code);
        assert!(refused.err.contains(expect), "{words:?}: {}", refused.err);
    }
    project.write(
        "environments/prod.hcl",
        "environment \"prod\" {\n  service \"wep\" {\n    env = { A = \"b\" }\n  }\n}\n",
    );
    let refused = project.run(&["validate"]).exits(2);
    assert!(
        refused.err.contains("there is no service `wep`") && refused.err.contains("did you mean `web`?"),
        "{}",
        refused.err
    );
}
