//! An HTTP load generator: requests at a steady rate, and an honest account of what became of each.
//!
//! Open loop: request number n is due at n / rate after the start, whether or not those before it were answered. Where all
//! connections are busy, a due request waits for one, and its wait counts as latency. It repeats nothing that was sent,
//! sends to loopback and private addresses only, and ends by itself after [`LoadOptions::duration_max`].

mod account;
mod histogram;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use account::{Account, Fault, fault_of};

pub use account::LoadReport;

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadOptions {
    /// Where to: a loopback or private address.
    pub address: SocketAddr,
    /// The `host` header.
    pub host: String,
    /// Path and query of each `GET`.
    pub path: String,
    /// The rate over all connections; at least 1.
    pub requests_per_second: u32,
    /// Requests that can be in flight at once; at least 1.
    pub connections: usize,
    /// Whether connections are kept.
    pub connection_use: ConnectionUse,
    /// How long a request may take, its connection included.
    pub timeout: Duration,
    /// When the load ends without being stopped.
    pub duration_max: Duration,
}

/// Whether connections are kept for the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionUse {
    /// Kept for as long as the server keeps them.
    Keep,
    /// A fresh one for each request.
    Close,
    /// Every other one is kept.
    Both,
}

/// Why a load cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The address is not of this machine or of a private network.
    #[error("{0} is a public address; load is sent to loopback and private addresses only")]
    PublicAddress(SocketAddr),
    /// Host, path or one of the numbers cannot be sent with.
    #[error("no requests can be made of these options: {0}")]
    Options(String),
}

/// A load under way. Dropping it ends the load without a report.
#[derive(Debug)]
pub struct Load {
    stop: watch::Sender<bool>,
    workers: JoinSet<Account>,
    start: Instant,
}

impl Load {
    /// Starts sending, on tasks of the current runtime.
    ///
    /// # Errors
    ///
    /// The address is public, or no request can be made of the options.
    pub fn start(options: LoadOptions) -> Result<Self, LoadError> {
        if !is_internal(options.address.ip()) {
            return Err(LoadError::PublicAddress(options.address));
        }
        if options.requests_per_second == 0 || options.connections == 0 {
            return Err(LoadError::Options("rate and connections are at least 1".into()));
        }
        // Tried once here, so that a fault in it is an error rather than a report full of faults.
        build(&options, true).map_err(|fault| LoadError::Options(fault.to_string()))?;
        let (stop, stopped) = watch::channel(false);
        let start = Instant::now();
        let plan = Arc::new(Plan { options, start, next: AtomicU64::new(0) });
        let mut workers = JoinSet::new();
        for number in 0..plan.options.connections {
            let keeps = match plan.options.connection_use {
                ConnectionUse::Keep => true,
                ConnectionUse::Close => false,
                ConnectionUse::Both => number % 2 == 0,
            };
            workers.spawn(work(plan.clone(), keeps, stopped.clone()));
        }
        Ok(Self { stop, workers, start })
    }

    /// Sends no more, waits for the answers that are still due, and reports.
    pub async fn stop(self) -> LoadReport {
        // It fails only where every worker has ended by itself.
        let _ = self.stop.send(true);
        self.finish().await
    }

    /// Waits until the time of the load is over and the last answers have come, and reports.
    pub async fn finish(mut self) -> LoadReport {
        let mut total = Account::default();
        while let Some(ended) = self.workers.join_next().await {
            match ended {
                Ok(account) => total.add(account),
                Err(fault) => {
                    total.report.other_errors += 1;
                    total.example(format!("a task of the load itself ended early: {fault}"));
                }
            }
        }
        let mut report = total.report;
        report.latency_us_p50 = total.latencies.quantile(0.50);
        report.latency_us_p99 = total.latencies.quantile(0.99);
        let ended = total.last_answer.unwrap_or(self.start);
        report.elapsed_ms = millis(ended.saturating_duration_since(self.start));
        report
    }
}

/// What the workers share: the options, and the number of the next request.
#[derive(Debug)]
struct Plan {
    options: LoadOptions,
    start: Instant,
    next: AtomicU64,
}

impl Plan {
    /// When the next request is due; none when the time is over.
    fn next_due(&self) -> Option<Instant> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let rate = u64::from(self.options.requests_per_second);
        let whole = Duration::from_secs(number / rate);
        let due = whole + Duration::from_nanos((number % rate) * 1_000_000_000 / rate);
        (due < self.options.duration_max).then(|| self.start + due)
    }
}

/// A connection: what sends on it, and what resolves when the task that drives it is over.
struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    over: oneshot::Receiver<()>,
}

async fn work(plan: Arc<Plan>, keeps: bool, mut stopped: watch::Receiver<bool>) -> Account {
    let mut account = Account::default();
    let mut kept: Option<Connection> = None;
    while let Some(due) = plan.next_due() {
        let mut from = due;
        if due > Instant::now() {
            tokio::select! {
                biased;
                // An error means that the load was dropped.
                _ = stopped.wait_for(|stop| *stop) => break,
                () = tokio::time::sleep_until(due.into()) => {}
            }
            // The timer's own delay, up to a millisecond, is not the server's.
            from = Instant::now();
        } else if *stopped.borrow() || stopped.has_changed().is_err() {
            break;
        }
        account.report.sent += 1;
        let asked = tokio::time::timeout(
            plan.options.timeout,
            ask(&plan.options, keeps, kept.take(), &mut account.report.connections_opened),
        );
        match asked.await.unwrap_or(Err(Fault::TimedOut)) {
            Ok((status, release, connection)) => {
                kept = connection;
                account.answered(status, release, from, Instant::now());
            }
            Err(fault) => account.failed(fault),
        }
    }
    account
}

/// One request and its whole answer: status, release, and the connection if it can be used again.
async fn ask(
    options: &LoadOptions,
    keeps: bool,
    mut kept: Option<Connection>,
    opened: &mut u64,
) -> Result<(u16, Option<String>, Option<Connection>), Fault> {
    let mut request = build(options, keeps).map_err(|fault| Fault::Other(fault.to_string()))?;
    let (response, connection) = loop {
        // A server may close a kept connection between requests: nothing was sent, and a fresh one is opened.
        let reused = match kept.take() {
            Some(mut connection) => connection.sender.ready().await.is_ok().then_some(connection),
            None => None,
        };
        let is_fresh = reused.is_none();
        let connection = match reused {
            Some(connection) => connection,
            None => {
                *opened += 1;
                connect(options.address).await?
            }
        };
        match connection.send(request).await {
            Ok(answered) => break answered,
            Err(mut fault) => match fault.take_message() {
                Some(unsent) if !is_fresh => request = unsent,
                _ => return Err(fault_of(&fault.into_error())),
            },
        }
    };
    let status = response.status().as_u16();
    let release = response.headers().get("x-release").and_then(|value| value.to_str().ok());
    let release = release.map(str::to_owned);
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        frame.map_err(|fault| fault_of(&fault))?;
    }
    Ok((status, release, connection.filter(|_| keeps)))
}

impl Connection {
    /// Sends a request; the connection comes back with the answer, unless it is over.
    async fn send(
        mut self,
        request: Request<Empty<Bytes>>,
    ) -> Result<(Response<Incoming>, Option<Self>), TrySendError<Request<Empty<Bytes>>>> {
        let answer = self.sender.try_send_request(request);
        tokio::pin!(answer);
        tokio::select! {
            biased;
            answered = answer.as_mut() => return answered.map(|response| (response, Some(self))),
            _ = &mut self.over => {}
        }
        // A request that was queued just while the connection ended comes back only when there is no sender any more; it
        // would be counted as a timeout of the server's otherwise.
        drop(self);
        answer.await.map(|response| (response, None))
    }
}

async fn connect(address: SocketAddr) -> Result<Connection, Fault> {
    let stream = TcpStream::connect(address).await.map_err(|fault| fault_of(&fault))?;
    // A socket that cannot have the option set is broken; the request says so better.
    let _ = stream.set_nodelay(true);
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|fault| fault_of(&fault))?;
    let (ending, over) = oneshot::channel();
    tokio::spawn(async move {
        // Its faults reach the request through the sender.
        let _ = connection.await;
        drop(ending);
    });
    Ok(Connection { sender, over })
}

fn build(options: &LoadOptions, keeps: bool) -> Result<Request<Empty<Bytes>>, http::Error> {
    let mut request =
        Request::get(options.path.as_str()).header(header::HOST, options.host.as_str()).body(Empty::new())?;
    if !keeps {
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(request)
}

fn is_internal(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn options(address: SocketAddr) -> LoadOptions {
        LoadOptions {
            address,
            host: "any.test".into(),
            path: "/".into(),
            requests_per_second: 2000,
            connections: 4,
            connection_use: ConnectionUse::Keep,
            timeout: Duration::from_secs(20),
            duration_max: Duration::from_millis(100),
        }
    }

    /// A server whose answer to request number n, over all connections, is `answer(n)`; none: it closes instead.
    async fn server(answer: fn(u64) -> Option<&'static str>) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let count = Arc::new(AtomicU64::new(0));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let count = count.clone();
                tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                        let Some(text) = answer(count.fetch_add(1, Ordering::SeqCst)) else { return };
                        let _ = stream.write_all(text.as_bytes()).await;
                        if text.ends_with("short") {
                            return;
                        }
                    }
                });
            }
        });
        address
    }

    /// To the end of its time, so that the number of requests is known.
    async fn run(options: LoadOptions) -> LoadReport {
        Load::start(options).expect("it starts").finish().await
    }

    #[tokio::test]
    async fn every_request_is_counted_once_by_what_became_of_it() {
        let address = server(|number| match number % 10 {
            0 => None,
            1 => Some("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"),
            2 => Some("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort"),
            3 => Some("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-release: a\r\n\r\nok"),
            _ => Some("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-release: b\r\n\r\nok"),
        })
        .await;
        let report = run(options(address)).await;
        assert_eq!(report.sent, 200, "{report:?}");
        assert_eq!((report.resets, report.timeouts), (40, 0), "{report:?}");
        assert_eq!(report.failed_status, [(503, 20)].into());
        assert_eq!(report.by_release, [("a".into(), 20), ("b".into(), 120)].into());
        assert_eq!((report.ok, report.failed(), report.other_errors), (140, 60, 0));
        assert!(report.latency_us_p50 <= report.latency_us_p99);
        assert!(report.latency_us_p99 <= report.latency_us_max);
        assert_eq!(report.examples.len(), 3, "{:?}", report.examples);
    }

    #[tokio::test]
    async fn connections_are_kept_or_not_as_was_asked() {
        let address = server(|_| Some("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).await;
        let kept = run(options(address)).await;
        assert_eq!((kept.sent, kept.ok), (200, 200));
        assert!(kept.connections_opened <= 4, "{}", kept.connections_opened);
        let closed = run(LoadOptions { connection_use: ConnectionUse::Close, ..options(address) }).await;
        assert_eq!((closed.ok, closed.connections_opened), (200, 200));
    }

    #[tokio::test]
    async fn a_stop_ends_it_and_a_refused_connection_is_a_reset() {
        // Bound and not listening: nobody else can have the port, and connections are refused.
        let unused = tokio::net::TcpSocket::new_v4().expect("a socket");
        unused.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let address = unused.local_addr().expect("its address");
        let load = Load::start(LoadOptions { duration_max: Duration::from_secs(3600), ..options(address) });
        let report = load.expect("it starts").stop().await;
        assert_eq!(report.sent, report.resets);
    }

    #[tokio::test]
    async fn an_answer_that_does_not_come_is_a_timeout() {
        let address = server(|_| Some("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")).await;
        let report = run(LoadOptions { timeout: Duration::from_millis(5), ..options(address) }).await;
        assert_eq!((report.timeouts, report.ok), (report.sent, 0));
        assert_eq!(report.examples, ["no whole answer in time"]);
    }

    #[test]
    fn public_addresses_and_rates_of_nothing_are_refused() {
        let public = Load::start(options(SocketAddr::from(([192, 0, 2, 1], 80))));
        assert!(matches!(public, Err(LoadError::PublicAddress(_))));
        let local = SocketAddr::from(([127, 0, 0, 1], 80));
        let nothing = Load::start(LoadOptions { requests_per_second: 0, ..options(local) });
        assert!(matches!(nothing, Err(LoadError::Options(_))));
        let broken = Load::start(LoadOptions { path: "a b".into(), ..options(local) });
        assert!(matches!(broken, Err(LoadError::Options(_))));
    }
}
