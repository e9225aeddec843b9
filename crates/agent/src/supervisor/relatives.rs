//! A supervisor's processes, as the kernel knows them: what a signal would do, and who was left behind.

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

/// A tree of processes is at most this deep before its killing is given up.
const KILL_ROUNDS: u32 = 1000;

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

/// Kills what was left behind. Orphans are adopted by this process, those that left the group as well; killing one may
/// bring up its children.
pub(super) fn kill_orphans() {
    for _ in 0..KILL_ROUNDS {
        let children = children_of(Pid::this());
        if children.is_empty() {
            break;
        }
        for child in children {
            // It may have ended by itself meanwhile.
            let _ = kill(child, Signal::SIGKILL);
            let _ = waitpid(child, None);
        }
    }
}

/// The children of a process, by whichever of its threads.
fn children_of(pid: Pid) -> Vec<Pid> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let texts = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let mut children = Vec::new();
    for text in texts {
        children.extend(text.split_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw));
    }
    children
}
