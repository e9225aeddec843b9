//! The side of whoever tells the proxy what to do: one method for each path. It keeps no connection and repeats nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::{BODY_BYTES_MAX, CONFIG, DRAIN, HANDOVER, INFO, METRICS, SHUTDOWN, STATS, query};
use crate::{Applied, Config, ControlError, Drained, Info, InstanceName, Refusal, Stats};

/// Speaks with one proxy over its control socket. Each call has a connection of its own.
#[derive(Debug, Clone)]
pub struct Control {
    socket: PathBuf,
}

impl Control {
    /// A client of the proxy at `socket`. Nothing is opened before the first call.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// The socket that it speaks over.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// What the process is: `GET /v1/info`. It answers once the entry listens.
    pub async fn info(&self) -> Result<Info, ControlError> {
        self.ask(Method::GET, INFO, Bytes::new()).await
    }

    /// The snapshot that was last given: `GET /v1/config`. Version 0 and empty before the first.
    pub async fn config(&self) -> Result<Config, ControlError> {
        self.ask(Method::GET, CONFIG, Bytes::new()).await
    }

    /// Gives a snapshot: `PUT /v1/config`. When this returns, nothing new is given to an endpoint that the snapshot does
    /// not have. Idempotent; a version older than the current one is refused with 409.
    pub async fn apply(&self, config: &Config) -> Result<Applied, ControlError> {
        let body =
            serde_json::to_vec(config).map_err(|fault| self.broken("PUT /v1/config", fault.to_string()))?;
        self.ask(Method::PUT, CONFIG, Bytes::from(body)).await
    }

    /// Waits until nothing is in flight on an instance, at most `wait`: `POST /v1/drain`. Take it out of the snapshot, or
    /// give it weight 0, first. An instance that the proxy does not know has nothing in flight.
    pub async fn drain(&self, instance: &InstanceName, wait: Duration) -> Result<Drained, ControlError> {
        self.drain_each(instance, wait, wait).await
    }

    /// Like [`Control::drain`], with a time of their own for upgraded connections such as WebSockets: `wait` for requests and
    /// TCP connections, and `upgraded_wait` in all where only upgraded ones are left after that.
    pub async fn drain_each(
        &self,
        instance: &InstanceName,
        wait: Duration,
        upgraded_wait: Duration,
    ) -> Result<Drained, ControlError> {
        let (wait, upgraded) = (wait.as_millis(), upgraded_wait.as_millis());
        let path = format!(
            "{DRAIN}?instance={}&wait_ms={wait}&upgraded_wait_ms={upgraded}",
            query::encode(&instance.0)
        );
        self.ask(Method::POST, &path, Bytes::new()).await
    }

    /// What was counted: `GET /v1/stats`.
    pub async fn stats(&self) -> Result<Stats, ControlError> {
        self.ask(Method::GET, STATS, Bytes::new()).await
    }

    /// What was counted, in Prometheus' text format: `GET /metrics`.
    pub async fn metrics(&self) -> Result<String, ControlError> {
        let name = format!("GET {METRICS}");
        let (status, bytes) = self.exchange(Method::GET, METRICS, Bytes::new(), &name).await?;
        if !status.is_success() {
            return Err(self.broken(&name, format!("status {status}")));
        }
        String::from_utf8(bytes.into()).map_err(|fault| self.broken(&name, fault.to_string()))
    }

    /// Ends the proxy: it accepts nothing more, and gives what is in flight at most `wait`: `POST /v1/shutdown`.
    pub async fn shutdown(&self, wait: Duration) -> Result<Drained, ControlError> {
        let path = format!("{SHUTDOWN}?wait_ms={}", wait.as_millis());
        self.ask(Method::POST, &path, Bytes::new()).await
    }

    /// Has the proxy send its listening sockets and its lock to a datagram socket: `POST /v1/handover`.
    pub(crate) async fn hand_over(&self, socket: &Path) -> Result<(), ControlError> {
        let path = format!("{HANDOVER}?socket={}", query::encode(&socket.to_string_lossy()));
        self.ask(Method::POST, &path, Bytes::new()).await
    }

    /// Ends the proxy for the sake of its successor: what is in flight is given at most `wait`, and connections without a
    /// request `linger`.
    pub(crate) async fn retire(&self, wait: Duration, linger: Duration) -> Result<Drained, ControlError> {
        let (wait, linger) = (wait.as_millis(), linger.as_millis());
        self.ask(Method::POST, &format!("{SHUTDOWN}?wait_ms={wait}&linger_ms={linger}"), Bytes::new()).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, ControlError> {
        let name = format!("{method} {path}");
        let (status, bytes) = self.exchange(method, path, body, &name).await?;
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|fault| self.broken(&name, fault.to_string()));
        }
        match serde_json::from_slice::<Refusal>(&bytes) {
            Ok(refusal) => Err(ControlError::Refused { status: status.as_u16(), refusal }),
            Err(_) => Err(self.broken(&name, format!("status {status} without a reason"))),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        name: &str,
    ) -> Result<(http::StatusCode, Bytes), ControlError> {
        let unreachable = |source| ControlError::Unreachable { socket: self.socket.clone(), source };
        let stream = UnixStream::connect(&self.socket).await.map_err(unreachable)?;
        let broken = |fault: hyper::Error| self.broken(name, diag::with_causes(&fault));
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
        tokio::spawn(async move {
            // Its faults reach the call through `sender`.
            let _ = connection.await;
        });
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "proxy")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|fault| self.broken(name, fault.to_string()))?;
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), BODY_BYTES_MAX).collect().await;
        let bytes = body.map_err(|fault| self.broken(name, diag::with_causes(fault.as_ref())))?.to_bytes();
        Ok((status, bytes))
    }

    fn broken(&self, request: &str, cause: String) -> ControlError {
        ControlError::Broken { socket: self.socket.clone(), request: request.to_owned(), cause }
    }
}
