//! Little servers behind the proxy: HTTP ones that say who they are, and raw ones that do just what a test needs.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// An HTTP server that answers with its name in `x-release` and what it was asked in the body:
/// - `/hold…`: once a permit of `gate` is there;
/// - `/status/NNN`: with that status;
/// - `/close…`: and closes the connection;
/// - `/headers`: the body lists the headers that arrived.
pub struct Upstream {
    pub address: SocketAddr,
    pub requests: Arc<AtomicU64>,
    pub connections: Arc<AtomicU64>,
    pub gate: Arc<Semaphore>,
    task: JoinHandle<()>,
}

impl Upstream {
    pub async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let requests = Arc::new(AtomicU64::new(0));
        let connections = Arc::new(AtomicU64::new(0));
        let gate = Arc::new(Semaphore::new(0));
        let task = tokio::spawn(serve(listener, name, requests.clone(), connections.clone(), gate.clone()));
        Self { address, requests, connections, gate, task }
    }

    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: TcpListener,
    name: &'static str,
    requests: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
    gate: Arc<Semaphore>,
) {
    // Dropped, and its connections ended, with the server's own task.
    let mut open = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.fetch_add(1, Ordering::SeqCst);
        let _ = stream.set_nodelay(true);
        let (requests, gate) = (requests.clone(), gate.clone());
        let service = service_fn(move |request| {
            requests.fetch_add(1, Ordering::SeqCst);
            answer(name, request, gate.clone())
        });
        open.spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        );
        while open.try_join_next().is_some() {}
    }
}

async fn answer(
    name: &'static str,
    request: Request<Incoming>,
    gate: Arc<Semaphore>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let sent = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    if path.starts_with("/hold")
        && let Ok(permit) = gate.acquire().await
    {
        permit.forget();
    }
    let mut text = format!("{} {} {}", parts.method, parts.uri, String::from_utf8_lossy(&sent));
    if path == "/headers" {
        text = parts
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap_or_default()))
            .collect();
    }
    let mut response = Response::new(Full::new(Bytes::from(text)));
    if let Some(status) = path.strip_prefix("/status/").and_then(|status| status.parse().ok()) {
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    }
    let headers = response.headers_mut();
    headers.insert("x-release", http::HeaderValue::from_static(name));
    if path.starts_with("/close") {
        headers.insert("connection", http::HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// A server that hands each accepted connection, with its number from 0, to `each`.
pub async fn raw<F, R>(each: F) -> (SocketAddr, JoinHandle<()>)
where
    F: Fn(usize, TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let task = tokio::spawn(async move {
        let mut open = tokio::task::JoinSet::new();
        let mut number = 0;
        while let Ok((stream, _)) = listener.accept().await {
            open.spawn(each(number, stream));
            number += 1;
        }
    });
    (address, task)
}

/// Reads one request without a body, or with one of `body_bytes`; returns its text. Empty at the end of the stream.
pub async fn read_request(stream: &mut TcpStream, body_bytes: usize) -> String {
    let mut read = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n")
            && read.len() >= end + 4 + body_bytes
        {
            return String::from_utf8_lossy(&read).into_owned();
        }
        match stream.read(&mut chunk).await {
            Ok(count) if count > 0 => read.extend_from_slice(&chunk[..count]),
            _ => return String::new(),
        }
    }
}

/// Answers with 200 and `text`, and keeps the connection.
pub async fn write_answer(stream: &mut TcpStream, text: &str) {
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len());
    stream.write_all(answer.as_bytes()).await.expect("the proxy reads");
}
