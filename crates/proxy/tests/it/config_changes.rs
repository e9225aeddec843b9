//! Snapshots that follow each other while requests are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};
use proxy::{Config, InstanceName, Protocol};

use crate::client::{Client, request};
use crate::proxy::{PATIENCE, Proxy, free_address, port, until, web};
use crate::upstream::Upstream;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_endpoint_gets_no_new_requests_and_finishes_those_in_flight() {
    let proxy = Proxy::start().await;
    let (a, b) = (Upstream::start("a").await, Upstream::start("b").await);
    proxy.apply(&web(1, &[("a-1", a.address, 1)])).await;
    let mut held = Client::connect(proxy.http).await;
    let held = tokio::spawn(async move { held.get("/hold").await });
    until("the request arrives", async || a.requests() == 1).await;

    let mut client = Client::connect(proxy.http).await;
    proxy.apply(&web(2, &[("b-1", b.address, 1)])).await;
    for _ in 0..50 {
        assert_eq!(client.get("/").await.release(), "b");
    }
    assert_eq!(a.requests(), 1);
    assert!(!held.is_finished());
    a.gate.add_permits(1);
    assert_eq!(held.await.expect("the held request").release(), "a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_waits_for_what_is_in_flight_and_reports_what_is_left() {
    let proxy = Proxy::start().await;
    let a = Upstream::start("a").await;
    proxy.apply(&web(1, &[("a-1", a.address, 1)])).await;
    let held: Vec<_> = (0..3)
        .map(|_| {
            let address = proxy.http;
            tokio::spawn(async move { Client::connect(address).await.get("/hold").await.status })
        })
        .collect();
    until("the requests arrive", async || a.requests() == 3).await;
    proxy.apply(&web(2, &[])).await;
    let instance = InstanceName::from("a-1");
    let drained = proxy.control.drain(&instance, Duration::from_millis(20)).await.expect("an answer");
    assert_eq!((drained.complete, drained.in_flight), (false, 3));
    // It stays known over further snapshots while something is in flight on it.
    proxy.apply(&web(3, &[])).await;
    proxy.apply(&web(4, &[])).await;
    let control = proxy.control.clone();
    let waiting = tokio::spawn(async move { control.drain(&instance, PATIENCE).await });
    a.gate.add_permits(2);
    until("two have ended", async || {
        let stats = proxy.control.stats().await.expect("stats");
        stats.instances.get(&"a-1".into()).is_some_and(|one| one.in_flight == 1)
    })
    .await;
    assert!(!waiting.is_finished());
    a.gate.add_permits(1);
    let drained = waiting.await.expect("the drain").expect("an answer");
    assert_eq!((drained.complete, drained.in_flight), (true, 0));
    for one in held {
        assert_eq!(one.await.expect("a held request"), StatusCode::OK);
    }
}

#[tokio::test]
async fn idle_connections_to_an_endpoint_that_left_are_closed() {
    let proxy = Proxy::start().await;
    let (ended, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let (address, _server) = crate::upstream::raw(move |_, mut stream| {
        let ended = ended.clone();
        async move {
            while !crate::upstream::read_request(&mut stream, 0).await.is_empty() {
                crate::upstream::write_answer(&mut stream, "ok").await;
            }
            let _ = ended.send(());
        }
    })
    .await;
    proxy.apply(&web(1, &[("a-1", address, 1)])).await;
    assert_eq!(Client::connect(proxy.http).await.get("/").await.body, "ok");
    proxy.apply(&web(2, &[])).await;
    assert_eq!(tokio::time::timeout(PATIENCE, ends.recv()).await, Ok(Some(())));
}

#[tokio::test]
async fn a_connection_goes_on_when_another_service_takes_its_address_over() {
    let proxy = Proxy::start().await;
    let (a, b) = (Upstream::start("a").await, Upstream::start("b").await);
    let listen = free_address();
    let config = |version, service: &str, address| {
        let mut config = Config { version, ..Config::default() };
        let port = port(Protocol::Http, Some(listen), &[("x-1", address, 1)]);
        config.services.entry(service.into()).or_default().ports.insert("http".into(), port);
        config
    };
    proxy.apply(&config(1, "old", a.address)).await;
    let mut client = Client::connect(listen).await;
    assert_eq!(client.get("/").await.release(), "a");
    proxy.apply(&config(2, "new", b.address)).await;
    assert_eq!(client.get("/").await.release(), "b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_that_dies_loses_no_get() {
    let proxy = Proxy::start().await;
    let b = Upstream::start("b").await;
    for version in 1..=10 {
        let a = Upstream::start("a").await;
        proxy.apply(&web(version, &[("a-1", a.address, 1), ("b-1", b.address, 1)])).await;
        let clients: Vec<_> = (0..4)
            .map(|_| {
                let address = proxy.http;
                tokio::spawn(async move {
                    let mut client = Client::connect(address).await;
                    for _ in 0..100 {
                        assert_eq!(client.get("/").await.status, StatusCode::OK);
                    }
                })
            })
            .collect();
        until("it is in the middle of its work", async || a.requests() >= 20).await;
        drop(a);
        for client in clients {
            client.await.expect("a client without a fault");
        }
    }
}

#[tokio::test]
async fn weights_shape_traffic() {
    let proxy = Proxy::start().await;
    let (a, b, c) = (Upstream::start("a").await, Upstream::start("b").await, Upstream::start("c").await);
    proxy.apply(&web(1, &[("a-1", a.address, 90), ("b-1", b.address, 10), ("c-1", c.address, 0)])).await;
    let mut client = Client::connect(proxy.http).await;
    for _ in 0..100 {
        client.get("/").await;
    }
    assert_eq!((a.requests(), b.requests(), c.requests()), (90, 10, 0));
    proxy.apply(&web(2, &[("a-1", a.address, 0), ("b-1", b.address, 10), ("c-1", c.address, 10)])).await;
    for _ in 0..100 {
        client.get("/").await;
    }
    assert_eq!((a.requests(), b.requests(), c.requests()), (90, 60, 50));
}

/// Requests until `stop`, and returns how many were answered well; any other outcome is a panic. Every third is a POST.
pub async fn load(address: std::net::SocketAddr, keep: bool, stop: Arc<AtomicBool>) -> u64 {
    let mut client = Client::connect(address).await;
    let mut answered = 0;
    while !stop.load(Ordering::SeqCst) {
        if !keep {
            client = Client::connect(address).await;
        }
        let (method, body) = if answered % 3 == 0 { (Method::POST, "data") } else { (Method::GET, "") };
        let mut sent = request(method, "any.test", "/", body);
        if !keep {
            sent.headers_mut().insert("connection", http::HeaderValue::from_static("close"));
        }
        let answer = client.send(sent).await.expect("an answer");
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answered += 1;
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_snapshots_under_load_lose_nothing() {
    let proxy = Proxy::start().await;
    let (a, b) = (Upstream::start("a").await, Upstream::start("b").await);
    let config = |version| {
        let (name, address) = if version % 2 == 0 { ("a-1", a.address) } else { ("b-1", b.address) };
        // Every fourth snapshot changes hands by weight alone.
        match version % 4 {
            2 => web(version, &[("a-1", a.address, 1), ("b-1", b.address, 0)]),
            3 => web(version, &[("a-1", a.address, 0), ("b-1", b.address, 1)]),
            _ => web(version, &[(name, address, 1)]),
        }
    };
    proxy.apply(&config(1)).await;
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> =
        (0..16).map(|number| tokio::spawn(load(proxy.http, number % 2 == 0, stop.clone()))).collect();
    let answered = || a.requests() + b.requests();
    for version in 2..=201 {
        let before = answered();
        proxy.apply(&config(version)).await;
        let (gone, name) = if version % 2 == 0 { (&b, "b-1") } else { (&a, "a-1") };
        // Acknowledged and drained, it must see nothing more until it comes back.
        assert!(proxy.control.drain(&name.into(), PATIENCE).await.expect("an answer").complete);
        let seen = gone.requests();
        until("some requests pass", async || answered() >= before + 25).await;
        assert_eq!(gone.requests(), seen, "version {version}");
    }
    stop.store(true, Ordering::SeqCst);
    let mut total = 0;
    for client in clients {
        total += client.await.expect("a client without a fault");
    }
    assert!(total >= 5000, "{total}");
    assert_eq!(total, answered());
    assert!(a.requests() > 1000 && b.requests() > 1000);
}
