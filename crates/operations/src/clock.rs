//! The time of the machine. The only place in this crate that looks at it.

use std::time::{SystemTime, UNIX_EPOCH};

use engine::DeploymentId;

/// Unix milliseconds.
pub fn now_ms() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// A moment as people read it, in UTC.
pub fn display(at_ms: u64) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map_or_else(|| format!("{at_ms} ms"), |t| t.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// Sorts by time; two of one millisecond cannot be, since a deployment holds the lock.
pub fn deployment_id(now_ms: u64) -> DeploymentId {
    let at = i64::try_from(now_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    DeploymentId::new(at.map_or_else(|| now_ms.to_string(), |t| t.strftime("%Y%m%dT%H%M%S%.3f").to_string()))
}
