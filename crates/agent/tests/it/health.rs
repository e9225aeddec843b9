//! Readiness: what each kind of check says, and when it counts.

use agent_api::{Phase, Probe};

use crate::rig::{Rig, check, port, root};

#[tokio::test(flavor = "multi_thread")]
async fn a_web_server_is_ready_as_long_as_its_page_is_there() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    let script = "mkdir -p /www; echo fine > /www/healthz; exec httpd -f -p $PORT -h /www";
    let mut spec = rig.spec("web", script).await;
    spec.ports.push(port("http", 8080));
    spec.health = Some(check(Probe::Http { port: "http".into(), path: "/healthz".into() }));
    let status = rig.run(&spec, &[Phase::Ready]).await;
    let page = rig.inside(&status, "www/healthz");
    assert_eq!(status.last_check.map(|check| check.message).as_deref(), Some("GET /healthz: 200 OK"));
    assert!(status.ready_since_ms.is_some());
    std::fs::rename(&page, page.with_file_name("gone")).expect("moved");
    let status = rig.until(&spec.id, |status| status.phase == Phase::Unready).await;
    assert_eq!(status.ready_since_ms, None);
    assert_eq!(status.last_check.map(|check| check.message).as_deref(), Some("GET /healthz: 404 Not Found"));
    std::fs::rename(page.with_file_name("gone"), &page).expect("moved");
    rig.until(&spec.id, |status| status.phase == Phase::Ready).await;
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_nobody_listens_on_is_said_to_refuse() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    let script = "while [ ! -e /go ]; do sleep 0.05; done; exec httpd -f -p 9000";
    let mut spec = rig.spec("late", script).await;
    spec.ports.push(port("db", 9000));
    spec.health = Some(check(Probe::Tcp { port: "db".into() }));
    rig.client.start(&spec).await.expect("started");
    let status = rig.until(&spec.id, |status| status.last_check.is_some()).await;
    let go = rig.inside(&status, "go");
    assert_eq!(status.phase, Phase::Starting);
    assert_eq!(status.last_check.map(|check| check.message).as_deref(), Some("connection refused"));
    std::fs::write(go, "").expect("written");
    rig.until(&spec.id, |status| status.phase == Phase::Ready).await;
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_inside_the_container_and_is_confined_as_it_is() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    let mut spec = rig.spec("inside", "echo $$$$ > /mine; exec sleep 1000").await;
    spec.env.insert("WORD".into(), "word".into());
    let script = "test \"$(hostname) $WORD $(cat /mine)\" = 'inside word 1' || { echo other; exit 1; }; \
                  mount -t tmpfs none /tmp 2>/dev/null && exit 2; unshare -U true 2>/dev/null && exit 3; \
                  cat /ready || exit 4";
    let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    spec.health = Some(check(Probe::Command { command }));
    rig.client.start(&spec).await.expect("started");
    let said = "/bin/sh: exited with code 4: cat: can't open '/ready': No such file or directory";
    let last =
        |status: &agent_api::InstanceStatus| status.last_check.as_ref().map(|check| check.message.clone());
    let status = rig.until(&spec.id, |status| last(status).as_deref() == Some(said)).await;
    std::fs::write(rig.inside(&status, "ready"), "").expect("written");
    let status = rig.until(&spec.id, |status| status.phase == Phase::Ready).await;
    assert_eq!(last(&status).as_deref(), Some("/bin/sh: exited with code 0"));
    rig.finish().await;
}
