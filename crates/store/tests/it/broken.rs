//! Files that are not what they should be.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use engine::{Deployment, DeploymentId, DeploymentKind, DeploymentOutcome, Ledger, StateStore, StoreError};
use sqlx::Connection as _;
use store::SqliteStore;

use crate::{dev, intent, keys, open, row, service};

#[tokio::test]
async fn a_broken_file_is_reported_with_the_way_out_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let store = open(dir.path()).await;
    for i in 0..200 {
        let at = format!("service.web[{i}]");
        let operation = store.begin(&intent(&at, None, None)).await.unwrap();
        store.finish(&operation, Some(&row(&at, service("web:1"))), "done").await.unwrap();
    }
    let ended = Deployment {
        id: DeploymentId::new("d1"),
        kind: DeploymentKind::Apply,
        revision: None,
        who: "ann".into(),
        started_at_ms: 1,
        finished_at_ms: Some(2),
        outcome: Some(DeploymentOutcome::Succeeded),
        holds: Vec::new(),
        cells: Vec::new(),
    };
    store.put_deployment(&dev(), &ended).await.unwrap();
    store.close().await.unwrap();
    let backup = dir.path().join("state.db.backup");
    for file in [&path, &backup] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let whole = fs::read(&path).unwrap();
    for (name, from) in [("not a database", 0), ("broken", 4096)] {
        let mut content = whole.clone();
        content[from..].fill(0xAB);
        for beside in ["state.db-wal", "state.db-shm"] {
            let _ = fs::remove_file(dir.path().join(beside));
        }
        fs::write(&path, &content).unwrap();
        let fault = match SqliteStore::open(&path, keys(dir.path())).await {
            Ok(store) => store.snapshot(&dev()).await.map(|_| ()).unwrap_err(),
            Err(fault) => fault,
        };
        assert!(matches!(fault, StoreError::Unreadable { .. }), "{name}: {fault:?}");
        let text = fault.to_string();
        assert!(text.contains(name) && text.contains("state.db.backup"), "{text}");
        assert!(fs::read(&path).unwrap() == content, "{name}: the file was changed");
    }

    // The way out that was told works.
    fs::copy(&backup, &path).unwrap();
    for beside in ["state.db-wal", "state.db-shm"] {
        let _ = fs::remove_file(dir.path().join(beside));
    }
    assert_eq!(open(dir.path()).await.snapshot(&dev()).await.unwrap().rows.len(), 200);
}

#[tokio::test]
async fn the_state_of_a_newer_program_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    drop(open(dir.path()).await);
    let mut connection = sqlx::AnyConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query("INSERT INTO shapes VALUES (9, 0)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let fault = SqliteStore::open(&path, keys(dir.path())).await.unwrap_err();
    assert!(fault.to_string().contains("newer program"), "{fault}");
}

#[tokio::test]
async fn a_folder_with_odd_letters_in_its_name_is_no_trouble() {
    let dir = tempfile::tempdir().unwrap();
    let odd = dir.path().join("a ?#%41 ü").join("state.db");
    drop(SqliteStore::open(&odd, keys(dir.path())).await.unwrap());
    assert!(odd.exists());
    assert_eq!(fs::metadata(odd.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
}
