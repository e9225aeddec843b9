//! Killed at each write of the journal, before it and after it; then settled, planned and applied again.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use engine::{DeploymentOutcome, StateStore};
use value::Value;

use crate::rig::{Rig, dev, outcome};
use crate::store::Stop;

/// What is there first: some that stay, some that change, some that go.
fn before() -> String {
    services((0..12).map(|i| (i, 1)), "")
}

/// What is wanted: 20 resources move.
fn wanted(failing: &str) -> String {
    services((4..8).map(|i| (i, 1)).chain((8..12).map(|i| (i, 2))).chain((12..24).map(|i| (i, 1))), failing)
}

fn services(each: impl Iterator<Item = (usize, usize)>, failing: &str) -> String {
    let mut text = String::new();
    let mut last: Option<usize> = None;
    for (i, version) in each {
        // Every third depends on the one before it.
        let after =
            last.filter(|_| i % 3 == 0).map_or(String::new(), |j| format!("B = service.s{j}.address"));
        let fails = if failing == format!("s{i}") { "APPLY = \"breaks\"," } else { "" };
        let _ = writeln!(
            text,
            "service \"s{i}\" {{\n  program = [\"/s\"]\n  env = {{ V = {version}, {fails} {after} }}\n}}"
        );
        last = Some(i);
    }
    text
}

/// Applies until the store stops; answers whether it did.
async fn apply_and_stop(rig: &Rig, stop: Stop) -> bool {
    let plan = rig.plan().await;
    rig.store.stop_at(Some(stop));
    let stopped = tokio::select! {
        biased;
        applied = rig.apply(&plan) => {
            drop(applied);
            false
        }
        () = rig.store.stopped.notified() => true,
    };
    rig.store.stop_at(None);
    stopped
}

fn made(log: &[String]) -> BTreeMap<&str, usize> {
    let mut made = BTreeMap::new();
    for address in log.iter().filter_map(|line| line.strip_prefix("create ")) {
        *made.entry(address).or_default() += 1;
    }
    made
}

async fn end_state() -> BTreeMap<String, Value> {
    let rig = Rig::new(&wanted(""));
    rig.make().await;
    rig.provider.everything()
}

#[tokio::test]
async fn a_run_that_is_killed_at_any_write_is_gone_on_with_and_nothing_is_made_twice() {
    let end = end_state().await;
    let mut kills = 0;
    let mut found = std::collections::BTreeSet::new();
    for at in 0.. {
        let mut ran_through = false;
        for stop in [Stop::Before(at), Stop::After(at)] {
            let mut rig = Rig::new(&before());
            rig.options.parallelism = 3;
            rig.make().await;
            rig.describe(&wanted(""));
            if !apply_and_stop(&rig, stop).await {
                ran_through = true;
                continue;
            }
            kills += 1;
            let open = rig.store.open_operations(&dev()).await.unwrap().len();
            let settled = rig.settle().await;
            assert_eq!(settled.len(), open, "{stop:?}");
            found.extend(settled.iter().map(|s| format!("{:?} {:?}", s.action, s.found)));
            assert!(rig.store.open_operations(&dev()).await.unwrap().is_empty());
            let applied = rig.make().await;
            assert_eq!(applied.outcome, DeploymentOutcome::Succeeded, "{stop:?}: {}", outcome(&applied));
            assert_eq!(rig.provider.everything(), end, "{stop:?}");
            let snapshot = rig.store.snapshot(&dev()).await.unwrap();
            let rows: BTreeMap<String, Value> =
                snapshot.rows.into_iter().map(|row| (row.address.to_string(), row.value)).collect();
            assert_eq!(rows, end, "{stop:?}");
            assert!(!rig.plan().await.has_changes(), "{stop:?}");
            let log = rig.provider.log();
            let twice: Vec<_> = made(&log).into_iter().filter(|(_, times)| *times > 1).collect();
            assert!(twice.is_empty(), "{stop:?}: {twice:?}");
        }
        if ran_through {
            break;
        }
    }
    // Twenty operations have forty writes.
    assert_eq!(kills, 80);
    insta::assert_snapshot!(found.into_iter().collect::<Vec<_>>().join("\n"), @r#"
    Create Done
    Create NotDone
    Create PartlyDone
    Delete Done
    Delete NotDone
    Update Done
    Update NotDone
    "#);
}

#[tokio::test]
async fn a_run_that_is_killed_while_it_takes_back_is_gone_on_with_too() {
    let end = end_state().await;
    let mut kills = 0;
    for at in 0.. {
        let mut rig = Rig::new(&before());
        rig.options.parallelism = 3;
        rig.make().await;
        rig.describe(&wanted("s18"));
        if !apply_and_stop(&rig, Stop::After(at)).await {
            break;
        }
        kills += 1;
        let settled = rig.settle().await;
        assert!(settled.iter().all(|s| s.explanation.contains("when the run ended")));
        rig.describe(&wanted(""));
        let applied = rig.make().await;
        assert_eq!(applied.outcome, DeploymentOutcome::Succeeded, "{at}: {}", outcome(&applied));
        assert_eq!(rig.provider.everything(), end, "{at}");
        assert!(!rig.plan().await.has_changes(), "{at}");
    }
    assert!(kills > 40, "it was killed on the way back too: {kills}");
}
