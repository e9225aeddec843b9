//! How long requests took, counted in buckets. It measures nothing itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;

/// Upper bounds of the buckets in microseconds: what the proxy itself costs is below the first, and a page that takes
/// longer than the last is slow to anybody.
pub(crate) const BOUNDS_US: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];

/// What is counted of one release of a service.
#[derive(Debug, Default)]
pub(crate) struct ReleaseCounters {
    /// 1xx to 5xx.
    responses: [AtomicU64; 5],
    /// One more than the bounds: what took longer than all.
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

/// Counts as they were at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Latencies {
    /// 1xx to 5xx.
    pub(crate) responses: [u64; 5],
    /// Those up to each bound, the ones before included.
    pub(crate) up_to: [u64; BOUNDS_US.len()],
    pub(crate) count: u64,
    pub(crate) sum_us: u64,
}

impl ReleaseCounters {
    /// Counts an answer.
    pub(crate) fn responded(&self, status: StatusCode) {
        if let Some(count) = self.responses.get(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a request from its arrival to the end of its answer.
    pub(crate) fn took(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|bound| *bound < us);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// The counts as they are now.
    pub(crate) fn read(&self) -> Latencies {
        let mut latencies = Latencies { sum_us: self.sum_us.load(Ordering::Relaxed), ..Latencies::default() };
        for (count, read) in self.responses.iter().zip(&mut latencies.responses) {
            *read = count.load(Ordering::Relaxed);
        }
        for (index, bucket) in self.buckets.iter().enumerate() {
            latencies.count += bucket.load(Ordering::Relaxed);
            if let Some(up_to) = latencies.up_to.get_mut(index) {
                *up_to = latencies.count;
            }
        }
        latencies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_in_its_bucket_and_all_above() {
        let counters = ReleaseCounters::default();
        for us in [1, 500, 501, 2_500, 10_000_000, 99_000_000] {
            counters.took(Duration::from_micros(us));
        }
        let read = counters.read();
        assert_eq!(read.up_to[..4], [2, 3, 4, 4]);
        assert_eq!((read.up_to[13], read.count, read.sum_us), (5, 6, 109_003_502));
    }
}
