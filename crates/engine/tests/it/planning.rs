//! Configuration text in, plan text out.

use engine::PlanMode;

use crate::rig::{Rig, text};

const SHOP: &str = r#"
variable "mode" {
  default = "fast"
}
locals {
  cache = "redis://${service.cache.address}"
}
service "web" {
  program = ["/web"]
  env = {
    CACHE = local.cache
    MODE  = var.mode
  }
}
service "cache" {
  program = ["/cache"]
}
output "url" {
  value = "http://${service.web.address}"
}
"#;

#[tokio::test]
async fn what_is_not_there_is_made_and_what_only_an_apply_tells_is_unknown() {
    let rig = Rig::new(SHOP);
    insta::assert_snapshot!(text(&rig.plan().await), @r#"
    + service.cache@local
        address = (known after apply)
    + service.web@local (with service.cache@local)
        env = { CACHE = (known after apply), MODE = "fast" }
        address = (known after apply)
    output url: nothing -> (known after apply)
    "#);
    assert_eq!(rig.provider.reads.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn where_nothing_changes_everything_stays_known() {
    let mut rig = Rig::new(SHOP);
    rig.make().await;
    insta::assert_snapshot!(text(&rig.plan().await), @r#"
    = service.cache@local
    = service.web@local (with service.cache@local)
    output url: "http://service.web@local:80" -> "http://service.web@local:80"
    "#);
    rig.describe(&SHOP.replace("fast", "slow"));
    insta::assert_snapshot!(text(&rig.plan().await), @r#"
    = service.cache@local
    ~ service.web@local (with service.cache@local)
        Ours env: { CACHE = "redis://service.cache@local:80", MODE = "fast" } -> { CACHE = "redis://service.cache@local:80", MODE = "slow" }
    output url: "http://service.web@local:80" -> "http://service.web@local:80"
    "#);
}

#[tokio::test]
async fn blocks_become_instances_by_count_for_each_and_cluster() {
    let rig = Rig::new(
        r#"
environment "dev" {
  cluster "eu" {}
  cluster "us" {}
}
service "cache" {
  program = ["/cache"]
}
service "shard" {
  count   = 2
  program = ["/shard"]
  clusters = ["eu"]
  env     = { NUMBER = count.index }
}
service "web" {
  for_each = { blue = "B", green = "G" }
  program  = ["/web"]
  env = {
    COLOUR = "${each.key}-${each.value}-${cluster.name}"
    CACHE  = service.cache.address
    SHARDS = length(service.shard)
  }
  depends_on = [service.shard]
}
output "caches" {
  value = service.cache.address
}
"#,
    );
    insta::assert_snapshot!(text(&rig.plan().await), @r#"
    + service.cache@eu
        address = (known after apply)
    + service.cache@us
        address = (known after apply)
    + service.shard[0]@eu
        env = { NUMBER = "0" }
        address = (known after apply)
    + service.shard[1]@eu
        env = { NUMBER = "1" }
        address = (known after apply)
    + service.web["blue"]@eu (with service.cache@eu, service.shard@eu)
        env = { CACHE = (known after apply), COLOUR = "blue-B-eu", SHARDS = "2" }
        address = (known after apply)
    + service.web["green"]@eu (with service.cache@eu, service.shard@eu)
        env = { CACHE = (known after apply), COLOUR = "green-G-eu", SHARDS = "2" }
        address = (known after apply)
    + service.web["blue"]@us (with service.cache@us, service.shard@eu)
        env = { CACHE = (known after apply), COLOUR = "blue-B-us", SHARDS = "2" }
        address = (known after apply)
    + service.web["green"]@us (with service.cache@us, service.shard@eu)
        env = { CACHE = (known after apply), COLOUR = "green-G-us", SHARDS = "2" }
        address = (known after apply)
    output caches: nothing -> { eu = (known after apply), us = (known after apply) }
    "#);
    rig.make().await;
    insta::assert_snapshot!(text(&rig.plan().await), @r#"
    = service.cache@eu
    = service.cache@us
    = service.shard[0]@eu
    = service.shard[1]@eu
    = service.web["blue"]@eu (with service.cache@eu, service.shard@eu)
    = service.web["green"]@eu (with service.cache@eu, service.shard@eu)
    = service.web["blue"]@us (with service.cache@us, service.shard@eu)
    = service.web["green"]@us (with service.cache@us, service.shard@eu)
    output caches: { eu = "service.cache@eu:80", us = "service.cache@us:80" } -> { eu = "service.cache@eu:80", us = "service.cache@us:80" }
    "#);
}

#[tokio::test]
async fn what_is_described_no_more_is_removed_dependents_first() {
    let mut rig = Rig::new(
        r#"
service "a" {
  program = ["/a"]
}
service "b" {
  program = ["/b"]
  depends_on = [service.a]
}
service "c" {
  program = ["/c"]
  depends_on = [service.b]
}
"#,
    );
    rig.make().await;
    rig.describe("service \"c\" {\n  program = [\"/c2\"]\n}\n");
    insta::assert_snapshot!(text(&rig.plan().await), @r#"
    ~ service.c@local
        Ours program: ["/c"] -> ["/c2"]
    - service.b@local (with service.a@local)
    - service.a@local
    "#);
    rig.make().await;
    let log = rig.provider.log();
    assert_eq!(log[3..], ["update service.c@local", "delete service.b@local", "delete service.a@local"]);
    rig.mode = PlanMode::Destroy;
    insta::assert_snapshot!(text(&rig.plan().await), @r#"
    - service.c@local
    "#);
}

#[tokio::test]
async fn what_is_gone_is_made_again_and_shown_as_drift() {
    let rig = Rig::new(SHOP);
    rig.make().await;
    rig.provider.lose("service.cache@local");
    insta::assert_snapshot!(text(&rig.plan().await), @r#"
    + service.cache@local
        address = (known after apply)
        Drift : nothing -> it is gone, and was not removed from here
    ~ service.web@local (with service.cache@local)
        Ours env: { CACHE = "redis://service.cache@local:80", MODE = "fast" } -> { CACHE = (known after apply), MODE = "fast" }
    output url: "http://service.web@local:80" -> "http://service.web@local:80"
    "#);
}

#[tokio::test]
async fn a_target_brings_what_it_depends_on_and_nothing_else() {
    let mut rig = Rig::new(&format!("{SHOP}\nservice \"other\" {{\n  program = [\"/other\"]\n}}\n"));
    rig.targets = vec!["service.web".into()];
    insta::assert_snapshot!(text(&rig.plan().await), @r#"
    + service.cache@local
        address = (known after apply)
    + service.web@local (with service.cache@local)
        env = { CACHE = (known after apply), MODE = "fast" }
        address = (known after apply)
    output url: nothing -> (known after apply)
    "#);
    rig.targets = vec!["service.cache".into()];
    insta::assert_snapshot!(text(&rig.plan().await), @r#"
    + service.cache@local
        address = (known after apply)
    output url: nothing -> nothing
    "#);
    rig.targets.clear();
    rig.make().await;
    // Removing a target removes what depends on it.
    rig.mode = PlanMode::Destroy;
    rig.targets = vec!["service.cache@local".into()];
    insta::assert_snapshot!(text(&rig.plan().await), @r#"
    - service.web@local (with service.cache@local)
    - service.cache@local
    output url: "http://service.web@local:80" -> "http://service.web@local:80"
    "#);
}

#[tokio::test]
async fn a_service_sees_the_instances_of_its_own_cluster() {
    let text_of = |clusters: &str| {
        format!(
            r#"
environment "dev" {{
  cluster "a" {{}}
  cluster "b" {{}}
  cluster "c" {{}}
}}
service "cache" {{
  program  = ["/cache"]
  clusters = {clusters}
}}
locals {{
  cache = service.cache.address
}}
service "web" {{
  program = ["/web"]
  env     = {{ CACHE = local.cache }}
}}
"#
        )
    };
    let rig = Rig::new(&text_of("[\"b\"]"));
    rig.make().await;
    let seen = |at: &str| rig.provider.everything()[at].get("env").unwrap().to_string();
    // Where there is only one, it is meant.
    assert_eq!(seen("service.web@a"), "{ CACHE = \"service.cache@b:80\" }");
    let mut rig = Rig::new(&text_of("null"));
    rig.make().await;
    let seen = |at: &str| rig.provider.everything()[at].get("env").unwrap().to_string();
    assert_eq!(seen("service.web@a"), "{ CACHE = \"service.cache@a:80\" }");
    assert_eq!(seen("service.web@c"), "{ CACHE = \"service.cache@c:80\" }");
    rig.describe(&text_of("[\"b\", \"c\"]"));
    insta::assert_snapshot!(rig.faults().await, @r#"
    error[not-in-cluster]: `service.cache` does not run in the cluster `a`
      --> mainstay.hcl:15:11
       |
    15 |   cache = service.cache.address
       |           ^^^^^^^^^^^^^
       |
       = note: it runs in `b`, `c`, and which of these is meant does not follow
       = help: let it run in `a` too, or give this service the same `clusters`
    "#);
}

#[tokio::test]
async fn a_plan_is_the_same_after_it_was_written_and_read() {
    let rig = Rig::new(SHOP);
    let plan = rig.plan().await;
    let written = serde_json::to_string(&plan).unwrap();
    let read: engine::Plan = serde_json::from_str(&written).unwrap();
    assert_eq!(text(&read), text(&plan));
    let applied = rig.apply(&read).await;
    assert_eq!(applied.outcome, engine::DeploymentOutcome::Succeeded);
}
