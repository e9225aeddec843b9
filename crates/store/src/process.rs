//! Who holds a lease: this process as others can recognise it, and whether a recorded one still runs.
//!
//! Read from `/proc`. Where that does not tell, a holder counts as alive: a lease that ends too late does no harm.

use std::fs;
use std::io;

use engine::{LeaseHolder, StoreError};

/// This process as the holder of a lease. `who` is user and machine (`ann@laptop`), `reason` what the lease is for.
///
/// # Errors
/// If the process cannot be read from `/proc`.
pub fn this_process(who: String, reason: String) -> Result<LeaseHolder, StoreError> {
    let failed = |source: io::Error| StoreError::Failed {
        doing: "reading this process from /proc".into(),
        source: source.into(),
    };
    let pid = std::process::id();
    let process_start =
        start(pid).map_err(failed)?.ok_or_else(|| failed(io::Error::other("it is not there")))?;
    Ok(LeaseHolder { who, reason, pid, boot_id: boot().map_err(failed)?, process_start })
}

/// Whether the holder's process is certainly gone: one of this boot and process id namespace that does not run any more, or
/// whose id another process has now.
pub(crate) fn is_gone(holder: &LeaseHolder) -> bool {
    boot().is_ok_and(|here| here == holder.boot_id)
        && start(holder.pid).is_ok_and(|started| started != Some(holder.process_start))
}

/// The boot id alone would not do: containers share it with their machine, and have process ids of their own.
fn boot() -> io::Result<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let namespace = fs::read_link("/proc/self/ns/pid")?;
    Ok(format!("{} {}", id.trim(), namespace.display()))
}

/// When a process started, in clock ticks since boot; `None` if there is none or it has ended and was not reaped yet.
fn start(pid: u32) -> io::Result<Option<u64>> {
    let stat = match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(fault),
    };
    // The second field is the command's name in brackets and may hold anything, brackets and spaces too. After it the
    // state is the first field and the start time the twentieth (proc(5), fields 3 and 22).
    let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace();
    match (fields.next(), fields.nth(18)) {
        (Some("Z" | "X"), _) => Ok(None),
        (_, Some(start)) => start.parse().map(Some).map_err(io::Error::other),
        _ => Err(io::Error::other(format!("/proc/{pid}/stat has another form than expected"))),
    }
}
