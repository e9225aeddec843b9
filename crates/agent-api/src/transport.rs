//! HTTP/1.1 over the agent's unix socket: connections, requests, answers. It knows no path of the API.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::{ClientError, Refusal};

/// The body of a request: bytes that are at hand, or a stream.
pub(crate) type Body = BoxBody<Bytes, io::Error>;

/// Connections kept for the next request. A handful serves a client that works on several services at once.
const IDLE_CONNECTIONS_MAX: usize = 8;

/// An answer's largest size. The longest are lists: 10,000 services of a few kilobytes each.
const ANSWER_BYTES_MAX: usize = 512 * 1024 * 1024;

/// The way to one agent; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    socket: PathBuf,
    idle: Mutex<Vec<SendRequest<Body>>>,
}

/// An answer whose head has arrived.
pub(crate) struct Answer {
    transport: Transport,
    request: String,
    sender: SendRequest<Body>,
    response: Response<Incoming>,
}

impl Transport {
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self { shared: Arc::new(Shared { socket, idle: Mutex::new(Vec::new()) }) }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.shared.socket
    }

    /// Sends a request with a body that is at hand.
    ///
    /// A kept connection may have been closed by an agent that was restarted meanwhile. Every request of the API is
    /// idempotent, so one that got no answer on a kept connection is sent again on a fresh one.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Answer, ClientError> {
        let request = || {
            let kind = if body.is_some() { "application/json" } else { "" };
            let bytes = body.clone().unwrap_or_default();
            self.request(&method, path, kind, Full::new(bytes).map_err(|never| match never {}).boxed())
        };
        while let Some(mut sender) = self.take_idle() {
            if sender.ready().await.is_err() {
                continue;
            }
            if let Ok(response) = sender.send_request(request()?).await {
                return Ok(self.answer(&method, path, sender, response));
            }
        }
        self.send_fresh(&method, path, request()?).await
    }

    /// Sends a request whose body is a stream of a known size; it cannot be repeated, so it has a connection of its own.
    pub(crate) async fn send_stream(
        &self,
        method: Method,
        path: &str,
        size: u64,
        body: Body,
    ) -> Result<Answer, ClientError> {
        let mut request = self.request(&method, path, "application/octet-stream", body)?;
        request.headers_mut().insert(header::CONTENT_LENGTH, size.into());
        self.send_fresh(&method, path, request).await
    }

    /// Sends a request and reads its answer as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<T, ClientError> {
        self.send(method, path, body).await?.json().await
    }

    async fn send_fresh(
        &self,
        method: &Method,
        path: &str,
        request: Request<Body>,
    ) -> Result<Answer, ClientError> {
        let unreachable = |source| ClientError::Unreachable { socket: self.shared.socket.clone(), source };
        let stream = UnixStream::connect(&self.shared.socket).await.map_err(unreachable)?;
        let (mut sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|fault| self.broken(&format!("{method} {path}"), with_sources(&fault)))?;
        tokio::spawn(async move {
            // Its faults reach the request through `sender`; there is nobody else to tell.
            let _ = connection.await;
        });
        let response = sender
            .send_request(request)
            .await
            .map_err(|fault| self.broken(&format!("{method} {path}"), with_sources(&fault)))?;
        Ok(self.answer(method, path, sender, response))
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        kind: &str,
        body: Body,
    ) -> Result<Request<Body>, ClientError> {
        let mut builder = Request::builder().method(method).uri(path).header(header::HOST, "agent");
        if !kind.is_empty() {
            builder = builder.header(header::CONTENT_TYPE, kind);
        }
        builder.body(body).map_err(|fault| self.broken(&format!("{method} {path}"), fault.to_string()))
    }

    fn answer(
        &self,
        method: &Method,
        path: &str,
        sender: SendRequest<Body>,
        response: Response<Incoming>,
    ) -> Answer {
        Answer { transport: self.clone(), request: format!("{method} {path}"), sender, response }
    }

    fn take_idle(&self) -> Option<SendRequest<Body>> {
        let mut idle = self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(sender) = idle.pop() {
            if !sender.is_closed() {
                return Some(sender);
            }
        }
        None
    }

    fn keep(&self, sender: SendRequest<Body>) {
        let mut idle = self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_CONNECTIONS_MAX && !sender.is_closed() {
            idle.push(sender);
        }
    }

    pub(crate) fn broken(&self, request: &str, cause: String) -> ClientError {
        ClientError::Broken { socket: self.shared.socket.clone(), request: request.into(), cause }
    }
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Reads a good answer's body as JSON; a refusal becomes an error.
    pub(crate) async fn json<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        let (transport, request) = (self.transport.clone(), self.request.clone());
        let bytes = self.good().await?;
        serde_json::from_slice(&bytes).map_err(|fault| transport.broken(&request, fault.to_string()))
    }

    /// Reads a good answer's body and keeps the connection; a refusal becomes an error.
    pub(crate) async fn good(self) -> Result<Bytes, ClientError> {
        let status = self.status();
        let (transport, request) = (self.transport.clone(), self.request.clone());
        let bytes = self.bytes().await?;
        if status.is_success() {
            return Ok(bytes);
        }
        match serde_json::from_slice::<Refusal>(&bytes) {
            Ok(refusal) => Err(ClientError::Refused { status: status.as_u16(), refusal }),
            Err(_) => Err(transport.broken(&request, format!("status {status} without a reason"))),
        }
    }

    /// The body as it comes, for a good answer; a refusal becomes an error. The connection is not kept.
    pub(crate) async fn stream(self) -> Result<(Incoming, SendRequest<Body>), ClientError> {
        if self.status().is_success() {
            return Ok((self.response.into_body(), self.sender));
        }
        let (transport, request) = (self.transport.clone(), self.request.clone());
        Err(match self.good().await {
            Ok(_) => transport.broken(&request, "the status changed while reading".into()),
            Err(refused) => refused,
        })
    }

    async fn bytes(self) -> Result<Bytes, ClientError> {
        let body = http_body_util::Limited::new(self.response.into_body(), ANSWER_BYTES_MAX);
        let bytes = match body.collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(fault) => return Err(self.transport.broken(&self.request, with_sources(fault.as_ref()))),
        };
        self.transport.keep(self.sender);
        Ok(bytes)
    }
}

/// JSON of a value that a request carries.
pub(crate) fn encode<T: Serialize>(
    transport: &Transport,
    request: &str,
    value: &T,
) -> Result<Bytes, ClientError> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|fault| transport.broken(request, fault.to_string()))
}

/// An error's text with its causes: hyper's own text alone names none.
fn with_sources(fault: &(dyn std::error::Error + 'static)) -> String {
    let mut text = fault.to_string();
    let mut source = fault.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
