//! A proxy that is replaced by the next one: no connection is refused, reset or lost.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};
use nix::sys::signal::Signal;
use proxy::Control;

use crate::client::{Client, get};
use crate::config_changes::load;
use crate::http2;
use crate::process::{ended, signal, start, take_over};
use crate::proxy::{PATIENCE, answering, free_address, until};
use crate::upstream::Upstream;

/// Waits until the process with this id answers at the control socket.
async fn serves(control: &Control, pid: u32) {
    until("the next one serves", async || control.info().await.is_ok_and(|info| info.pid == pid)).await;
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("run")).expect("a folder");
    let mut names: Vec<String> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_in_a_row_lose_nothing_under_load() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (first, control) = start(folder.path());
    let info = answering(&control).await;
    let (a, b) = (Upstream::start("a").await, Upstream::start("b").await);
    let listen = free_address();
    let mut config = crate::proxy::web(1, &[("a-1", a.address, 1), ("b-1", b.address, 1)]);
    for port in config.services.values_mut().flat_map(|service| service.ports.values_mut()) {
        port.listen = Some(listen);
    }
    control.apply(&config).await.expect("the snapshot is taken");

    let stop = Arc::new(AtomicBool::new(false));
    let mut clients: Vec<_> = (0..8)
        .map(|number| {
            let address = if number < 4 { info.http } else { listen };
            tokio::spawn(kept(address, number % 2 == 0, stop.clone()))
        })
        .collect();
    clients.push(tokio::spawn(streams(info.http, stop.clone())));
    let mut running = first;
    for _ in 0..5 {
        let before = a.requests() + b.requests();
        until("requests pass", async || a.requests() + b.requests() >= before + 100).await;
        let (next, control) = take_over(folder.path());
        serves(&control, next.id()).await;
        assert_eq!(control.config().await.expect("a config"), config);
        // What still is in flight or kept in the old one ends by itself.
        assert_eq!(ended(&mut running).await, Some(0));
        running = next;
    }
    stop.store(true, Ordering::SeqCst);
    let mut total = 0;
    for client in clients {
        total += client.await.expect("a client without a fault");
    }
    assert_eq!(total, a.requests() + b.requests());
    until("nothing is left of the old ones", async || files(folder.path()) == ["control.sock", "lock"]).await;
    let holder = std::fs::read_to_string(folder.path().join("run/lock")).expect("the lock");
    assert_eq!(holder.trim(), running.id().to_string());
    signal(&running, Signal::SIGTERM);
    assert_eq!(ended(&mut running).await, Some(0));
}

/// Like [`load`], on a connection that is kept until the proxy says `connection: close`.
async fn kept(address: std::net::SocketAddr, keep: bool, stop: Arc<AtomicBool>) -> u64 {
    if !keep {
        return load(address, false, stop).await;
    }
    let (mut client, mut answered) = (Client::connect(address).await, 0);
    while !stop.load(Ordering::SeqCst) {
        let answer = client.post("/", "data").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answered += 1;
        if answer.headers.contains_key("connection") {
            client = Client::connect(address).await;
        }
    }
    answered
}

/// Requests on HTTP/2 connections, on a new one where the old one takes no more.
async fn streams(address: std::net::SocketAddr, stop: Arc<AtomicBool>) -> u64 {
    let (mut sender, mut answered) = (http2::connect(address).await, 0);
    while !stop.load(Ordering::SeqCst) {
        let request = http2::absolute(Method::POST, "any.test", "/", "data");
        match sender.try_send_request(request).await {
            Ok(response) => {
                assert_eq!(response.status(), StatusCode::OK);
                let body = http_body_util::BodyExt::collect(response.into_body()).await;
                assert!(body.is_ok());
                answered += 1;
            }
            Err(mut fault) => {
                // The proxy has said that it takes no more on this connection; nothing was sent.
                assert!(fault.take_message().is_some(), "{}", fault.error());
                sender = http2::connect(address).await;
            }
        }
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_waits_for_what_the_one_before_still_has_in_flight() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut old, control) = start(folder.path());
    let info = answering(&control).await;
    let (a, b) = (Upstream::start("a").await, Upstream::start("b").await);
    control.apply(&crate::proxy::web(1, &[("a-1", a.address, 1)])).await.expect("the snapshot is taken");
    let held = tokio::spawn(async move { get(info.http, "any.test", "/hold").await });
    until("the request arrives", async || a.requests() == 1).await;
    let (mut new, control) = take_over(folder.path());
    serves(&control, new.id()).await;
    control.apply(&crate::proxy::web(2, &[("b-1", b.address, 1)])).await.expect("the snapshot is taken");
    assert_eq!(get(info.http, "any.test", "/").await.release(), "b");
    let drained = control.drain(&"a-1".into(), Duration::from_millis(20)).await.expect("an answer");
    assert_eq!((drained.complete, drained.in_flight), (false, 1));
    a.gate.add_permits(1);
    assert_eq!(held.await.expect("the held request").release(), "a");
    assert!(control.drain(&"a-1".into(), PATIENCE).await.expect("an answer").complete);
    assert_eq!(ended(&mut old).await, Some(0));
    signal(&new, Signal::SIGTERM);
    assert_eq!(ended(&mut new).await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successor_that_is_killed_leaves_nothing_in_the_way_of_the_next() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut old, control) = start(folder.path());
    let info = answering(&control).await;
    let a = Upstream::start("a").await;
    control.apply(&crate::proxy::web(1, &[("a-1", a.address, 1)])).await.expect("the snapshot is taken");
    let held = tokio::spawn(async move { get(info.http, "any.test", "/hold").await });
    until("the request arrives", async || a.requests() == 1).await;
    let (mut killed, control) = take_over(folder.path());
    serves(&control, killed.id()).await;
    until("the old one accepts no more", async || files(folder.path()).len() == 3).await;
    signal(&killed, Signal::SIGKILL);
    ended(&mut killed).await;
    // Whether the old one was told to finish before that is up to chance; either way another can follow.
    let (mut next, control) = take_over(folder.path());
    serves(&control, next.id()).await;
    let drained = control.drain(&"a-1".into(), Duration::from_millis(20)).await.expect("an answer");
    assert_eq!((drained.complete, drained.in_flight), (false, 1));
    a.gate.add_permits(1);
    assert_eq!(held.await.expect("the held request").release(), "a");
    assert_eq!(ended(&mut old).await, Some(0));
    signal(&next, Signal::SIGTERM);
    assert_eq!(ended(&mut next).await, Some(0));
}

#[tokio::test]
async fn a_successor_of_nobody_is_a_first() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut child, control) = take_over(folder.path());
    assert_eq!(answering(&control).await.pid, child.id());
    signal(&child, Signal::SIGTERM);
    assert_eq!(ended(&mut child).await, Some(0));
}
