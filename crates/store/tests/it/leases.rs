//! Leases: exactly one holder, whatever happens to it.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::{LeaseHolder, Leases, StoreError};
use store::{Clock, SqliteStore, this_process};

use crate::{dev, keys, open};

const DURATION_MS: u64 = 1000;

fn me() -> LeaseHolder {
    this_process("ann@laptop".into(), "apply".into()).unwrap()
}

#[tokio::test]
async fn a_lease_is_held_by_one_until_it_is_given_back_or_over() {
    let dir = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicU64::new(5000));
    let clock: Clock = Arc::new({
        let now = now.clone();
        move || now.load(Ordering::SeqCst)
    });
    let store =
        SqliteStore::open_with_clock(&dir.path().join("state.db"), keys(dir.path()), clock).await.unwrap();
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

#[tokio::test]
async fn a_holder_whose_process_is_gone_holds_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let mut gone = Command::new("true").stdout(Stdio::null()).spawn().unwrap();
    let pid = gone.id();
    gone.wait().unwrap();
    store.acquire(&dev(), &LeaseHolder { pid, ..me() }, 600_000).await.unwrap();
    // The process id is another process's now.
    store.acquire(&dev(), &LeaseHolder { process_start: 1, ..me() }, 600_000).await.unwrap();
    // One of another machine may well be alive.
    store.acquire(&dev(), &LeaseHolder { pid, boot_id: "elsewhere".into(), ..me() }, 600_000).await.unwrap();
    assert!(matches!(store.acquire(&dev(), &me(), 600_000).await, Err(StoreError::Locked { .. })));
}

/// Names the folder in which the child processes of the next test work.
const CHILD: &str = "STORE_TEST_RACER";

#[test]
fn of_processes_that_race_for_a_lease_exactly_one_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let racers: Vec<_> = (0..6)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "leases::races_for_a_lease", "--ignored", "--nocapture"])
                .env(CHILD, dir.path())
                // An open pipe keeps the winner alive until all have tried.
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut outputs = Vec::new();
    let mut stdins = Vec::new();
    let mut waiting = Vec::new();
    for mut racer in racers {
        stdins.push(racer.stdin.take());
        waiting.push(std::thread::spawn(move || {
            use std::io::{BufRead, BufReader};
            let lines = BufReader::new(racer.stdout.take().unwrap()).lines().map_while(Result::ok);
            let told = lines
                .map(|line| line.contains("won").then_some(true).or(line.contains("lost").then_some(false)));
            (told.flatten().next(), racer)
        }));
    }
    for thread in waiting {
        let (won, racer) = thread.join().unwrap();
        outputs.push((won.expect("each tells how it went"), racer));
    }
    drop(stdins);
    for (_, racer) in &mut outputs {
        racer.wait().unwrap();
    }
    assert_eq!(outputs.iter().filter(|(won, _)| *won).count(), 1);
}

#[tokio::test]
#[ignore = "the child process of another test"]
async fn races_for_a_lease() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let store = open(dir.as_ref()).await;
    match store.acquire(&dev(), &me(), 600_000).await {
        Ok(_) => println!("won"),
        Err(StoreError::Locked { .. }) => println!("lost"),
        Err(fault) => println!("{fault:?}"),
    }
    let _ = std::io::read_to_string(std::io::stdin());
}
