//! HTTP/2 in front and behind, and gRPC's trailers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proxy::Protocol;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::client::{Client, request};
use crate::proxy::{PATIENCE, Proxy, port, until, web, with_port};
use crate::upstream::{Upstream, raw, read_request};

/// A connection that speaks HTTP/2 with prior knowledge.
pub async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.expect("the proxy accepts");
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("a handshake");
    tokio::spawn(connection);
    sender
}

/// A request as HTTP/2 has it: the host is in its target.
pub fn absolute(method: Method, host: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    let mut request = request(method, host, &format!("http://{host}{path}"), body);
    request.headers_mut().remove("host");
    *request.version_mut() = Version::HTTP_2;
    request
}

pub async fn send(
    sender: &SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> (StatusCode, HeaderMap, String) {
    let exchange = async {
        let response = sender.clone().send_request(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
    };
    tokio::time::timeout(PATIENCE, exchange).await.expect("an answer in time")
}

/// A server that speaks HTTP/2 alone. It answers with the request's own body, says in headers what it was asked, and ends
/// with a trailer, as gRPC does. `/hold` waits for a permit.
struct Grpc {
    address: SocketAddr,
    connections: Arc<AtomicU64>,
    requests: Arc<AtomicU64>,
    gate: Arc<Semaphore>,
    task: JoinHandle<()>,
}

impl Grpc {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (connections, requests) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let gate = Arc::new(Semaphore::new(0));
        let (counted, seen, permits) = (connections.clone(), requests.clone(), gate.clone());
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (seen, permits) = (seen.clone(), permits.clone());
                let service = service_fn(move |request| {
                    seen.fetch_add(1, Ordering::SeqCst);
                    answer(request, permits.clone())
                });
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                open.spawn(builder.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, connections, requests, gate, task }
    }
}

impl Drop for Grpc {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Streamed = StreamBody<tokio_stream::Frames>;

async fn answer(request: Request<Incoming>, gate: Arc<Semaphore>) -> Result<Response<Streamed>, Infallible> {
    let (parts, body) = request.into_parts();
    if parts.uri.path() == "/hold"
        && let Ok(permit) = gate.acquire().await
    {
        permit.forget();
    }
    let sent = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("7"));
    let mut frames = vec![Ok(Frame::data(sent)), Ok(Frame::trailers(trailers))];
    frames.reverse();
    let mut response = Response::new(StreamBody::new(tokio_stream::Frames(frames)));
    let said = format!("{} {} te={:?}", parts.method, parts.uri, parts.headers.get("te"));
    response.headers_mut().insert("x-asked", HeaderValue::try_from(said).expect("text"));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    Ok(response)
}

/// A stream of frames that are there.
mod tokio_stream {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use hyper::body::Frame;

    /// The next one last.
    pub struct Frames(pub Vec<Result<Frame<Bytes>, Infallible>>);

    impl futures_util::Stream for Frames {
        type Item = Result<Frame<Bytes>, Infallible>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.pop())
        }
    }
}

#[tokio::test]
async fn a_client_of_http_2_reaches_an_endpoint_of_http_1_1() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("a").await;
    proxy.apply(&web(1, &[("a-1", upstream.address, 1)])).await;
    let sender = connect(proxy.http).await;
    let (status, _, body) = send(&sender, absolute(Method::POST, "shop.test", "/echo?x=1", "data")).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "POST /echo?x=1 data"));
    let mut asked = absolute(Method::GET, "shop.test", "/headers", "");
    for cookie in ["a=1", "b=2"] {
        asked.headers_mut().append("cookie", HeaderValue::from_static(cookie));
    }
    let (_, _, body) = send(&sender, asked).await;
    let mut lines: Vec<&str> = body.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "cookie: a=1; b=2",
            "host: shop.test",
            "x-forwarded-for: 127.0.0.1",
            "x-forwarded-host: shop.test",
            "x-forwarded-proto: http"
        ]
    );
    let (status, headers, _) = send(&sender, absolute(Method::GET, "shop.test", "/close", "")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(!headers.contains_key("connection"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_one_connection_go_side_by_side_and_survive_snapshots() {
    let proxy = Proxy::start().await;
    let (a, b) = (Upstream::start("a").await, Upstream::start("b").await);
    proxy.apply(&web(1, &[("a-1", a.address, 1)])).await;
    let sender = connect(proxy.http).await;
    let held: Vec<_> = (0..50)
        .map(|_| {
            let sender = sender.clone();
            tokio::spawn(async move { send(&sender, absolute(Method::GET, "a.test", "/hold", "")).await })
        })
        .collect();
    until("all arrive", async || a.requests() == 50).await;
    proxy.apply(&web(2, &[("b-1", b.address, 1)])).await;
    let (_, headers, _) = send(&sender, absolute(Method::GET, "a.test", "/", "")).await;
    assert_eq!(headers["x-release"], "b");
    a.gate.add_permits(50);
    for one in held {
        let (status, headers, _) = one.await.expect("a held request");
        assert_eq!((status, &headers["x-release"]), (StatusCode::OK, &HeaderValue::from_static("a")));
    }
}

#[tokio::test]
async fn grpc_passes_with_its_trailers() {
    let proxy = Proxy::start().await;
    let upstream = Grpc::start().await;
    proxy.apply(&with_port(1, port(Protocol::H2c, None, &[("a-1", upstream.address, 1)]))).await;
    let sender = connect(proxy.http).await;
    let mut call = absolute(Method::POST, "shop.test", "/shop.Cart/Add", "message");
    call.headers_mut().insert("te", HeaderValue::from_static("trailers"));
    let response = sender.clone().send_request(call).await.expect("an answer");
    let asked = "POST http://shop.test/shop.Cart/Add te=Some(\"trailers\")";
    assert_eq!(response.headers()["x-asked"], asked);
    assert_eq!(response.headers()["content-type"], "application/grpc");
    let whole = response.into_body().collect().await.expect("a whole body");
    let trailers = whole.trailers().cloned().expect("trailers");
    assert_eq!(trailers["grpc-status"], "7");
    assert_eq!(whole.to_bytes(), "message");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_share_connections_to_an_endpoint_of_http_2() {
    let proxy = Proxy::start_with(|options| options.workers = 1).await;
    let upstream = Grpc::start().await;
    proxy.apply(&with_port(1, port(Protocol::H2c, None, &[("a-1", upstream.address, 1)]))).await;
    // From HTTP/1.1 clients as well, and more than one connection takes.
    let held: Vec<_> = (0..150)
        .map(|_| {
            let address = proxy.http;
            tokio::spawn(async move { Client::connect(address).await.get("/hold").await.status })
        })
        .collect();
    until("all arrive", async || upstream.requests.load(Ordering::SeqCst) == 150).await;
    assert_eq!(upstream.connections.load(Ordering::SeqCst), 2);
    upstream.gate.add_permits(150);
    for one in held {
        assert_eq!(one.await.expect("a held request"), StatusCode::OK);
    }
    let stats = proxy.control.stats().await.expect("stats");
    assert_eq!(stats.instances[&"a-1".into()].counts.requests, 150);
    assert!(proxy.control.drain(&"a-1".into(), PATIENCE).await.expect("an answer").complete);
}

#[tokio::test]
async fn a_client_that_gives_a_stream_up_ends_its_request_and_no_other() {
    let proxy = Proxy::start().await;
    let upstream = Grpc::start().await;
    proxy.apply(&with_port(1, port(Protocol::H2c, None, &[("a-1", upstream.address, 1)]))).await;
    let sender = connect(proxy.http).await;
    let given_up = sender.clone().send_request(absolute(Method::GET, "a.test", "/hold", ""));
    let given_up = tokio::spawn(given_up);
    until("it arrives", async || upstream.requests.load(Ordering::SeqCst) == 1).await;
    given_up.abort();
    until("it has ended", async || {
        proxy.control.stats().await.expect("stats").instances[&"a-1".into()].in_flight == 0
    })
    .await;
    let (status, ..) = send(&sender, absolute(Method::GET, "a.test", "/", "")).await;
    assert_eq!((status, upstream.connections.load(Ordering::SeqCst)), (StatusCode::OK, 1));
}

#[tokio::test]
async fn an_endpoint_that_does_not_speak_http_2_is_named_and_one_that_is_gone_is_passed_over() {
    let proxy = Proxy::start().await;
    let (old, _server) = raw(async |_, mut stream| {
        read_request(&mut stream, 0).await;
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    proxy.apply(&with_port(1, port(Protocol::H2c, None, &[("a-1", old, 1)]))).await;
    let mut client = Client::connect(proxy.http).await;
    let answer = client.get("/").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(answer.body, "service web: its port is h2c, and it gave no answer in HTTP/2\n");
    let upstream = Grpc::start().await;
    let gone = crate::proxy::free_address();
    let endpoints = [("a-1", gone, 1), ("b-1", upstream.address, 1)];
    proxy.apply(&with_port(2, port(Protocol::H2c, None, &endpoints))).await;
    for _ in 0..10 {
        assert_eq!(client.post("/", "data").await.body, "data");
    }
}

#[tokio::test]
async fn a_port_that_changes_its_protocol_is_reached_by_the_new_one() {
    let proxy = Proxy::start().await;
    let upstream = Grpc::start().await;
    let config =
        |version, protocol| with_port(version, port(protocol, None, &[("a-1", upstream.address, 1)]));
    proxy.apply(&config(1, Protocol::Http)).await;
    let mut client = Client::connect(proxy.http).await;
    assert_eq!(client.get("/").await.status, StatusCode::BAD_GATEWAY);
    proxy.apply(&config(2, Protocol::H2c)).await;
    assert_eq!(client.get("/").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_lets_streams_end() {
    let proxy = Proxy::start().await;
    let upstream = Upstream::start("a").await;
    proxy.apply(&web(1, &[("a-1", upstream.address, 1)])).await;
    let sender = connect(proxy.http).await;
    let held = sender.clone();
    let held = tokio::spawn(async move { send(&held, absolute(Method::GET, "a.test", "/hold", "")).await });
    until("it arrives", async || upstream.requests() == 1).await;
    let control = proxy.control.clone();
    let ending = tokio::spawn(async move { control.shutdown(PATIENCE).await });
    until("nothing new is accepted", async || TcpStream::connect(proxy.http).await.is_err()).await;
    upstream.gate.add_permits(1);
    assert_eq!(held.await.expect("the held request").0, StatusCode::OK);
    assert!(ending.await.expect("the shutdown").expect("an answer").complete);
}
