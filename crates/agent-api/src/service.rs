//! Services as the agent keeps them: the description last written, routes, and who serves.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{InstanceId, ServiceKey};

/// What a client writes about a service. Writing it is idempotent; it is answered once every proxy works by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSpec {
    /// The service.
    pub key: ServiceKey,
    /// The description as the client last wrote it, for comparison; opaque to the agent, and free of secrets.
    #[serde(default)]
    pub written: serde_json::Value,
    /// Ports of the service, each with a stable address in front of its instances.
    #[serde(default)]
    pub ports: Vec<ServicePort>,
    /// Routes from the agent's entry to a port.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Instances that receive traffic, with their weights. Those not named receive none.
    #[serde(default)]
    pub serving: BTreeMap<InstanceId, u32>,
    /// Milliseconds that requests in flight are given when an instance leaves.
    pub drain_ms: u64,
}

/// A port of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePort {
    /// Its name.
    pub name: String,
    /// How it is balanced.
    pub protocol: Protocol,
    /// An address for clients outside, `host:port`, beside the stable one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish: Option<SocketAddr>,
    /// The largest body of a request, in bytes. None: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_bytes_max: Option<u64>,
    /// Milliseconds until the head of an answer. None: as long as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_ms_max: Option<u64>,
    /// Milliseconds that upgraded connections, such as WebSockets, are given when an instance leaves, where that is longer
    /// than the service's own drain time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgraded_drain_ms: Option<u64>,
}

impl ServicePort {
    /// A port without anything beside its name.
    #[must_use]
    pub fn new(name: impl Into<String>, protocol: Protocol) -> Self {
        Self {
            name: name.into(),
            protocol,
            publish: None,
            body_bytes_max: None,
            answer_ms_max: None,
            upgraded_drain_ms: None,
        }
    }
}

/// How a port is balanced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Request by request; instances speak HTTP/1.1.
    Http,
    /// Request by request; instances speak HTTP/2 without TLS, as gRPC servers do.
    H2c,
    /// Connection by connection.
    Tcp,
}

impl Protocol {
    /// Whether it is balanced request by request, so that routes may lead there.
    #[must_use]
    pub fn is_by_request(self) -> bool {
        matches!(self, Self::Http | Self::H2c)
    }
}

/// A route from the agent's entry. A host counts before any host, then the longer path, then the one with more conditions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Route {
    /// Host to match without its port, case-insensitively. None: any.
    #[serde(default)]
    pub host: Option<String>,
    /// Path prefix to match on segment borders. `/`: any.
    pub path: String,
    /// Name of the service's port.
    pub port: String,
    /// Headers that a request must have, with exactly these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Cookies that a request must have, with exactly these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cookies: BTreeMap<String, String>,
    /// The certificate that the entry shows for the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<RouteTls>,
}

impl Route {
    /// A route without conditions and TLS.
    #[must_use]
    pub fn new(host: Option<String>, path: impl Into<String>, port: impl Into<String>) -> Self {
        let (headers, cookies) = (BTreeMap::new(), BTreeMap::new());
        Self { host, path: path.into(), port: port.into(), headers, cookies, tls: None }
    }
}

/// A certificate by its files on the agent's machine. What is in them is never sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RouteTls {
    /// The file of the chain in PEM; absolute.
    pub certificate: String,
    /// The file of the private key in PEM; absolute.
    pub key: String,
    /// Whether plain requests for the host are sent to HTTPS.
    #[serde(default)]
    pub redirect: bool,
}

/// A service as the agent keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// What was last written.
    pub spec: ServiceSpec,
    /// Stable `host:port` in front of the instances, by port name.
    pub addresses: BTreeMap<String, String>,
}

/// What an agent is and can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentInfo {
    /// Version of the program.
    pub version: String,
    /// Process id of the agent.
    pub pid: u32,
    /// Where it keeps its data.
    pub data_dir: String,
    /// Where its HTTP entry listens, `host:port`.
    pub http_entry: String,
    /// What its machine has; nothing, if that cannot be read.
    #[serde(default)]
    pub capacity: Option<Capacity>,
    /// What services have of it: the limits of all of their instances that are not over.
    #[serde(default)]
    pub reserved: Vec<Reserved>,
    /// Isolation that this agent cannot give, and why, one sentence each. Empty: all of it.
    pub missing_isolation: Vec<String>,
}

/// An amount of a machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// Thousandths of a core.
    pub cpu_millis: u64,
}

/// What a service has of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// The service.
    pub service: ServiceKey,
    /// Bytes of memory; without instances that have no limit.
    pub memory_bytes: u64,
    /// Thousandths of a core; without instances that have no limit.
    pub cpu_millis: u64,
}

/// Requests in flight on instances, as their proxies count them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// Whether nothing was in flight any more before the time was up.
    pub complete: bool,
    /// Requests and connections that were still in flight.
    pub in_flight: u64,
}

/// What the agent answers when it refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What was refused and why, in a sentence.
    pub message: String,
    /// What to do about it.
    #[serde(default)]
    pub hint: Option<String>,
}
