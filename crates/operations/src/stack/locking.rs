//! The lock of a workspace around what changes its state.

use std::time::Duration;

use diag::Diagnostic;
use engine::{Address, Edit, Snapshot, StoreError, Target};

use super::StackState;
use crate::Fault;
use crate::backend::Foreign;
use crate::lease::{Held, hold_within};

/// How a workspace's lock is taken.
#[derive(Debug, Clone, Copy)]
pub struct Locking {
    /// Whether it is taken at all. Without it nothing is held, but a lock that another run holds is still heeded.
    pub takes: bool,
    /// How long another holder is waited for.
    pub wait: Duration,
}

impl Default for Locking {
    fn default() -> Self {
        Self { takes: true, wait: Duration::ZERO }
    }
}

impl StackState {
    /// Takes the lock, where it is to be taken.
    pub(super) async fn hold(&self, locking: Locking, reason: &str) -> Result<Option<Held>, Fault> {
        if !locking.takes {
            return Ok(None);
        }
        let held = match hold_within(self.store.clone(), &self.environment, reason, locking.wait).await {
            Ok(held) => held,
            Err(fault) => return Err(self.locked(fault).await),
        };
        match self.terraforms_lock().await {
            Ok(()) => Ok(Some(held)),
            Err(fault) => {
                held.release().await?;
                Err(fault)
            }
        }
    }

    /// That Terraform is not at work on its own state in the same bucket.
    async fn terraforms_lock(&self) -> Result<(), Fault> {
        let Foreign::Bucket(bucket) = &self.foreign else { return Ok(()) };
        let Some(lock) = bucket.terraform_lock(&self.environment).await? else { return Ok(()) };
        Err(Fault::failed(
            Diagnostic::error("locked", "Terraform is at work on this state")
                .because(format!(
                    "{} holds its lock {} ({}) since {}",
                    lock.who, lock.id, lock.operation, lock.created
                ))
                .hint("wait for it to end; `terraform force-unlock` takes a lock from a run that is gone"),
        ))
    }

    /// What a store answered, with the lock's name where it is a lock that stands in the way.
    pub(super) async fn locked(&self, fault: StoreError) -> Fault {
        let is_lock = matches!(fault, StoreError::Locked { .. });
        let told = Fault::from(fault);
        let Fault::Failed(mut diagnostics) = told else { return told };
        if is_lock && let Some(first) = diagnostics.0.first_mut() {
            first.detail = Some(match &first.detail {
                Some(detail) => format!("{}: {detail}", first.message),
                None => first.message.clone(),
            });
            first.message = "Error acquiring the state lock".to_owned();
            if let Ok(Some(lock)) = self.store.lock(&self.environment).await {
                first.hint = Some(format!(
                    "wait for the other run to end (-lock-timeout=1m), or end it; `force-unlock {}` takes the lock from it",
                    lock.token
                ));
            }
        }
        Fault::Failed(diagnostics)
    }

    /// Edits the state by hand, under its lock: `decide` makes the edits of what is there. Answers what it answered besides.
    ///
    /// # Errors
    /// If the lock cannot be had, `decide` refuses, or the state cannot be written.
    pub async fn edit<T>(
        &self,
        locking: Locking,
        reason: &str,
        decide: impl FnOnce(&Snapshot) -> Result<(Vec<Edit>, T), Box<Diagnostic>>,
    ) -> Result<T, Fault> {
        let held = self.hold(locking, reason).await?;
        let edited = async {
            let snapshot = self.store.snapshot(&self.environment).await?;
            let (edits, answer) = decide(&snapshot).map_err(|fault| Fault::failed(*fault))?;
            if !edits.is_empty()
                && let Err(fault) = self.store.edit(&self.environment, Some(snapshot.serial), edits).await
            {
                return Err(self.locked(fault).await);
            }
            Ok(answer)
        };
        let edited = edited.await;
        if let Some(held) = held {
            held.release().await?;
        }
        edited
    }

    /// What of that which these name is in doubt, unless somebody is at work on it right now. `is_held`: whether the lock is ours.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn doubts_about(&self, targets: &[Target], is_held: bool) -> Result<Vec<Address>, Fault> {
        let doubts = crate::doubts::doubts(&self.environment, self.store.as_ref(), is_held).await?;
        if doubts.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.store.snapshot(&self.environment).await?.rows;
        let is_known = |address: &Address| {
            rows.iter().any(|row| row.address == *address && row.record.deposed.is_none())
        };
        let named = doubts.into_iter().map(|doubt| doubt.address);
        Ok(named
            .filter(|address| targets.iter().any(|target| target.includes(address)) && !is_known(address))
            .collect())
    }

    /// Closes the doubts about what these name. Answers which they were.
    ///
    /// # Errors
    /// If the lock cannot be had, or the store fails.
    pub async fn forget_doubts(&self, locking: Locking, targets: &[Target]) -> Result<Vec<Address>, Fault> {
        if self.doubts_about(targets, false).await?.is_empty() {
            return Ok(Vec::new());
        }
        let held = self.hold(locking, "state rm").await?;
        let closed = async {
            let named = self.doubts_about(targets, held.is_some()).await?;
            for address in &named {
                let outcome = "settled: forgotten";
                crate::doubts::close(&self.environment, self.store.as_ref(), address, outcome).await?;
            }
            Ok(named)
        };
        let closed = closed.await;
        if let Some(held) = held {
            held.release().await?;
        }
        closed
    }

    /// Takes the lock from whoever holds it, if it is the lock of this name.
    ///
    /// # Errors
    /// If nobody holds it, or it has another name.
    pub async fn unlock(&self, name: &str) -> Result<(), Fault> {
        let refused =
            |why: String| Fault::failed(Diagnostic::error("unlock", "Failed to unlock state").because(why));
        let Some(lock) = self.store.lock(&self.environment).await? else {
            return Err(refused(format!("nobody holds the lock of {}", self.environment)));
        };
        if lock.token.to_string() != name {
            return Err(refused(format!("the lock of {} is {}, not {name:?}", self.environment, lock.token)));
        }
        let lease = engine::Lease { environment: self.environment.clone(), token: lock.token };
        Ok(self.store.release(&lease).await?)
    }
}
