//! The control socket: HTTP/1.1 with JSON bodies. One file for each side, and the paths that both know.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v1/info` | [`Info`](crate::Info) |
//! | `GET /v1/config` | [`Config`](crate::Config), as it was last given |
//! | `PUT /v1/config` | [`Applied`](crate::Applied), once it works; 409 for a version older than the current one |
//! | `POST /v1/drain?instance=..&wait_ms=..&upgraded_wait_ms=..` | [`Drained`](crate::Drained), when nothing is in flight or the time is up |
//! | `GET /v1/stats` | [`Stats`](crate::Stats) |
//! | `GET /metrics` | what was counted, in Prometheus' text format |
//! | `POST /v1/handover?socket=..` | nothing, once listening sockets and lock were sent to the datagram socket |
//! | `POST /v1/shutdown?wait_ms=..&linger_ms=..` | [`Drained`](crate::Drained), when what was in flight has ended or the time is up |

mod client;
mod query;
mod server;

pub use client::Control;
pub(crate) use server::Server;

const INFO: &str = "/v1/info";
const CONFIG: &str = "/v1/config";
const HANDOVER: &str = "/v1/handover";
const DRAIN: &str = "/v1/drain";
const STATS: &str = "/v1/stats";
const METRICS: &str = "/metrics";
const SHUTDOWN: &str = "/v1/shutdown";

/// The largest body on this socket: 10,000 services with ten endpoints each are 10 MB.
const BODY_BYTES_MAX: usize = 128 * 1024 * 1024;
