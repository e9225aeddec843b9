//! The side of the proxy: requests become calls, and their results JSON. It decides nothing else.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::{BODY_BYTES_MAX, CONFIG, DRAIN, INFO, METRICS, SHUTDOWN, STATS, query};
use crate::balancer::{Balancer, Stale};
use crate::listeners::Listeners;
use crate::metrics::TEXT_FORMAT;
use crate::{Applied, Config, Info, InstanceName, Refusal};

/// How long a drain waits that names no time: the default of a service's own drain.
const DRAIN_WAIT_DEFAULT: Duration = Duration::from_secs(30);

/// How long answers are given to go out when the process ends. They are short and go to the same machine.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// How long the listener rests when no connection can be accepted for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves the control socket.
#[derive(Debug)]
pub(crate) struct Server {
    balancer: Arc<Balancer>,
    /// Orders snapshots, and keeps the addresses that they opened.
    listeners: Mutex<Listeners>,
    info: Info,
    shutdown_grace: Duration,
    end: CancellationToken,
}

type Answer = Response<Full<Bytes>>;

impl Server {
    /// A server for `balancer`; `info` is what it says of itself.
    pub(crate) fn new(balancer: Arc<Balancer>, info: Info, shutdown_grace: Duration) -> Self {
        Self { balancer, listeners: Mutex::default(), info, shutdown_grace, end: CancellationToken::new() }
    }

    /// Returns when a shutdown that was asked for is done.
    pub(crate) async fn ended(&self) {
        self.end.cancelled().await;
    }

    /// Ends [`Server::serve`].
    pub(crate) fn end(&self) {
        self.end.cancel();
    }

    /// Serves connections until the end, and then what they have in flight for a moment longer.
    pub(crate) async fn serve(self: Arc<Self>, socket: UnixListener) {
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.end.cancelled() => break,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    connections.spawn(self.clone().connection(TokioIo::new(stream)));
                }
                Err(fault) => {
                    warn!("a control connection could not be accepted: {fault}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        connections.close();
        if tokio::time::timeout(LAST_ANSWERS, connections.wait()).await.is_err() {
            warn!("a control connection was cut off");
        }
    }

    async fn connection(self: Arc<Self>, stream: TokioIo<tokio::net::UnixStream>) {
        let service = service_fn(|request| {
            let server = self.clone();
            async move { Ok::<_, Infallible>(server.answer(request).await) }
        });
        let connection = Builder::new().timer(TokioTimer::new()).serve_connection(stream, service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = self.end.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(fault) = ended {
            warn!("a control connection broke off: {}", diag::with_causes(&fault));
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let (parts, body) = request.into_parts();
        let asked = parts.uri.query();
        match (&parts.method, parts.uri.path()) {
            (&Method::GET, INFO) => json(StatusCode::OK, &self.info()),
            (&Method::GET, CONFIG) => json(StatusCode::OK, self.balancer.table().config.as_ref()),
            (&Method::PUT, CONFIG) => self.put_config(body).await,
            (&Method::GET, STATS) => json(StatusCode::OK, &self.balancer.stats()),
            (&Method::GET, METRICS) => metrics(&self.balancer),
            (&Method::POST, DRAIN) => self.drain(asked).await,
            (&Method::POST, SHUTDOWN) => self.shutdown(asked).await,
            (method, path) => refusal(StatusCode::NOT_FOUND, format!("the proxy has no {method} {path}")),
        }
    }

    fn info(&self) -> Info {
        Info { config_version: self.balancer.table().config.version, ..self.info.clone() }
    }

    async fn put_config(&self, body: Incoming) -> Answer {
        let bytes = match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(fault) => {
                return refusal(StatusCode::BAD_REQUEST, format!("the snapshot could not be read: {fault}"));
            }
        };
        let config = match serde_json::from_slice::<Config>(&bytes) {
            Ok(config) => config,
            Err(fault) => return refusal(StatusCode::BAD_REQUEST, format!("not a snapshot: {fault}")),
        };
        self.apply(config)
    }

    /// Without a point where it could be given up: a client that goes away leaves no snapshot half applied.
    fn apply(&self, config: Config) -> Answer {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let version = config.version;
        match self.balancer.apply(config) {
            Ok((table, mut problems)) => {
                problems.extend(self.balancer.certificates.follow(&table.config.certificates));
                if !self.balancer.stop.is_cancelled() {
                    problems.extend(listeners.follow(&self.balancer, &table));
                }
                json(StatusCode::OK, &Applied { version, problems })
            }
            Err(Stale(current)) => refusal(
                StatusCode::CONFLICT,
                format!(
                    "version {version} is older than {current}, which is at work; read that one and go on from it"
                ),
            ),
        }
    }

    async fn drain(&self, asked: Option<&str>) -> Answer {
        let Some(instance) = query::value(asked, "instance") else {
            return refusal(StatusCode::BAD_REQUEST, "name the instance: ?instance=NAME".to_owned());
        };
        let waits = wait_of(asked, "wait_ms", DRAIN_WAIT_DEFAULT)
            .and_then(|wait| Ok((wait, wait_of(asked, "upgraded_wait_ms", wait)?)));
        match waits {
            Ok((wait, upgraded_wait)) => {
                let drained = self.balancer.drain(&InstanceName(instance), wait, upgraded_wait).await;
                json(StatusCode::OK, &drained)
            }
            Err(refused) => refused,
        }
    }

    async fn shutdown(&self, asked: Option<&str>) -> Answer {
        match wait_of(asked, "wait_ms", self.shutdown_grace) {
            Ok(wait) => {
                let drained = self.balancer.finish(wait).await;
                self.end();
                json(StatusCode::OK, &drained)
            }
            Err(refused) => refused,
        }
    }
}

#[allow(clippy::result_large_err, reason = "it is the answer, and made once")]
fn wait_of(asked: Option<&str>, name: &str, default: Duration) -> Result<Duration, Answer> {
    let Some(text) = query::value(asked, name) else { return Ok(default) };
    text.parse().map(Duration::from_millis).map_err(|_| {
        let message = format!("{name} is {text:?}; give it as a whole number of milliseconds");
        refusal(StatusCode::BAD_REQUEST, message)
    })
}

fn refusal(status: StatusCode, message: String) -> Answer {
    json(status, &Refusal { message })
}

/// What was counted, as Prometheus reads it.
pub(crate) fn metrics(balancer: &Balancer) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(balancer.metrics())));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(TEXT_FORMAT));
    answer
}

fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let (status, bytes) = match serde_json::to_vec(value) {
        Ok(bytes) => (status, bytes),
        Err(fault) => {
            warn!("an answer has no JSON form: {fault}");
            (StatusCode::INTERNAL_SERVER_ERROR, b"{\"message\":\"the answer has no JSON form\"}".to_vec())
        }
    };
    let mut answer = Response::new(Full::new(Bytes::from(bytes)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
