//! One HTTP request: where it goes, what it becomes for the endpoint, and what its answer becomes for the client. Sending it
//! is elsewhere.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header};
use hyper::body::{Body, Incoming};
use hyper::upgrade::OnUpgrade;
use tokio::time::Instant;

use crate::Protocol;
use crate::answer;
use crate::balancer::{Balancer, Target, Unserved};
use crate::body::{Carrier, Counted, ResponseBody};
use crate::headers;
use crate::request_body::{Cut, RequestBody};
use crate::sending::{Head, Sending, send_somewhere};
use crate::serve::Client;
use crate::table::PortKey;
use crate::upgrade::tunnel;
use crate::upstream::Lease;

/// Where a request comes from and came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival<'a> {
    /// The port whose own address it came in at; none: the entry.
    pub(crate) port: Option<&'a PortKey>,
    pub(crate) client: &'a Client,
    pub(crate) is_tls: bool,
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
    headers::forward(&mut parts.headers, host.clone(), &arrival.client.address, scheme);
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
