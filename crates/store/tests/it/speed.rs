//! Figures, for people to look at: `cargo test --release -p store -- --ignored --nocapture speed`.

use std::sync::Arc;
use std::time::Instant;

use engine::StateStore;
use value::Value;

use crate::{dev, intent, open, row, service};

#[tokio::test]
#[ignore = "a measurement"]
async fn ten_thousand_rows_are_written_and_read() {
    let dir = tempfile::tempdir_in(".").unwrap();
    let store = Arc::new(open(dir.path()).await);
    let begun = Instant::now();
    for i in 0..100 {
        let operation = store.begin(&intent(&format!("service.one[{i}]"), None, None)).await.unwrap();
        store.finish(&operation, None, "done").await.unwrap();
    }
    println!("100 operations one after the other: {:?}", begun.elapsed());
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..10 {
        let store = store.clone();
        tasks.spawn(async move {
            for i in (worker..10_000).step_by(10) {
                let at = format!("service.web{i}@local");
                let value = large(i);
                let operation = store.begin(&intent(&at, None, Some(value.clone()))).await.unwrap();
                store.finish(&operation, Some(&row(&at, value)), "done").await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    println!("10,000 operations, ten at a time: {:?}", begun.elapsed());
    for _ in 0..3 {
        let begun = Instant::now();
        let rows = store.snapshot(&dev()).await.unwrap().rows.len();
        println!("a snapshot of {rows} rows: {:?}", begun.elapsed());
    }
    println!("{} bytes", std::fs::metadata(dir.path().join("state.db")).unwrap().len());
}

fn large(i: usize) -> Value {
    let part = service(&format!("shop/web:{i}"));
    Value::object([
        ("service", part.clone()),
        ("health", part.clone()),
        ("rollout", part.clone()),
        ("stop", part),
        ("address", Value::string(format!("10.0.0.{i}:8080"))),
    ])
}
