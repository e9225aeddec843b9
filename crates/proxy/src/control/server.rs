//! The side of the proxy: requests become calls, and their results JSON. It decides nothing else.

use std::convert::Infallible;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
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

use super::{BODY_BYTES_MAX, CONFIG, Control, DRAIN, HANDOVER, INFO, METRICS, SHUTDOWN, STATS, query};
use crate::balancer::{Balancer, Stale};
use crate::handover;
use crate::listeners::Listeners;
use crate::lock::Lock;
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
    /// Goes to a successor together with the sockets.
    lock: Lock,
    /// Processes that this one took over from and that have not ended yet.
    predecessors: Mutex<Vec<Control>>,
    has_successor: AtomicBool,
    info: Info,
    shutdown_grace: Duration,
    end: CancellationToken,
}

type Answer = Response<Full<Bytes>>;

impl Server {
    /// A server for `balancer`; `info` is what it says of itself.
    pub(crate) fn new(
        balancer: Arc<Balancer>,
        listeners: Listeners,
        lock: Lock,
        info: Info,
        shutdown_grace: Duration,
    ) -> Self {
        Self {
            balancer,
            listeners: Mutex::new(listeners),
            lock,
            predecessors: Mutex::default(),
            has_successor: AtomicBool::new(false),
            info,
            shutdown_grace,
            end: CancellationToken::new(),
        }
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

    async fn answer(self: &Arc<Self>, request: Request<Incoming>) -> Answer {
        let (parts, body) = request.into_parts();
        let asked = parts.uri.query();
        match (&parts.method, parts.uri.path()) {
            (&Method::GET, INFO) => json(StatusCode::OK, &self.info()),
            (&Method::GET, CONFIG) => json(StatusCode::OK, self.balancer.table().config.as_ref()),
            (&Method::PUT, CONFIG) => self.put_config(body).await,
            (&Method::GET, STATS) => json(StatusCode::OK, &self.balancer.stats()),
            (&Method::GET, METRICS) => metrics(&self.balancer),
            (&Method::POST, DRAIN) => self.drain(asked).await,
            (&Method::POST, HANDOVER) => self.hand_over(asked).await,
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
        self.apply(config).await
    }

    /// Works by a snapshot, and has the predecessors that still finish work by it too: what they repeat shall go where it
    /// leads.
    async fn apply(&self, config: Config) -> Answer {
        for predecessor in self.predecessors() {
            // One that has ended has nothing to repeat.
            let _ = predecessor.apply(&config).await;
        }
        let version = config.version;
        match self.work_by(config) {
            Ok(applied) => json(StatusCode::OK, &applied),
            Err(Stale(current)) => refusal(
                StatusCode::CONFLICT,
                format!(
                    "version {version} is older than {current}, which is at work; read that one and go on from it"
                ),
            ),
        }
    }

    /// Without a point where it could be given up: a client that goes away leaves no snapshot half applied.
    pub(crate) fn work_by(&self, config: Config) -> Result<Applied, Stale> {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let version = config.version;
        let (table, mut problems) = self.balancer.apply(config)?;
        problems.extend(self.balancer.certificates.follow(&table.config.certificates));
        if !self.balancer.stop.is_cancelled() {
            problems.extend(listeners.follow(&self.balancer, &table));
        }
        listeners.forget_inherited();
        Ok(Applied { version, problems })
    }

    fn predecessors(&self) -> Vec<Control> {
        self.predecessors.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One that finishes what it has in flight: drains wait for it as well.
    pub(crate) fn add_predecessor(&self, predecessor: Control) {
        self.predecessors.lock().unwrap_or_else(PoisonError::into_inner).push(predecessor);
    }

    /// It has ended.
    pub(crate) fn remove_predecessor(&self, socket: &Path) {
        let mut predecessors = self.predecessors.lock().unwrap_or_else(PoisonError::into_inner);
        predecessors.retain(|predecessor| predecessor.socket() != socket);
    }

    /// Whether another process has what this one had.
    pub(crate) fn has_successor(&self) -> bool {
        self.has_successor.load(Ordering::SeqCst)
    }

    async fn hand_over(&self, asked: Option<&str>) -> Answer {
        let Some(path) = query::value(asked, "socket") else {
            return refusal(StatusCode::BAD_REQUEST, "name the datagram socket: ?socket=PATH".to_owned());
        };
        let duplicates = self.listeners.lock().unwrap_or_else(PoisonError::into_inner).duplicates();
        let lock = self.lock.clone();
        let given = tokio::task::spawn_blocking(move || {
            handover::give(Path::new(&path), lock.file()?.as_fd(), &duplicates?)
        });
        match given.await {
            Ok(Ok(())) => {
                self.has_successor.store(true, Ordering::SeqCst);
                json(StatusCode::OK, &())
            }
            Ok(Err(fault)) => {
                refusal(StatusCode::BAD_REQUEST, format!("the sockets cannot be sent: {fault}"))
            }
            Err(fault) => refusal(StatusCode::INTERNAL_SERVER_ERROR, fault.to_string()),
        }
    }

    async fn drain(&self, asked: Option<&str>) -> Answer {
        let Some(instance) = query::value(asked, "instance") else {
            return refusal(StatusCode::BAD_REQUEST, "name the instance: ?instance=NAME".to_owned());
        };
        let wait = match wait_of(asked, "wait_ms", DRAIN_WAIT_DEFAULT) {
            Ok(wait) => wait,
            Err(refused) => return *refused,
        };
        let upgraded_wait = match wait_of(asked, "upgraded_wait_ms", wait) {
            Ok(wait) => wait,
            Err(refused) => return *refused,
        };
        let instance = InstanceName(instance);
        let predecessors = self.predecessors();
        let theirs = predecessors.iter().map(|it| it.drain_each(&instance, wait, upgraded_wait));
        let theirs = futures_util::future::join_all(theirs);
        let (mut drained, theirs) =
            futures_util::future::join(self.balancer.drain(&instance, wait, upgraded_wait), theirs).await;
        // One that does not answer has ended, and has nothing in flight.
        for one in theirs.into_iter().flatten() {
            drained.complete &= one.complete;
            drained.in_flight += one.in_flight;
        }
        json(StatusCode::OK, &drained)
    }

    async fn shutdown(self: &Arc<Self>, asked: Option<&str>) -> Answer {
        let wait = wait_of(asked, "wait_ms", self.shutdown_grace);
        let linger = wait_of(asked, "linger_ms", Duration::ZERO);
        match (wait, linger) {
            (Ok(wait), Ok(linger)) => {
                self.balancer.set_linger(linger);
                if self.has_successor() {
                    // Its own alone from here on: should it be killed, the one after it finds the lock free.
                    self.lock.close();
                }
                if linger.is_zero() {
                    // It is to end for good, and with it what it took over from.
                    for predecessor in self.predecessors() {
                        tokio::spawn(async move { predecessor.shutdown(wait).await });
                    }
                }
                let server = self.clone();
                // A task of its own: who asked may be gone before it is done, and it is done all the same.
                let finished = tokio::spawn(async move {
                    let drained = server.balancer.finish(wait).await;
                    server.end();
                    drained
                });
                match finished.await {
                    Ok(drained) => json(StatusCode::OK, &drained),
                    Err(fault) => refusal(StatusCode::INTERNAL_SERVER_ERROR, fault.to_string()),
                }
            }
            (Err(refused), _) | (_, Err(refused)) => *refused,
        }
    }
}

fn wait_of(asked: Option<&str>, name: &str, default: Duration) -> Result<Duration, Box<Answer>> {
    let Some(text) = query::value(asked, name) else { return Ok(default) };
    text.parse().map(Duration::from_millis).map_err(|_| {
        let message = format!("{name} is {text:?}; give it as a whole number of milliseconds");
        Box::new(refusal(StatusCode::BAD_REQUEST, message))
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
