//! What is tried again, and what never is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::StatusCode;
use tokio::sync::mpsc;

use crate::client::Client;
use crate::proxy::{Proxy, free_address, web};
use crate::upstream::{Upstream, raw, read_request, write_answer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_connection_that_the_upstream_closed_does_not_lose_a_post() {
    let proxy = Proxy::start().await;
    // Each connection serves one request and is closed without a word, right after its answer.
    let (closed, mut closes) = mpsc::unbounded_channel();
    let (address, _server) = raw(move |number, mut stream| {
        let closed = closed.clone();
        async move {
            let request = read_request(&mut stream, 4).await;
            assert!(request.ends_with("data"), "{request}");
            write_answer(&mut stream, &number.to_string()).await;
            drop(stream);
            let _ = closed.send(());
        }
    })
    .await;
    proxy.apply(&web(1, &[("a-1", address, 1)])).await;
    let mut client = Client::connect(proxy.http).await;
    for number in 0..200 {
        let answer = client.post("/", "data").await;
        assert_eq!((answer.status, answer.body), (StatusCode::OK, number.to_string()));
        // The close has been done before the next request is sent; whether the event loop saw it is up to chance.
        closes.recv().await;
    }
}

/// A server that reads a request and closes without an answer, `failures` times; then it answers.
async fn failing(failures: usize) -> (std::net::SocketAddr, Arc<AtomicUsize>, tokio::task::JoinHandle<()>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    let (address, server) = raw(move |_, mut stream| {
        let count = count.clone();
        async move {
            while !read_request(&mut stream, 0).await.is_empty() {
                if count.fetch_add(1, Ordering::SeqCst) < failures {
                    return;
                }
                write_answer(&mut stream, "at last").await;
            }
        }
    })
    .await;
    (address, seen, server)
}

#[tokio::test]
async fn a_get_that_got_no_answer_is_sent_once_more() {
    let proxy = Proxy::start().await;
    let (address, seen, _server) = failing(1).await;
    proxy.apply(&web(1, &[("a-1", address, 1)])).await;
    let mut client = Client::connect(proxy.http).await;
    assert_eq!(client.get("/").await.body, "at last");
    assert_eq!(seen.load(Ordering::SeqCst), 2);

    let (address, seen, _server) = failing(2).await;
    proxy.apply(&web(2, &[("a-1", address, 1)])).await;
    let answer = client.get("/").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(answer.body, "service web: the connection was closed before there was an answer\n");
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_post_that_may_have_been_executed_is_not_sent_again() {
    let proxy = Proxy::start().await;
    let (address, seen, _server) = failing(1).await;
    proxy.apply(&web(1, &[("a-1", address, 1)])).await;
    let mut client = Client::connect(proxy.http).await;
    assert_eq!(client.post("/", "data").await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(client.post("/", "").await.body, "at last");
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_endpoint_that_takes_no_connection_is_passed_over() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("b").await;
    proxy.apply(&web(1, &[("a-1", free_address(), 1), ("b-1", upstream.address, 1)])).await;
    let mut client = Client::connect(proxy.http).await;
    for _ in 0..10 {
        assert_eq!(client.get("/").await.release(), "b");
        assert_eq!(client.post("/", "data").await.release(), "b");
    }
    let stats = proxy.control.stats().await.expect("stats");
    let failed = &stats.instances[&"a-1".into()];
    assert!(failed.counts.connect_failures > 0 && failed.counts.responses.is_empty());
    assert_eq!(stats.services[&"web".into()].counts.responses["2xx"], 20);
    assert_eq!(stats.services[&"web".into()].unserved, 0);
}

#[tokio::test]
async fn an_endpoint_that_keeps_failing_is_passed_over_but_never_all() {
    let proxy = Proxy::start().await;
    let (bad, _server) = raw(async |_, mut stream| {
        while !read_request(&mut stream, 4).await.is_empty() {
            let answer = "HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes()).await;
        }
    })
    .await;
    let good = Upstream::start("b").await;
    proxy.apply(&web(1, &[("a-1", bad, 1), ("b-1", good.address, 1)])).await;
    let mut client = Client::connect(proxy.http).await;
    let mut failed = 0;
    for _ in 0..100 {
        failed += usize::from(client.post("/", "data").await.status == StatusCode::INTERNAL_SERVER_ERROR);
    }
    assert_eq!(failed, 5);
    proxy.apply(&web(2, &[("a-1", bad, 1)])).await;
    assert_eq!(client.post("/", "data").await.status, StatusCode::INTERNAL_SERVER_ERROR);
}
