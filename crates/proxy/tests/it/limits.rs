//! What one request may cost, and clients that are slow on purpose.

use std::time::Duration;

use http::StatusCode;
use proxy::{Config, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::Client;
use crate::proxy::{PATIENCE, Proxy, until, web};
use crate::upstream::Upstream;

fn limited(version: u64, upstream: &Upstream, limits: Limits) -> Config {
    let mut config = web(version, &[("a-1", upstream.address, 1)]);
    for service in config.services.values_mut() {
        for port in service.ports.values_mut() {
            port.limits = limits;
        }
    }
    config
}

async fn exchange(proxy: &Proxy, text: &str) -> String {
    let mut stream = TcpStream::connect(proxy.http).await.expect("the proxy accepts");
    stream.write_all(text.as_bytes()).await.expect("the proxy reads");
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an end");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_counts_against_nobody() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("a").await;
    let limits = Limits { body_bytes_max: Some(10), ..Limits::default() };
    proxy.apply(&limited(1, &upstream, limits)).await;
    let mut client = Client::connect(proxy.http).await;
    assert_eq!(client.post("/", "0123456789").await.status, StatusCode::OK);
    let requests = upstream.requests();
    let answer = Client::connect(proxy.http).await.post("/", "0123456789a").await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than allowed\n")
    );
    assert_eq!(upstream.requests(), requests, "a length that is said is refused before anything is sent");
    for _ in 0..10 {
        let chunked = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n";
        assert!(exchange(&proxy, chunked).await.starts_with("HTTP/1.1 413 "));
    }
    // Ten failures of an endpoint would have put it out.
    assert_eq!(client.post("/", "data").await.status, StatusCode::OK);
    let stats = proxy.control.stats().await.expect("stats");
    assert_eq!(stats.services[&"web".into()].unserved, 0);
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_a_504() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("a").await;
    let limits = Limits { answer_ms_max: Some(50), ..Limits::default() };
    proxy.apply(&limited(1, &upstream, limits)).await;
    let mut client = Client::connect(proxy.http).await;
    let answer = client.get("/hold").await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(answer.body, "service web: no answer within the time allowed\n");
    let drained = proxy.control.drain(&"a-1".into(), PATIENCE).await.expect("an answer");
    assert!(drained.complete, "what is too late is given up");
}

#[tokio::test]
async fn a_client_that_sends_its_body_too_slowly_is_cut_off() {
    let proxy = Proxy::start_with(|options| options.patience.silence = Duration::from_millis(100)).await;
    let upstream = Upstream::start("a").await;
    proxy.apply(&web(1, &[("a-1", upstream.address, 1)])).await;
    let begun = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n012";
    assert!(exchange(&proxy, begun).await.starts_with("HTTP/1.1 408 "));
    let drained = proxy.control.drain(&"a-1".into(), PATIENCE).await.expect("an answer");
    assert!(drained.complete);
    assert_eq!(Client::connect(proxy.http).await.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_cut_off() {
    let proxy = Proxy::start_with(|options| options.patience.silence = Duration::from_millis(100)).await;
    let (address, _server) = crate::upstream::raw(async |_, mut stream| {
        crate::upstream::read_request(&mut stream, 0).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        // More than all buffers on the way hold.
        while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
    })
    .await;
    proxy.apply(&web(1, &[("a-1", address, 1)])).await;
    let mut stream = TcpStream::connect(proxy.http).await.expect("the proxy accepts");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("the proxy reads");
    let in_flight = async || {
        let stats = proxy.control.stats().await.expect("stats");
        stats.instances.get(&"a-1".into()).map_or(0, |one| (one.in_flight, one.counts.requests).0)
    };
    until("it is answered", async || in_flight().await == 1).await;
    until("it is given up", async || in_flight().await == 0).await;
}
