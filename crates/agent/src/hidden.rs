//! Verbs of the binary that people do not type: the bodies of processes that the agent starts.
//!
//! They are dispatched before any runtime exists, because a supervisor forks and must have one thread.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::{balancer, exec, supervisor};

/// Runs a supervisor.
pub(crate) const SUPERVISE: &str = "__supervise";
/// Runs the proxy.
pub(crate) const PROXY: &str = "__proxy";
/// Runs a command inside an instance's sandbox.
pub(crate) const EXEC: &str = "__exec";

/// Runs a hidden verb if `args` (without the program's name) begin with one. Call it first in `main`, before anything
/// starts a thread.
#[must_use]
pub fn hidden(args: &[OsString]) -> Option<ExitCode> {
    let (verb, rest) = args.split_first()?;
    match verb.to_str()? {
        SUPERVISE => Some(supervisor::supervise()),
        PROXY => Some(balancer::run_proxy(rest)),
        EXEC => Some(exec::exec_in(rest)),
        _ => None,
    }
}
