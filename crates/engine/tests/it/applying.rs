//! What an apply does, and what it takes back.

use std::sync::atomic::Ordering;

use engine::{Action, DeploymentOutcome, Event, Events, StateStore};
use tokio_util::sync::CancellationToken;

use crate::rig::{Rig, dev, outcome, text};

/// `a` and `b` beside each other, `c` after both, `d` after `c`; each with settings of its own.
fn chain(settings: [&str; 4]) -> String {
    let [a, b, c, d] = settings;
    format!(
        r#"
service "a" {{
  program = ["/a"]
  env     = {{ {a} }}
}}
service "b" {{
  program = ["/b"]
  env     = {{ {b} }}
}}
service "c" {{
  program = ["/c"]
  env     = {{ A = service.a.address, {c} }}
  depends_on = [service.b]
}}
service "d" {{
  program = ["/d"]
  env     = {{ C = service.c.address, {d} }}
}}
output "d" {{
  value = service.d.address
}}
"#
    )
}

#[tokio::test]
async fn what_was_unknown_is_filled_in_once_it_is_told() {
    let rig = Rig::new(&chain(["", "", "", ""]));
    let applied = rig.make().await;
    insta::assert_snapshot!(outcome(&applied), @r#"
    Succeeded
    service.a@local created
    service.b@local created
    service.c@local created
    service.d@local created
    "#);
    assert_eq!(applied.serial, 4);
    assert_eq!(applied.outputs.len(), 1);
    assert_eq!(applied.outputs[0].1.as_str(), Some("service.d@local:80"));
    let c = &rig.provider.everything()["service.c@local"];
    assert_eq!(c.get("env").unwrap().to_string(), "{ A = \"service.a@local:80\" }");
    let snapshot = rig.store.snapshot(&dev()).await.unwrap();
    assert_eq!(snapshot.outputs, applied.outputs);
    assert_eq!(snapshot.rows[2].depends_on.len(), 2);
    assert!(!rig.plan().await.has_changes());
}

#[tokio::test]
async fn random_values_are_unknown_in_a_plan_and_drawn_once_by_an_apply() {
    let rig = Rig::new(
        r#"
locals {
  shared = uuid()
  placed = "${service.cache.address}-${uuid()}"
}
service "cache" {
  program = ["/cache"]
}
service "a" {
  program = ["/a"]
  env     = { SHARED = local.shared, PLACED = local.placed, OWN = uuid(), HASH = bcrypt("x", 4) }
}
service "b" {
  program = ["/b"]
  env     = { SHARED = local.shared, PLACED = local.placed, OWN = uuid(), A = service.a.address }
}
output "shared" {
  value = local.shared
}
"#,
    );
    insta::assert_snapshot!(text(&rig.plan().await), @r#"
    + service.cache@local
        address = (known after apply)
    + service.a@local (with service.cache@local)
        env = { HASH = (known after apply), OWN = (known after apply), PLACED = (known after apply), SHARED = (known after apply) }
        address = (known after apply)
    + service.b@local (with service.cache@local, service.a@local)
        env = { A = (known after apply), OWN = (known after apply), PLACED = (known after apply), SHARED = (known after apply) }
        address = (known after apply)
    output shared: nothing -> (known after apply)
    "#);
    let applied = rig.make().await;
    assert_eq!(applied.outcome, DeploymentOutcome::Succeeded, "{}", outcome(&applied));
    let made = rig.provider.everything();
    let value = |service: &str, name: &str| {
        let env = made[service].get("env").unwrap();
        env.get(name).and_then(|value| value.as_str().map(str::to_owned)).unwrap()
    };
    let (a, b) = ("service.a@local", "service.b@local");
    assert_eq!(value(a, "OWN").len(), 36);
    assert_eq!(value(a, "SHARED"), value(b, "SHARED"));
    assert_eq!(applied.outputs[0].1.as_str(), Some(value(a, "SHARED").as_str()));
    assert_eq!(value(a, "PLACED"), value(b, "PLACED"));
    assert_ne!(value(a, "OWN"), value(b, "OWN"));
    assert!(value(a, "HASH").starts_with("$2a$04$"));
    // What is written down is what was made.
    let rows = rig.store.snapshot(&dev()).await.unwrap().rows;
    assert!(rows.iter().all(|row| made[&row.address.to_string()] == row.value));
    // Each plan would draw again, as Terraform does.
    let again = rig.plan().await;
    let actions: Vec<(&str, Action)> =
        again.changes.iter().map(|change| (change.address.name.as_ref(), change.action)).collect();
    assert_eq!(actions, [("cache", Action::None), ("a", Action::Update), ("b", Action::Update)]);
}

#[tokio::test]
async fn a_plan_of_another_state_is_refused() {
    let rig = Rig::new(&chain(["", "", "", ""]));
    let plan = rig.plan().await;
    rig.apply(&plan).await;
    let again = rig.apply(&plan).await;
    insta::assert_snapshot!(outcome(&again), @r#"
    Reverted
    [stale-plan] the state of dev has changed since this plan was made: the plan is for serial 0, the state is at 4
    "#);
    assert!(again.cells.is_empty());
}

#[tokio::test]
async fn a_failure_takes_back_everything_that_had_moved_newest_first() {
    let mut rig = Rig::new(&chain(["", "V = 1", "", ""]));
    rig.make().await;
    let before = rig.provider.everything();
    let rows = rig.store.snapshot(&dev()).await.unwrap().rows;
    let length = rig.provider.log().len();
    rig.describe(
        &chain(["V = 2", "V = 2", "V = 2", "APPLY = \"reverts\""])
            .replace("service \"b\"", "service \"e\"")
            .replace("service.b", "service.e"),
    );
    let applied = rig.make().await;
    insta::assert_snapshot!(outcome(&applied), @r#"
    Reverted
    service.a@local reverted
    service.e@local reverted
    service.c@local reverted
    service.d@local reverted: it did not become healthy
    service.b@local reverted
    [unhealthy] service.d@local: it did not become healthy
    "#);
    insta::assert_snapshot!(rig.provider.log()[length..].join("\n"), @r#"
    create service.e@local
    update service.a@local
    update service.c@local
    delete service.b@local
    create back service.b@local
    update back service.c@local
    delete back service.e@local
    update back service.a@local
    "#);
    assert_eq!(rig.provider.everything(), before);
    assert_eq!(rig.store.snapshot(&dev()).await.unwrap().rows, rows);
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_told_by_name_and_the_rest_is() {
    let rig = Rig::new(&chain(["UNDO = \"breaks\"", "", "", "APPLY = \"breaks\""]));
    let applied = rig.make().await;
    insta::assert_snapshot!(outcome(&applied), @r#"
    Failed
    service.a@local failed: not taken back: it would not go
    service.b@local reverted
    service.c@local reverted
    service.d@local reverted: it stayed half-way
    [unhealthy] service.d@local: it stayed half-way
    [not-taken-back] service.a@local COULD NOT BE TAKEN BACK: it would not go
    "#);
    assert_eq!(rig.provider.everything().keys().collect::<Vec<_>>(), ["service.a@local"]);
    let rows = rig.store.snapshot(&dev()).await.unwrap().rows;
    assert_eq!(rows.iter().map(|row| row.address.to_string()).collect::<Vec<_>>(), ["service.a@local"]);
}

#[tokio::test]
async fn without_taking_back_what_moved_stays_and_nothing_new_begins() {
    let mut rig = Rig::new(&chain(["", "APPLY = \"reverts\"", "", ""]));
    rig.options.take_back = false;
    rig.options.parallelism = 1;
    let applied = rig.make().await;
    insta::assert_snapshot!(outcome(&applied), @r#"
    Failed
    service.a@local created
    service.b@local reverted: it did not become healthy
    service.c@local not started
    service.d@local not started
    [unhealthy] service.b@local: it did not become healthy
    "#);
}

#[tokio::test]
async fn a_provider_that_does_not_keep_its_word_is_named() {
    let rig = Rig::new(&chain(["", "", "PLAN = \"wavers\"", ""]));
    let applied = rig.make().await;
    insta::assert_snapshot!(outcome(&applied), @r#"
    Reverted
    service.a@local reverted
    service.b@local reverted
    service.c@local reverted: the provider of `service` answers something else than it had planned: `replicas` was 1 and is 7
    service.d@local not started
    [plan-inconsistent] service.c@local: the provider of `service` answers something else than it had planned: `replicas` was 1 and is 7
    "#);
    assert!(rig.provider.everything().is_empty());
}

#[tokio::test]
async fn a_cancelled_apply_waits_for_what_runs_and_says_what_is_left() {
    let rig = Rig::new(&chain(["", "", "", ""]));
    let cancel = CancellationToken::new();
    let events = Events::to({
        let cancel = cancel.clone();
        move |event| {
            if matches!(event, Event::Started { .. }) {
                cancel.cancel();
            }
        }
    });
    let plan = rig.plan().await;
    let applied = rig.apply_until(&plan, &cancel, &events).await;
    insta::assert_snapshot!(outcome(&applied), @r#"
    Failed
    service.a@local created
    service.b@local created
    service.c@local not started
    service.d@local not started
    [cancelled] it was cancelled; what was running was waited for: not begun: service.c@local, service.d@local
    "#);
    assert!(rig.store.open_operations(&dev()).await.unwrap().is_empty());
    assert_eq!(rig.make().await.outcome, DeploymentOutcome::Succeeded);
}

#[tokio::test]
async fn so_many_run_at_once_as_was_said() {
    let mut rig = Rig::new("service \"web\" {\n  count   = 50\n  program = [\"/a\"]\n}\n");
    rig.options.parallelism = 7;
    let plan = rig.plan().await;
    assert_eq!(plan.count(Action::Create), 50);
    assert_eq!(rig.apply(&plan).await.outcome, DeploymentOutcome::Succeeded);
    assert_eq!(rig.provider.running_max.load(Ordering::SeqCst), 7);
}

#[tokio::test]
async fn plan_and_apply_can_run_on_any_thread() {
    let rig = std::sync::Arc::new(Rig::new(&chain(["", "", "", ""])));
    let applied = tokio::spawn(async move { rig.make().await }).await.unwrap();
    assert_eq!(applied.outcome, DeploymentOutcome::Succeeded);
}
