//! Answers of the proxy's own. They name hosts, paths and services, and never an address of an endpoint.

use std::io;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use crate::ServiceKey;
use crate::body::ResponseBody;
use crate::pool::ConnectFault;
use crate::request_body::Cut;

/// How much of a client's own text is repeated to it.
const ECHO_CHARS_MAX: usize = 200;

/// The request cannot be understood or is not one that is forwarded.
pub(crate) fn bad_request(cause: &str) -> Response<ResponseBody> {
    answer(StatusCode::BAD_REQUEST, format!("{cause}\n"))
}

/// The body of the request did not come whole.
pub(crate) fn cut(cut: Cut) -> Response<ResponseBody> {
    let status = match cut {
        Cut::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Cut::Silent => StatusCode::REQUEST_TIMEOUT,
        Cut::Broken => StatusCode::BAD_REQUEST,
    };
    answer(status, format!("{cut}\n"))
}

/// The service has not answered within its limit.
pub(crate) fn too_late(service: &ServiceKey) -> Response<ResponseBody> {
    answer(StatusCode::GATEWAY_TIMEOUT, format!("service {service}: no answer within the time allowed\n"))
}

/// Over to HTTPS: the same request at another place, whatever its method.
pub(crate) fn redirect(location: HeaderValue) -> Response<ResponseBody> {
    let mut response = answer(StatusCode::PERMANENT_REDIRECT, String::new());
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// No route leads anywhere.
pub(crate) fn no_route(host: &str, path: &str) -> Response<ResponseBody> {
    let (host, path) = (shortened(host), shortened(path));
    answer(StatusCode::NOT_FOUND, format!("no route for host {host:?} and path {path:?}\n"))
}

/// The service has nobody who could answer.
pub(crate) fn no_endpoint(service: &ServiceKey) -> Response<ResponseBody> {
    answer(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("service {service} has no endpoint that takes requests\n"),
    )
}

/// No connection could be opened: 504 where nobody answered in time, 502 for any other reason.
pub(crate) fn not_connected(service: &ServiceKey, fault: ConnectFault) -> Response<ResponseBody> {
    match fault {
        ConnectFault::TimedOut => {
            let text = format!("service {service}: no connection within the time allowed\n");
            answer(StatusCode::GATEWAY_TIMEOUT, text)
        }
        ConnectFault::Refused(io::ErrorKind::ConnectionRefused) => {
            bad_gateway(service, "the connection was refused")
        }
        ConnectFault::Refused(kind) => bad_gateway(service, &kind.to_string()),
    }
}

/// The endpoint did not give an answer that can be passed on.
pub(crate) fn bad_gateway(service: &ServiceKey, cause: &str) -> Response<ResponseBody> {
    answer(StatusCode::BAD_GATEWAY, format!("service {service}: {cause}\n"))
}

fn answer(status: StatusCode, text: String) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::Own(Full::new(Bytes::from(text))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    // The text repeats what the client sent; no browser shall take it for a page.
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(ECHO_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
