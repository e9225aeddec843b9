//! What was counted, for Prometheus: its text, and an address where it is read.

mod text;

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

pub(crate) use text::{TEXT_FORMAT, render};

use crate::balancer::Balancer;

/// Answers `GET /metrics` on one connection, until it ends or `close`.
pub(crate) async fn serve(balancer: Arc<Balancer>, stream: TcpStream, close: CancellationToken) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answer(&balancer, &request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let head = balancer.patience.head;
    let connection = Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .serve_connection(TokioIo::new(stream), service);
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
        debug!("a connection for metrics broke off: {}", diag::with_causes(&fault));
    }
}

fn answer(balancer: &Balancer, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let is_asked = request.method() == Method::GET && request.uri().path() == "/metrics";
    let text = if is_asked { balancer.metrics() } else { "only GET /metrics is here\n".to_owned() };
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    if !is_asked {
        *answer.status_mut() = StatusCode::NOT_FOUND;
    }
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(TEXT_FORMAT));
    answer
}
