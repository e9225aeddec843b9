//! What becomes of one request and its answer on the way.

use std::sync::Arc;

use http::{Method, StatusCode};
use proxy::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::client::{Client, get, request};
use crate::proxy::{Proxy, free_address, port, until, web, with_port};
use crate::upstream::{Upstream, raw, read_request};

#[tokio::test]
async fn headers_of_the_connection_end_here_and_the_client_is_named() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("a").await;
    proxy.apply(&web(1, &[("a-1", upstream.address, 1)])).await;
    let mut client = Client::connect(proxy.http).await;
    let mut sent = request(Method::GET, "Shop.test:81", "/headers", "");
    let headers = sent.headers_mut();
    headers.insert("connection", http::HeaderValue::from_static("x-mine"));
    headers.insert("x-mine", http::HeaderValue::from_static("1"));
    headers.insert("x-forwarded-for", http::HeaderValue::from_static("1.2.3.4"));
    let answer = client.send(sent).await.expect("an answer");
    let mut lines: Vec<&str> = answer.body.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "host: Shop.test:81",
            "x-forwarded-for: 127.0.0.1",
            "x-forwarded-host: Shop.test:81",
            "x-forwarded-proto: http"
        ]
    );
}

#[tokio::test]
async fn bodies_go_both_ways_and_connections_are_used_again() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("a").await;
    proxy.apply(&web(1, &[("a-1", upstream.address, 1)])).await;
    let mut client = Client::connect(proxy.http).await;
    let long = "x".repeat(3 * 1024 * 1024);
    let answer = client.post("/echo", &long).await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, long.len() + "POST /echo ".len()));
    for _ in 0..20 {
        assert_eq!(client.get("/a").await.body, "GET /a ");
    }
    let head = client.send(request(Method::HEAD, "any.test", "/a", "")).await.expect("an answer");
    assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
    assert_eq!(head.headers.get("content-length").map(http::HeaderValue::as_bytes), Some(&b"8"[..]));
    assert_eq!(client.get("/a").await.body, "GET /a ");
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn an_upstream_that_closes_does_not_end_the_clients_connection() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("a").await;
    proxy.apply(&web(1, &[("a-1", upstream.address, 1)])).await;
    let mut client = Client::connect(proxy.http).await;
    for _ in 0..5 {
        let answer = client.get("/close").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(!answer.headers.contains_key("connection"));
    }
    assert_eq!(upstream.connections(), 5);
}

#[tokio::test]
async fn chunked_bodies_are_passed_on_as_they_come() {
    let proxy = Proxy::start().await;
    let got_first = Arc::new(Semaphore::new(0));
    let may_go_on = got_first.clone();
    let (address, _server) = raw(move |_, mut stream| {
        let may_go_on = may_go_on.clone();
        async move {
            read_request(&mut stream, 0).await;
            // The length is a lie, which must not be passed on.
            let head =
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n";
            stream.write_all(head.as_bytes()).await.expect("the proxy reads");
            let _permit = may_go_on.acquire().await.expect("the test goes on");
            stream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").await.expect("the proxy reads");
        }
    })
    .await;
    proxy.apply(&web(1, &[("a-1", address, 1)])).await;
    let mut client = TcpStream::connect(proxy.http).await.expect("the proxy accepts");
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("the proxy reads");
    let mut answer = String::new();
    while !answer.ends_with("\r\n\r\n3\r\none\r\n") {
        answer.push(char::from(client.read_u8().await.expect("the proxy answers")));
    }
    assert!(!answer.contains("content-length"), "{answer}");
    got_first.add_permits(1);
    while !answer.ends_with("3\r\ntwo\r\n0\r\n\r\n") {
        answer.push(char::from(client.read_u8().await.expect("the proxy answers")));
    }
}

#[tokio::test]
async fn a_body_in_chunks_reaches_the_endpoint_whatever_the_method() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("a").await;
    proxy.apply(&web(1, &[("a-1", upstream.address, 1)])).await;
    for method in ["GET", "POST", "DELETE"] {
        let text = format!(
            "{method} /a HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\
             connection: close\r\n\r\n4\r\ndata\r\n0\r\n\r\n"
        );
        let answer = exchange(proxy.http, &text).await;
        assert!(answer.ends_with(&format!("{method} /a data")), "{answer}");
    }
    let packed = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\nconnection: close\r\n\r\n0\r\n\r\n";
    assert!(exchange(proxy.http, packed).await.starts_with("HTTP/1.1 400 "));
    assert_eq!(upstream.requests(), 3);
}

#[tokio::test]
async fn a_client_of_http_1_0_is_served() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("a").await;
    proxy.apply(&web(1, &[("a-1", upstream.address, 1)])).await;
    let answer = exchange(proxy.http, "GET /old HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n") && answer.ends_with("GET /old "), "{answer}");
}

#[tokio::test]
async fn a_target_with_a_host_of_its_own_counts_and_two_hosts_are_refused() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("a").await;
    proxy.apply(&web(1, &[("a-1", upstream.address, 1)])).await;
    let whole =
        "GET http://me:pw@real.test/headers HTTP/1.1\r\nhost: other.test\r\nconnection: close\r\n\r\n";
    let answer = exchange(proxy.http, whole).await;
    assert!(answer.contains("\nhost: real.test\n") || answer.contains("\r\nhost: real.test\n"), "{answer}");
    assert!(!answer.contains("other.test") && !answer.contains("me:pw"), "{answer}");
    let twice = "GET / HTTP/1.1\r\nhost: a.test\r\nhost: b.test\r\nconnection: close\r\n\r\n";
    assert!(exchange(proxy.http, twice).await.starts_with("HTTP/1.1 400 "));
    let connect = "CONNECT a.test:443 HTTP/1.1\r\nhost: a.test:443\r\nconnection: close\r\n\r\n";
    assert!(exchange(proxy.http, connect).await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let proxy = Proxy::start().await;
    let text = format!("GET / HTTP/1.1\r\nhost: a.test\r\nx-long: {}\r\n\r\n", "x".repeat(70 * 1024));
    assert!(exchange(proxy.http, &text).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn answers_of_its_own_name_the_service_and_no_address() {
    let proxy = Proxy::start().await;
    let gone = free_address();
    proxy.apply(&web(1, &[("a-1", gone, 1)])).await;
    let mut client = Client::connect(proxy.http).await;
    let refused = client.get("/").await;
    assert_eq!(refused.status, StatusCode::BAD_GATEWAY);
    assert_eq!(refused.body, "service web: the connection was refused\n");

    let (garbled, _server) = raw(async |_, mut stream| {
        read_request(&mut stream, 0).await;
        let _ = stream.write_all(b"SSH-2.0-server\r\n\r\n").await;
    })
    .await;
    proxy.apply(&web(2, &[("a-1", garbled, 1)])).await;
    let answer = client.get("/").await;
    assert_eq!(answer.body, "service web: what it answered is not HTTP/1.1\n");

    proxy.apply(&web(3, &[])).await;
    let nobody = client.get("/").await;
    assert_eq!(nobody.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(nobody.body, "service web has no endpoint that takes requests\n");
    let stats = proxy.control.stats().await.expect("stats");
    assert_eq!(stats.services[&"web".into()].unserved, 3);
}

#[tokio::test]
async fn an_endpoint_that_does_not_take_the_connection_in_time_is_a_504() {
    let proxy = Proxy::start().await;
    // Once its queue of one is full, the kernel lets further attempts wait.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let listener = socket.listen(1).expect("it listens");
    let address = listener.local_addr().expect("its address");
    let fill: Vec<_> = (0..4).map(|_| tokio::spawn(TcpStream::connect(address))).collect();
    until("the queue is full", async || fill.iter().filter(|one| one.is_finished()).count() >= 2).await;
    proxy.apply(&web(1, &[("a-1", address, 1)])).await;
    let answer = get(proxy.http, "any.test", "/").await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(answer.body, "service web: no connection within the time allowed\n");
}

#[tokio::test]
async fn a_service_ports_own_address_serves_that_port_alone() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("a").await;
    let listen = free_address();
    let mut config = with_port(1, port(Protocol::Http, Some(listen), &[("a-1", upstream.address, 1)]));
    config.routes.clear();
    proxy.apply(&config).await;
    assert_eq!(get(listen, "whatever.test", "/x").await.body, "GET /x ");
    assert_eq!(get(proxy.http, "whatever.test", "/x").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_request() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("a").await;
    proxy.apply(&web(1, &[("a-1", upstream.address, 1)])).await;
    let mut stream = TcpStream::connect(proxy.http).await.expect("the proxy accepts");
    stream.write_all(b"GET /hold HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("the proxy reads");
    until("the request arrives", async || upstream.requests() == 1).await;
    drop(stream);
    let drained = proxy.control.drain(&"a-1".into(), crate::proxy::PATIENCE).await.expect("an answer");
    assert!(drained.complete);
}

/// Sends `text` and returns everything that comes back until the proxy closes.
async fn exchange(address: std::net::SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the proxy accepts");
    stream.write_all(text.as_bytes()).await.expect("the proxy reads");
    let mut answer = Vec::new();
    // A refused head may end with a reset after the answer; what came counts.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
