//! `mainstay terraform` where the recorded corpus does not look: workspaces, locks, whole states, the console, graphs, layouts, saved
//! plans with values that are never stored, and being called by the name `terraform`.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::folder::{Answer, Folder};

const TWO: &str = "resource \"terraform_data\" \"a\" { input = \"x\" }\nresource \"terraform_data\" \"b\" { input = terraform_data.a.id }\n";

#[test]
fn called_by_the_name_terraform_it_is_terraform() {
    let folder = Folder::new(TWO);
    let program = folder.path("terraform");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_mainstay"), &program).expect("a link");
    let version =
        Answer::of(&folder.command(&program).args(["version", "-json"]).output().expect("an answer"));
    assert_eq!(version.json()["terraform_version"], "1.11.4");
    let plan = folder.command(&program).args(["plan", "-detailed-exitcode"]).output().expect("an answer");
    assert_eq!(plan.status.code(), Some(2));
}

#[test]
fn workspaces_have_states_of_their_own_and_one_with_objects_is_not_removed() {
    let folder = Folder::new(TWO);
    assert_eq!(folder.run(0, "workspace list").out, "* default\n\n");
    folder.run(0, "workspace new dev");
    folder.run(1, "workspace new dev");
    folder.run(1, "workspace new a/b");
    folder.run(0, "apply -auto-approve");
    assert_eq!(folder.run(0, "workspace show").out, "dev\n");
    folder.run(0, "workspace select default");
    folder.run(1, "state list");
    let refused = folder.run(1, "workspace delete dev");
    assert!(refused.err.contains("Workspace is not empty") && refused.err.contains("terraform_data.a"));
    folder.run(0, "workspace delete -force dev");
    folder.run(1, "workspace select dev");
    folder.run(0, "workspace select -or-create dev");
    assert_eq!(folder.run(0, "show -json").json(), serde_json::json!({ "format_version": "1.0" }));
}

#[test]
fn a_state_of_terraforms_is_taken_over_and_a_second_one_beside_it_stops_everything() {
    let folder = Folder::new(TWO);
    folder.run(0, "apply -auto-approve");
    folder.write("terraform.tfstate", &folder.run(0, "state pull").out);
    std::fs::remove_dir_all(folder.path(".mainstay")).expect("the state");
    let plan = folder.run(0, "plan -detailed-exitcode");
    assert!(plan.err.contains("took over 2 objects from terraform.tfstate"), "{}", plan.err);
    assert!(folder.run(0, "plan").err.is_empty());
    // Terraform goes on beside.
    let other = folder.read("terraform.tfstate").replace("\"serial\": ", "\"serial\": 10");
    folder.write("terraform.tfstate", &other);
    let stopped = folder.run(1, "plan");
    assert!(stopped.err.contains("state push -force terraform.tfstate"), "{}", stopped.err);
    folder.run(1, "state push terraform.tfstate");
    folder.run(0, "state push -force terraform.tfstate");
    folder.run(0, "plan -detailed-exitcode");
}

#[test]
fn every_version_of_the_state_can_be_had_again() {
    let folder = Folder::new(TWO);
    folder.run(0, "apply -auto-approve");
    let serial = folder.run(0, "state pull").json()["serial"].as_u64().expect("a serial");
    folder.run(0, "state rm terraform_data.b");
    assert_eq!(folder.run(0, "state list").out, "terraform_data.a\n");
    let versions =
        folder.run(0, "state history -json").json()["versions"].as_array().expect("versions").len();
    assert!(versions > 2, "{versions}");
    let earlier = folder.run(0, &format!("state pull -serial={serial}"));
    assert_eq!(earlier.json()["resources"].as_array().map(Vec::len), Some(2));
    folder.write("earlier.json", &earlier.out);
    folder.run(1, "state push earlier.json");
    folder.run(0, "state push -force earlier.json");
    assert_eq!(folder.run(0, "state list").out, "terraform_data.a\nterraform_data.b\n");
    folder.run(1, "state pull -serial=999");
}

#[test]
fn a_lock_is_waited_for_told_and_taken_away() {
    let folder = Folder::new(
        "resource \"terraform_data\" \"slow\" {\n  provisioner \"local-exec\" { command = \"touch begun; sleep 4\" }\n}\n",
    );
    let mut command = folder.command(Path::new(env!("CARGO_BIN_EXE_mainstay")));
    command.args(["terraform", "apply", "-auto-approve"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut slow = command.spawn().expect("the program");
    let begun = Instant::now();
    while !folder.path("begun").exists() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never began");
        std::thread::sleep(Duration::from_millis(20));
    }
    let locked = folder.run(1, "apply -auto-approve");
    assert!(locked.err.contains("Error acquiring the state lock"), "{}", locked.err);
    folder.run(1, "state rm -lock=false terraform_data.slow");
    folder.run(1, "force-unlock -force 12345");
    folder.run(0, "apply -auto-approve -lock-timeout=30s");
    assert!(slow.wait().expect("its end").success());
}

#[test]
fn values_that_are_never_stored_are_given_again_and_others_must_not_change() {
    let folder = Folder::new(
        "variable \"x\" {}\nvariable \"secret\" {\n  default   = \"d\"\n  ephemeral = true\n}\nresource \"terraform_data\" \"a\" { input = var.x }\n",
    );
    folder.run(0, "plan -var x=1 -var secret=s -out=p");
    assert!(!folder.read("p").contains("\"s\""));
    assert!(folder.run(1, "apply p").err.contains("No value for required variable"));
    assert!(folder.run(1, "apply -var secret=s -var x=2 p").err.contains("Can't change variable"));
    folder.run(0, "apply -var secret=s -var x=1 p");
    // What nobody gave is asked for.
    folder.fed(0, &["plan"], "1\n");
    folder.run(1, "plan -input=false");
}

#[test]
fn the_console_evaluates_what_the_state_or_a_plan_says() {
    let folder = Folder::new(&format!(
        "{TWO}locals {{ twice = [for n in [1, 2] : n * 2] }}\nmodule \"m\" {{\n  source = \"./m\"\n  v      = local.twice\n}}\n"
    ));
    std::fs::create_dir(folder.path("m")).expect("a folder");
    folder.write("m/main.tf", "variable \"v\" {}\noutput \"o\" { value = { v = var.v } }\n");
    folder.run(0, "init");
    let ask = |words: &[&str], text: &str| folder.fed(0, &[&["console"], words].concat(), text).out;
    assert_eq!(ask(&[], "local.twice[1]\n"), "4\n");
    assert_eq!(ask(&[], "module.m.o.v\n"), "[\n  2,\n  4,\n]\n");
    assert_eq!(ask(&[], "terraform_data.a.input\n"), "(known after apply)\n");
    assert_eq!(ask(&["-plan"], "terraform_data.a.input\n"), "\"x\"\n");
    folder.run(0, "apply -auto-approve");
    assert_eq!(ask(&[], "terraform_data.a.output == \"x\"\n"), "true\n");
    assert_eq!(
        ask(&[], "type(module.m.o)\n"),
        "object({\n    v: tuple([\n        number,\n        number,\n    ]),\n})\n"
    );
    folder.fed(1, &["console"], "local.nope\n");
}

#[test]
fn graphs_leave_out_what_follows() {
    let folder = Folder::new(&format!(
        "{TWO}resource \"terraform_data\" \"c\" {{ input = [terraform_data.a.id, terraform_data.b.id] }}\n"
    ));
    let graph = folder.run(0, "graph").out;
    assert!(graph.contains("\"terraform_data.c\" -> \"terraform_data.b\";"), "{graph}");
    assert!(!graph.contains("\"terraform_data.c\" -> \"terraform_data.a\";"), "{graph}");
    assert!(folder.run(0, "graph -type=plan").out.contains("[root] terraform_data.c (expand)"));
    folder.run(0, "apply -auto-approve");
    let removal = folder.run(0, "graph -type=plan-destroy").out;
    assert!(
        removal.contains("\"[root] terraform_data.a (destroy)\" -> \"[root] terraform_data.b (destroy)\""),
        "{removal}"
    );
    folder.run(1, "graph -type=nope");
}

#[test]
fn layouts_are_checked_shown_and_written() {
    let folder = Folder::new("a=1\n");
    folder.write("ok.tf", "a = 1\n");
    assert_eq!(folder.run(3, "fmt -check").out, "main.tf\n");
    assert!(folder.run(0, "fmt -diff -write=false").out.contains("-a=1\n+a = 1\n"));
    assert_eq!(folder.run(0, "fmt").out, "main.tf\n");
    assert_eq!(folder.read("main.tf"), "a = 1\n");
    assert_eq!(folder.fed(0, &["fmt", "-"], "b=2").out, "b = 2\n");
    folder.write("broken.tf", "a = {\n");
    folder.run(2, "fmt");
    folder.run(2, "fmt none.txt");
}

#[test]
fn flags_that_mean_nothing_here_are_refused() {
    let folder = Folder::new(TWO);
    for words in [
        "plan -nope",
        "plan -state=other.tfstate",
        "apply -state-out=other.tfstate",
        "init -from-module=x",
        "init -migrate-state -reconfigure",
        "plan -parallelism=x",
        "apply -lock-timeout=x",
        "apply -json",
        "test",
        "nope",
    ] {
        assert!(!folder.run(1, words).err.is_empty() || words == "apply -json", "{words}");
    }
    folder.run(0, "plan -out=p");
    folder.run(1, "apply -target=terraform_data.a p");
    folder.run(1, "destroy p");
    folder.run(127, "");
}
