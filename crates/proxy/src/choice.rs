//! Which endpoint gets the next request: weighted least connections. It decides over numbers; it counts nothing itself.
//!
//! An endpoint may take a request while it has fewer in flight than its share of all that would be in flight with this
//! one: `in_flight < (total + 1) * weight / total_weight`. Shares add up to more than what is in flight, so there always
//! is one that may. Among those that may, smooth weighted round robin (as nginx does it) chooses, so that weights shape
//! traffic even where requests come one at a time and nothing is ever in flight to compare.

/// One endpoint as the choice sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Its share relative to the others; 0: not to be chosen.
    pub(crate) weight: u32,
    /// Requests in flight on it.
    pub(crate) in_flight: u64,
    /// What round robin owes it; kept from choice to choice.
    pub(crate) credit: i64,
}

/// The index of the one to take, with the credits brought forward; none if no one has a weight.
pub(crate) fn choose(candidates: &mut [Candidate]) -> Option<usize> {
    let mut weight_total = 0u128;
    let mut in_flight_total = 0u128;
    for candidate in candidates.iter().filter(|candidate| candidate.weight > 0) {
        weight_total += u128::from(candidate.weight);
        in_flight_total += u128::from(candidate.in_flight);
    }
    let mut best: Option<(usize, i64)> = None;
    let mut weight_able = 0i64;
    for (index, candidate) in candidates.iter_mut().enumerate() {
        let share = (in_flight_total + 1) * u128::from(candidate.weight);
        if u128::from(candidate.in_flight) * weight_total >= share {
            continue;
        }
        weight_able += i64::from(candidate.weight);
        candidate.credit += i64::from(candidate.weight);
        if best.is_none_or(|(_, credit)| candidate.credit > credit) {
            best = Some((index, candidate.credit));
        }
    }
    let (index, _) = best?;
    candidates[index].credit -= weight_able;
    Some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `times` choices; a chosen one's request ends at once unless `keep`. Returns how often each was chosen.
    fn check(weights: &[u32], in_flight: &[u64], keep: bool, times: usize) -> Vec<u64> {
        let mut candidates: Vec<Candidate> = weights
            .iter()
            .zip(in_flight)
            .map(|(&weight, &in_flight)| Candidate { weight, in_flight, credit: 0 })
            .collect();
        let mut chosen = vec![0; weights.len()];
        for _ in 0..times {
            if let Some(index) = choose(&mut candidates) {
                chosen[index] += 1;
                candidates[index].in_flight += u64::from(keep);
            }
        }
        chosen
    }

    #[test]
    fn weights_shape_traffic_when_nothing_is_in_flight() {
        assert_eq!(check(&[95, 5], &[0, 0], false, 100), [95, 5]);
        assert_eq!(check(&[1, 1, 1], &[0, 0, 0], false, 9), [3, 3, 3]);
    }

    #[test]
    fn weights_shape_what_is_in_flight() {
        assert_eq!(check(&[3, 1], &[0, 0], true, 40), [30, 10]);
    }

    #[test]
    fn an_endpoint_that_answers_slowly_gets_less() {
        assert_eq!(check(&[1, 1], &[10, 0], true, 10), [0, 10]);
        assert_eq!(check(&[1, 1], &[1, 0], false, 10), [0, 10]);
    }

    #[test]
    fn a_weight_of_zero_gets_nothing() {
        assert_eq!(check(&[0, 1], &[0, 50], false, 10), [0, 10]);
        assert_eq!(check(&[0, 0], &[0, 0], false, 10), [0, 0]);
        assert_eq!(check(&[], &[], false, 1), Vec::<u64>::new());
    }

    #[test]
    fn there_always_is_one_to_take() {
        let mut candidates: Vec<Candidate> =
            (1..=7).map(|weight| Candidate { weight, ..Candidate::default() }).collect();
        for step in 0..1000u64 {
            let index = choose(&mut candidates);
            assert!(index.is_some());
            candidates[index.unwrap_or_default()].in_flight += 1;
            let freed = (step % 7) as usize;
            candidates[freed].in_flight = candidates[freed].in_flight.saturating_sub(step % 3);
        }
    }
}
