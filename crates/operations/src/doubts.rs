//! Objects of which an interrupted run leaves open whether they exist: a person adopts or forgets them.

use std::sync::Arc;

use diag::Diagnostic;
use engine::stack::apply::{self, Doubt};
use engine::stack::plan::StackMode;
use engine::{Address, Edit, EnvironmentName, Store, Target};

use crate::infrastructure::Wanted;
use crate::lease::hold;
use crate::planning::Watch;
use crate::{Fault, Session};

/// The objects in doubt, unless somebody is at work on them right now. `is_held`: whether the lock is ours.
pub(crate) async fn doubts(
    environment: &EnvironmentName,
    store: &dyn Store,
    is_held: bool,
) -> Result<Vec<Doubt>, Fault> {
    let doubts = apply::doubts(environment, store).await?;
    if doubts.is_empty() || (!is_held && store.lock(environment).await?.is_some()) {
        return Ok(Vec::new());
    }
    Ok(doubts)
}

/// Closes the doubts about an address: nothing is said of it any more. Answers whether there was one.
pub(crate) async fn close(
    environment: &EnvironmentName,
    store: &dyn Store,
    address: &Address,
    outcome: &str,
) -> Result<bool, Fault> {
    let mut found = false;
    for doubt in apply::doubts(environment, store).await? {
        if doubt.address == *address {
            let row = store.snapshot(environment).await?.rows.into_iter();
            let row = row.into_iter().find(|row| row.address == *address && row.record.deposed.is_none());
            store.finish(&doubt.operation, row.as_ref(), outcome).await?;
            found = true;
        }
    }
    Ok(found)
}

impl Session {
    /// Takes an object that exists over into the environment's state, under the address that describes it; what its provider knows it
    /// by is `id`. A doubt about the address is settled by it.
    ///
    /// # Errors
    /// If the configuration does not describe it, the state has it already, or its provider knows no such object.
    pub async fn adopt(&self, address: &Address, id: &str, watch: &Watch) -> Result<(), Fault> {
        let held = hold(self.store.clone(), &self.environment, "adopt").await?;
        let adopted = self.adopt_locked(address, id, watch).await;
        held.release().await?;
        adopted
    }

    async fn adopt_locked(&self, address: &Address, id: &str, watch: &Watch) -> Result<(), Fault> {
        let snapshot = self.store.snapshot(&self.environment).await?;
        if snapshot.rows.iter().any(|row| row.address == *address && row.record.deposed.is_none()) {
            let fault = Diagnostic::error("already-managed", format!("{address} is in the state already"));
            return Err(Fault::Usage(fault.hint("`mainstay plan` shows what is made of it").into()));
        }
        let targets = [Target::Resource(address.clone())];
        let environments = <_>::default();
        let wanted = Wanted {
            adopted: vec![(address.clone(), id.to_owned())],
            is_locked: true,
            ..Wanted::new(StackMode::Normal, &targets, &environments)
        };
        let description = self.description.clone();
        let planned = self.plan_infrastructure(&description, &snapshot, wanted, watch).await?;
        let mut prior = planned.into_iter().flat_map(|planned| planned.plan.prior);
        let Some(row) = prior.find(|row| row.address == *address && row.record.deposed.is_none()) else {
            let fault = Diagnostic::error("not-adopted", format!("nothing was adopted as {address}"));
            let fault = fault.because("no `resource` block of the project describes it");
            return Err(Fault::Usage(fault.hint("write its block first, as it is").into()));
        };
        let edits = vec![Edit::Put(Box::new(row))];
        self.store.edit(&self.environment, Some(snapshot.serial), edits).await?;
        close(&self.environment, self.store.as_ref(), address, "settled: adopted").await?;
        Ok(())
    }

    /// Forgets the doubt about an address: the next plan makes the object.
    ///
    /// # Errors
    /// If there is none.
    pub async fn forget(&self, address: &Address) -> Result<(), Fault> {
        let held = hold(self.store.clone(), &self.environment, "forget").await?;
        let store: Arc<dyn Store> = self.store.clone();
        let closed = close(&self.environment, store.as_ref(), address, "settled: forgotten").await;
        held.release().await?;
        if closed? {
            return Ok(());
        }
        let open = apply::doubts(&self.environment, store.as_ref()).await?;
        let fault = Diagnostic::error("no-doubt", format!("there is no doubt about {address}"));
        let known: Vec<String> = open.iter().map(|doubt| doubt.address.to_string()).collect();
        Err(Fault::Usage(
            match known.is_empty() {
                true => fault.hint("what is managed is removed by taking its block out"),
                false => fault.hint(format!("objects in doubt: {}", known.join(", "))),
            }
            .into(),
        ))
    }
}
