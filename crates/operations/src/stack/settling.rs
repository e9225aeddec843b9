//! What a killed run left open, settled before the next plan.

use std::sync::Arc;

use async_trait::async_trait;
use diag::{Diagnostic, Diagnostics};
use engine::Events;
use engine::stack::apply::{self, Readers, Settled, Verdict};
use engine::stack::{ProviderAddress, ProviderSource, ResourceProvider};

use super::programs::Given;
use super::{Locking, StackFolder, StackProviderSource, StackState};
use crate::Fault;

impl StackFolder {
    /// Settles what is open, if anything is and nobody is at work on it. Tells of each operation what became of it. `is_held`: whether
    /// the lock is ours already.
    pub(super) async fn settle(
        &self,
        state: &StackState,
        is_held: bool,
        locking: Locking,
        events: &Events,
    ) -> Result<Diagnostics, Fault> {
        if state.store.open_operations(&state.environment).await?.is_empty() {
            return Ok(Diagnostics::default());
        }
        // Another run that holds the lock is at work on them, and what it does can be looked at all the same.
        let taken = Locking { takes: !is_held, ..locking };
        let Ok(held) = state.hold(taken, "settling an interrupted run").await else {
            return Ok(Diagnostics::default());
        };
        let readers = Unconfigured(StackProviderSource::new(self, Given::Ours));
        let settled = apply::settle(&state.environment, &readers, state.store.as_ref(), events).await;
        if let Some(held) = held {
            held.release().await?;
        }
        let (settled, mut notes) = settled.map_err(Fault::Failed)?;
        notes.extend(settled_notes(settled));
        Ok(notes)
    }
}

/// What is told of operations that were settled without doubt; the others are told of already.
pub(crate) fn settled_notes(settled: Vec<Settled>) -> impl Iterator<Item = Diagnostic> {
    settled.into_iter().filter(|one| one.verdict != Verdict::InDoubt).map(|one| {
        let what = match one.verdict {
            Verdict::Done => "an interrupted run had done this",
            _ => "an interrupted run had not done this",
        };
        Diagnostic::warning("settled", what).about(one.address.to_string()).because(one.explanation)
    })
}

/// Providers that need no configuration to be asked; others cannot be asked before a plan has configured them.
pub(crate) struct Unconfigured(pub(crate) StackProviderSource);

#[async_trait]
impl Readers for Unconfigured {
    async fn reader(&self, provider: &str) -> Option<Arc<dyn ResourceProvider>> {
        let source = store::v4::provider_source(provider)?;
        if source != ProviderAddress::BUILTIN {
            return None;
        }
        self.0.start(&ProviderAddress::of_source(source)).await.ok()
    }
}
