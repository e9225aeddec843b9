//! Who may begin when, while a sequence is worked through in which some steps fail: what comes after a failed one is skipped, and
//! everything else goes on.

use std::collections::BTreeSet;

use crate::graph::Graph;

/// How a step may go on once all that it comes after has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ready {
    /// It may begin.
    Begin(usize),
    /// It must not: this other step failed first.
    Skip {
        /// The step.
        step: usize,
        /// The one that failed.
        because: usize,
    },
}

/// A graph without circles that is being worked through. Linear in steps and edges, but for keeping those that are ready in order.
#[derive(Debug)]
pub(super) struct Schedule {
    dependents: Graph,
    missing: Vec<usize>,
    /// By step: the step that failed first of those that it comes after.
    failed: Vec<Option<usize>>,
    ready: BTreeSet<usize>,
}

impl Schedule {
    pub(super) fn new(graph: &Graph) -> Self {
        let missing: Vec<usize> = (0..graph.len()).map(|step| graph.dependencies(step).len()).collect();
        let ready = (0..graph.len()).filter(|step| missing[*step] == 0).collect();
        Self { dependents: graph.reversed(), missing, failed: vec![None; graph.len()], ready }
    }

    /// The next step that waits for nothing: the one with the lowest number. Each is answered once; each that may begin has to
    /// be ended, and one that is skipped has ended with that.
    pub(super) fn next(&mut self) -> Option<Ready> {
        let step = self.ready.pop_first()?;
        match self.failed[step] {
            None => Some(Ready::Begin(step)),
            Some(because) => {
                self.release(step, Some(because));
                Some(Ready::Skip { step, because })
            }
        }
    }

    /// A step has ended well.
    pub(super) fn done(&mut self, step: usize) {
        self.release(step, None);
    }

    /// A step has failed.
    pub(super) fn failed(&mut self, step: usize) {
        self.release(step, Some(step));
    }

    fn release(&mut self, step: usize, failed: Option<usize>) {
        for dependent in self.dependents.dependencies(step) {
            self.missing[*dependent] -= 1;
            if self.failed[*dependent].is_none() {
                self.failed[*dependent] = failed;
            }
            if self.missing[*dependent] == 0 {
                self.ready.insert(*dependent);
            }
        }
    }
}
