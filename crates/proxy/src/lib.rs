//! An HTTP/1.1, HTTP/2 and TCP balancer that runs as a process of its own and is told what to do over a unix socket.
//!
//! [`run`] is the whole process: an entry that routes by host and path, stable addresses in front of service ports, a
//! pool of upstream connections, and the control socket. [`Control`] is the client of that socket. What is served is a
//! [`Config`], a whole snapshot that replaces the one before it; in-flight requests finish on what they started with.
//!
//! It deliberately does not know services, health or the agent, keeps nothing on disk, and gets no
//! certificates: it shows those that lie in files.

mod answer;
mod answers;
mod balancer;
mod body;
mod certificates;
mod choice;
mod conditions;
mod config;
mod control;
mod error;
mod forward;
mod handover;
mod headers;
mod latency;
mod listeners;
mod lock;
mod metrics;
mod multiplex;
mod patient;
mod pool;
mod process;
mod request_body;
mod routes;
mod sending;
mod serve;
mod sniff;
mod standing;
mod succession;
mod table;
mod tcp;
mod upgrade;
mod upstream;
mod workers;

pub use answers::{Applied, Counts, Drained, Info, InstanceStats, Problem, Refusal, ServiceStats, Stats};
pub use config::{
    Certificate, Config, Endpoint, InstanceName, Limits, Port, PortName, Protocol, Route, Service, ServiceKey,
};
pub use control::Control;
pub use error::{ControlError, StartError};
pub use process::{Options, Patience, program_of, run};
