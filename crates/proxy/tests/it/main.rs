//! The proxy against real sockets: it runs in the test's own runtime, or as a process of its own where signals matter.

mod client;
mod config_changes;
mod control;
mod forwarding;
mod http2;
mod limits;
mod process;
mod proxy;
mod retries;
mod routing;
mod succession;
mod tcp;
mod tls;
mod upgrade;
mod upstream;
