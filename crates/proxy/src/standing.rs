//! Whether an endpoint is passed over for a while because it keeps failing. It decides by counts and the time that it is
//! given; it chooses nobody.
//!
//! [`FAILURES_MAX`] failures in a row (connections that could not be opened or that ended without an answer, and answers of
//! 500 and above) put an endpoint out for [`OUT_MIN`], each further time for twice as long, up to [`OUT_MAX`]. When it comes
//! back, one more failure puts it out again, and one success clears it. Whoever chooses never passes all of them over: a
//! fault that all share, such as a database that is gone, is not the endpoints' own.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Failures in a row. Envoy's figure; fewer would put an endpoint out for one client's malformed requests.
const FAILURES_MAX: u32 = 5;

/// The first time out. An instance that is restarted is back within it, or its health check has found it.
const OUT_MIN: Duration = Duration::from_secs(5);

/// The longest time out, so that one that was mended comes back by itself soon enough.
const OUT_MAX: Duration = Duration::from_secs(60);

/// The standing of one endpoint.
#[derive(Debug)]
pub(crate) struct Standing {
    base: Instant,
    failures: AtomicU32,
    /// Times out since the last success.
    times: AtomicU32,
    /// Milliseconds after `base`; 0: not out.
    out_until_ms: AtomicU64,
}

impl Standing {
    /// One that has not failed.
    pub(crate) fn new(now: Instant) -> Self {
        let (failures, times) = (AtomicU32::new(0), AtomicU32::new(0));
        Self { base: now, failures, times, out_until_ms: AtomicU64::new(0) }
    }

    fn ms(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.base).as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether it is passed over at `now`.
    pub(crate) fn is_out(&self, now: Instant) -> bool {
        let until = self.out_until_ms.load(Ordering::Relaxed);
        until != 0 && self.ms(now) < until
    }

    /// Counts a failure. Returns how long it is passed over, if this one puts it out.
    pub(crate) fn failed(&self, now: Instant) -> Option<Duration> {
        // What was under way when it was put out counts no further.
        if self.is_out(now) {
            return None;
        }
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        let times = self.times.load(Ordering::Relaxed);
        if failures < FAILURES_MAX && times == 0 {
            return None;
        }
        let out = OUT_MIN.saturating_mul(1 << times.min(8)).min(OUT_MAX);
        self.failures.store(0, Ordering::Relaxed);
        self.times.store(times.saturating_add(1), Ordering::Relaxed);
        self.out_until_ms.store(self.ms(now + out).max(1), Ordering::Relaxed);
        Some(out)
    }

    /// Counts a success.
    pub(crate) fn succeeded(&self, now: Instant) {
        // Read first: the line of memory stays shared between processors as long as nothing is wrong.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
        if self.times.load(Ordering::Relaxed) != 0 && !self.is_out(now) {
            self.times.store(0, Ordering::Relaxed);
            self.out_until_ms.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_in_a_row_put_it_out_and_each_time_for_longer() {
        let mut now = Instant::now();
        let standing = Standing::new(now);
        for _ in 0..FAILURES_MAX - 1 {
            assert_eq!(standing.failed(now), None);
        }
        assert!(!standing.is_out(now));
        let mut outs = Vec::new();
        for _ in 0..6 {
            let Some(out) = standing.failed(now) else { panic!("put out") };
            assert!(standing.is_out(now) && standing.failed(now).is_none());
            now += out;
            assert!(!standing.is_out(now));
            outs.push(out.as_secs());
        }
        assert_eq!(outs, [5, 10, 20, 40, 60, 60]);
        standing.succeeded(now);
        assert_eq!(standing.failed(now), None);
    }

    #[test]
    fn a_success_in_between_starts_the_count_again() {
        let now = Instant::now();
        let standing = Standing::new(now);
        for _ in 0..20 {
            for _ in 0..FAILURES_MAX - 1 {
                assert_eq!(standing.failed(now), None);
            }
            standing.succeeded(now);
        }
    }
}
