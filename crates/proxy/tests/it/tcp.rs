//! TCP ports.

use std::net::SocketAddr;
use std::time::Duration;

use proxy::{InstanceName, Protocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::proxy::{PATIENCE, Proxy, free_address, port, until, with_port};
use crate::upstream::raw;

/// A server that sends its name, then every byte back.
async fn echo(name: &'static str) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    raw(async move |_, mut stream| {
        let _ = stream.write_all(name.as_bytes()).await;
        let (mut read, mut write) = stream.split();
        let _ = tokio::io::copy(&mut read, &mut write).await;
    })
    .await
}

async fn connect(address: SocketAddr) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.expect("the proxy accepts");
    let mut name = [0; 1];
    let read = stream.read(&mut name).await.unwrap_or(0);
    (stream, String::from_utf8_lossy(&name[..read]).into_owned())
}

#[tokio::test]
async fn a_connection_stays_with_its_endpoint_while_new_ones_go_elsewhere() {
    let proxy = Proxy::start().await;
    let (a, _a) = echo("a").await;
    let (b, _b) = echo("b").await;
    let listen = free_address();
    proxy.apply(&with_port(1, port(Protocol::Tcp, Some(listen), &[("a-1", a, 1)]))).await;
    let (mut old, name) = connect(listen).await;
    assert_eq!(name, "a");

    proxy.apply(&with_port(2, port(Protocol::Tcp, Some(listen), &[("b-1", b, 1)]))).await;
    for _ in 0..5 {
        assert_eq!(connect(listen).await.1, "b");
    }
    let instance = InstanceName::from("a-1");
    let drained = proxy.control.drain(&instance, Duration::from_millis(20)).await.expect("an answer");
    assert_eq!((drained.complete, drained.in_flight), (false, 1));
    old.write_all(b"still here").await.expect("the proxy reads");
    old.shutdown().await.expect("the client has said all");
    let mut rest = String::new();
    old.read_to_string(&mut rest).await.expect("the endpoint answers");
    assert_eq!(rest, "still here");
    assert!(proxy.control.drain(&instance, PATIENCE).await.expect("an answer").complete);
}

#[tokio::test]
async fn an_endpoint_that_takes_no_connection_is_passed_over_and_nobody_is_an_end() {
    let proxy = Proxy::start().await;
    let (a, _a) = echo("a").await;
    let listen = free_address();
    let gone = free_address();
    proxy.apply(&with_port(1, port(Protocol::Tcp, Some(listen), &[("x-1", gone, 9), ("a-1", a, 1)]))).await;
    for _ in 0..5 {
        assert_eq!(connect(listen).await.1, "a");
    }
    proxy.apply(&with_port(2, port(Protocol::Tcp, Some(listen), &[]))).await;
    assert_eq!(connect(listen).await.1, "");
}

#[tokio::test]
async fn addresses_open_and_close_as_snapshots_say() {
    let proxy = Proxy::start().await;
    let (a, _a) = echo("a").await;
    let (first, second) = (free_address(), free_address());
    proxy.apply(&with_port(1, port(Protocol::Tcp, Some(first), &[("a-1", a, 1)]))).await;
    let (mut kept, _) = connect(first).await;
    proxy.apply(&with_port(2, port(Protocol::Tcp, Some(second), &[("a-1", a, 1)]))).await;
    assert_eq!(connect(second).await.1, "a");
    until("the first address is closed", async || TcpStream::connect(first).await.is_err()).await;
    kept.write_all(b"x").await.expect("the proxy reads");
    let mut byte = [0];
    kept.read_exact(&mut byte).await.expect("the connection goes on");
}

#[tokio::test]
async fn an_address_that_cannot_be_opened_is_reported_and_tried_again() {
    let proxy = Proxy::start().await;
    let (a, _a) = echo("a").await;
    let occupant = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let listen = occupant.local_addr().expect("its address");
    let config = with_port(1, port(Protocol::Tcp, Some(listen), &[("a-1", a, 1)]));
    let applied = proxy.control.apply(&config).await.expect("the snapshot is taken");
    assert_eq!(applied.problems.len(), 1);
    assert_eq!(applied.problems[0].part, format!("listen {listen} of web port http"));
    drop(occupant);
    proxy.apply(&config).await;
    assert_eq!(connect(listen).await.1, "a");

    let outside = "192.0.2.1:80".parse().expect("an address");
    let config = with_port(2, port(Protocol::Tcp, Some(outside), &[]));
    let applied = proxy.control.apply(&config).await.expect("the snapshot is taken");
    assert!(applied.problems[0].cause.contains("loopback or private"), "{:?}", applied.problems);
}

#[tokio::test]
async fn a_published_port_listens_beside_the_stable_one() {
    let proxy = Proxy::start().await;
    let (a, _a) = echo("a").await;
    let (stable, published) = (free_address(), free_address());
    let mut open = port(Protocol::Tcp, Some(stable), &[("a-1", a, 1)]);
    open.publish = Some(published);
    proxy.apply(&with_port(1, open.clone())).await;
    assert_eq!(connect(stable).await.1, "a");
    assert_eq!(connect(published).await.1, "a");
    open.publish = Some(stable);
    let applied = proxy.control.apply(&with_port(2, open)).await.expect("the snapshot is taken");
    assert!(
        applied.problems[0].cause.contains("web port http listens there already"),
        "{:?}",
        applied.problems
    );
}
