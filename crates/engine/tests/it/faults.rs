//! Faults of plans as people read them.

use crate::rig::Rig;

#[tokio::test]
async fn all_faults_are_found_each_at_its_place_and_none_follows_from_another() {
    let rig = Rig::new(
        r#"
variable "ports" {
  default = {}
}
service "a" {
  program = ["/a"]
  env     = { PLAN = "refuses" }
}
service "b" {
  program  = ["/b"]
  replicas = parseint("x", 10)
  env      = { A = service.a.address }
}
service "c" {
  for_each = service.d.addresses
  program  = ["/c"]
}
service "d" {
  program  = ["/d"]
  clusters = ["locla"]
}
service "e" {
  for_each = toset(["x", "y"])
  program  = ["/e"]
  env      = { PLAN = each.key == "y" ? "refuses" : "" }
}
output "shown" {
  value = service.b.address
}
"#,
    );
    insta::assert_snapshot!(rig.faults().await, @r#"
    error[not-pinned]: no release is pinned
     --> mainstay.hcl:8:1
      |
    8 | service "a" {
      | ^^^^^^^^^^^
      |
      = help: deploy one

    error[function-call]: `number` of `parseint`: cannot parse "x" as a base 10 integer
      --> mainstay.hcl:14:23
       |
    14 |   replicas = parseint("x", 10)
       |                       ^^^

    error[unknown-cluster]: the environment `dev` has no cluster `locla`
      --> mainstay.hcl:23:14
       |
    23 |   clusters = ["locla"]
       |              ^^^^^^^^^
       |
       = help: did you mean `local`?

    error[not-pinned]: service.e["y"]@local: no release is pinned
      --> mainstay.hcl:25:1
       |
    25 | service "e" {
       | ^^^^^^^^^^^
       |
       = help: deploy one
    "#);
}

#[tokio::test]
async fn what_hangs_on_an_apply_cannot_decide_how_many_there_are() {
    let rig = Rig::new(
        r#"
service "a" {
  program = ["/a"]
}
service "b" {
  for_each = service.a.addresses
  program  = ["/b"]
}
"#,
    );
    insta::assert_snapshot!(rig.faults().await, @r#"
    error[unknown-repetition]: `for_each` hangs on something that is known only after an apply
     --> mainstay.hcl:9:14
      |
    9 |   for_each = service.a.addresses
      |              ^^^^^^^^^^^^^^^^^^^
      |
      = help: apply what it hangs on first, with `-target`, or say it by what is known when planning
    "#);
}

#[tokio::test]
async fn outputs_do_not_show_secrets_and_preconditions_hold() {
    let rig = Rig::new(
        r#"
variable "password" {
  default   = "hush"
  sensitive = true
}
variable "once" {
  default   = "gone"
  ephemeral = true
}
service "a" {
  program = ["/a"]
  env     = { ONCE = var.once }
}
output "told" {
  value = "x${var.password}"
}
output "sealed" {
  value     = var.password
  sensitive = true
}
output "checked" {
  value = 1
  precondition {
    condition     = project.name == "other"
    error_message = "one is not enough"
  }
}
"#,
    );
    insta::assert_snapshot!(rig.faults().await, @r#"
    error[ephemeral-stored]: `env` is ephemeral, and what a service is made of is stored
      --> mainstay.hcl:15:13
       |
    15 |   env     = { ONCE = var.once }
       |             ^^^^^^^^^^^^^^^^^^^
       |
       = help: use a sensitive value, which is stored sealed, instead of an ephemeral one

    error[sensitive-output]: the output `told` holds something sensitive
      --> mainstay.hcl:18:11
       |
    18 |   value = "x${var.password}"
       |           ^^^^^^^^^^^^^^^^^^
       |
       = help: say so in the output: `sensitive = true`

    error[precondition-failed]: a precondition of the output `checked` does not hold
      --> mainstay.hcl:27:21
       |
    27 |     condition     = project.name == "other"
       |                     ^^^^^^^^^^^^^^^^^^^^^^^
       |
       = note: one is not enough
    "#);
}

#[tokio::test]
async fn a_target_that_names_nothing_is_a_mistake() {
    let mut rig = Rig::new("service \"web\" {\n  program = [\"/a\"]\n}\n");
    rig.targets = vec!["service.wbe".into()];
    insta::assert_snapshot!(rig.faults().await, @r#"
    error[unknown-target]: there is nothing that `service.wbe` names
     |
     = help: did you mean `service.web`?
    "#);
}
