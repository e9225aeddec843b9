//! What the control socket answers. It holds data only.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::{InstanceName, ServiceKey};

/// What this process is: `GET /v1/info`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// Its process id.
    pub pid: u32,
    /// Version of the program.
    pub version: String,
    /// Where the entry listens.
    pub http: SocketAddr,
    /// Version of the snapshot that it works by; 0 before the first.
    pub config_version: u64,
    /// What its program's file was when it started; see [`crate::program_of`]. Empty: not known.
    #[serde(default)]
    pub program: String,
}

/// A snapshot works: `PUT /v1/config`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Its version.
    pub version: u64,
    /// What of it could not be done. The rest works.
    pub problems: Vec<Problem>,
}

/// A part of a snapshot that could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Which part: `listen 127.0.0.1:9000 of shop/dev/web port http`, `route shop.test/api`.
    pub part: String,
    /// Why, and what to do.
    pub cause: String,
}

/// Requests, upgraded connections and TCP connections in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// Whether nothing was in flight any more before the time was up.
    pub complete: bool,
    /// How much still was.
    pub in_flight: u64,
}

/// Counts since an instance or a service came into a snapshot: `GET /v1/stats`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// By instance: those of the snapshot, those that left with it, and those that left earlier and still have something
    /// in flight.
    pub instances: BTreeMap<InstanceName, InstanceStats>,
    /// By service of the snapshot.
    pub services: BTreeMap<ServiceKey, ServiceStats>,
}

/// Counts of one instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceStats {
    /// Requests and connections in flight.
    pub in_flight: u64,
    /// What was counted.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Counts of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStats {
    /// Requests and connections in flight on its current endpoints.
    pub in_flight: u64,
    /// What was counted, over all instances.
    #[serde(flatten)]
    pub counts: Counts,
    /// Requests that the proxy answered itself with 502, 503 or 504, and TCP connections that it had to drop.
    pub unserved: u64,
}

/// What is counted of instances and services alike.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests and TCP connections given to an endpoint; one that was tried on two counts on both.
    pub requests: u64,
    /// Responses by class of their status: `2xx`. Classes without one are left out.
    pub responses: BTreeMap<String, u64>,
    /// Connections that could not be opened.
    pub connect_failures: u64,
}

/// What the control socket answers when it refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What was refused, why, and what to do.
    pub message: String,
}
