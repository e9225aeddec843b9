//! Connections of clients that speak HTTP: TLS, the version, limits, and their end. What becomes of a request is decided
//! elsewhere.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::Either;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::balancer::Balancer;
use crate::body::ResponseBody;
use crate::forward::{Arrival, forward};
use crate::patient::Patient;
use crate::sniff::{Opening, sniff};
use crate::table::Front;

/// The largest head of a request. Cookies and tokens of 16 KiB are seen; more is a mistake or an attack.
const HEADER_BYTES_MAX: usize = 64 * 1024;

/// The most that is buffered of one connection.
const BUFFER_BYTES_MAX: usize = 256 * 1024;

/// Requests at a time on one HTTP/2 connection: twice what RFC 9113 (6.5.2) wants at least. A client that opens and resets
/// them in a loop is cut off by the library's own bounds.
const STREAMS_MAX: u32 = 200;

/// What a client may send on one stream, and on one connection, before the endpoint has taken it: half of what an upload over
/// a line of 50 ms needs for 100 Mbit/s, and little memory for a client that opens all of its streams.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;

/// How often an HTTP/2 client is asked whether it is still there.
const PING_INTERVAL: Duration = Duration::from_secs(60);

/// Where a connection comes from and came in.
#[derive(Debug)]
pub(crate) struct Client {
    /// As `x-forwarded-for` says it.
    pub(crate) address: HeaderValue,
    /// The address that it asked for.
    pub(crate) local: SocketAddr,
}

/// Answers the requests of one connection. What it holds is counted for each request, and only by this connection's thread.
#[derive(Clone)]
struct Requests(Arc<Connection>);

struct Connection {
    balancer: Arc<Balancer>,
    client: Client,
    is_tls: bool,
    front: Arc<RwLock<Front>>,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<ResponseBody>, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        // Asked for each request: another port may have taken the address over since the connection came in.
        let connection = self.0.clone();
        let port = match &*connection.front.read().unwrap_or_else(PoisonError::into_inner) {
            Front::Entry | Front::Metrics => None,
            Front::Port(key, _) => Some(key.clone()),
        };
        Box::pin(async move {
            let Connection { balancer, client, is_tls, .. } = &*connection;
            let arrival = Arrival { port: port.as_deref(), client, is_tls: *is_tls };
            let mut answer = forward(balancer, arrival, request).await;
            if !balancer.linger().is_zero() && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
                // This process retires: the client's next request shall come in on a connection to its successor. HTTP/2
                // says that another way, and drops this.
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(answer)
        })
    }
}

/// Serves one connection until it ends, or until `close` and the requests that it then has in flight.
pub(crate) async fn serve(
    balancer: Arc<Balancer>,
    stream: TcpStream,
    client: Client,
    front: Arc<RwLock<Front>>,
    close: CancellationToken,
) {
    let head = balancer.patience.head;
    let Ok(Ok(opening)) = tokio::time::timeout(head, sniff(&stream)).await else { return };
    let silence = balancer.patience.silence;
    let is_tls = opening == Opening::Tls;
    let requests = Requests(Arc::new(Connection { balancer, client, is_tls, front }));
    let stream = Patient::new(stream, silence);
    match opening {
        Opening::Http1 => http1(requests, stream, close).await,
        Opening::Http2 => http2(requests, stream, close).await,
        Opening::Tls => {
            let Some(config) = requests.0.balancer.tls.get().cloned() else { return };
            let accepting = TlsAcceptor::from(config).accept(stream);
            let stream = match tokio::time::timeout(head, accepting).await {
                Ok(Ok(stream)) => stream,
                Ok(Err(fault)) => return debug!("a client's TLS handshake failed: {fault}"),
                Err(_) => return debug!("a client did not end its TLS handshake in time"),
            };
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                http2(requests, stream, close).await;
            } else {
                http1(requests, stream, close).await;
            }
        }
    }
}

async fn http1(
    requests: Requests,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    close: CancellationToken,
) {
    let (head, balancer) = (requests.0.balancer.patience.head, requests.0.balancer.clone());
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_header_size(HEADER_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), requests)
        .with_upgrades();
    tokio::pin!(connection);
    let ended =
        match futures_util::future::select(connection.as_mut(), std::pin::pin!(close.cancelled())).await {
            Either::Left((ended, _)) => ended,
            Either::Right(_) => match tokio::time::timeout(balancer.linger(), connection.as_mut()).await {
                Ok(ended) => ended,
                Err(_) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            },
        };
    note(ended);
}

async fn http2(
    requests: Requests,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    close: CancellationToken,
) {
    let patience = requests.0.balancer.patience;
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX as u32)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(patience.silence)
        .serve_connection(TokioIo::new(stream), requests);
    tokio::pin!(connection);
    let ended =
        match futures_util::future::select(connection.as_mut(), std::pin::pin!(close.cancelled())).await {
            Either::Left((ended, _)) => ended,
            Either::Right(_) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
    note(ended);
}

fn note(ended: hyper::Result<()>) {
    if let Err(fault) = ended {
        debug!("a client's connection broke off: {}", diag::with_causes(&fault));
    }
}
