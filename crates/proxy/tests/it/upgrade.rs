//! Connections that go over to another protocol.

use std::time::Duration;

use proxy::InstanceName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::proxy::{PATIENCE, Proxy, web};
use crate::upstream::{raw, read_request};

const ASK: &str = "GET /chat HTTP/1.1\r\nhost: a.test\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n";

#[tokio::test]
async fn an_upgraded_connection_is_passed_through_and_counts_as_in_flight() {
    let proxy = Proxy::start().await;
    let (address, _server) = raw(async |_, mut stream| {
        let request = read_request(&mut stream, 0).await.to_ascii_lowercase();
        assert!(request.contains("upgrade: websocket\r\n") && request.contains("connection: upgrade\r\n"));
        // The first bytes of the new protocol come along with the answer's head.
        let head =
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello";
        stream.write_all(head.as_bytes()).await.expect("the proxy reads");
        let mut byte = [0];
        while stream.read_exact(&mut byte).await.is_ok() {
            stream.write_all(&byte.map(|byte| byte.to_ascii_uppercase())).await.expect("the proxy reads");
        }
    })
    .await;
    proxy.apply(&web(1, &[("a-1", address, 1)])).await;

    let mut client = TcpStream::connect(proxy.http).await.expect("the proxy accepts");
    client.write_all(ASK.as_bytes()).await.expect("the proxy reads");
    let mut answer = String::new();
    while !answer.ends_with("\r\n\r\nhello") {
        let mut byte = [0];
        client.read_exact(&mut byte).await.expect("the proxy answers");
        answer.push(char::from(byte[0]));
    }
    assert!(answer.starts_with("HTTP/1.1 101 ") && answer.contains("upgrade: websocket\r\n"), "{answer}");

    // It goes on when its endpoint leaves the snapshot, and a drain waits for it.
    proxy.apply(&web(2, &[])).await;
    let instance = InstanceName::from("a-1");
    let drained = proxy.control.drain(&instance, Duration::from_millis(20)).await.expect("an answer");
    assert_eq!((drained.complete, drained.in_flight), (false, 1));
    // Its own time is longer than that of requests.
    let control = proxy.control.clone();
    let name = instance.clone();
    let waiting = tokio::spawn(async move { control.drain_each(&name, Duration::ZERO, PATIENCE).await });
    client.write_all(b"shout").await.expect("the proxy reads");
    let mut shouted = [0; 5];
    client.read_exact(&mut shouted).await.expect("the endpoint answers");
    assert_eq!(&shouted, b"SHOUT");
    assert!(!waiting.is_finished());
    drop(client);
    assert!(waiting.await.expect("the drain").expect("an answer").complete);
    assert!(proxy.control.drain(&instance, PATIENCE).await.expect("an answer").complete);
}

#[tokio::test]
async fn an_upgrade_that_is_refused_is_an_ordinary_answer() {
    let proxy = Proxy::start().await;
    let upstream = crate::upstream::Upstream::start("a").await;
    proxy.apply(&web(1, &[("a-1", upstream.address, 1)])).await;
    let mut client = TcpStream::connect(proxy.http).await.expect("the proxy accepts");
    client.write_all(ASK.as_bytes()).await.expect("the proxy reads");
    let mut first = [0; 15];
    client.read_exact(&mut first).await.expect("the proxy answers");
    assert_eq!(&first, b"HTTP/1.1 200 OK");
}
