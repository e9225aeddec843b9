//! HTTP/2 connections to one endpoint, each shared by many requests. It sends nothing and decides nothing about retries.
//!
//! Requests go to the connection that has the fewest of them, and another is opened when all are full. Connections are
//! opened one at a time, so that a burst of requests does not open one each.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use crate::pool::{ConnectFault, IDLE_TIMEOUT, connect};
use crate::request_body::RequestBody;
use crate::workers;

/// Requests on one connection. RFC 9113 (6.5.2) asks servers to allow at least 100, and most allow 100 to 250; what a server
/// does not take yet waits in the connection.
const STREAMS_MAX: usize = 100;

/// How often a connection with requests on it is asked whether the other side is still there.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// The longest list of headers in an answer, as for HTTP/1.1.
const HEADER_BYTES_MAX: u32 = 256 * 1024;

/// The connections of one endpoint, for each worker its own: they are driven by the thread that opened them.
#[derive(Debug, Default)]
pub(crate) struct Multiplexer {
    shelves: Mutex<Shelves>,
}

#[derive(Debug, Default)]
struct Shelves {
    closed: bool,
    by_worker: Vec<Arc<Shelf>>,
}

/// One worker's connections.
#[derive(Debug, Default)]
struct Shelf {
    open: Mutex<Open>,
    /// Held while a connection is opened.
    opening: tokio::sync::Mutex<Option<ConnectFault>>,
    /// Attempts to open one that have ended.
    attempts: AtomicU64,
}

#[derive(Debug, Default)]
struct Open {
    closed: bool,
    channels: Vec<Arc<Channel>>,
}

#[derive(Debug)]
struct Channel {
    sender: SendRequest<RequestBody>,
    streams: AtomicUsize,
    /// When it last had nothing to do.
    idle_since: Mutex<Instant>,
}

/// A place for one request on a connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Stream {
    channel: Arc<Channel>,
}

impl Multiplexer {
    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place on an open connection, or on a fresh one. The second says whether it is fresh.
    pub(crate) async fn stream(&self, address: SocketAddr) -> Result<(Stream, bool), ConnectFault> {
        let shelf = {
            let mut shelves = self.lock();
            let (number, closed) = (workers::number(), shelves.closed);
            while shelves.by_worker.len() <= number {
                let shelf = Shelf::default();
                shelf.lock().closed = closed;
                shelves.by_worker.push(Arc::new(shelf));
            }
            shelves.by_worker[number].clone()
        };
        shelf.stream(address).await
    }

    /// Keeps no connection from now on; those with requests on them end with those.
    pub(crate) fn close(&self) {
        let mut shelves = self.lock();
        shelves.closed = true;
        for shelf in &shelves.by_worker {
            shelf.close();
        }
    }

    /// Closes what has been idle for [`IDLE_TIMEOUT`] at `now`, and forgets what is closed.
    pub(crate) fn sweep(&self, now: Instant) {
        for shelf in &self.lock().by_worker {
            shelf.sweep(now);
        }
    }
}

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn stream(&self, address: SocketAddr) -> Result<(Stream, bool), ConnectFault> {
        if let Some(stream) = self.place() {
            return Ok((stream, false));
        }
        let before = self.attempts.load(Ordering::SeqCst);
        let mut last = self.opening.lock().await;
        if let Some(stream) = self.place() {
            return Ok((stream, true));
        }
        // Whoever waited for somebody else's attempt shares its fault, rather than waiting for one more in a row.
        if self.attempts.load(Ordering::SeqCst) != before
            && let Some(fault) = *last
        {
            return Err(fault);
        }
        let opened = open(address).await;
        self.attempts.fetch_add(1, Ordering::SeqCst);
        match opened {
            Ok(channel) => {
                *last = None;
                let stream = Stream::on(&channel);
                let mut open = self.lock();
                if !open.closed {
                    open.channels.push(channel);
                }
                Ok((stream, true))
            }
            Err(fault) => {
                *last = Some(fault);
                Err(fault)
            }
        }
    }

    fn place(&self) -> Option<Stream> {
        let mut open = self.lock();
        open.channels.retain(|channel| !channel.sender.is_closed());
        let streams = |channel: &&Arc<Channel>| channel.streams.load(Ordering::SeqCst);
        let emptiest =
            open.channels.iter().filter(|channel| streams(channel) < STREAMS_MAX).min_by_key(streams)?;
        // Counted under the lock, so that two cannot take the last place.
        Some(Stream::on(emptiest))
    }

    fn close(&self) {
        let channels = {
            let mut open = self.lock();
            open.closed = true;
            std::mem::take(&mut open.channels)
        };
        drop(channels);
    }

    fn sweep(&self, now: Instant) {
        self.lock().channels.retain(|channel| {
            let since = *channel.idle_since.lock().unwrap_or_else(PoisonError::into_inner);
            let is_idle = channel.streams.load(Ordering::SeqCst) == 0;
            !channel.sender.is_closed() && (!is_idle || now.saturating_duration_since(since) < IDLE_TIMEOUT)
        });
    }
}

async fn open(address: SocketAddr) -> Result<Arc<Channel>, ConnectFault> {
    let stream = connect(address).await?;
    let (sender, connection) = Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .max_header_list_size(HEADER_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| ConnectFault::Refused(io::ErrorKind::ConnectionAborted))?;
    tokio::spawn(async move {
        // Its faults reach the requests through the sender; there is nobody else to tell.
        let _ = connection.await;
    });
    let idle_since = Mutex::new(Instant::now());
    Ok(Arc::new(Channel { sender, streams: AtomicUsize::new(0), idle_since }))
}

impl Stream {
    fn on(channel: &Arc<Channel>) -> Self {
        channel.streams.fetch_add(1, Ordering::SeqCst);
        Self { channel: channel.clone() }
    }

    /// Sends a request. One of which nothing was sent comes back with the error.
    pub(crate) async fn send(
        &self,
        request: Request<RequestBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<RequestBody>>> {
        self.channel.sender.clone().try_send_request(request).await
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.channel.streams.fetch_sub(1, Ordering::SeqCst) == 1 {
            *self.channel.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
    }
}
