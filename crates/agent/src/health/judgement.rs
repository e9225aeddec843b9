//! When an instance counts as ready: consecutive passes and failures. It asks nothing and reads no clock.

/// What the answers so far mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    passes_wanted: u32,
    failures_wanted: u32,
    ready: bool,
    /// Answers in a row that speak against `ready`.
    against: u32,
}

impl Judgement {
    /// Starts with what was known, so that an agent's restart makes no ready instance unready.
    pub(crate) fn new(passes_wanted: u32, failures_wanted: u32, ready: bool) -> Self {
        Self { passes_wanted, failures_wanted, ready, against: 0 }
    }

    /// Takes one answer; whether it is ready now.
    pub(crate) fn take(&mut self, passed: bool) -> bool {
        if passed == self.ready {
            self.against = 0;
        } else {
            self.against = self.against.saturating_add(1);
            let wanted = if self.ready { self.failures_wanted } else { self.passes_wanted };
            if self.against >= wanted {
                self.ready = passed;
                self.against = 0;
            }
        }
        self.ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_in_a_row_count() {
        let mut judgement = Judgement::new(2, 3, false);
        let answers = [true, false, true, true, false, false, true, false, false, false, true];
        let ready: Vec<bool> = answers.iter().map(|passed| judgement.take(*passed)).collect();
        let expect = [false, false, false, true, true, true, true, true, true, false, false];
        assert_eq!(ready, expect);
    }
}
