//! Services as the agent keeps them: the description last written, routes, and who serves.

use std::collections::BTreeMap;

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

/// A route from the agent's entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Route {
    /// Host to match without its port, case-insensitively. None: any.
    #[serde(default)]
    pub host: Option<String>,
    /// Path prefix to match on segment borders. `/`: any.
    pub path: String,
    /// Name of the service's port.
    pub port: String,
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
