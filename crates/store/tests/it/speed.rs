//! Figures, for people to look at: `cargo test --release -p store -- --ignored --nocapture speed`.

use std::sync::Arc;
use std::time::Instant;

use engine::{Edit, Snapshot, StateRow, Store};
use value::Value;

use crate::moto::Moto;
use crate::rig::{Postgres, Rig};
use crate::{address, dev, intent, row, service};

#[tokio::test]
#[ignore = "a measurement"]
async fn rows_are_written_and_read_on_sqlite() {
    measure(&Rig::sqlite()).await;
}

#[tokio::test]
#[ignore = "a measurement"]
async fn rows_are_written_and_read_on_postgresql() {
    let Some(server) = Postgres::start() else { return };
    measure(&Rig::postgres(&server)).await;
}

#[tokio::test]
#[ignore = "a measurement"]
async fn rows_are_written_and_read_on_s3() {
    let Some(server) = Moto::start() else { return };
    let gate = server.gate();
    measure(&Rig::behind(&gate)).await;
    println!("{} requests, {} of them writes", gate.requests().len(), gate.writes());
}

async fn measure(rig: &Rig) {
    let store = rig.open().await;
    let begun = Instant::now();
    for i in 0..100 {
        let operation = store.begin(&intent(&format!("service.one[{i}]"), None, None)).await.unwrap();
        store.finish(&operation, None, "done").await.unwrap();
    }
    println!("100 operations one after the other: {:?}", begun.elapsed());
    for (what, value) in [("small", small as fn(usize) -> Value), ("large", large)] {
        let begun = Instant::now();
        operate(&store, 5_000, value).await;
        println!("5,000 operations of {what} rows, 64 at a time: {:?}", begun.elapsed());
    }
    for rows in [10_000, 100_000] {
        let rows = (0..rows).map(|i| provided(i, large(i))).collect();
        let everything = Edit::Everything(Box::new(Snapshot { rows, ..Snapshot::default() }));
        let begun = Instant::now();
        store.edit(&dev(), None, vec![everything]).await.unwrap();
        println!("replacing everything: {:?}", begun.elapsed());
        let before = memory_kb();
        for _ in 0..3 {
            let begun = Instant::now();
            let snapshot = store.snapshot(&dev()).await.unwrap();
            let more = memory_kb().saturating_sub(before);
            println!("a snapshot of {} rows: {:?}, {more} kB more", snapshot.rows.len(), begun.elapsed());
        }
    }
}

async fn operate(store: &Arc<dyn Store>, count: usize, value: fn(usize) -> Value) {
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..64 {
        let store = store.clone();
        tasks.spawn(async move {
            for i in (worker..count).step_by(64) {
                let at = format!("service.web{i}@local");
                let value = value(i);
                let operation = store.begin(&intent(&at, None, Some(value.clone()))).await.unwrap();
                store.finish(&operation, Some(&row(&at, value)), "done").await.unwrap();
            }
        });
    }
    tasks.join_all().await;
}

fn memory_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

fn provided(i: usize, value: Value) -> StateRow {
    let mut row = StateRow::new(address(&format!("module.m[{}].t.row[{i}]", i % 100)), value, Vec::new());
    row.record.provider = "provider[\"registry.terraform.io/hashicorp/aws\"]".into();
    row.record.schema_version = 1;
    row
}

fn small(i: usize) -> Value {
    Value::object([
        ("id", Value::string(format!("id-{i}"))),
        ("input", Value::number(i64::try_from(i).unwrap())),
    ])
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
