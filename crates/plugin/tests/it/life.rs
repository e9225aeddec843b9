//! How a provider ends.

use std::time::{Duration, Instant};

use testkit::provider::{Script, Shutdown};

use crate::rig::{ALL, Rig, all_ended, runs};

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_asked_to_end_ends() {
    for (protocol, network) in ALL {
        let rig = Rig::new();
        let ready = rig.ready(&Script { protocol, network, ..rig.script() }).await;
        let pids = rig.pids();
        assert!(runs(pids[0]));
        let begun = Instant::now();
        ready.plugin.shut_down().await;
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert!(!runs(pids[0]));
        assert_eq!(rig.names().last().unwrap(), "Shutdown");
        assert_eq!(ready.plugin.processes(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_does_not_end_is_killed_after_two_seconds() {
    for shutdown in [Shutdown::Refuses, Shutdown::Ignores] {
        let rig = Rig::new();
        let ready = rig.ready(&Script { shutdown, ..rig.script() }).await;
        let begun = Instant::now();
        ready.plugin.shut_down().await;
        let took = begun.elapsed();
        assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(4), "{took:?}");
        all_ended(&rig.pids()).await;
        assert_eq!(rig.count("Shutdown"), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_dropped_is_killed() {
    let rig = Rig::new();
    let ready = rig.ready(&rig.script()).await;
    drop(ready);
    all_ended(&rig.pids()).await;
    assert_eq!(rig.count("Shutdown"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_used_again_after_it_was_ended() {
    let rig = Rig::new();
    let plugin = rig.plugin(&rig.script());
    plugin.provider().schema().await.unwrap();
    plugin.shut_down().await;
    let again = crate::rig::Ready::of(plugin).await;
    again.make(r#"name = "a""#).await;
    assert_eq!(rig.pids().len(), 2);
    again.plugin.shut_down().await;
    all_ended(&rig.pids()).await;
}
