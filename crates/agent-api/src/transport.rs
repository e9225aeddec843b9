//! HTTP/1.1 over the agent's unix socket: connections, requests, answers. It knows no path of the API.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// An answer's largest size. The longest are lists: 10,000 services of a few kilobytes each.
const ANSWER_BYTES_MAX: usize = 512 * 1024 * 1024;

/// The way to one agent; cheap to clone. Every request has a connection of its own: over a unix socket one costs some tens of
/// microseconds, and a kept one would have to be watched for an agent that was restarted meanwhile.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    socket: Arc<Path>,
}

/// An answer whose head has arrived.
pub(crate) struct Answer {
    transport: Transport,
    request: String,
    /// Held while the body is read, because the connection ends with its sender; `None` if it has ended already.
    sender: Option<SendRequest<Body>>,
    response: Response<Incoming>,
}

impl Transport {
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self { socket: socket.into() }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Sends a request with a body that is at hand.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Answer, ClientError> {
        let kind = if body.is_some() { "application/json" } else { "" };
        let body = Full::new(body.unwrap_or_default()).map_err(|never| match never {}).boxed();
        self.exchange(&method, path, self.request(&method, path, kind, body)?).await
    }

    /// Sends a request whose body is a stream of a known size.
    pub(crate) async fn send_stream(
        &self,
        method: Method,
        path: &str,
        size: u64,
        body: Body,
    ) -> Result<Answer, ClientError> {
        let mut request = self.request(&method, path, "application/octet-stream", body)?;
        request.headers_mut().insert(header::CONTENT_LENGTH, size.into());
        self.exchange(&method, path, request).await
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

    async fn exchange(
        &self,
        method: &Method,
        path: &str,
        request: Request<Body>,
    ) -> Result<Answer, ClientError> {
        let what = format!("{method} {path}");
        let unreachable = |source| ClientError::Unreachable { socket: self.socket.to_path_buf(), source };
        let stream = UnixStream::connect(&self.socket).await.map_err(unreachable)?;
        let broken = |fault: hyper::Error| self.broken(&what, diag::with_causes(&fault));
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // Its faults reach the request through `sender`; there is nobody else to tell.
        let mut over = tokio::spawn(async move {
            let _ = connection.await;
        });
        let answer = sender.send_request(request);
        tokio::pin!(answer);
        let (answered, sender) = tokio::select! {
            biased;
            answered = answer.as_mut() => (answered, Some(sender)),
            _ = &mut over => {
                // A request that is queued just while the connection ends stays unanswered for as long as there is a sender.
                drop(sender);
                (answer.await, None)
            }
        };
        let response = answered.map_err(broken)?;
        Ok(Answer { transport: self.clone(), request: what, sender, response })
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

    pub(crate) fn broken(&self, request: &str, cause: String) -> ClientError {
        ClientError::Broken { socket: self.socket.to_path_buf(), request: request.into(), cause }
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

    /// Reads a good answer's body; a refusal becomes an error.
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

    /// The body as it comes, for a good answer; a refusal becomes an error.
    pub(crate) async fn stream(self) -> Result<(Incoming, Option<SendRequest<Body>>), ClientError> {
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
        match body.collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(fault) => Err(self.transport.broken(&self.request, diag::with_causes(fault.as_ref()))),
        }
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
