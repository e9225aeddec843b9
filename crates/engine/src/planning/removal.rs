//! What the state has and the configuration does not: it is removed.

use diag::Diagnostic;

use super::Planner;
use crate::{Action, Address, Change, ChangeRequest, Sealed, StateRow};

impl Planner<'_> {
    /// Plans the removal of what a row stands for.
    pub(super) async fn plan_removal(&mut self, row: &StateRow) {
        let live = self.live.get(&row.address).cloned().flatten();
        let request = ChangeRequest {
            address: row.address.clone(),
            written: Some(row.value.clone()),
            live: live.clone(),
            described: None,
        };
        match self.ask(&request).await {
            // Whatever a provider calls it, the row has to go: an apply removes what is live, if anything is.
            Ok(planned) => self.changes.push(Change {
                address: row.address.clone(),
                action: Action::Delete,
                before: Some(Sealed(live.unwrap_or_else(|| row.value.clone()))),
                after: None,
                differences: planned.differences,
                reason: planned.reason.or_else(|| self.why(&row.address)),
                depends_on: row.depends_on.clone(),
            }),
            Err(faults) => {
                let about = |mut fault: Diagnostic| {
                    fault.subject.get_or_insert_with(|| row.address.to_string());
                    fault
                };
                self.faults.extend(faults.into_iter().map(about));
            }
        }
    }

    /// Why it goes, where that is not plain from the configuration.
    fn why(&self, address: &Address) -> Option<String> {
        let cluster = address.cluster.as_ref()?;
        let gone = self.world.clusters().iter().all(|c| c != cluster);
        gone.then(|| format!("the environment has no cluster `{cluster}` any more"))
    }
}
