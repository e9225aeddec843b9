//! One call that changes something: the intent is written down, the provider acts, and what came of it is written down.

use std::time::Duration;

use diag::Diagnostics;
use tokio::time::Instant;
use value::Value;

use super::context::Context;
use super::journal::Operation;
use super::provision::Provisioning;
use super::result::null_like;
use crate::stack::ResourceProvider;
use crate::stack::plan::ResourceChange;
use crate::stack::planning::marks::plain;
use crate::stack::provider::{AppliedResource, ApplyResource};
use crate::{Action, Happened, KnownBy, OperationId, Record, Work};

/// How often it is told that a provider still works on something.
const PROGRESS: Duration = Duration::from_secs(10);

/// What a provider is asked to do to one object.
pub(super) struct Call<'a> {
    pub(super) change: &'a ResourceChange,
    pub(super) work: Work,
    /// What is there, with marks; `None` to make it.
    pub(super) before: Option<&'a Value>,
    /// The configuration, as the provider gets it; null to remove it.
    pub(super) configuration: Value,
    /// What is to be, with marks; `None` to remove it.
    pub(super) after: Option<&'a Value>,
    /// What the plan answered for itself.
    pub(super) private: &'a [u8],
    /// What the row will have besides its value.
    pub(super) record: Record,
    /// What runs before the provider is asked; if it fails, that is not done.
    pub(super) first: Option<Provisioning<'a>>,
}

/// What came of a call.
pub(super) enum Called {
    /// The provider answered. What came of it is to be written down under this operation.
    Answered {
        id: OperationId,
        answer: AppliedResource,
        /// How long the provider took.
        took: Duration,
    },
    /// The provider was not asked, since what runs first failed.
    Stopped { id: OperationId, faults: Diagnostics, took: Duration },
    /// Nothing was done: it was cancelled before it began.
    NotBegun(Option<OperationId>),
    /// Nothing was done: it could not be written down, or there is nobody to ask.
    Failed(Diagnostics),
}

impl Call<'_> {
    /// Asks the provider. The journal has the intent before it is asked.
    pub(super) async fn run(&self, context: &Context<'_>) -> Called {
        let provider = match context.provider(self.change) {
            Ok(provider) => provider,
            Err(faults) => return Called::Failed(faults),
        };
        if context.stops() {
            return Called::NotBegun(None);
        }
        let operation = Operation {
            change: self.change,
            action: match self.work {
                Work::Create => Action::Create,
                Work::Delete => Action::Delete,
                _ => Action::Update,
            },
            before: self.before.cloned(),
            after: self.after.cloned(),
            record: self.record.clone(),
        };
        let id = match context.journal.begin(operation).await {
            Ok(id) => id,
            Err(fault) => return Called::Failed(fault.into()),
        };
        let _permit = context.permit().await;
        // It may have waited for the others.
        if context.stops() {
            return Called::NotBegun(Some(id));
        }
        let known_by = self.before.and_then(KnownBy::of);
        self.tell(context, Happened::ApplyStarted { work: self.work, known_by: known_by.clone() });
        let begun = Instant::now();
        if let Some(first) = &self.first {
            let faults = first.run(context).await;
            if faults.has_errors() {
                return Called::Stopped { id, faults, took: begun.elapsed() };
            }
        }
        let answer = self.asked(context, provider.as_ref(), known_by, begun).await;
        Called::Answered { id, answer, took: begun.elapsed() }
    }

    async fn asked(
        &self,
        context: &Context<'_>,
        provider: &dyn ResourceProvider,
        known_by: Option<KnownBy>,
        begun: Instant,
    ) -> AppliedResource {
        let before = self.before.map(plain);
        let after = self.after.map(plain);
        let nothing = null_like(before.as_ref().or(after.as_ref()).unwrap_or(&self.configuration));
        let request = ApplyResource {
            prior: before.as_ref().unwrap_or(&nothing),
            configuration: &self.configuration,
            planned: after.as_ref().unwrap_or(&nothing),
            private: self.private,
        };
        let asked = provider.apply(self.change.address.kind.as_str(), &request);
        let mut asked = std::pin::pin!(asked);
        let mut ticks = tokio::time::interval_at(begun + PROGRESS, PROGRESS);
        loop {
            tokio::select! {
                biased;
                answer = &mut asked => return answer,
                _ = ticks.tick() => self.tell(context, Happened::ApplyProgress {
                    work: self.work,
                    known_by: known_by.clone(),
                    elapsed_ms: millis(begun.elapsed()),
                }),
            }
        }
    }

    /// Something happened to the object.
    pub(super) fn tell(&self, context: &Context<'_>, happened: Happened) {
        context.tell(self.change, self.record.deposed.as_ref(), happened);
    }
}

/// A time as events have it.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
