//! What every store has to do. Each case is a test of its own on SQLite; on a server's store all of them run one after the other
//! in one test, since a server takes longer to start than a case takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::{
    Address, DeploymentId, Edit, EnvironmentName, LeaseHolder, OperationId, Record, Snapshot, StateRow,
    Store, StoreError,
};
use store::{Clock, this_process};
use value::{Marks, Type, Value};

use crate::ledger::{
    a_revision_is_found_by_its_beginning_and_stays_as_it_was_first_kept, deployment,
    deployments_are_listed_newest_first_and_releases_are_replaced,
};
use crate::moto::Moto;
use crate::rig::{Postgres, Rig};
use crate::{address, dev, intent, row, secret, service};

macro_rules! cases {
    ($($name:ident)*) => {
        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(&crate::rig::Rig::sqlite()).await;
                }
            )*
        }

        #[tokio::test]
        async fn every_case_on_postgresql() {
            let Some(server) = Postgres::start() else { return };
            $(
                println!("case {}", stringify!($name));
                $name(&Rig::postgres(&server)).await;
            )*
        }

        #[tokio::test]
        async fn every_case_on_s3() {
            let Some(server) = Moto::start() else { return };
            $(
                println!("case {}", stringify!($name));
                $name(&Rig::s3(&server)).await;
            )*
        }
    };
}

cases! {
    what_was_finished_is_there_after_a_restart
    a_finished_deletion_removes_the_row_and_other_environments_stay_as_they_are
    an_operation_is_finished_once_and_only_with_its_own_resource
    what_is_written_at_the_same_time_is_all_written_by_two_stores
    an_ephemeral_value_is_never_written
    a_lease_is_held_by_one_until_it_is_given_back_or_over
    a_holder_whose_process_is_gone_holds_nothing
    a_writer_whose_lease_was_lost_writes_nothing
    an_object_is_deposed_beside_the_current_one_and_removed_on_its_own
    what_a_provider_keeps_comes_back
    every_version_can_be_looked_at
    an_edit_is_one_version_or_nothing
    a_move_takes_deposed_objects_and_dependents_along
    a_whole_state_is_replaced_with_lineage_and_serial
    environments_are_made_listed_and_removed
    a_revision_is_found_by_its_beginning_and_stays_as_it_was_first_kept
    deployments_are_listed_newest_first_and_releases_are_replaced
}

async fn write(store: &dyn Store, at: &str, value: Value) -> u64 {
    let operation = store.begin(&intent(at, None, Some(value.clone()))).await.unwrap();
    store.finish(&operation, Some(&row(at, value)), "done").await.unwrap()
}

async fn addresses(store: &dyn Store) -> Vec<String> {
    store.snapshot(&dev()).await.unwrap().rows.iter().map(|row| row.address.to_string()).collect()
}

async fn what_was_finished_is_there_after_a_restart(rig: &Rig) {
    let written = Value::object([
        ("service", service("web:1")),
        ("password", secret("correct horse")),
        ("later", Value::unknown(Type::String)),
        ("names", Value::set(Type::String, [Value::string("b"), Value::string("a")])),
        ("big", Value::number("123456789012345678901234567890.5".parse::<value::Number>().unwrap())),
        ("pair", Value::tuple(vec![Value::bool(true), secret("battery staple")])),
    ]);
    let store = rig.open().await;
    for (at, value) in [("service.web@local", written.clone()), ("service.api[\"a b\"]", service("api:1"))] {
        write(store.as_ref(), at, value).await;
    }
    let outputs = vec![("token".to_owned(), secret("hush")), ("url".to_owned(), Value::string("http://x"))];
    store.put_outputs(&dev(), &outputs).await.unwrap();
    // Outputs that are as they were make no new version.
    store.put_outputs(&dev(), &outputs).await.unwrap();
    let lineage = store.snapshot(&dev()).await.unwrap().lineage;
    assert_eq!(lineage.len(), 36, "{lineage}");
    drop(store);

    let snapshot = rig.open().await.snapshot(&dev()).await.unwrap();
    assert_eq!((snapshot.serial, snapshot.lineage), (3, lineage));
    assert_eq!(
        snapshot.rows,
        [row("service.api[\"a b\"]", service("api:1")), row("service.web@local", written)]
    );
    assert_eq!(snapshot.outputs, outputs);
}

async fn a_finished_deletion_removes_the_row_and_other_environments_stay_as_they_are(rig: &Rig) {
    let store = rig.open().await;
    let at = "service.web@local";
    let prod = EnvironmentName::new("prod");
    let mut elsewhere = intent(at, None, Some(service("web:1")));
    elsewhere.environment = prod.clone();
    for created in [intent(at, None, Some(service("web:1"))), elsewhere] {
        let operation = store.begin(&created).await.unwrap();
        store.finish(&operation, Some(&row(at, service("web:1"))), "done").await.unwrap();
    }
    let operation = store.begin(&intent(at, Some(service("web:1")), None)).await.unwrap();
    assert_eq!(store.finish(&operation, None, "done").await.unwrap(), 2);
    assert!(store.snapshot(&dev()).await.unwrap().rows.is_empty());
    assert_eq!(store.snapshot(&prod).await.unwrap().rows.len(), 1);
}

async fn an_operation_is_finished_once_and_only_with_its_own_resource(rig: &Rig) {
    let store = rig.open().await;
    let operation = store.begin(&intent("service.web", None, Some(service("web:1")))).await.unwrap();
    let other = store.finish(&operation, Some(&row("service.api", service("api:1"))), "done").await;
    assert!(matches!(other, Err(StoreError::Refused { .. })), "{other:?}");
    store.finish(&operation, Some(&row("service.web", service("web:1"))), "done").await.unwrap();
    for again in [operation, OperationId("dev/99".into()), OperationId("nonsense".into())] {
        let fault = store.finish(&again, None, "done").await;
        assert!(matches!(fault, Err(StoreError::Refused { .. })), "{fault:?}");
    }
    let snapshot = store.snapshot(&dev()).await.unwrap();
    assert_eq!((snapshot.serial, snapshot.rows.len()), (1, 1));
}

async fn what_is_written_at_the_same_time_is_all_written_by_two_stores(rig: &Rig) {
    let stores = [rig.open().await, rig.open().await];
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..100 {
        let store = stores[i % 2].clone();
        tasks.spawn(
            async move { write(store.as_ref(), &format!("service.web[{i}]"), service("web:1")).await },
        );
    }
    let mut serials = tasks.join_all().await;
    serials.sort_unstable();
    assert_eq!(serials, (1..=100).collect::<Vec<u64>>());
    for store in stores {
        assert_eq!(store.snapshot(&dev()).await.unwrap().rows.len(), 100);
        assert!(store.open_operations(&dev()).await.unwrap().is_empty());
    }
}

async fn an_ephemeral_value_is_never_written(rig: &Rig) {
    let store = rig.open().await;
    let fleeting = Value::tuple(vec![Value::string("once").with_marks(Marks::EPHEMERAL)]);
    let refused = store.begin(&intent("service.web", None, Some(fleeting.clone()))).await;
    assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
    let refused = store.put_outputs(&dev(), &[("x".into(), fleeting)]).await;
    assert!(refused.unwrap_err().to_string().contains("ephemeral"));
}

const DURATION_MS: u64 = 1000;

fn me() -> LeaseHolder {
    this_process("ann@laptop".into(), "apply".into()).unwrap()
}

/// A clock that stands still until the case moves it.
fn still(now_ms: u64) -> (Arc<AtomicU64>, Clock) {
    let now = Arc::new(AtomicU64::new(now_ms));
    let clock: Clock = Arc::new({
        let now = now.clone();
        move || now.load(Ordering::SeqCst)
    });
    (now, clock)
}

async fn a_lease_is_held_by_one_until_it_is_given_back_or_over(rig: &Rig) {
    let (now, clock) = still(5000);
    let store = rig.open_with_clock(clock).await;
    let first = store.acquire(&dev(), &me(), DURATION_MS).await.unwrap();
    match store.acquire(&dev(), &me(), DURATION_MS).await {
        Err(StoreError::Locked { holder, since_ms, expires_at_ms, .. }) => {
            assert_eq!((holder, since_ms, expires_at_ms), (me(), 5000, 6000));
        }
        other => panic!("{other:?}"),
    }
    now.store(5900, Ordering::SeqCst);
    store.renew(&first, DURATION_MS).await.unwrap();
    now.store(6500, Ordering::SeqCst);
    assert!(store.acquire(&dev(), &me(), DURATION_MS).await.is_err(), "it was renewed");
    now.store(6900, Ordering::SeqCst);
    let second = store.acquire(&dev(), &me(), DURATION_MS).await.unwrap();
    assert!(second.token > first.token);
    assert!(matches!(store.renew(&first, DURATION_MS).await, Err(StoreError::LeaseLost(_))));
    store.release(&first).await.unwrap();
    assert!(store.acquire(&dev(), &me(), DURATION_MS).await.is_err(), "a former holder gives back nothing");
    store.release(&second).await.unwrap();
    assert!(matches!(store.renew(&second, DURATION_MS).await, Err(StoreError::LeaseLost(_))));
    store.acquire(&dev(), &me(), DURATION_MS).await.unwrap();
}

async fn a_holder_whose_process_is_gone_holds_nothing(rig: &Rig) {
    let store = rig.open().await;
    let mut gone = std::process::Command::new("true").spawn().unwrap();
    let pid = gone.id();
    gone.wait().unwrap();
    store.acquire(&dev(), &LeaseHolder { pid, ..me() }, 600_000).await.unwrap();
    // The process id is another process's now.
    store.acquire(&dev(), &LeaseHolder { process_start: 1, ..me() }, 600_000).await.unwrap();
    // One of another machine may well be alive.
    store.acquire(&dev(), &LeaseHolder { pid, boot_id: "elsewhere".into(), ..me() }, 600_000).await.unwrap();
    assert!(matches!(store.acquire(&dev(), &me(), 600_000).await, Err(StoreError::Locked { .. })));
}

async fn a_writer_whose_lease_was_lost_writes_nothing(rig: &Rig) {
    let (now, clock) = still(5000);
    let slow = rig.open_with_clock(clock.clone()).await;
    let quick = rig.open_with_clock(clock).await;
    let lease = slow.acquire(&dev(), &me(), DURATION_MS).await.unwrap();
    let before = write(slow.as_ref(), "service.a", service("a:1")).await;
    let operation = slow.begin(&intent("service.b", None, Some(service("b:1")))).await.unwrap();
    // Somebody who holds nothing writes nothing while another holds the lease.
    let locked = quick.begin(&intent("service.c", None, None)).await;
    assert!(matches!(locked, Err(StoreError::Locked { .. })), "{locked:?}");

    // It stalls, and another takes the lease.
    now.store(7000, Ordering::SeqCst);
    let taken = quick.acquire(&dev(), &me(), DURATION_MS).await.unwrap();
    let lost = |result: Result<(), StoreError>| {
        assert!(matches!(result, Err(StoreError::LeaseLost(_))), "{result:?}");
    };
    lost(slow.finish(&operation, Some(&row("service.b", service("b:1"))), "done").await.map(|_| ()));
    lost(slow.begin(&intent("service.d", None, None)).await.map(|_| ()));
    lost(slow.put_outputs(&dev(), &[("x".into(), Value::bool(true))]).await);
    lost(slow.edit(&dev(), None, vec![Edit::Outputs(Vec::new())]).await.map(|_| ()));
    assert_eq!(quick.snapshot(&dev()).await.unwrap().serial, before);

    // The new holder finds the operation open, and settles it.
    let open = quick.open_operations(&dev()).await.unwrap();
    assert_eq!(open.len(), 1);
    quick.finish(&open[0].id, None, "settled: not done").await.unwrap();
    quick.release(&taken).await.unwrap();
    slow.release(&lease).await.unwrap();
    write(slow.as_ref(), "service.e", service("e:1")).await;
}

fn deposed(at: &str, key: &str, value: Value) -> StateRow {
    let mut row = row(at, value);
    row.record.deposed = Some(key.into());
    row
}

async fn an_object_is_deposed_beside_the_current_one_and_removed_on_its_own(rig: &Rig) {
    let store = rig.open().await;
    write(store.as_ref(), "t.a", service("a:1")).await;
    // What is current becomes deposed: the row that is written takes the place of the one that the intent is about.
    let operation = store.begin(&intent("t.a", Some(service("a:1")), None)).await.unwrap();
    store.finish(&operation, Some(&deposed("t.a", "0badcafe", service("a:1"))), "done").await.unwrap();
    write(store.as_ref(), "t.a", service("a:2")).await;
    let rows = store.snapshot(&dev()).await.unwrap().rows;
    assert_eq!(rows, [row("t.a", service("a:2")), deposed("t.a", "0badcafe", service("a:1"))]);

    let mut removal = intent("t.a", Some(service("a:1")), None);
    removal.record = Record { deposed: Some("0badcafe".into()), ..Record::default() };
    let operation = store.begin(&removal).await.unwrap();
    let open = store.open_operations(&dev()).await.unwrap();
    assert_eq!(open[0].intent.record, removal.record);
    store.finish(&operation, None, "done").await.unwrap();
    assert_eq!(store.snapshot(&dev()).await.unwrap().rows, [row("t.a", service("a:2"))]);
}

fn record() -> Record {
    Record {
        deposed: None,
        provider: "provider[\"registry.terraform.io/hashicorp/aws\"].eu".into(),
        schema_version: 2,
        private: vec![0, 1, 255],
        tainted: true,
        create_before_destroy: true,
        identity: Some((1, serde_json::json!({ "id": "i-1" }))),
    }
}

async fn what_a_provider_keeps_comes_back(rig: &Rig) {
    let store = rig.open().await;
    let mut kept = row("module.m[0].aws_vpc.main[\"a\"]", Value::object([("id", Value::string("vpc-1"))]));
    kept.record = record();
    let mut begun = intent(&kept.address.to_string(), None, Some(kept.value.clone()));
    begun.record = record();
    let operation = store.begin(&begun).await.unwrap();
    assert_eq!(store.open_operations(&dev()).await.unwrap()[0].intent.record, record());
    store.finish(&operation, Some(&kept), "done").await.unwrap();
    drop(store);
    assert_eq!(rig.open().await.snapshot(&dev()).await.unwrap().rows, [kept]);
}

async fn every_version_can_be_looked_at(rig: &Rig) {
    let store = rig.open().await;
    let mut states = vec![store.snapshot(&dev()).await.unwrap()];
    let mut lineages = Vec::new();
    for step in 0..6 {
        match step {
            0..=2 => {
                write(store.as_ref(), ["t.a", "t.b", "t.a"][step], secret(&format!("v{step}"))).await;
            }
            3 => store.put_outputs(&dev(), &[("x".into(), secret("y"))]).await.unwrap(),
            4 => {
                let operation = store.begin(&intent("t.b", None, None)).await.unwrap();
                store.finish(&operation, None, "done").await.unwrap();
            }
            _ => {
                let edits = vec![Edit::Move { from: address("t.a"), to: address("t.c") }];
                store.edit(&dev(), None, edits).await.unwrap();
            }
        }
        let state = store.snapshot(&dev()).await.unwrap();
        lineages.push(state.lineage.clone());
        states.push(state);
    }
    for state in &states[1..] {
        let then = store.at(&dev(), state.serial).await.unwrap().unwrap();
        assert_eq!((&then.rows, &then.outputs), (&state.rows, &state.outputs), "serial {}", state.serial);
        assert_eq!((then.serial, then.lineage), (state.serial, state.lineage.clone()));
    }
    assert!(store.at(&dev(), 99).await.unwrap().is_none());
    let versions = store.versions(&dev()).await.unwrap();
    assert_eq!(versions.iter().map(|version| version.serial).collect::<Vec<_>>(), [6, 5, 4, 3, 2, 1]);
    assert_eq!(versions[0].summary, "moved t.a to t.c");
    assert_eq!(versions[0].deployment, None);
    assert_eq!(versions[1].summary, "updated t.b");
    assert_eq!(versions[1].deployment, Some(DeploymentId::new("d1")));
    assert!(versions[0].written_at_ms > 0);
}

async fn an_edit_is_one_version_or_nothing(rig: &Rig) {
    let store = rig.open().await;
    // What is put and moved by the same edit may be of a type that was never there.
    let fresh = vec![
        Edit::Put(Box::new(row("t.new", Value::object([("odd", secret("x"))])))),
        Edit::Move { from: address("t.new"), to: address("t.newer") },
    ];
    store.edit(&dev(), None, fresh).await.unwrap();
    assert_eq!(addresses(store.as_ref()).await, ["t.newer"]);
    store
        .edit(&dev(), None, vec![Edit::Remove { address: address("t.newer"), deposed: None }])
        .await
        .unwrap();
    let base = write(store.as_ref(), "t.a", service("a:1")).await;
    let put = |at: &str| Edit::Put(Box::new(row(at, service("x:1"))));
    let refused = store.edit(&dev(), Some(base + 1), vec![put("t.b")]).await.unwrap_err();
    assert!(refused.to_string().contains("moved on"), "{refused}");
    for (wrong, says) in [
        (Edit::Remove { address: address("t.nowhere"), deposed: None }, "t.nowhere"),
        (Edit::Remove { address: address("t.a"), deposed: Some("0badcafe".into()) }, "t.a"),
        (Edit::Move { from: address("t.nowhere"), to: address("t.z") }, "t.nowhere"),
        (Edit::Move { from: address("t.a"), to: address("t.b") }, "t.b already"),
    ] {
        // What came before the wrong one is not done either.
        let refused = store.edit(&dev(), Some(base), vec![put("t.b"), wrong]).await.unwrap_err();
        assert!(refused.to_string().contains(says), "{refused}");
        assert_eq!(addresses(store.as_ref()).await, ["t.a"]);
    }
    let edits = vec![
        put("t.b"),
        Edit::Move { from: address("t.b"), to: address("t.c") },
        Edit::Remove { address: address("t.a"), deposed: None },
        Edit::Outputs(vec![("x".into(), Value::bool(true))]),
    ];
    assert_eq!(store.edit(&dev(), Some(base), edits).await.unwrap(), base + 1);
    assert_eq!(addresses(store.as_ref()).await, ["t.c"]);
    assert_eq!(store.snapshot(&dev()).await.unwrap().outputs, [("x".to_owned(), Value::bool(true))]);
}

fn depending(at: &str, on: &[&str]) -> Edit {
    let depends_on = on.iter().map(|on| address(on)).collect();
    Edit::Put(Box::new(StateRow::new(address(at), secret(at), depends_on)))
}

async fn a_move_takes_deposed_objects_and_dependents_along(rig: &Rig) {
    let store = rig.open().await;
    let edits = vec![
        depending("t.a[0]", &[]),
        depending("t.a[1]", &[]),
        Edit::Put(Box::new(deposed("t.a[0]", "0badcafe", secret("old")))),
        depending("t.instance", &["t.a[0]"]),
        depending("t.resource", &["t.a", "t.other"]),
    ];
    store.edit(&dev(), None, edits).await.unwrap();
    let moved = |from: &str, to: &str| vec![Edit::Move { from: address(from), to: address(to) }];
    store.edit(&dev(), None, moved("t.a[0]", "module.m.t.b[0]")).await.unwrap();
    let depends_on = |snapshot: &Snapshot, at: &str| -> Vec<String> {
        let row = snapshot.rows.iter().find(|row| row.address == address(at)).unwrap();
        row.depends_on.iter().map(Address::to_string).collect()
    };
    let snapshot = store.snapshot(&dev()).await.unwrap();
    let objects = snapshot.rows.iter().filter(|row| row.address == address("module.m.t.b[0]"));
    assert_eq!(objects.map(|row| row.value.clone()).collect::<Vec<_>>(), [secret("t.a[0]"), secret("old")]);
    assert_eq!(depends_on(&snapshot, "t.instance"), ["module.m.t.b[0]"]);
    assert_eq!(depends_on(&snapshot, "t.resource"), ["t.a", "t.other"], "one of it is left");

    store.edit(&dev(), None, moved("t.a[1]", "module.m.t.b[1]")).await.unwrap();
    let snapshot = store.snapshot(&dev()).await.unwrap();
    assert_eq!(depends_on(&snapshot, "t.resource"), ["module.m.t.b", "t.other"]);
}

async fn a_whole_state_is_replaced_with_lineage_and_serial(rig: &Rig) {
    let store = rig.open().await;
    let base = write(store.as_ref(), "t.a", service("a:1")).await;
    let other = Snapshot {
        serial: 41,
        lineage: "0f8fad5b-d9cb-469f-a165-70867728950e".into(),
        rows: (0..300).map(|i| row(&format!("t.many[{i}]"), service(&format!("m:{i}")))).collect(),
        outputs: vec![("x".into(), Value::bool(true))],
        ..Snapshot::default()
    };
    let everything = |snapshot: &Snapshot| vec![Edit::Everything(Box::new(snapshot.clone()))];
    assert_eq!(store.edit(&dev(), Some(base), everything(&other)).await.unwrap(), 41);
    let now = store.snapshot(&dev()).await.unwrap();
    assert_eq!((now.serial, &now.lineage, &now.outputs), (41, &other.lineage, &other.outputs));
    assert_eq!(now.rows, other.rows);
    // The serial never goes back.
    assert_eq!(store.edit(&dev(), Some(41), everything(&other)).await.unwrap(), 42);
    assert_eq!(store.at(&dev(), base).await.unwrap().unwrap().rows, [row("t.a", service("a:1"))]);
    assert!(store.at(&dev(), 20).await.unwrap().is_none(), "there never was such a version");
}

async fn environments_are_made_listed_and_removed(rig: &Rig) {
    let store = rig.open().await;
    let blue = EnvironmentName::new("blue");
    let list =
        async || -> Vec<String> { store.list().await.unwrap().iter().map(ToString::to_string).collect() };
    assert!(list().await.is_empty());
    store.create(&blue).await.unwrap();
    assert!(matches!(store.create(&blue).await, Err(StoreError::Refused { .. })));
    write(store.as_ref(), "t.a", service("a:1")).await;
    assert_eq!(list().await, ["blue", "dev"]);
    store.put_deployment(&dev(), &deployment("d1", 1, None)).await.unwrap();
    let lineage = store.snapshot(&blue).await.unwrap().lineage;
    assert!(!lineage.is_empty());

    let lease = store.acquire(&dev(), &me(), 600_000).await.unwrap();
    let other = rig.open().await;
    assert!(matches!(other.delete(&dev()).await, Err(StoreError::Locked { .. })));
    store.release(&lease).await.unwrap();
    other.delete(&dev()).await.unwrap();
    assert!(matches!(other.delete(&dev()).await, Err(StoreError::Refused { .. })));
    assert_eq!(list().await, ["blue"]);
    assert!(store.snapshot(&dev()).await.unwrap().rows.is_empty());
    // One of that name again is another one.
    assert!(store.deployments(&dev(), 10).await.unwrap().is_empty());
    let again = store.acquire(&dev(), &me(), 600_000).await.unwrap();
    assert!(again.token > lease.token);
    assert_eq!(write(store.as_ref(), "t.a", service("a:1")).await, 1);
}
