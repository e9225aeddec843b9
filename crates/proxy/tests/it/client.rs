//! Clients in front of the proxy, which report every fault instead of repeating anything.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::proxy::PATIENCE;

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// Who answered, by `x-release`.
    pub fn release(&self) -> &str {
        self.headers.get("x-release").and_then(|value| value.to_str().ok()).unwrap_or("nobody")
    }
}

/// A client that keeps one connection.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the proxy accepts");
        let _ = stream.set_nodelay(true);
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("a handshake");
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Self { sender }
    }

    /// One request and its whole answer. One that never comes is a panic, so that it cannot hold a test up.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, hyper::Error> {
        tokio::time::timeout(PATIENCE, self.exchange(request)).await.expect("an answer in time")
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, hyper::Error> {
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let body = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(request(Method::GET, "any.test", path, "")).await.expect("an answer")
    }

    pub async fn post(&mut self, path: &str, body: &str) -> Answer {
        self.send(request(Method::POST, "any.test", path, body)).await.expect("an answer")
    }
}

pub fn request(method: Method, host: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", host)
        .body(Full::new(Bytes::from(body.to_owned())))
        .expect("a request")
}

/// One request on a connection of its own.
pub async fn get(address: SocketAddr, host: &str, path: &str) -> Answer {
    let mut client = Client::connect(address).await;
    client.send(request(Method::GET, host, path, "")).await.expect("an answer")
}
