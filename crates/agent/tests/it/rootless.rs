//! An agent that is not root.

use agent_api::{Phase, Probe};

use crate::rig::{Rig, check, port, process, root};

/// A user without any rights.
const NOBODY: u32 = 65_534;

#[tokio::test(flavor = "multi_thread")]
async fn without_root_a_container_is_in_a_user_namespace_and_says_what_it_misses() {
    if !root() {
        return;
    }
    if std::process::Command::new("setpriv").arg("--version").output().is_err() {
        eprintln!("skipped: there is no setpriv");
        return;
    }
    let namespaces = std::fs::read_to_string("/proc/sys/user/max_user_namespaces").unwrap_or_default();
    if namespaces.trim().parse::<u64>().unwrap_or(0) == 0 {
        eprintln!("skipped: user namespaces are switched off");
        return;
    }
    let mut rig = Rig::start_as(Some(NOBODY)).await;
    let script = "hostname; echo pid $$$$; id -u; touch /here; echo fine > /bin/healthz; \
                  mount -t tmpfs none /tmp 2>/dev/null && echo OPEN; exec httpd -f -p 127.0.0.1:$PORT -h /bin";
    let mut spec = rig.spec("plain", script).await;
    spec.ports.push(port("http", 8080));
    spec.health = Some(check(Probe::Http { port: "http".into(), path: "/healthz".into() }));
    let status = rig.run(&spec, &[Phase::Ready, Phase::Failed]).await;
    assert_eq!(status.phase, Phase::Ready, "{status:?}");
    assert!(status.address == "127.0.0.1" && status.ports["http"] >= 20_000);
    assert_eq!(rig.output(&spec.id).await, "plain\npid 1\n0\n");
    assert!(status.missing_isolation.iter().any(|sentence| sentence.contains("not limited")), "{status:?}");
    assert_eq!(rig.client.info().await.expect("info").missing_isolation, status.missing_isolation);
    let mut checked = rig.spec("checked", "echo $$$$ > /mine; exec sleep 1000").await;
    let command = ["/bin/sh", "-c", "test $(cat /mine) = 1"].map(str::to_owned).to_vec();
    checked.health = Some(check(Probe::Command { command }));
    let ready = rig.run(&checked, &[Phase::Ready, Phase::Failed]).await;
    assert_eq!(ready.phase, Phase::Ready, "{ready:?}");
    let job = process("job", &["sh", "-c", "setsid sleep 4713 & exit 3"]);
    let failed = rig.run(&job, &[Phase::Failed]).await;
    assert_eq!(failed.last_exit.and_then(|exit| exit.code), Some(3));
    rig.kill();
    rig.launch().await;
    let after = rig.until(&spec.id, |status| status.phase == Phase::Ready).await;
    assert_eq!(after.pid, status.pid);
    for id in [&spec.id, &checked.id] {
        rig.stop(id).await;
        rig.client.remove(id).await.expect("removed");
    }
    rig.finish().await;
}
