//! Services: stable addresses, routes, and a proxy that is kept told.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use agent_api::{InstanceId, InstanceSpec, Phase, Probe, Protocol, Route, ServicePort, ServiceSpec};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::rig::{Rig, check, port, root, service};

fn get(address: &str, host: &str) -> String {
    let mut answer = String::new();
    let asked = TcpStream::connect(address).and_then(|mut stream| {
        write!(stream, "GET /name HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")?;
        stream.read_to_string(&mut answer)
    });
    asked.map_or_else(|fault| fault.to_string(), |_| answer)
}

fn described(name: &str, serving: &[&str]) -> ServiceSpec {
    ServiceSpec {
        key: service(name),
        written: serde_json::json!({ "replicas": 1 }),
        ports: vec![ServicePort::new("http", Protocol::Http)],
        routes: vec![Route::new(Some(format!("{name}.test")), "/", "http")],
        serving: serving.iter().map(|id| (InstanceId((*id).into()), 1)).collect(),
        drain_ms: 1_000,
    }
}

async fn web(rig: &Rig, id: &str) -> InstanceSpec {
    let script = format!("mkdir -p /www; echo this is {id} > /www/name; exec httpd -f -p 8080 -h /www");
    let mut spec = rig.spec(id, &script).await;
    spec.ports.push(port("http", 8080));
    spec.health = Some(check(Probe::Http { port: "http".into(), path: "/name".into() }));
    spec
}

#[tokio::test(flavor = "multi_thread")]
async fn two_containers_talk_through_a_stable_address() {
    if !root() {
        return;
    }
    let mut rig = Rig::start().await;
    for id in ["web-a", "web-b"] {
        rig.run(&web(&rig, id).await, &[Phase::Ready]).await;
    }
    let written = rig.client.put_service(&described("web", &["web-a"])).await.expect("written");
    let address = written.addresses["http"].clone();
    let entry = rig.client.info().await.expect("info").http_entry;
    assert!(get(&address, "any").contains("this is web-a"));
    assert!(get(&entry, "web.test").contains("this is web-a"));
    let client = rig.spec("client", &format!("wget -q -O - http://{address}/name")).await;
    rig.run(&client, &[Phase::Exited]).await;
    assert_eq!(rig.output(&client.id).await, "this is web-a\n");
    // Written again, the other one serves at once, under the same address.
    let again = rig.client.put_service(&described("web", &["web-b"])).await.expect("written");
    assert_eq!(again.addresses, written.addresses);
    assert!(get(&entry, "web.test").contains("this is web-b"));
    let drained = rig.client.drain(&InstanceId("web-a".into()), 5_000).await.expect("drained");
    assert_eq!((drained.complete, drained.in_flight), (true, 0));
    // The agent's death changes nothing for those who ask, nor does its return.
    rig.kill();
    assert!(get(&entry, "web.test").contains("this is web-b"));
    rig.launch().await;
    assert_eq!(rig.client.info().await.expect("info").http_entry, entry);
    assert_eq!(rig.client.services("shop", "dev").await.expect("listed"), [again]);
    assert!(get(&entry, "web.test").contains("this is web-b"));
    let other = ServiceSpec { routes: described("web", &[]).routes, ..described("other", &[]) };
    let refused = rig.client.put_service(&other).await.expect_err("refused");
    assert!(
        refused.to_string().starts_with("the route web.test/ leads to shop/dev/web already"),
        "{refused}"
    );
    rig.client.remove_service(&service("web")).await.expect("removed");
    assert!(get(&entry, "web.test").starts_with("HTTP/1.1 404"));
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unready_instance_gets_no_traffic_unless_it_is_the_last() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    let mut pages = Vec::new();
    for id in ["web-a", "web-b"] {
        let status = rig.run(&web(&rig, id).await, &[Phase::Ready]).await;
        pages.push((id, rig.inside(&status, "www/name")));
    }
    let written = rig.client.put_service(&described("web", &["web-a", "web-b"])).await.expect("written");
    let address = written.addresses["http"].clone();
    for (id, page) in pages {
        std::fs::rename(&page, page.with_file_name("away")).expect("moved");
        rig.until(&InstanceId(id.into()), |status| status.phase == Phase::Unready).await;
        if id == "web-a" {
            // The only ready one gets all: told to the proxy soon after it is known.
            let mut others = 0;
            while others < 20 {
                others = if get(&address, "x").contains("web-b") { others + 1 } else { 0 };
            }
        }
    }
    // None is ready: the last known good still answer, though not with a page.
    assert!(get(&address, "x").starts_with("HTTP/1.0 404") || get(&address, "x").starts_with("HTTP/1.1 404"));
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_died_is_there_again_and_works_as_before() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    rig.run(&web(&rig, "web-a").await, &[Phase::Ready]).await;
    let written = rig.client.put_service(&described("web", &["web-a"])).await.expect("written");
    let address = &written.addresses["http"];
    let pid: i32 =
        std::fs::read_to_string(rig.dir.join("proxy.lock")).expect("a lock").trim().parse().expect("a pid");
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("killed");
    while !get(address, "x").contains("this is web-a") {
        tokio::task::yield_now().await;
    }
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgraded_agent_replaces_the_proxy_without_a_lost_request() {
    if !root() {
        return;
    }
    let mut rig = Rig::start().await;
    rig.run(&web(&rig, "web-a").await, &[Phase::Ready]).await;
    let written = rig.client.put_service(&described("web", &["web-a"])).await.expect("written");
    let addresses =
        [written.addresses["http"].clone(), rig.client.info().await.expect("info").http_entry.clone()];
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = addresses
        .into_iter()
        .map(|address| {
            let stop = stop.clone();
            std::thread::spawn(move || {
                let (mut answered, mut lost) = (0_u32, Vec::new());
                while !stop.load(Ordering::SeqCst) {
                    match get(&address, "web.test") {
                        answer if answer.contains("this is web-a") => answered += 1,
                        other => lost.push(other),
                    }
                }
                (answered, lost)
            })
        })
        .collect();
    let lock = rig.dir.join("proxy.lock");
    let holder = || std::fs::read_to_string(&lock).expect("a lock");
    let before = holder();
    rig.upgrade().await;
    assert_ne!(holder(), before);
    // It is told as the one before was.
    rig.client.put_service(&described("web", &["web-a"])).await.expect("written");
    stop.store(true, Ordering::SeqCst);
    for client in clients {
        let (answered, lost) = client.join().expect("a client");
        assert!(answered > 0 && lost.is_empty(), "{answered} answered, lost: {lost:?}");
    }
    // An agent of the same program leaves it alone.
    let after = holder();
    rig.kill();
    rig.launch().await;
    assert_eq!(holder(), after);
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_services_without_ports_are_written_and_listed() {
    let rig = Rig::start().await;
    let spec = |number: usize| ServiceSpec {
        ports: Vec::new(),
        routes: Vec::new(),
        ..described(&format!("s{number}"), &[])
    };
    for number in 0..2_000 {
        rig.client.put_service(&spec(number)).await.expect("written");
    }
    assert_eq!(rig.client.services("shop", "dev").await.expect("listed").len(), 2_000);
    assert!(rig.client.services("shop", "de").await.expect("listed").is_empty());
    rig.finish().await;
}
