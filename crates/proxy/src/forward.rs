//! One HTTP request: where it goes, sending it, and what is tried again when that fails.
//!
//! What has not been sent can go anywhere: a request that a connection hands back goes out on another one, and one for
//! which no connection could be opened goes to another endpoint, whatever its method. What may have been executed is
//! sent a second time only if it is idempotent and has no body (RFC 9110, 9.2.2), and only once.

use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use hyper::body::{Body, Incoming};
use hyper::upgrade::OnUpgrade;
use tracing::debug;

use crate::answer;
use crate::balancer::{Balancer, Target, Unserved};
use crate::body::{Counted, ResponseBody};
use crate::headers;
use crate::pool::{ConnectFault, Connection, RequestBody};
use crate::table::PortKey;
use crate::upgrade::tunnel;
use crate::upstream::{Lease, Upstream};

/// Endpoints that a request is given to before the proxy answers itself. Two failures in a row are rarely chance, and each
/// may have taken two seconds.
const ATTEMPTS_MAX: usize = 3;

/// Why an endpoint gave no answer.
enum Failure {
    /// Nothing was sent; here is the request again.
    NotSent(ConnectFault, Box<Request<RequestBody>>),
    /// It was sent, at least in part.
    Lost(hyper::Error),
}

/// What of a request is needed to make it again.
struct Head {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

/// Answers a client's request. `port`: where the connection came in at a service port's own address.
pub(crate) async fn forward(
    balancer: &Arc<Balancer>,
    port: Option<&PortKey>,
    client: IpAddr,
    mut request: Request<Incoming>,
) -> Response<ResponseBody> {
    if request.method() == Method::CONNECT {
        return answer::bad_request("CONNECT is not forwarded");
    }
    let host = match host_of(&request) {
        Ok(host) => host,
        Err(cause) => return answer::bad_request(cause),
    };
    if !headers::has_plain_framing(request.headers()) {
        return answer::bad_request("a transfer encoding other than chunked is not forwarded");
    }
    let protocol = headers::upgrade_of(request.headers());
    let client_upgrade = protocol.is_some().then(|| hyper::upgrade::on(&mut request));
    let (mut parts, body) = request.into_parts();
    headers::forward(&mut parts.headers, host.clone(), client);
    if let Some(protocol) = protocol {
        headers::set_upgrade(&mut parts.headers, protocol);
    }
    make_origin_form(&mut parts);
    let uri = parts.uri.clone();
    // `host_of` has seen that it is text.
    let host = host.to_str().unwrap_or_default();
    let target = port.map_or(Target::Route { host, path: uri.path() }, Target::Port);
    let body = if body.is_end_stream() { RequestBody::Empty } else { RequestBody::Client(body) };
    if body.size_hint().exact().is_none() {
        headers::set_chunked(&mut parts.headers);
    }
    let spare = is_repeatable(&parts, &body).then(|| Head::of(&parts));
    match send_somewhere(balancer, target, Request::from_parts(parts, body), spare).await {
        Ok((response, lease, connection)) => pass_on(balancer, response, lease, connection, client_upgrade),
        Err(answer) => *answer,
    }
}

/// The host that a request names, in its target or its header; empty if it names none.
fn host_of(request: &Request<Incoming>) -> Result<HeaderValue, &'static str> {
    let mut hosts = request.headers().get_all(header::HOST).into_iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err("the request has more than one host header");
    }
    if let Some(authority) = request.uri().authority() {
        // A user's name and password before the host are nobody else's business.
        let host = authority.as_str().rsplit('@').next().unwrap_or_default();
        return HeaderValue::from_str(host).map_err(|_| "the request's target has no proper host");
    }
    match host {
        Some(host) if host.to_str().is_err() => Err("the host header is not text"),
        Some(host) => Ok(host.clone()),
        None => Ok(HeaderValue::from_static("")),
    }
}

/// The form of a target that an origin server takes: path and query alone.
fn make_origin_form(parts: &mut Parts) {
    parts.version = Version::HTTP_11;
    if parts.uri.authority().is_some() || parts.uri.scheme().is_some() {
        let target = parts.uri.path_and_query().cloned();
        parts.uri = target.map_or_else(|| Uri::from_static("/"), Uri::from);
    }
}

fn is_repeatable(parts: &Parts, body: &RequestBody) -> bool {
    let idempotent = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE, Method::PUT, Method::DELETE];
    matches!(body, RequestBody::Empty)
        && idempotent.contains(&parts.method)
        && !parts.headers.contains_key(header::UPGRADE)
}

impl Head {
    fn of(parts: &Parts) -> Self {
        Self { method: parts.method.clone(), uri: parts.uri.clone(), headers: parts.headers.clone() }
    }

    fn into_request(self) -> Request<RequestBody> {
        let mut request = Request::new(RequestBody::Empty);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        request
    }
}

/// Gives a request to one endpoint after the other until one answers. The error is the answer of the proxy's own.
async fn send_somewhere(
    balancer: &Balancer,
    target: Target<'_>,
    mut request: Request<RequestBody>,
    mut spare: Option<Head>,
) -> Result<(Response<Incoming>, Lease, Option<Connection>), Box<Response<ResponseBody>>> {
    let mut barred: Vec<Arc<Upstream>> = Vec::new();
    let mut lease = balancer.pick(target, &barred).map_err(|unserved| unserved_answer(target, unserved))?;
    loop {
        let failure = match send(&lease, request).await {
            Ok((response, connection)) => {
                lease.responded(response.status());
                return Ok((response, lease, connection));
            }
            Err(failure) => failure,
        };
        barred.push(lease.upstream.clone());
        let give_up = |lease: &Lease, answer| {
            lease.service.was_unserved();
            Err(Box::new(answer))
        };
        match failure {
            Failure::NotSent(fault, unsent) => {
                lease.connect_failed();
                let next =
                    if barred.len() < ATTEMPTS_MAX { balancer.pick(target, &barred).ok() } else { None };
                let Some(next) = next else {
                    return give_up(&lease, answer::not_connected(&lease.service.key, fault));
                };
                lease = next;
                request = *unsent;
            }
            Failure::Lost(fault) => {
                debug!(instance = %lease.upstream.instance.name, "a request got no answer: {}", diag::with_causes(&fault));
                let Some(head) = spare.take().filter(|_| !fault.is_parse()) else {
                    return give_up(&lease, answer::bad_gateway(&lease.service.key, cause_of(&fault)));
                };
                // Somebody else where there is somebody; the same one on a fresh connection where there is not.
                let next = balancer.pick(target, &barred).or_else(|_| balancer.pick(target, &[]));
                let Ok(next) = next else {
                    return give_up(&lease, answer::bad_gateway(&lease.service.key, cause_of(&fault)));
                };
                lease = next;
                request = head.into_request();
            }
        }
    }
}

fn unserved_answer(target: Target<'_>, unserved: Unserved) -> Box<Response<ResponseBody>> {
    Box::new(match (unserved, target) {
        (Unserved::NoEndpoint(service), _) => {
            service.was_unserved();
            answer::no_endpoint(&service.key)
        }
        (Unserved::NoRoute, Target::Route { host, path }) => answer::no_route(host, path),
        (Unserved::NoRoute, Target::Port(key)) => answer::no_endpoint(&key.service),
    })
}

fn cause_of(fault: &hyper::Error) -> &'static str {
    if fault.is_parse() {
        "what it answered is not HTTP/1.1"
    } else {
        "the connection was closed before there was an answer"
    }
}

/// Gives a request to one endpoint, on a connection that is kept or on a fresh one.
async fn send(
    lease: &Lease,
    mut request: Request<RequestBody>,
) -> Result<(Response<Incoming>, Option<Connection>), Failure> {
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
            Ok(answered) => return Ok(answered),
            Err(mut fault) => match fault.take_message() {
                Some(unsent) if is_fresh => {
                    let fault = ConnectFault::Refused(std::io::ErrorKind::ConnectionAborted);
                    return Err(Failure::NotSent(fault, Box::new(unsent)));
                }
                Some(unsent) => request = unsent,
                None => return Err(Failure::Lost(fault.into_error())),
            },
        }
    }
}

/// The client's response: the endpoint's, without what concerned only that connection.
fn pass_on(
    balancer: &Arc<Balancer>,
    mut response: Response<Incoming>,
    lease: Lease,
    connection: Option<Connection>,
    client_upgrade: Option<OnUpgrade>,
) -> Response<ResponseBody> {
    *response.version_mut() = Version::HTTP_11;
    if !headers::has_plain_framing(response.headers()) {
        lease.service.was_unserved();
        return answer::bad_gateway(&lease.service.key, "it used a transfer encoding other than chunked");
    }
    let protocol = headers::upgrade_of(response.headers());
    headers::remove_hop_by_hop(response.headers_mut());
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return response.map(|body| ResponseBody::Upstream(Counted::new(body, lease, connection)));
    }
    let (Some(client), Some(protocol)) = (client_upgrade, protocol) else {
        lease.service.was_unserved();
        return answer::bad_gateway(&lease.service.key, "it changed the protocol without being asked");
    };
    let endpoint = hyper::upgrade::on(&mut response);
    balancer.tasks.spawn(tunnel(client, endpoint, lease));
    headers::set_upgrade(response.headers_mut(), protocol);
    response.map(|_| ResponseBody::Own(http_body_util::Full::default()))
}
