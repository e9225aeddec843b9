//! Connections to one endpoint: opening them, and keeping those that wait for the next request, last in first out.
//!
//! Last in first out keeps a few connections busy and lets the rest grow old and be closed. The pool sends nothing and
//! decides nothing about retries.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::request_body::RequestBody;
use crate::workers;

/// How long a connection may take to open. Endpoints are on this machine or next to it, where opening one takes well
/// under a millisecond; two seconds outlast a lost SYN and its first repetition.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Connections kept for each endpoint by each worker. More than that are in use at once only under a load where opening one more costs
/// little beside the work itself.
const IDLE_MAX: usize = 512;

/// How long a connection is kept unused. Servers close theirs after 5 s (Node) to 75 s (nginx); a close is noticed, so
/// this only bounds what is held for nothing.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest head of an answer, and the most of a body that is buffered for each connection.
const BUFFER_BYTES_MAX: usize = 256 * 1024;

/// Why a connection could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConnectFault {
    /// Nobody answered in time.
    TimedOut,
    /// The kernel's reason.
    Refused(io::ErrorKind),
}

/// An open connection that carries one request at a time.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<RequestBody>,
    line: Arc<Line>,
    /// Resolves when the task that drives the connection is over.
    over: oneshot::Receiver<()>,
}

/// The idle connections of one endpoint, for each worker its own: they are driven by the thread that opened them.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    closed: bool,
    /// By worker; the newest last.
    shelves: Vec<Vec<(Connection, Instant)>>,
}

impl Idle {
    /// The calling worker's.
    fn shelf(&mut self) -> &mut Vec<(Connection, Instant)> {
        let number = workers::number();
        if self.shelves.len() <= number {
            self.shelves.resize_with(number + 1, Vec::new);
        }
        &mut self.shelves[number]
    }
}

/// The socket under a connection, for as long as it is open. The descriptor is taken out before the socket is closed,
/// under the lock, so that it never names another file.
#[derive(Debug)]
struct Line(Mutex<Option<RawFd>>);

/// A stream that takes its descriptor out of its [`Line`] when it goes.
struct LineStream {
    stream: TokioIo<TcpStream>,
    line: Arc<Line>,
}

/// Opens a TCP connection, within [`CONNECT_TIMEOUT`] and without Nagle's delay.
pub(crate) async fn connect(address: SocketAddr) -> Result<TcpStream, ConnectFault> {
    let opened = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
    let stream =
        opened.map_err(|_| ConnectFault::TimedOut)?.map_err(|fault| ConnectFault::Refused(fault.kind()))?;
    // A socket that cannot have the option set is broken; the first write says so better.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

impl Connection {
    /// Opens a connection that speaks HTTP/1.1.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, ConnectFault> {
        let stream = connect(address).await?;
        let line = Arc::new(Line(Mutex::new(Some(stream.as_raw_fd()))));
        let io = LineStream { stream: TokioIo::new(stream), line: line.clone() };
        let (sender, connection) = Builder::new()
            .max_buf_size(BUFFER_BYTES_MAX)
            .handshake(io)
            .await
            .map_err(|_| ConnectFault::Refused(io::ErrorKind::ConnectionAborted))?;
        let (ending, over) = oneshot::channel();
        tokio::spawn(async move {
            // Its faults reach the request through `sender`; there is nobody else to tell.
            let _ = connection.with_upgrades().await;
            drop(ending);
        });
        Ok(Self { sender, line, over })
    }

    /// Sends a request. The connection comes back with the answer, unless it is over; a request of which nothing was sent
    /// comes back with the error.
    pub(crate) async fn send(
        mut self,
        request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Option<Self>), TrySendError<Request<RequestBody>>> {
        let answer = self.sender.try_send_request(request);
        tokio::pin!(answer);
        tokio::select! {
            biased;
            answered = answer.as_mut() => return answered.map(|response| (response, Some(self))),
            _ = &mut self.over => {}
        }
        // A request that is put into hyper's queue just while the connection's task drops the other end stays in there,
        // unanswered, for as long as there is a sender. Without one the queue is emptied, and the request comes back.
        drop(self);
        answer.await.map(|response| (response, None))
    }

    /// Whether a request can be sent: nothing is in flight, and the endpoint has neither closed nor spoken unasked.
    ///
    /// Asking the kernel costs half a microsecond. A close that has arrived but was not yet handed out by the event loop
    /// would otherwise cost a request, and one with a body could not be repeated.
    fn is_usable(&self) -> bool {
        self.sender.is_ready() && !self.sender.is_closed() && self.line.is_quiet()
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Option<RawFd>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_quiet(&self) -> bool {
        let descriptor = self.lock();
        let Some(descriptor) = *descriptor else { return false };
        let mut byte = [0u8; 1];
        recv(descriptor, &mut byte, MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT) == Err(Errno::EAGAIN)
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last and still can be.
    pub(crate) fn take(&self) -> Option<Connection> {
        loop {
            let (connection, _) = self.lock().shelf().pop()?;
            if connection.is_usable() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose answer has ended. One that is not yet ready for the next request comes when it is.
    pub(crate) fn give_back(self: &Arc<Self>, mut connection: Connection) {
        if connection.sender.is_ready() {
            self.keep(connection, Instant::now());
        } else if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let pool = self.clone();
            runtime.spawn(async move {
                if connection.sender.ready().await.is_ok() {
                    pool.keep(connection, Instant::now());
                }
            });
        }
    }

    fn keep(&self, connection: Connection, now: Instant) {
        if connection.sender.is_closed() {
            return;
        }
        let mut idle = self.lock();
        if !idle.closed && idle.shelf().len() < IDLE_MAX {
            idle.shelf().push((connection, now));
        }
    }

    /// Closes what is idle, and what comes back from now on: the endpoint has left.
    pub(crate) fn close(&self) {
        let shelves = {
            let mut idle = self.lock();
            idle.closed = true;
            std::mem::take(&mut idle.shelves)
        };
        drop(shelves);
    }

    /// Closes what has been idle for [`IDLE_TIMEOUT`] at `now`, and forgets what is closed.
    pub(crate) fn sweep(&self, now: Instant) {
        let mut idle = self.lock();
        for shelf in &mut idle.shelves {
            shelf.retain(|(connection, since)| {
                !connection.sender.is_closed() && now.saturating_duration_since(*since) < IDLE_TIMEOUT
            });
            // A burst's memory is not kept for the next one.
            shelf.shrink_to(shelf.len() * 2);
        }
    }
}

impl Drop for LineStream {
    fn drop(&mut self) {
        *self.line.lock() = None;
    }
}

impl Read for LineStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl Write for LineStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_close_is_seen_before_the_event_loop_hands_it_out() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let mut connection = Connection::open(address).await.expect("it listens");
        let (accepted, _) = listener.accept().expect("the connection");
        connection.sender.ready().await.expect("it is open");
        assert!(connection.is_usable());
        // Nothing is awaited from here on, so that hyper cannot know.
        drop(accepted);
        assert!(connection.sender.is_ready() && !connection.sender.is_closed());
        assert!(!connection.is_usable());
    }

    #[tokio::test]
    async fn the_pool_gives_the_newest_and_keeps_nothing_old_or_unwanted() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let pool = Pool::default();
        let start = Instant::now();
        let mut descriptors = Vec::new();
        for age in 0..3 {
            let mut connection = Connection::open(address).await.expect("it listens");
            connection.sender.ready().await.expect("it is open");
            descriptors.push(*connection.line.lock());
            pool.keep(connection, start + IDLE_TIMEOUT * age);
        }
        pool.sweep(start + IDLE_TIMEOUT * 2);
        let newest = pool.take().expect("the newest is young enough");
        assert_eq!(*newest.line.lock(), descriptors[2]);
        assert!(pool.take().is_none());
        pool.keep(newest, start);
        pool.close();
        assert!(pool.take().is_none());
        let late = Connection::open(address).await.expect("it listens");
        pool.keep(late, start);
        assert!(pool.lock().shelves.iter().all(Vec::is_empty));
    }
}
