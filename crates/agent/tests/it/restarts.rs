//! The agent, a supervisor or the proxy is killed: what goes on, and what is found again.

use std::fs;

use agent_api::{Phase, Probe};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::rig::{Rig, check, port, process, root};

#[tokio::test(flavor = "multi_thread")]
async fn instances_go_on_without_the_agent_and_are_found_again() {
    if !root() {
        return;
    }
    let mut rig = Rig::start().await;
    let mut web =
        rig.spec("web", "trap 'exit 5' TERM; httpd -p 8080 -h /bin; while true; do sleep 0.05; done").await;
    web.ports.push(port("http", 8080));
    web.health = Some(check(Probe::Http { port: "http".into(), path: "/sh".into() }));
    let brief = process("brief", &["sh", "-c", "while [ ! -e done ]; do sleep 0.05; done; exit 9"]);
    let before = rig.run(&web, &[Phase::Ready]).await;
    rig.run(&brief, &[Phase::Ready]).await;
    rig.kill();
    // It ends while nobody listens.
    fs::write(rig.dir.join("instances/brief/directory/done"), "").expect("written");
    rig.launch().await;
    let after = rig.until(&web.id, |status| status.phase == Phase::Ready).await;
    assert_eq!(
        (after.pid, &after.address, after.ready_since_ms, after.started_at_ms),
        (before.pid, &before.address, before.ready_since_ms, before.started_at_ms)
    );
    let ended = rig.until(&brief.id, |status| status.phase.is_over()).await;
    assert_eq!(ended.last_exit.and_then(|exit| exit.code), Some(9));
    assert_eq!(rig.client.start(&web).await.expect("there").pid, before.pid);
    // Told to end, it leaves them alone as well.
    rig.client.shutdown().await.expect("it ends");
    rig.kill();
    rig.launch().await;
    assert_eq!(rig.until(&web.id, |status| status.phase == Phase::Ready).await.pid, before.pid);
    let stopped = rig.stop(&web.id).await;
    assert_eq!(stopped.last_exit.and_then(|exit| exit.code), Some(5));
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_whose_supervisor_was_killed_has_failed_and_nothing_of_it_runs() {
    if !root() {
        return;
    }
    let mut rig = Rig::start().await;
    for (id, with_agent) in [("seen", true), ("unseen", false)] {
        let container = rig.spec(&format!("{id}-c"), "sleep 1000").await;
        let host = process(&format!("{id}-p"), &["sh", "-c", "setsid sleep 1000 & sleep 1000"]);
        let mut pids = Vec::new();
        for spec in [&container, &host] {
            let status = rig.run(spec, &[Phase::Ready]).await;
            pids.push(status.pid.expect("it runs"));
        }
        if !with_agent {
            rig.kill();
        }
        for spec in [&container, &host] {
            let lock =
                fs::read_to_string(rig.dir.join("instances").join(&spec.id.0).join("lock")).expect("a lock");
            kill(Pid::from_raw(lock.parse().expect("a number")), Signal::SIGKILL).expect("killed");
        }
        if !with_agent {
            rig.launch().await;
        }
        for spec in [&container, &host] {
            let status = rig.until(&spec.id, |status| status.phase.is_over()).await;
            assert_eq!(status.phase, Phase::Failed);
            assert_eq!(status.reason.as_deref(), Some("its supervisor is gone"));
            rig.client.remove(&spec.id).await.expect("removed");
        }
        for pid in pids {
            let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            assert!(state.is_empty() || state.contains(") Z "), "{state}");
        }
    }
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_agent_in_the_same_folder_is_refused_by_name() {
    let rig = Rig::start().await;
    let info = rig.client.info().await.expect("info");
    let fault = agent::run(agent::AgentOptions::new(&rig.dir).expect("options")).await.expect_err("refused");
    assert!(fault.to_string().contains(&format!("another agent (process {})", info.pid)), "{fault}");
    rig.finish().await;
}
