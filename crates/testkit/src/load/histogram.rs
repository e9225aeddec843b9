//! A histogram of latencies that grows with the logarithm of the longest, not with their number.

/// Counts by size: 64 buckets to each doubling, so that a value is known to 1/64 whatever its size.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

/// log2 of the buckets to each doubling.
const PRECISION_BITS: u32 = 6;

impl Histogram {
    /// Counts a value.
    pub(super) fn record(&mut self, value: u64) {
        let index = bucket_of(value);
        if self.counts.len() <= index {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += 1;
        self.total += 1;
    }

    /// Counts all of another one.
    pub(super) fn add(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
    }

    /// The smallest value of the bucket in which the share `quantile` of all values is reached; 0 without values.
    pub(super) fn quantile(&self, quantile: f64) -> u64 {
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let wanted = ((self.total as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return bucket_start(index);
            }
        }
        0
    }
}

fn bucket_of(value: u64) -> usize {
    let doublings = (u64::BITS - value.leading_zeros()).saturating_sub(PRECISION_BITS + 1);
    // At most 64 doublings of 64 buckets, so it fits any usize.
    ((u64::from(doublings) << PRECISION_BITS) + (value >> doublings)) as usize
}

fn bucket_start(index: usize) -> u64 {
    let index = index as u64;
    let doublings = (index >> PRECISION_BITS).saturating_sub(1);
    (index - (doublings << PRECISION_BITS)) << doublings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_off_by_one_part_in_sixty_four_at_most() {
        for factor in [1, 7, 1000, 1 << 40] {
            let mut histogram = Histogram::default();
            for value in 1..=1000 {
                histogram.record(value * factor);
            }
            for (quantile, exact) in [(0.5, 500 * factor), (0.99, 990 * factor), (1.0, 1000 * factor)] {
                let found = histogram.quantile(quantile);
                assert!(found <= exact && exact - found <= exact / 64, "{found} for {exact}");
            }
        }
        assert_eq!(Histogram::default().quantile(0.5), 0);
    }

    #[test]
    fn the_largest_value_has_a_bucket() {
        assert!(bucket_start(bucket_of(u64::MAX)) > u64::MAX / 64 * 63);
    }
}
