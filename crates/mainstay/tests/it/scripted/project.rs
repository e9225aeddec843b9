//! What the environments of a project give to a provider: to each its own, and nothing else; where it is installed from, and that it is
//! the locked one.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::rig::{REQUIRED, Rig};
use crate::project::{Answer, Project};

const MAIN: &str =
    "project {\n  name = \"shop\"\n}\n\noutput \"process\" {\n  value = stack.net.process\n}\n";
const NET: &str =
    "data \"scripted_process\" \"it\" {}\n\noutput \"process\" {\n  value = data.scripted_process.it\n}\n";

/// What every provider is given by the run itself: what the protocol needs, and how its garbage is collected.
fn is_of_the_run(name: &str) -> bool {
    name.starts_with("PLUGIN_") || matches!(name, "TF_PLUGIN_MAGIC_COOKIE" | "GOGC")
}

/// A project with a stack that tells what its provider was started with.
struct Shop {
    project: Project,
    rig: Rig,
}

impl Shop {
    /// `environments`: their blocks, in which `SCRIPT` stands for the file of the script.
    fn new(environments: &str) -> Self {
        let shop = Self { project: Project::empty(), rig: Rig::new(|script| script) };
        shop.project.write("mainstay.hcl", MAIN);
        shop.project.write("stacks/net/main.tf", &format!("{REQUIRED}{NET}"));
        shop.declare(environments);
        shop
    }

    fn declare(&self, environments: &str) {
        let script = format!("\"{}\"", self.rig.script_file().display());
        self.project.write("environments.hcl", &environments.replace("SCRIPT_FILE", &script));
    }

    fn run(&self, words: &[&str]) -> Answer {
        self.run_with(words, &[("DEV_TOKEN", "dev-token"), ("PROD_TOKEN", "prod-token")])
    }

    fn run_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Answer {
        let mut command = self.project.command(words);
        self.rig.equip(&mut command, false);
        command.env("OURS", "ours").env("MAINSTAY_VAR_x", "y").env("TF_VAR_x", "y").env("NO_COLOR", "1");
        let output = command.envs(variables.iter().copied()).output().expect("an answer");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Answer { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// What each environment's provider was started with, by the output of its plan: its process, and its variables.
fn processes(answer: &Answer) -> Vec<(u64, BTreeMap<String, String>)> {
    let plans = answer.out.lines().map(|line| serde_json::from_str::<Json>(line).expect("JSON"));
    let outputs = plans.filter_map(|plan| Some(plan["outputs"].as_array()?.first()?["after"].clone()));
    let told = outputs.map(|process| {
        let variables = process["variables"].as_object().expect("variables").iter();
        let variables = variables.filter(|(name, _)| !is_of_the_run(name));
        let text = |value: &Json| value.as_str().expect("a text").to_owned();
        let variables = variables.map(|(name, value)| (name.clone(), text(value)));
        (process["pid"].as_u64().expect("a process"), variables.collect())
    });
    told.collect()
}

const TWO: &str = r#"
environment "dev" {
  provider "acme/scripted" {
    env      = { SCRIPT = SCRIPT_FILE, PLACE = "dev" }
    env_from = { TOKEN = "DEV_TOKEN" }
  }
}
environment "prod" {
  provider "acme/scripted" {
    env      = { SCRIPT = SCRIPT_FILE }
    env_from = { TOKEN = "PROD_TOKEN" }
  }
}
"#;

#[test]
fn a_provider_is_given_what_its_environment_declares_and_nothing_else() {
    let shop = Shop::new(TWO);
    let planned = shop.run(&["plan", "dev", "prod", "--json"]).exits(0);
    let told = processes(&planned);
    let script = shop.rig.script_file().display().to_string();
    let expect = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    assert_eq!(told[0].1, expect(&[("SCRIPT", &script), ("PLACE", "dev"), ("TOKEN", "dev-token")]));
    assert_eq!(told[1].1, expect(&[("SCRIPT", &script), ("TOKEN", "prod-token")]));
    assert_ne!(told[0].0, told[1].0, "each environment has a process of its own");
    shop.rig.all_ended();
}

#[test]
fn a_variable_that_is_to_be_passed_on_and_is_not_set_is_told_where_it_is_asked_for() {
    let shop = Shop::new(TWO);
    let planned = shop.run_with(&["plan", "prod"], &[("DEV_TOKEN", "dev-token")]).exits(2);
    assert!(planned.err.contains("error[no-credentials]: the environment variable PROD_TOKEN is not set"));
    assert!(planned.err.contains("environments.hcl:9:3"), "{}", planned.err);
    assert!(planned.err.contains("the environment `prod` gives it to registry.terraform.io/acme/scripted"));
    // It matters to nobody else.
    shop.run_with(&["plan", "dev"], &[("DEV_TOKEN", "dev-token")]).exits(0);
}

#[test]
fn an_environment_that_declares_nothing_gives_nothing() {
    let shop = Shop::new("environment \"dev\" {}\n");
    let planned = shop.run(&["plan"]).exits(2);
    // The provider lacks its script, and says so on its standard error.
    assert!(planned.err.contains("SCRIPT names no script"), "{}", planned.err);
}

#[test]
fn accounts_of_a_provider_whose_account_nobody_can_tell_are_refused() {
    let shop = Shop::new(
        "environment \"dev\" {\n  provider \"acme/scripted\" {\n    accounts = [\"1\"]\n    env      = { SCRIPT = SCRIPT_FILE }\n  }\n}\n",
    );
    let planned = shop.run(&["plan"]).exits(2);
    for part in ["account", "registry.terraform.io/acme/scripted", "`dev`", "take `accounts` out"] {
        assert!(planned.err.contains(part), "{part}: {}", planned.err);
    }
    assert_eq!(shop.rig.count("ReadDataSource", ""), 0, "nothing was planned");
}

#[test]
fn providers_are_installed_by_the_first_plan_and_locked() {
    let shop = Shop::new(TWO);
    let lock = shop.project.path().join(".terraform.lock.hcl");
    let first = shop.run(&["plan"]).exits(0);
    assert!(first.err.contains("installing acme/scripted 1.0.0"), "{}", first.err);
    let locked = std::fs::read_to_string(&lock).expect("a lock");
    assert!(locked.contains("provider \"registry.terraform.io/acme/scripted\"") && locked.contains("h1:"));
    // From then on nothing is looked for.
    let settings = shop.rig.folder().join("terraform.rc");
    let with_mirror = std::fs::read_to_string(&settings).expect("settings");
    std::fs::write(&settings, "provider_installation {}\n").expect("settings");
    let second = shop.run(&["plan"]).exits(0);
    assert!(!second.err.contains("installing"), "{}", second.err);
    assert_eq!(std::fs::read_to_string(&lock).expect("a lock"), locked);

    // A package that is not the locked one is not run, wherever it comes from.
    std::fs::write(&settings, with_mirror).expect("settings");
    let started = shop.rig.pids().len();
    let other = locked.replace("h1:", "h1:A");
    std::fs::write(&lock, &other).expect("a lock");
    let refused = shop.run(&["plan"]).exits(2);
    for part in ["registry.terraform.io/acme/scripted", "1.0.0", "checksums"] {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    assert_eq!(shop.rig.pids().len(), started);
    assert_eq!(std::fs::read_to_string(&lock).expect("a lock"), other, "the lock is as it was");
}

#[test]
fn a_provider_that_is_nowhere_is_told_before_anything_is_planned() {
    let shop = Shop::new(TWO);
    shop.project.write("stacks/net/main.tf", &format!("{REQUIRED}{NET}").replace("acme/", "acmee/"));
    let planned = shop.run(&["plan"]).exits(2);
    for part in ["acmee/scripted", "scripted-mirror"] {
        assert!(planned.err.contains(part), "{part}: {}", planned.err);
    }
    assert!(shop.rig.pids().is_empty());
}

#[test]
fn a_stack_that_calls_its_provider_otherwise_gets_the_same() {
    let shop = Shop::new(TWO);
    let text = format!("{REQUIRED}{NET}").replace("    scripted = {", "    mine = {");
    let text = text.replace("\"it\" {}", "\"it\" {\n  provider = mine\n}");
    shop.project.write("stacks/net/main.tf", &text);
    shop.run(&["plan"]).exits(0);
    // One stack configures it, and another has nothing of that.
    shop.project
        .write("stacks/net/main.tf", &format!("{text}\nprovider \"mine\" {{\n  region = \"north\"\n}}\n"));
    shop.project.write("stacks/other/main.tf", &format!("{REQUIRED}{NET}"));
    shop.project.write(
        "outputs.hcl",
        "output \"regions\" {\n  value = [stack.net.process.region, stack.other.process.region]\n}\n",
    );
    let planned = shop.run(&["plan", "--json"]).exits(0);
    let plan: Json = serde_json::from_str(planned.out.lines().last().expect("a plan")).expect("JSON");
    let outputs = plan["outputs"].as_array().expect("outputs");
    let regions = outputs.iter().find(|output| output["name"] == "regions").expect("the output");
    assert_eq!(regions["after"], serde_json::json!(["north", null]));
}
