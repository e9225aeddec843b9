//! Headers on their way through. It rewrites maps; it sends nothing.
//!
//! Hop-by-hop headers (RFC 9110, 7.6.1) end here. `x-forwarded-*` of a client is replaced rather than believed: there is
//! no trusted proxy in front of this one.

use std::net::IpAddr;

use http::header::{self, Entry, HeaderName};
use http::{HeaderMap, HeaderValue};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Hop-by-hop whether or not `connection` names them.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Whether a body's framing can be made anew: chunks or a length. Another transfer coding, such as `gzip, chunked`, would
/// have to be undone here.
pub(crate) fn has_plain_framing(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).into_iter();
    codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
}

/// Says that a request's body comes in chunks. Without it, hyper takes a `GET` of unknown length for one without a body.
pub(crate) fn set_chunked(headers: &mut HeaderMap) {
    headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
}

/// Removes what concerns only one connection. The framing of the body is made anew on the other one.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        // A length beside chunks is not to be believed, and not to be passed on (RFC 9112, 6.3).
        headers.remove(header::CONTENT_LENGTH);
    }
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = connection_options(headers)
            .filter_map(|option| HeaderName::from_bytes(option.as_bytes()).ok())
            // A client that names these would have the request lose what it is routed and framed by.
            .filter(|name| *name != header::HOST && *name != header::CONTENT_LENGTH)
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    // Most messages have none of them, and comparing what is there costs less than looking for each.
    if headers.keys().any(|name| HOP_BY_HOP.contains(name)) {
        for name in &HOP_BY_HOP {
            headers.remove(name);
        }
    }
}

/// The protocol that a message wants to go over to: `upgrade`, if `connection` says so too.
pub(crate) fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = connection_options(headers).any(|option| option.eq_ignore_ascii_case("upgrade"));
    if asked { headers.get(header::UPGRADE).cloned() } else { None }
}

/// Says again that a message goes over to `protocol`.
pub(crate) fn set_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, protocol);
}

/// Whether a client takes trailers: the one coding of `te` that goes past one connection, since gRPC asks for it.
pub(crate) fn takes_trailers(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::TE).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
}

/// Says that trailers are taken.
pub(crate) fn set_takes_trailers(headers: &mut HeaderMap) {
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
}

/// Puts cookies on one line, as HTTP/1.1 wants them; HTTP/2 may spread them (RFC 9113, 8.2.3).
pub(crate) fn join_cookies(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(header::COOKIE).into_iter();
    if lines.next().is_none() || lines.next().is_none() {
        return;
    }
    let lines: Vec<&[u8]> = headers.get_all(header::COOKIE).into_iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&lines.join(&b"; "[..])) {
        headers.insert(header::COOKIE, joined);
    }
}

/// An address as `x-forwarded-for` says it.
pub(crate) fn forwarded_for(client: IpAddr) -> HeaderValue {
    // An address always is visible text.
    HeaderValue::try_from(client.to_canonical().to_string()).unwrap_or(HeaderValue::from_static("unknown"))
}

/// Prepares a request's headers for an endpoint. `host` is what the client named; `scheme`, what it came in by.
pub(crate) fn forward(
    headers: &mut HeaderMap,
    host: HeaderValue,
    client: &HeaderValue,
    scheme: &'static str,
) {
    remove_hop_by_hop(headers);
    // It is answered here, when the body is asked for.
    headers.remove(header::EXPECT);
    headers.insert(FORWARDED_FOR, client.clone());
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
    headers.insert(FORWARDED_HOST, host.clone());
    match headers.entry(header::HOST) {
        Entry::Occupied(mut kept) => {
            // A request target with a host of its own overrides the header (RFC 9112, 3.2.2).
            if *kept.get() != host {
                kept.insert(host);
            }
        }
        Entry::Vacant(missing) => {
            missing.insert(host);
        }
    }
}

fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::CONNECTION).into_iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Headers as lines `name: value`, forwarded for host `shop.test` and client 10.0.0.9; sorted.
    fn check(sent: &[&str], expect: &[&str]) {
        let mut headers = HeaderMap::new();
        for line in sent {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap_or(header::WARNING);
            headers.append(name, HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("")));
        }
        forward(
            &mut headers,
            HeaderValue::from_static("shop.test"),
            &forwarded_for(IpAddr::from([10, 0, 0, 9])),
            "http",
        );
        let mut lines: Vec<String> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or_default()))
            .collect();
        lines.sort();
        let mut wanted: Vec<&str> = expect.to_vec();
        wanted.extend([
            "x-forwarded-for: 10.0.0.9",
            "x-forwarded-host: shop.test",
            "x-forwarded-proto: http",
        ]);
        wanted.sort_unstable();
        assert_eq!(lines, wanted);
    }

    #[test]
    fn what_concerns_one_connection_ends_here() {
        check(
            &[
                "host: shop.test",
                "connection: keep-alive, X-Secret, upgrade",
                "keep-alive: timeout=5",
                "x-secret: 1",
                "upgrade: h2c",
                "te: trailers",
                "transfer-encoding: chunked",
                "expect: 100-continue",
                "accept: */*",
            ],
            &["host: shop.test", "accept: */*"],
        );
    }

    #[test]
    fn a_client_cannot_say_whom_it_is_forwarded_for() {
        check(
            &[
                "host: shop.test",
                "x-forwarded-for: 1.2.3.4",
                "x-forwarded-for: 5.6.7.8",
                "x-forwarded-proto: https",
            ],
            &["host: shop.test"],
        );
    }

    #[test]
    fn a_client_cannot_have_the_host_or_the_length_removed() {
        check(
            &["host: shop.test", "connection: host, content-length", "content-length: 3"],
            &["host: shop.test", "content-length: 3"],
        );
    }

    #[test]
    fn a_request_without_a_host_gets_the_one_that_was_named() {
        check(&["accept: */*"], &["accept: */*", "host: shop.test"]);
        check(&["host: other.test"], &["host: shop.test"]);
    }

    #[test]
    fn cookies_come_on_one_line_and_trailers_are_asked_for_by_name() {
        let mut headers = HeaderMap::new();
        for cookie in ["a=1", "b=2; c=3"] {
            headers.append(header::COOKIE, HeaderValue::from_static(cookie));
        }
        join_cookies(&mut headers);
        let lines: Vec<&HeaderValue> = headers.get_all(header::COOKIE).into_iter().collect();
        assert_eq!(lines, ["a=1; b=2; c=3"]);
        assert!(!takes_trailers(&headers));
        headers.insert(header::TE, HeaderValue::from_static("gzip, Trailers"));
        assert!(takes_trailers(&headers));
    }
}
