//! HTTP connections of clients: limits, and their end. What becomes of a request is decided elsewhere.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::balancer::Balancer;
use crate::forward::forward;
use crate::listeners::Front;

/// The largest head of a request. Cookies and tokens of 16 KiB are seen; more is a mistake or an attack.
const HEADER_BYTES_MAX: usize = 64 * 1024;

/// The most that is buffered of one connection.
const BUFFER_BYTES_MAX: usize = 256 * 1024;

/// How long the head of a request may take to arrive. It also bounds how long a kept connection waits for its next
/// request, which is why it is not shorter: nginx waits 75 s there, and 60 s for a head.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Serves one connection until it ends, or until `close` and the request that it then has in flight.
pub(crate) async fn serve(
    balancer: Arc<Balancer>,
    stream: TcpStream,
    client: IpAddr,
    front: Arc<RwLock<Front>>,
    close: CancellationToken,
) {
    let service = service_fn(|request| {
        // Asked for each request: another port may have taken the address over since the connection came in.
        let port = match &*front.read().unwrap_or_else(PoisonError::into_inner) {
            Front::Entry => None,
            Front::Port(key, _) => Some(key.clone()),
        };
        let balancer = balancer.clone();
        async move { Ok::<_, Infallible>(forward(&balancer, port.as_deref(), client, request).await) }
    });
    let connection = Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_header_size(HEADER_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = close.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(fault) = ended {
        debug!("a client's connection broke off: {}", diag::with_causes(&fault));
    }
}
