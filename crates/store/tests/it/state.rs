//! Rows, journal and outputs.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

use engine::{Action, OperationId, StateStore, StoreError};
use value::{Marks, Type, Value};

use crate::{address, dev, intent, open, row, secret, service};

#[tokio::test]
async fn what_was_finished_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let written = Value::object([
        ("service", service("web:1")),
        ("password", secret("correct horse")),
        ("later", Value::unknown(Type::String)),
        ("names", Value::set(Type::String, [Value::string("b"), Value::string("a")])),
        ("big", Value::number("123456789012345678901234567890.5".parse::<value::Number>().unwrap())),
        ("pair", Value::tuple(vec![Value::bool(true), secret("battery staple")])),
    ]);
    let store = open(dir.path()).await;
    for (at, value) in [("service.web@local", written.clone()), ("service.api[\"a b\"]", service("api:1"))] {
        let operation = store.begin(&intent(at, None, Some(value.clone()))).await.unwrap();
        store.finish(&operation, Some(&row(at, value)), "done").await.unwrap();
    }
    let outputs = vec![("token".to_owned(), secret("hush")), ("url".to_owned(), Value::string("http://x"))];
    store.put_outputs(&dev(), &outputs).await.unwrap();
    drop(store);

    let snapshot = open(dir.path()).await.snapshot(&dev()).await.unwrap();
    assert_eq!(snapshot.serial, 2);
    assert_eq!(
        snapshot.rows,
        [row("service.api[\"a b\"]", service("api:1")), row("service.web@local", written)]
    );
    assert_eq!(snapshot.outputs, outputs);
}

#[tokio::test]
async fn a_finished_deletion_removes_the_row_and_other_environments_stay_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let at = "service.web@local";
    let mut elsewhere = intent(at, None, Some(service("web:1")));
    elsewhere.environment = engine::EnvironmentName::new("prod");
    for created in [intent(at, None, Some(service("web:1"))), elsewhere] {
        let operation = store.begin(&created).await.unwrap();
        store.finish(&operation, Some(&row(at, service("web:1"))), "done").await.unwrap();
    }
    let operation = store.begin(&intent(at, Some(service("web:1")), None)).await.unwrap();
    assert_eq!(store.finish(&operation, None, "done").await.unwrap(), 2);
    assert!(store.snapshot(&dev()).await.unwrap().rows.is_empty());
    assert_eq!(store.snapshot(&engine::EnvironmentName::new("prod")).await.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn an_operation_is_finished_once_and_only_with_its_own_resource() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
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

#[tokio::test]
async fn what_is_written_at_the_same_time_is_all_written_by_two_stores_on_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let stores = [Arc::new(open(dir.path()).await), Arc::new(open(dir.path()).await)];
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..100 {
        let store = stores[i % 2].clone();
        tasks.spawn(async move {
            let at = format!("service.web[{i}]");
            let operation = store.begin(&intent(&at, None, Some(service("web:1")))).await.unwrap();
            store.finish(&operation, Some(&row(&at, service("web:1"))), "done").await.unwrap()
        });
    }
    let mut serials = tasks.join_all().await;
    serials.sort_unstable();
    assert_eq!(serials, (1..=100).collect::<Vec<u64>>());
    for store in stores {
        assert_eq!(store.snapshot(&dev()).await.unwrap().rows.len(), 100);
        assert!(store.open_operations(&dev()).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_ephemeral_value_is_never_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let fleeting = Value::tuple(vec![Value::string("once").with_marks(Marks::EPHEMERAL)]);
    let refused = store.begin(&intent("service.web", None, Some(fleeting.clone()))).await;
    assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
    let refused = store.put_outputs(&dev(), &[("x".into(), fleeting)]).await;
    assert!(refused.unwrap_err().to_string().contains("ephemeral"));
}

/// Names the folder in which the child process of the next test works.
const CHILD: &str = "STORE_TEST_CHILD";

#[tokio::test]
async fn a_process_that_was_killed_in_an_operation_leaves_exactly_that_one_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "state::works_until_it_is_killed", "--ignored", "--nocapture"])
        .env(CHILD, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("begun")));
    child.kill().unwrap();
    child.wait().unwrap();

    let store = open(dir.path()).await;
    let snapshot = store.snapshot(&dev()).await.unwrap();
    assert_eq!(snapshot.serial, 1);
    assert_eq!(snapshot.rows, [row("service.api", service("api:1"))]);
    let open = store.open_operations(&dev()).await.unwrap();
    let [open] = open.as_slice() else { panic!("{open:?}") };
    assert_eq!(open.intent.address, address("service.web"));
    assert_eq!(open.intent.action, Action::Update);
    assert_eq!(open.intent.before, Some(secret("before")));
    assert_eq!(open.intent.after, Some(service("web:1")));
    assert_eq!(open.intent.depends_on, [address("service.cache@local")]);
    store.finish(&open.id, None, "not done").await.unwrap();
    assert!(store.open_operations(&dev()).await.unwrap().is_empty());
}

#[tokio::test]
#[ignore = "the child process of another test"]
async fn works_until_it_is_killed() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let store = open(dir.as_ref()).await;
    let done = store.begin(&intent("service.api", None, Some(service("api:1")))).await.unwrap();
    store.finish(&done, Some(&row("service.api", service("api:1"))), "done").await.unwrap();
    store.begin(&intent("service.web", Some(secret("before")), Some(service("web:1")))).await.unwrap();
    println!("begun");
    std::future::pending::<()>().await;
}
