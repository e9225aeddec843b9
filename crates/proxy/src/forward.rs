//! One HTTP request: where it goes, sending it, and what is tried again when that fails.
//!
//! What has not been sent can go anywhere: a request that a connection hands back goes out on another one, and one for
//! which no connection could be opened goes to another endpoint, whatever its method. What may have been executed is
//! sent a second time only if it is idempotent and has no body (RFC 9110, 9.2.2), and only once.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use hyper::body::{Body, Incoming};
use hyper::upgrade::OnUpgrade;
use tokio::time::Instant;
use tracing::debug;

use crate::answer;
use crate::balancer::{Balancer, Target, Unserved};
use crate::body::{Carrier, Counted, ResponseBody};
use crate::headers;
use crate::pool::{ConnectFault, Connection};
use crate::request_body::{Cut, RequestBody};
use crate::serve::Client;
use crate::table::PortKey;
use crate::upgrade::tunnel;
use crate::upstream::{Lease, Upstream};
use crate::{Protocol, ServiceKey};

/// Endpoints that a request is given to before the proxy answers itself. Two failures in a row are rarely chance, and each
/// may have taken two seconds.
const ATTEMPTS_MAX: usize = 3;

/// Where a request comes from and came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival<'a> {
    /// The port whose own address it came in at; none: the entry.
    pub(crate) port: Option<&'a PortKey>,
    pub(crate) client: Client,
    pub(crate) is_tls: bool,
}

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
struct Head {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
}

/// A request on its way, and what belongs to it.
struct Sending {
    request: Request<RequestBody>,
    /// The same once more, where it may be repeated.
    spare: Option<Head>,
    /// Set when the client's body does not come whole.
    cut: Arc<OnceLock<Cut>>,
    /// When the head of the answer has to be there.
    deadline: Option<Instant>,
}

/// Answers a client's request.
pub(crate) async fn forward(
    balancer: &Arc<Balancer>,
    arrival: Arrival<'_>,
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
    // `host_of` has seen that it is text.
    let named = host.to_str().unwrap_or_default();
    if let Some(location) = redirect(balancer, arrival, named, request.uri()) {
        return answer::redirect(location);
    }
    let route = Target::Route { host: named, path: request.uri().path(), headers: request.headers() };
    let target = arrival.port.map_or(route, Target::Port);
    let lease = match balancer.pick(target, &[]) {
        Ok(lease) => lease,
        Err(unserved) => return unserved_answer(target, unserved),
    };
    // What goes over to another protocol has a connection for itself, which an HTTP/2 endpoint does not give.
    let upgrade =
        (lease.port.protocol == Protocol::Http).then(|| headers::upgrade_of(request.headers())).flatten();
    let client_upgrade = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
    let sending = match prepare(balancer, &lease, arrival, &host, upgrade, request) {
        Ok(sending) => sending,
        Err(cause) => return answer::bad_request(cause),
    };
    if sending.cut.get() == Some(&Cut::TooLarge) {
        return answer::cut(Cut::TooLarge);
    }
    match send_somewhere(balancer, lease, sending).await {
        Ok((response, lease, carrier)) => pass_on(balancer, response, lease, carrier, client_upgrade),
        Err(answer) => *answer,
    }
}

/// Where a plain request is sent to instead, if its host wants TLS.
fn redirect(balancer: &Balancer, arrival: Arrival<'_>, host: &str, uri: &Uri) -> Option<HeaderValue> {
    if arrival.is_tls || arrival.port.is_some() || !balancer.certificates.redirects(host) {
        return None;
    }
    let name = crate::routes::host_name(host);
    let port = balancer.https_port().unwrap_or_else(|| arrival.client.local.port());
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let location =
        if port == 443 { format!("https://{name}{path}") } else { format!("https://{name}:{port}{path}") };
    HeaderValue::try_from(location).ok()
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

/// Makes a request what the lease's port takes. The error says what is wrong with it.
fn prepare(
    balancer: &Balancer,
    lease: &Lease,
    arrival: Arrival<'_>,
    host: &HeaderValue,
    upgrade: Option<HeaderValue>,
    request: Request<Incoming>,
) -> Result<Sending, &'static str> {
    let (mut parts, body) = request.into_parts();
    let limits = lease.port.limits;
    let declared = body.size_hint().lower();
    let (body, cut) = RequestBody::new(body, limits.body_bytes_max, balancer.patience.silence);
    if limits.body_bytes_max.is_some_and(|most| declared > most) {
        // Said at once: what the client would send is not wanted.
        let _ = cut.set(Cut::TooLarge);
    }
    let takes_trailers = headers::takes_trailers(&parts.headers);
    let scheme = if arrival.is_tls { "https" } else { "http" };
    headers::forward(&mut parts.headers, host.clone(), arrival.client.address, scheme);
    match lease.port.protocol {
        Protocol::H2c => {
            parts.uri = absolute_form(&parts.uri, host, lease)?;
            parts.version = Version::HTTP_2;
            parts.headers.remove(header::HOST);
            if takes_trailers {
                headers::set_takes_trailers(&mut parts.headers);
            }
        }
        Protocol::Http | Protocol::Tcp => {
            make_origin_form(&mut parts);
            headers::join_cookies(&mut parts.headers);
            if let Some(protocol) = upgrade {
                headers::set_upgrade(&mut parts.headers, protocol);
            }
            if body.size_hint().exact().is_none() {
                headers::set_chunked(&mut parts.headers);
            }
        }
    }
    let spare = is_repeatable(&parts, &body).then(|| Head::of(&parts));
    let deadline = limits.answer_ms_max.map(|ms| Instant::now() + Duration::from_millis(ms));
    Ok(Sending { request: Request::from_parts(parts, body), spare, cut, deadline })
}

/// The form of a target that an origin server takes: path and query alone.
fn make_origin_form(parts: &mut Parts) {
    parts.version = Version::HTTP_11;
    if parts.uri.authority().is_some() || parts.uri.scheme().is_some() {
        let target = parts.uri.path_and_query().cloned();
        parts.uri = target.map_or_else(|| Uri::from_static("/"), Uri::from);
    }
}

/// The form that HTTP/2 makes its pseudo-headers of. A client that names no host asks the endpoint by its address.
fn absolute_form(uri: &Uri, host: &HeaderValue, lease: &Lease) -> Result<Uri, &'static str> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let builder = Uri::builder().scheme("http").path_and_query(path);
    let uri = if host.is_empty() {
        builder.authority(lease.upstream.address.to_string()).build()
    } else {
        builder.authority(host.as_bytes()).build()
    };
    uri.map_err(|_| "the host or the target cannot be passed on")
}

fn is_repeatable(parts: &Parts, body: &RequestBody) -> bool {
    let idempotent = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE, Method::PUT, Method::DELETE];
    matches!(body, RequestBody::Empty)
        && idempotent.contains(&parts.method)
        && !parts.headers.contains_key(header::UPGRADE)
}

impl Head {
    fn of(parts: &Parts) -> Self {
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
async fn send_somewhere(
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

fn unserved_answer(target: Target<'_>, unserved: Unserved) -> Response<ResponseBody> {
    match (unserved, target) {
        (Unserved::NoEndpoint(service), _) => {
            service.was_unserved();
            answer::no_endpoint(&service.key)
        }
        (Unserved::NoRoute, Target::Route { host, path, .. }) => answer::no_route(host, path),
        (Unserved::NoRoute, Target::Port(key)) => answer::no_endpoint(&key.service),
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

/// The client's response: the endpoint's, without what concerned only that connection.
fn pass_on(
    balancer: &Arc<Balancer>,
    mut response: Response<Incoming>,
    lease: Lease,
    carrier: Carrier,
    client_upgrade: Option<OnUpgrade>,
) -> Response<ResponseBody> {
    *response.version_mut() = Version::HTTP_11;
    if !headers::has_plain_framing(response.headers()) {
        lease.service().was_unserved();
        return answer::bad_gateway(&lease.service().key, "it used a transfer encoding other than chunked");
    }
    let protocol = headers::upgrade_of(response.headers());
    headers::remove_hop_by_hop(response.headers_mut());
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return response.map(|body| ResponseBody::Upstream(Counted::new(body, lease, carrier)));
    }
    let (Some(client), Some(protocol)) = (client_upgrade, protocol) else {
        lease.service().was_unserved();
        return answer::bad_gateway(&lease.service().key, "it changed the protocol without being asked");
    };
    let endpoint = hyper::upgrade::on(&mut response);
    balancer.tasks.spawn(tunnel(client, endpoint, lease));
    headers::set_upgrade(response.headers_mut(), protocol);
    response.map(|_| ResponseBody::Own(http_body_util::Full::default()))
}
