//! Leases between processes: exactly one holder, whatever happens to it.

use std::process::{Command, Stdio};

use engine::{LeaseHolder, Leases, StoreError};
use store::this_process;

use crate::{dev, open};

fn me() -> LeaseHolder {
    this_process("ann@laptop".into(), "apply".into()).unwrap()
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
