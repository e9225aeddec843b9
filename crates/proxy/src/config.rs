//! What the proxy is told to do: one whole snapshot. It holds data only; nothing here checks or applies it.
//!
//! ```json
//! {
//!   "version": 7,
//!   "services": { "shop/dev/web": { "ports": { "http": {
//!     "protocol": "http",
//!     "listen": "127.0.0.1:9000",
//!     "limits": { "body_bytes_max": 10485760 },
//!     "endpoints": [ { "instance": "web-1", "address": "10.80.0.2:8080", "weight": 100 } ] } } } },
//!   "routes": [ { "host": "shop.test", "path": "/", "headers": { "x-variant": "blue" },
//!                 "service": "shop/dev/web", "port": "http" } ],
//!   "https": "127.0.0.1:8443",
//!   "certificates": [ { "host": "shop.test", "certificate": "/etc/tls/shop.pem", "key": "/etc/tls/shop.key",
//!                       "redirect": true, "service": "shop/dev/web" } ]
//! }
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

name!(
    /// Names a service; opaque to the proxy, which shows it in answers such as `502`.
    ServiceKey
);
name!(
    /// Names a port of a service.
    PortName
);
name!(
    /// Names an instance. Requests in flight are counted for it over all its endpoints.
    InstanceName
);

/// Everything that the proxy shall do. It replaces what it was told before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Grows with each change. A snapshot that is older than the current one is refused; one of the same version is
    /// applied again.
    pub version: u64,
    /// The services by key.
    #[serde(default)]
    pub services: BTreeMap<ServiceKey, Service>,
    /// Routes of the entry. Of two with the same host, path and conditions, the first counts and the other is reported.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// A second address of the entry, meant for TLS. The entry tells TLS from plain HTTP by a connection's first byte at
    /// every address; this one is where plain requests are redirected to. None: to the port that they came in at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub https: Option<SocketAddr>,
    /// Where Prometheus reads `/metrics`; a loopback or private address. None: over the control socket alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<SocketAddr>,
    /// Certificates of the entry. Of two for the same host, the first counts and the other is reported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Certificate>,
}

/// A certificate that the entry shows, by its files. They are read again when they change; what is in them never is in a
/// snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The host that a client names (SNI), case-insensitively. None: any that has none of its own, and clients that name
    /// none.
    #[serde(default)]
    pub host: Option<String>,
    /// The file of the chain in PEM, the host's own certificate first.
    pub certificate: PathBuf,
    /// The file of the private key in PEM: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
    /// Whether plain requests for the host are sent to HTTPS (308).
    #[serde(default)]
    pub redirect: bool,
    /// The service that brought it, named in reports.
    pub service: ServiceKey,
}

/// A service: its ports by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The ports.
    #[serde(default)]
    pub ports: BTreeMap<PortName, Port>,
}

/// A port of a service, with those who serve it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// How it is balanced.
    pub protocol: Protocol,
    /// Stable address in front of the endpoints, loopback or private. None: only routes lead here.
    #[serde(default)]
    pub listen: Option<SocketAddr>,
    /// An address of its own for clients outside; any address of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish: Option<SocketAddr>,
    /// What one request may cost.
    #[serde(default, skip_serializing_if = "Limits::is_none")]
    pub limits: Limits,
    /// Who serves it. Empty: requests are answered with 503.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
}

/// How a port is balanced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Request by request; endpoints speak HTTP/1.1.
    Http,
    /// Request by request; endpoints speak HTTP/2 without TLS and with prior knowledge, as gRPC servers do.
    H2c,
    /// Connection by connection.
    Tcp,
}

/// What one request may cost. Heads and silence are bounded for all alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The largest body of a request, in bytes: 413 beyond it. None: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_bytes_max: Option<u64>,
    /// Milliseconds until the head of the answer, the request's body and all repetitions included: 504 after that. None: as
    /// long as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_ms_max: Option<u64>,
}

impl Limits {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Protocol {
    /// Whether it is balanced request by request, so that routes may lead there.
    #[must_use]
    pub fn is_by_request(self) -> bool {
        matches!(self, Self::Http | Self::H2c)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::H2c => "h2c",
            Self::Tcp => "tcp",
        })
    }
}

/// One who serves a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The instance that it belongs to.
    pub instance: InstanceName,
    /// Where it listens.
    pub address: SocketAddr,
    /// Its share, relative to the others of the port. 0: it gets nothing new.
    pub weight: u32,
    /// The release that it runs, as metrics shall call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
}

/// A way from the entry to a port. Which of several counts is total, and does not depend on their order:
/// 1. one with a host before one for any host,
/// 2. the longer path,
/// 3. the one with more conditions (headers and cookies),
/// 4. of two with as many, the one whose conditions come first as text.
///
/// A route whose conditions do not hold is passed over, and the next in that order is tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Host to match without its port, case-insensitively. None: any.
    #[serde(default)]
    pub host: Option<String>,
    /// Path prefix to match on segment borders, compared as it is sent: nothing is decoded. `/`: any.
    pub path: String,
    /// Headers that a request must have, with exactly this value in one of its lines.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Cookies that a request must have, with exactly this value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cookies: BTreeMap<String, String>,
    /// The service.
    pub service: ServiceKey,
    /// Its port; not a `tcp` one.
    pub port: PortName,
}

impl Route {
    /// A route without conditions.
    #[must_use]
    pub fn new(
        host: Option<String>,
        path: impl Into<String>,
        service: ServiceKey,
        port: impl Into<PortName>,
    ) -> Self {
        let (headers, cookies) = (BTreeMap::new(), BTreeMap::new());
        Self { host, path: path.into(), headers, cookies, service, port: port.into() }
    }
}
