//! What the proxy is told to do: one whole snapshot. It holds data only; nothing here checks or applies it.
//!
//! ```json
//! {
//!   "version": 7,
//!   "services": { "shop/dev/web": { "ports": { "http": {
//!     "protocol": "http",
//!     "listen": "127.0.0.1:9000",
//!     "endpoints": [ { "instance": "web-1", "address": "10.80.0.2:8080", "weight": 100 } ] } } } },
//!   "routes": [ { "host": "shop.test", "path": "/", "service": "shop/dev/web", "port": "http" } ]
//! }
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

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
    /// Routes of the entry. Of two with the same host and path, the first counts and the other is reported.
    #[serde(default)]
    pub routes: Vec<Route>,
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
    /// Who serves it. Empty: requests are answered with 503.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
}

/// How a port is balanced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Request by request.
    Http,
    /// Connection by connection.
    Tcp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
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
}

/// A way from the entry to a port. A host is more specific than any host; then the longest path counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Host to match without its port, case-insensitively. None: any.
    #[serde(default)]
    pub host: Option<String>,
    /// Path prefix to match on segment borders, compared as it is sent: nothing is decoded. `/`: any.
    pub path: String,
    /// The service.
    pub service: ServiceKey,
    /// Its port; an `http` one.
    pub port: PortName,
}
