//! Stacks of a project in its environments: planned and applied as one graph, beside a service that needs what one of them answers.

use serde_json::{Value as Json, json};

use crate::project::{Answer, Project, hello};

const MAIN: &str = r#"project {
  name = "shop"
}

variable "cidr" {
  type    = string
  default = "10.0.0.0/16"
}
variable "copies" {
  type    = number
  default = 1
}

stack "network" {
  cidr = var.cidr
}
stack "shop" {
  network = stack.network.id
  copies  = var.copies
}

output "network" {
  value = stack.network.id
}
"#;

const NETWORK: &str = r#"variable "cidr" { type = string }
terraform {
  backend "local" {}
}
resource "terraform_data" "vpc" {
  input = { cidr = var.cidr, note = file("note.txt"), root = path.root, module = path.module }
}
module "zone" {
  source = "./zone"
  vpc    = terraform_data.vpc.id
}
output "id" { value = terraform_data.vpc.id }
output "secret" {
  value     = "s3cret-${terraform_data.vpc.id}"
  sensitive = true
}
"#;

const ZONE: &str = r#"variable "vpc" { type = string }
resource "terraform_data" "subnet" {
  for_each = toset(["a", "b"])
  input    = { vpc = var.vpc, name = each.key, at = path.module }
}
"#;

const SHOP: &str = r#"variable "network" { type = string }
variable "copies" { type = number }
resource "terraform_data" "server" {
  count = var.copies
  input = { network = var.network, number = count.index }
}
"#;

fn shop() -> Project {
    let project = Project::new(MAIN);
    project.write("stacks/network/main.tf", NETWORK);
    project.write("stacks/network/note.txt", "a note");
    project.write("stacks/network/zone/main.tf", ZONE);
    project.write("stacks/shop/main.tf", SHOP);
    project.write(
        "environments/prod.hcl",
        "environment \"prod\" {\n  variables = { cidr = \"10.9.0.0/16\", copies = 3 }\n}\n",
    );
    project
}

/// The last line of an answer, after what happened on the way.
fn last(answer: &Answer) -> Json {
    let line = answer.out.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// What a plan would do to each object that changes: its address and the actions.
fn changes(answer: &Answer) -> Vec<(String, Json)> {
    let plan = last(answer);
    let changes = plan["infrastructure"]["resource_changes"].as_array().cloned().unwrap_or_default();
    let changed = changes.into_iter().filter(|change| change["change"]["actions"] != json!(["no-op"]));
    changed.map(|c| (c["address"].as_str().unwrap_or_default().to_owned(), c["change"].clone())).collect()
}

#[test]
fn stacks_that_do_not_exist_yet_are_planned_together_with_what_one_gives_the_other() {
    let project = shop();
    let planned = project.run(&["plan", "prod", "--json"]).exits(0);
    let all = changes(&planned);
    let names: Vec<&str> = all.iter().map(|(address, _)| address.as_str()).collect();
    assert_eq!(
        names,
        [
            "module.network.terraform_data.vpc",
            "module.shop.terraform_data.server[0]",
            "module.shop.terraform_data.server[1]",
            "module.shop.terraform_data.server[2]",
            "module.network.module.zone.terraform_data.subnet[\"a\"]",
            "module.network.module.zone.terraform_data.subnet[\"b\"]",
        ]
    );
    let vpc = &all[0].1["after"]["input"];
    // In a stack everything means what it means where the stack is used alone.
    assert_eq!(*vpc, json!({ "cidr": "10.9.0.0/16", "note": "a note", "root": ".", "module": "." }));
    assert_eq!(all[1].1["after_unknown"]["input"], json!({ "network": true }));
    assert_eq!(all[4].1["after"]["input"]["at"], json!("zone"));
    assert!(!planned.out.contains("s3cret"), "{}", planned.out);
}

#[test]
fn an_environment_is_applied_changed_taken_back_and_destroyed() {
    let project = shop();
    let applied = project.run(&["apply", "--yes"]).exits(0);
    assert!(applied.out.contains("Infrastructure: 4 added, 0 changed, 0 destroyed."), "{}", applied.out);
    let again = project.run(&["plan", "--detailed-exitcode"]).exits(0);
    assert!(again.out.contains("Nothing to change in the infrastructure."), "{}", again.out);
    project.write("stacks/network/note.txt", "another note");
    let saved = project.run(&["plan", "--detailed-exitcode", "--out", "next.plan"]).exits(2);
    assert!(saved.out.contains("\"a note\" -> \"another note\""), "{}", saved.out);
    project.run(&["apply", "next.plan"]).exits(0);
    project.run(&["plan", "--detailed-exitcode"]).exits(0);
    let stale = project.run(&["apply", "next.plan"]).exits(1);
    assert!(stale.err.contains("the plan is out of date"), "{}", stale.err);
    // A rollback takes the infrastructure back with the rest.
    let back = project.run(&["rollback", "--yes"]).exits(0);
    assert!(back.out.contains("\"another note\" -> \"a note\""), "{}", back.out);
    let changed = changes(&project.run(&["plan", "--json"]).exits(0));
    assert_eq!(changed.len(), 1, "{changed:?}");
    project.run(&["destroy", "--yes"]).exits(0);
    let gone = changes(&project.run(&["plan", "--json"]).exits(0));
    assert_eq!(gone.len(), 4, "{gone:?}");
}

#[test]
fn what_was_done_stays_done_when_a_part_fails_and_the_rest_follows_later() {
    let project = shop();
    project.write(
        "stacks/shop/late.tf",
        "resource \"terraform_data\" \"late\" {\n  input = var.network\n  provisioner \"local-exec\" {\n    command = \"test -f allow\"\n  }\n}\n",
    );
    let failed = project.run(&["apply", "--yes"]).exits(1);
    assert!(failed.err.contains("local-exec provisioner error"), "{}", failed.err);
    assert!(failed.err.contains("module.shop.terraform_data.late"), "{}", failed.err);
    let history = project.run(&["history", "--json"]).exits(0);
    assert!(history.out.contains("\"failed\""), "{}", history.out);
    project.write("stacks/shop/allow", "");
    let rest = changes(&project.run(&["plan", "--json"]).exits(0));
    let names: Vec<&str> = rest.iter().map(|(address, _)| address.as_str()).collect();
    assert_eq!(names, ["module.shop.terraform_data.late"]);
    project.run(&["apply", "--yes"]).exits(0);
    project.run(&["plan", "--detailed-exitcode"]).exits(0);
}

#[test]
fn two_environments_are_compared_in_what_is_described_and_what_was_made() {
    let project = shop();
    let compared = || last(&project.run(&["diff", "dev", "prod", "--json"]).exits(0));
    let of = |comparison: &Json, address: &str| {
        let objects = comparison["objects"].as_array().expect("objects");
        objects.iter().find(|object| object["address"] == json!(address)).cloned().unwrap_or_default()
    };
    project.run(&["apply", "--yes"]).exits(0);
    let before = compared();
    let vpc = of(&before, "module.network.terraform_data.vpc");
    assert_eq!(
        vpc["described"],
        json!([{ "path": "input.cidr", "from": "\"10.0.0.0/16\"", "to": "\"10.9.0.0/16\"" }])
    );
    assert_eq!(vpc["made"], json!([{ "path": "", "from": "made", "to": "not made yet" }]));
    assert_eq!(of(&before, "module.shop.terraform_data.server[2]")["only_in"], json!("prod"));
    project.run(&["apply", "--yes", "--env", "prod"]).exits(0);
    let after = compared();
    assert_eq!(of(&after, "module.network.terraform_data.vpc")["made"], json!([]));
    assert_eq!((after["same"].clone(), after["objects"].as_array().map(Vec::len)), (json!(3), Some(3)));
    project.run(&["diff", "dev", "prod", "--detailed-exitcode"]).exits(2);
    let wrong = project.run(&["diff", "dev", "prd"]).exits(2);
    assert!(wrong.err.contains("did you mean `prod`?"), "{}", wrong.err);
}

#[test]
fn only_a_target_is_planned_with_what_it_needs() {
    let project = shop();
    let only = changes(&project.run(&["plan", "--target", "stack.network", "--json"]).exits(0));
    assert!(only.iter().all(|(address, _)| address.starts_with("module.network.")), "{only:?}");
    assert_eq!(only.len(), 3);
    let with_needs = changes(&project.run(&["plan", "--target", "stack.shop", "--json"]).exits(0));
    assert_eq!(with_needs.len(), 2, "{with_needs:?}");
    let wrong = project.run(&["plan", "--target", "stack.netwrok"]).exits(2);
    assert!(wrong.err.contains("there is nothing that `stack.netwrok` names"), "{}", wrong.err);
    assert!(wrong.err.contains("did you mean `stack.network`?"), "{}", wrong.err);
}

#[test]
fn faults_of_stacks_are_told_with_their_places() {
    let project = shop();
    let check = |arguments: &[&str], parts: &[&str]| {
        let answer = project.run(arguments).exits(2);
        for part in parts {
            assert!(answer.err.contains(part), "{arguments:?} should say {part:?}:\n{}", answer.err);
        }
    };
    project.write("mainstay.hcl", &MAIN.replace("cidr = var.cidr", "cdir = var.cidr"));
    check(&["plan"], &["mainstay.hcl:", "cdir", "did you mean `cidr`?"]);
    project.write("mainstay.hcl", &MAIN.replace("stack.network.id\n  copies", "stack.network.ip\n  copies"));
    check(&["plan"], &["mainstay.hcl:", "`ip`"]);
    project.write("mainstay.hcl", &MAIN.replace("stack \"shop\"", "stack \"shp\""));
    check(&["plan"], &["there is no folder `stacks/shp`", "did you mean `shop`?"]);
    project.write("mainstay.hcl", MAIN);
    project.write("stacks/shop/main.tf", &SHOP.replace("count.index", "count.indx"));
    check(&["plan"], &["stacks/shop/main.tf:5", "count.index"]);
}

#[test]
fn a_service_gets_what_a_stack_answers() {
    let service = format!(
        r#"
service "web" {{
  program = ["{program}"]
  env     = {{ RELEASE = stack.network.id }}

  port "http" {{
    container = 8080
  }}
  health {{
    http     = "/healthz"
    interval = "100ms"
  }}
  route {{
    host = "hello.localhost"
  }}
  rollout {{
    min_healthy = "300ms"
  }}
}}
"#,
        program = hello()
    );
    let project = shop();
    project.write("mainstay.hcl", &format!("{MAIN}{service}"));
    let up = project.run(&["up", "--detach", "--yes", "--json"]).exits(0);
    assert!(up.out.contains("\"succeeded\":true"), "{}", up.out);
    let plan = last(&project.run(&["plan", "--json"]).exits(0));
    let id = plan["outputs"][0]["after"].as_str().expect("the network's id").to_owned();
    let (status, body) = project.get("hello.localhost", "/");
    assert!(status.contains("200") && body.contains(&id), "{status}: {body}");
    project.run(&["plan", "--detailed-exitcode"]).exits(0);
    project.run(&["destroy", "--yes"]).exits(0);
}

/// Production peers with the network of the stage.
fn peered() -> Project {
    let project = Project::new(
        r#"project {
  name = "shop"
}
environment "stage" {}
environment "prod" {}

stack "network" {
  peer = environment.name == "prod" ? environment.stage.network : null
}

output "network" {
  value = stack.network.id
}
"#,
    );
    project.write(
        "stacks/network/main.tf",
        "variable \"peer\" { type = string }\n\
         resource \"terraform_data\" \"vpc\" {\n  input = var.peer == null ? \"alone\" : \"peer of ${var.peer}\"\n}\n\
         output \"id\" { value = terraform_data.vpc.id }\n",
    );
    project
}

#[test]
fn environments_are_planned_and_applied_together_with_outputs_that_do_not_exist_yet() {
    let project = peered();
    let planned = project.run(&["plan", "stage", "prod"]).exits(0);
    assert!(
        planned.out.contains("Environment stage") && planned.out.contains("Environment prod"),
        "{}",
        planned.out
    );
    assert!(planned.out.contains("\"alone\""), "{}", planned.out);
    assert!(planned.out.matches("(known after apply)").count() > 2, "{}", planned.out);

    // Alone it can be planned, and is not made of what nobody knows.
    let alone = project.run(&["apply", "--env", "prod", "--yes"]).exits(1);
    assert!(alone.err.contains("the environment `stage` does not have yet"), "{}", alone.err);
    assert!(alone.err.contains("mainstay apply --env stage,prod"), "{}", alone.err);

    project.run(&["apply", "--env", "stage,prod", "--yes"]).exits(0);
    let planned = project.run(&["plan", "prod", "--json"]).exits(0);
    let plan = last(&planned);
    let input = plan["infrastructure"]["resource_changes"][0]["change"]["after"]["input"]
        .as_str()
        .unwrap_or_default();
    assert!(input.starts_with("peer of ") && input.len() > "peer of ".len() + 30, "{input}");
    assert_eq!(changes(&planned), []);
    project.run(&["plan", "stage", "prod", "--detailed-exitcode"]).exits(0);

    let twice = project.run(&["plan", "stage", "stage"]).exits(2);
    assert!(twice.err.contains("`stage` is named twice"), "{}", twice.err);
    let saved = project.run(&["plan", "stage", "prod", "--out", "next.plan"]).exits(2);
    assert!(saved.err.contains("a saved plan is of one environment"), "{}", saved.err);
}

#[test]
fn an_environment_or_an_output_that_is_not_there_is_named_with_its_place() {
    let project = peered();
    project.write("environments.hcl", "locals {\n  a = environment.stagee.network\n}\n");
    let wrong = project.run(&["plan", "prod"]).exits(2);
    assert!(wrong.err.contains("there is no environment `stagee`"), "{}", wrong.err);
    assert!(wrong.err.contains("did you mean `stage`?"), "{}", wrong.err);
    assert!(wrong.err.contains("environments.hcl:2"), "{}", wrong.err);

    project.write("environments.hcl", "locals {\n  a = environment.stage.netwrok\n}\n");
    let wrong = project.run(&["plan", "prod"]).exits(2);
    assert!(wrong.err.contains("netwrok") && wrong.err.contains("environments.hcl:2"), "{}", wrong.err);
}
