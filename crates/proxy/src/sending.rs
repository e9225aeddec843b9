//! Sending one request: to one endpoint after the other until one answers, and what is tried again when that fails.
//!
//! What has not been sent can go anywhere: a request that a connection hands back goes out on another one, and one for
//! which no connection could be opened goes to another endpoint, whatever its method. What may have been executed is
//! sent a second time only if it is idempotent and has no body (RFC 9110, 9.2.2), and only once.

use std::sync::{Arc, OnceLock};

use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, Uri, Version};
use hyper::body::Incoming;
use tokio::time::Instant;
use tracing::debug;

use crate::answer;
use crate::balancer::{Balancer, Target};
use crate::body::{Carrier, ResponseBody};
use crate::pool::{ConnectFault, Connection};
use crate::request_body::{Cut, RequestBody};
use crate::upstream::{Lease, Upstream};
use crate::{Protocol, ServiceKey};

/// Endpoints that a request is given to before the proxy answers itself. Two failures in a row are rarely chance, and each
/// may have taken two seconds.
const ATTEMPTS_MAX: usize = 3;

/// Why an endpoint gave no answer.
enum Failure {
    /// Nothing was sent; here is the request again.
    NotSent(ConnectFault, Box<Request<RequestBody>>),
    /// It was sent, at least in part.
    Lost(hyper::Error),
    /// The port's limit has passed.
    TooLate,
}

/// What of a request is needed to make it again.
pub(crate) struct Head {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
}

/// A request on its way, and what belongs to it.
pub(crate) struct Sending {
    pub(crate) request: Request<RequestBody>,
    /// The same once more, where it may be repeated.
    pub(crate) spare: Option<Head>,
    /// Set when the client's body does not come whole.
    pub(crate) cut: Arc<OnceLock<Cut>>,
    /// When the head of the answer has to be there.
    pub(crate) deadline: Option<Instant>,
}

impl Head {
    /// Of a request that is about to be sent.
    pub(crate) fn of(parts: &Parts) -> Self {
        let (uri, version) = (parts.uri.clone(), parts.version);
        Self { method: parts.method.clone(), uri, version, headers: parts.headers.clone() }
    }

    fn into_request(self) -> Request<RequestBody> {
        let mut request = Request::new(RequestBody::Empty);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers;
        request
    }
}

/// Gives a request to one endpoint after the other until one answers. The error is the answer of the proxy's own.
pub(crate) async fn send_somewhere(
    balancer: &Balancer,
    mut lease: Lease,
    sending: Sending,
) -> Result<(Response<Incoming>, Lease, Carrier), Box<Response<ResponseBody>>> {
    let Sending { mut request, mut spare, cut, deadline } = sending;
    let protocol = lease.port.protocol;
    let key = lease.port.key.clone();
    let again = |barred: &[Arc<Upstream>]| {
        let next = balancer.pick(Target::Port(&key), barred).ok();
        // A request is made for one protocol; the port may have another by now.
        next.filter(|lease| lease.port.protocol == protocol)
    };
    let mut barred: Vec<Arc<Upstream>> = Vec::new();
    loop {
        let failure = match in_time(deadline, send(&lease, request)).await {
            Ok((response, carrier)) => {
                lease.responded(response.status());
                return Ok((response, lease, carrier));
            }
            Err(failure) => failure,
        };
        if let Some(cut) = cut.get() {
            // The endpoint is not to blame, and there is no body that could be sent again.
            return Err(Box::new(answer::cut(*cut)));
        }
        barred.push(lease.upstream.clone());
        let give_up = |lease: &Lease, answer: fn(&ServiceKey) -> Response<ResponseBody>| {
            lease.service().was_unserved();
            Err(Box::new(answer(&lease.service().key)))
        };
        match failure {
            Failure::NotSent(fault, unsent) => {
                lease.connect_failed();
                let next = if barred.len() < ATTEMPTS_MAX { again(&barred) } else { None };
                let Some(next) = next else {
                    lease.service().was_unserved();
                    return Err(Box::new(answer::not_connected(&lease.service().key, fault)));
                };
                lease = next;
                request = *unsent;
            }
            Failure::Lost(fault) => {
                lease.failed();
                debug!(instance = %lease.upstream.instance.name, "a request got no answer: {}", diag::with_causes(&fault));
                let cause = cause_of(&fault, protocol);
                let Some(head) = spare.take().filter(|_| !fault.is_parse()) else {
                    return give_up(&lease, cause);
                };
                // Somebody else where there is somebody; the same one on a fresh connection where there is not.
                let Some(next) = again(&barred).or_else(|| again(&[])) else {
                    return give_up(&lease, cause);
                };
                lease = next;
                request = head.into_request();
            }
            Failure::TooLate => {
                lease.failed();
                return give_up(&lease, answer::too_late);
            }
        }
    }
}

fn cause_of(fault: &hyper::Error, protocol: Protocol) -> fn(&ServiceKey) -> Response<ResponseBody> {
    match (protocol, fault.is_parse()) {
        (Protocol::H2c, _) => {
            |service| answer::bad_gateway(service, "its port is h2c, and it gave no answer in HTTP/2")
        }
        (_, true) => |service| answer::bad_gateway(service, "what it answered is not HTTP/1.1"),
        (_, false) => {
            |service| answer::bad_gateway(service, "the connection was closed before there was an answer")
        }
    }
}

async fn in_time<T>(
    deadline: Option<Instant>,
    sent: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, sent).await.unwrap_or(Err(Failure::TooLate)),
        None => sent.await,
    }
}

/// Gives a request to one endpoint, on a connection that is kept or on a fresh one.
async fn send(
    lease: &Lease,
    request: Request<RequestBody>,
) -> Result<(Response<Incoming>, Carrier), Failure> {
    match lease.port.protocol {
        Protocol::H2c => send_http2(lease, request).await,
        Protocol::Http | Protocol::Tcp => send_http1(lease, request).await,
    }
}

async fn send_http1(
    lease: &Lease,
    mut request: Request<RequestBody>,
) -> Result<(Response<Incoming>, Carrier), Failure> {
    loop {
        let kept = lease.upstream.pool.take();
        let is_fresh = kept.is_none();
        let connection = match kept {
            Some(connection) => connection,
            None => match Connection::open(lease.upstream.address).await {
                Ok(connection) => connection,
                Err(fault) => return Err(Failure::NotSent(fault, Box::new(request))),
            },
        };
        match connection.send(request).await {
            Ok((response, connection)) => return Ok((response, Carrier::Connection(connection))),
            Err(mut fault) => match fault.take_message() {
                Some(unsent) if is_fresh => return Err(not_sent(unsent)),
                Some(unsent) => request = unsent,
                None => return Err(Failure::Lost(fault.into_error())),
            },
        }
    }
}

async fn send_http2(
    lease: &Lease,
    mut request: Request<RequestBody>,
) -> Result<(Response<Incoming>, Carrier), Failure> {
    loop {
        let (stream, is_fresh) = match lease.upstream.multiplexer.stream(lease.upstream.address).await {
            Ok(stream) => stream,
            Err(fault) => return Err(Failure::NotSent(fault, Box::new(request))),
        };
        match stream.send(request).await {
            Ok(response) => return Ok((response, Carrier::Stream(stream))),
            Err(mut fault) => match fault.take_message() {
                Some(unsent) if is_fresh => return Err(not_sent(unsent)),
                Some(unsent) => request = unsent,
                None => return Err(Failure::Lost(fault.into_error())),
            },
        }
    }
}

fn not_sent(unsent: Request<RequestBody>) -> Failure {
    Failure::NotSent(ConnectFault::Refused(std::io::ErrorKind::ConnectionAborted), Box::new(unsent))
}
