//! What time it is; handed in, so that a test can hold it still.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time: Unix milliseconds. Leases end and operations are dated by it.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// This machine's clock.
pub(crate) fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
