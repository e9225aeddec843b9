//! The lock of an environment while something is changed.

use std::sync::Arc;
use std::time::Duration;

use engine::{EnvironmentName, Lease, Leases, StoreError};
use tokio_util::sync::CancellationToken;

/// How long a lease lasts without a heartbeat. Long enough for a machine that stutters, short enough to wait for.
const DURATION_MS: u64 = 20_000;
/// Three heartbeats may be lost before the lease is.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A lock that is held, and renewed until it is given back.
pub struct Held {
    leases: Arc<dyn Leases>,
    lease: Lease,
    heartbeat: tokio::task::JoinHandle<()>,
    /// Cancelled when the lock was lost.
    pub lost: CancellationToken,
}

/// How often a lock is tried for that somebody else holds.
const RETRY: Duration = Duration::from_millis(300);

/// Takes the lock of an environment.
pub async fn hold(
    leases: Arc<dyn Leases>,
    environment: &EnvironmentName,
    reason: &str,
) -> Result<Held, StoreError> {
    hold_within(leases, environment, reason, Duration::ZERO).await
}

/// The same, and waits so long for another holder to give it back.
pub async fn hold_within(
    leases: Arc<dyn Leases>,
    environment: &EnvironmentName,
    reason: &str,
    wait: Duration,
) -> Result<Held, StoreError> {
    let holder = store::this_process(who(), reason.into())?;
    let begun = tokio::time::Instant::now();
    let lease = loop {
        match leases.acquire(environment, &holder, DURATION_MS).await {
            Err(StoreError::Locked { .. }) if begun.elapsed() < wait => {
                tokio::time::sleep(RETRY.min(wait.saturating_sub(begun.elapsed()))).await;
            }
            answered => break answered?,
        }
    };
    let lost = CancellationToken::new();
    let heartbeat = tokio::spawn({
        let (leases, lease, lost) = (leases.clone(), lease.clone(), lost.clone());
        async move {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                if let Err(StoreError::LeaseLost(_)) = leases.renew(&lease, DURATION_MS).await {
                    lost.cancel();
                    return;
                }
            }
        }
    });
    Ok(Held { leases, lease, heartbeat, lost })
}

impl Held {
    /// Gives it back.
    pub async fn release(self) -> Result<(), StoreError> {
        self.heartbeat.abort();
        self.leases.release(&self.lease).await
    }
}

/// User and machine.
pub fn who() -> String {
    let named = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok().filter(|n| !n.is_empty());
    let user = named.unwrap_or_else(user_of_process);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{user}@{}", host.trim())
}

/// The owner of this process by `/etc/passwd`, or by number.
fn user_of_process() -> String {
    let uid =
        std::fs::metadata("/proc/self").map_or(0, |m| std::os::unix::fs::MetadataExt::uid(&m)).to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    });
    name.unwrap_or(uid)
}
