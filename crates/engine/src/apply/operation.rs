//! One operation: the intent is written down, the provider acts, and what came of it is written down.

use std::collections::HashMap;
use std::sync::Arc;

use diag::Diagnostic;
use tokio::time::Instant;
use value::Value;

use super::Execution;
use crate::{
    Action, Address, ApplyRequest, Event, Events, Intent, Outcome, Provider, ResourceKind, Snapshot, StateRow,
};

/// What every operation of an apply needs and none changes.
pub(super) struct Context<'a> {
    pub(super) execution: &'a Execution<'a>,
    pub(super) events: &'a Events,
    pub(super) rows: HashMap<&'a Address, &'a StateRow>,
    providers: HashMap<ResourceKind, Arc<dyn Provider>>,
}

/// What is to be done to one resource.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) address: Address,
    pub(super) action: Action,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
    /// What it depends on when this is done.
    pub(super) depends_on: Vec<Address>,
    pub(super) taking_back: bool,
}

/// What came of an operation.
#[derive(Debug)]
pub(super) struct Ended {
    /// What is true now, as far as it is known.
    pub(super) state: Option<Value>,
    /// The state's serial, if the result was written down.
    pub(super) serial: Option<u64>,
    /// How long it took.
    pub(super) took_ms: u64,
    /// Why it was not made.
    pub(super) failure: Option<Failure>,
}

/// An operation that failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) diagnostic: Diagnostic,
    /// Whether what was before is in place.
    pub(super) reverted: bool,
}

impl Failure {
    /// Nothing was touched.
    pub(super) fn untouched(diagnostic: Diagnostic) -> Self {
        Self { diagnostic, reverted: true }
    }
}

impl<'a> Context<'a> {
    pub(super) fn new(execution: &'a Execution<'a>, snapshot: &'a Snapshot, events: &'a Events) -> Self {
        let rows = snapshot.rows.iter().map(|row| (&row.address, row)).collect();
        let providers = crate::reading::by_kind(execution.providers);
        Self { execution, events, rows, providers }
    }

    /// Who makes it.
    pub(super) fn provider(&self, address: &Address) -> Result<&Arc<dyn Provider>, Box<Diagnostic>> {
        self.providers.get(&address.kind).ok_or_else(|| Box::new(crate::reading::no_provider(address)))
    }

    /// Does it. The journal has its intent before anything is touched, and what came of it after.
    pub(super) async fn perform(&self, operation: Operation) -> Ended {
        let begun = Instant::now();
        self.events.send(Event::Started {
            address: operation.address.clone(),
            action: operation.action,
            taking_back: operation.taking_back,
        });
        let address = operation.address.clone();
        let (state, serial, failure) = self.perform_recorded(operation).await;
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.events.send(Event::Finished {
            address,
            outcome: match &failure {
                None => Outcome::Done,
                Some(failure) if failure.reverted => Outcome::Reverted,
                Some(_) => Outcome::Failed,
            },
            took_ms,
            cause: failure.as_ref().map(|failure| cause(&failure.diagnostic)),
        });
        Ended { state, serial, took_ms, failure }
    }

    async fn perform_recorded(&self, operation: Operation) -> (Option<Value>, Option<u64>, Option<Failure>) {
        let plan = self.execution.plan;
        let store = self.execution.store;
        let provider = match self.provider(&operation.address) {
            Ok(provider) => provider,
            Err(fault) => return (operation.before, None, Some(Failure::untouched(*fault))),
        };
        let intent = Intent {
            environment: plan.environment.clone(),
            deployment: self.execution.options.deployment.clone(),
            address: operation.address.clone(),
            action: operation.action,
            before: operation.before.clone(),
            after: operation.after.clone(),
            depends_on: operation.depends_on.clone(),
            record: crate::Record::default(),
            taking_back: operation.taking_back,
        };
        let id = match store.begin(&intent).await {
            Ok(id) => id,
            Err(fault) => {
                let diagnostic = fault.diagnostic().about(operation.address.to_string());
                return (operation.before, None, Some(Failure::untouched(diagnostic)));
            }
        };
        let request = ApplyRequest {
            address: operation.address.clone(),
            deployment: self.execution.options.deployment.clone(),
            action: operation.action,
            before: operation.before,
            after: operation.after,
            taking_back: operation.taking_back,
        };
        let (state, failure) = match provider.apply(&request, self.events).await {
            Ok(state) => {
                let failure = wrong_end(&request, state.as_ref());
                (state, failure)
            }
            Err(failure) => {
                let mut diagnostic = *failure.diagnostic;
                if diagnostic.subject.is_none() {
                    diagnostic.subject = Some(operation.address.to_string());
                }
                (failure.state, Some(Failure { diagnostic, reverted: failure.reverted }))
            }
        };
        let outcome = match &failure {
            None => "done",
            Some(failure) if failure.reverted => "reverted",
            Some(_) => "failed",
        };
        let row =
            state.clone().map(|value| StateRow::new(operation.address.clone(), value, operation.depends_on));
        match store.finish(&id, row.as_ref(), outcome).await {
            Ok(serial) => (state, Some(serial), failure),
            Err(fault) => {
                let diagnostic = fault
                    .diagnostic()
                    .about(operation.address.to_string())
                    .hint("what was done could not be written down; the next run finds out what is true and writes it");
                (state, None, Some(Failure { diagnostic, reverted: false }))
            }
        }
    }
}

/// Why something failed, in a text that stands beside the resource's address.
pub(super) fn cause(diagnostic: &Diagnostic) -> String {
    match &diagnostic.detail {
        Some(detail) => format!("{}: {detail}", diagnostic.message),
        None => diagnostic.message.clone(),
    }
}

/// A provider that says that it was done, and answers something that cannot be.
fn wrong_end(request: &ApplyRequest, state: Option<&Value>) -> Option<Failure> {
    let message = match (request.action, state) {
        (Action::Delete, Some(_)) => "it was removed, and its provider still answers a state",
        (Action::Create | Action::Update, None) => "it was made, and its provider answers no state",
        _ => return None,
    };
    let diagnostic = Diagnostic::error("provider-fault", message)
        .about(request.address.to_string())
        .hint("this is a fault of the provider; plan again to see what is live");
    Some(Failure { diagnostic, reverted: false })
}
