//! A process that is killed in the middle of an operation.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use engine::{Action, StateStore};

use crate::{address, dev, intent, open, row, secret, service};

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
