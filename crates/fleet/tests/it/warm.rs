//! The release before is kept running for a while: going back to it takes no start, also by an agent that was started anew, and the
//! agent ends it when its time has come.

use std::time::{Duration, Instant};

use agent_api::{InstanceStatus, Phase};

use crate::load::Load;
use crate::rig::{Rig, web};

async fn all(rig: &Rig) -> Vec<InstanceStatus> {
    rig.client.instances("shop", "dev", None).await.expect("listed").instances
}

/// Instances that are kept warm.
async fn warm(rig: &Rig) -> Vec<InstanceStatus> {
    all(rig).await.into_iter().filter(|it| it.retires_at_ms.is_some()).collect()
}

fn rest(strategy: &str, warm: &str) -> String {
    format!(
        "replicas = 2\n rollout {{\n min_healthy = \"200ms\"\n strategy = \"{strategy}\"\n warm = \"{warm}\"\n }}"
    )
}

#[tokio::test]
async fn going_back_to_a_warm_release_starts_nothing_and_loses_nothing() {
    for strategy in ["rolling", "blue_green"] {
        let mut rig = Rig::start().await;
        let (v1, v2) = (web("v1", "ok", &rest(strategy, "5m")), web("v2", "ok", &rest(strategy, "5m")));
        rig.apply(Some(&v1)).await.expect("created");
        let first: Vec<_> = all(&rig).await.into_iter().map(|it| (it.id, it.pid)).collect();
        let entry = rig.client.info().await.expect("an agent").http_entry;
        let load = Load::on(&entry);
        rig.apply(Some(&v2)).await.expect("updated");
        let kept: Vec<_> = warm(&rig).await.into_iter().map(|it| (it.id, it.pid)).collect();
        assert_eq!(kept, first, "those of before run on");
        rig.is_settled(&v2).await;

        rig.restart_agent().await;
        assert_eq!(warm(&rig).await.len(), 2, "a new agent knows what is warm");
        rig.apply(Some(&v1)).await.expect("taken back");
        let account = load.stop().await;
        assert_eq!(account.lost, Vec::<String>::new(), "{:?}", account.answers);
        let serving: Vec<_> = all(&rig)
            .await
            .into_iter()
            .filter(|it| it.retires_at_ms.is_none())
            .map(|it| (it.id, it.pid))
            .collect();
        assert_eq!(serving, first, "the very same processes serve again");
        assert_eq!(warm(&rig).await.len(), 2, "and what they have replaced is warm now");
        rig.is_settled(&v1).await;
        rig.finish().await;
    }
}

#[tokio::test]
async fn the_agent_ends_a_warm_release_when_its_time_has_come() {
    let mut rig = Rig::start().await;
    rig.apply(Some(&web("v1", "ok", &rest("rolling", "1s")))).await.expect("created");
    let v2 = web("v2", "ok", &rest("rolling", "1s"));
    rig.apply(Some(&v2)).await.expect("updated");
    let begun = Instant::now();
    while all(&rig).await.len() > 2 {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", all(&rig).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(all(&rig).await.iter().all(|it| it.phase == Phase::Ready && it.retires_at_ms.is_none()));
    rig.is_settled(&v2).await;
    rig.finish().await;
}

#[tokio::test]
async fn one_that_serves_is_not_ended_though_its_time_has_come() {
    let mut rig = Rig::start().await;
    let v1 = web("v1", "ok", &rest("rolling", "0s"));
    rig.apply(Some(&v1)).await.expect("created");
    let id = all(&rig).await[0].id.clone();
    rig.client.retire(&id, 1).await.expect("noted");
    let begun = Instant::now();
    while !warm(&rig).await.is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", all(&rig).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(all(&rig).await.len(), 2);
    rig.is_settled(&v1).await;
    rig.finish().await;
}

#[tokio::test]
async fn a_release_that_failed_is_not_kept_warm() {
    let mut rig = Rig::start().await;
    let more = format!("{}\n restart {{ attempts = 0 }}", rest("blue_green", "5m"));
    rig.apply(Some(&web("v1", "ok", &more))).await.expect("created");
    let before: Vec<_> = all(&rig).await.into_iter().map(|it| it.id).collect();
    rig.apply(Some(&web("v2", "exit", &more))).await.expect_err("it cannot run");
    assert_eq!(all(&rig).await.into_iter().map(|it| it.id).collect::<Vec<_>>(), before);
    rig.finish().await;
}
