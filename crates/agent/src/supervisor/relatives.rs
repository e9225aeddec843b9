//! What the kernel knows of a supervisor's processes. It reads `/proc` and signals nothing.

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

/// Whether a child has ended; it is not reaped.
pub(super) fn has_ended(pid: Pid) -> bool {
    let status = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT);
    !matches!(status, Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD))
}

/// Whether a container's program would be ended by this signal if it were not the first process of its namespace, to which
/// the kernel does not deliver what it has no handler for. Alone, it can be given the same end at once; with children it
/// may be a shell whose server wants its grace.
pub(super) fn would_wait_in_vain(pid: Pid, signal: Signal) -> bool {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(line.trim(), 16).ok()
    };
    let (Some(caught), Some(ignored)) = (mask("SigCgt:"), mask("SigIgn:")) else { return false };
    let bit = 1u64 << (signal as u32 - 1);
    let ends = !matches!(signal, Signal::SIGCHLD | Signal::SIGCONT | Signal::SIGURG | Signal::SIGWINCH)
        && !matches!(signal, Signal::SIGSTOP | Signal::SIGTSTP | Signal::SIGTTIN | Signal::SIGTTOU);
    ends && (caught | ignored) & bit == 0 && children_of(pid).is_empty()
}

/// The children of this process.
pub(super) fn children() -> Vec<Pid> {
    children_of(Pid::this())
}

/// The children of a process's first thread; those of a supervisor are all of them.
fn children_of(pid: Pid) -> Vec<Pid> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect()
}
