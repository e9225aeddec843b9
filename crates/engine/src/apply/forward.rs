//! The way forward: changes in parallel, each as soon as all that it depends on is done, until one fails.

use diag::{Diagnostic, Diagnostics};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;
use value::Value;

use super::operation::{Context, Ended, Failure, Operation, cause};
use super::{Applied, undo};
use crate::evaluation::World;
use crate::graph::{Graph, Schedule};
use crate::inconsistency::inconsistency;
use crate::{Action, Address, Cell, Change, ChangeRequest, DeploymentOutcome, Plan, Snapshot};

/// Where a change stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing is to be done, or nothing was begun.
    Untouched,
    /// It was made; what is true now.
    Made(Option<Value>),
    /// It failed, and what was before is in place.
    Reverted,
    /// It failed, and what is true now is neither; what is, as far as it is known.
    Broken(Option<Value>),
    /// It had been made, or had failed half-way, and was taken back.
    TakenBack,
    /// It was to be taken back, and could not be.
    Stuck,
}

/// What an apply has come to.
pub(super) struct Tally {
    pub(super) standings: Vec<Standing>,
    pub(super) took_ms: Vec<u64>,
    pub(super) causes: Vec<Option<String>>,
    /// Changes in the order in which they ended.
    pub(super) ended: Vec<usize>,
    pub(super) faults: Diagnostics,
    pub(super) serial: u64,
    pub(super) cancelled: bool,
}

pub(super) struct Forward<'a, 'w, 'c> {
    context: &'a Context<'a>,
    world: &'w mut World<'c>,
    schedule: Schedule,
    tally: Tally,
    failed: bool,
}

/// A change that may begin.
enum Step {
    /// There is nothing to do; this is what others see of it.
    Nothing,
    /// To be done with this description, where it has to be looked at again.
    Act(Option<Value>),
    /// It cannot be done.
    Fault(Diagnostics),
}

impl<'a, 'w, 'c> Forward<'a, 'w, 'c> {
    pub(super) fn new(
        context: &'a Context<'a>,
        sequence: &Graph,
        snapshot: &Snapshot,
        world: &'w mut World<'c>,
    ) -> Self {
        let changes = &context.execution.plan.changes;
        let tally = Tally {
            standings: vec![Standing::Untouched; changes.len()],
            took_ms: vec![0; changes.len()],
            causes: vec![None; changes.len()],
            ended: Vec::new(),
            faults: Diagnostics::default(),
            serial: snapshot.serial,
            cancelled: false,
        };
        let schedule = Schedule::new(sequence);
        Self { context, world, schedule, tally, failed: false }
    }

    /// Goes on until everything is done, or something failed and what ran beside it has ended.
    pub(super) async fn run(&mut self, cancel: &CancellationToken) {
        let parallelism = self.context.execution.options.parallelism.max(1);
        let context = self.context;
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < parallelism && !self.failed && !self.tally.cancelled {
                // A cancellation that comes while nothing waits counts before the next one begins.
                if cancel.is_cancelled() {
                    self.tally.cancelled = true;
                    break;
                }
                let Some(node) = self.schedule.next() else { break };
                let Some(change) = context.execution.plan.changes.get(node) else {
                    self.schedule.done(node);
                    continue;
                };
                match self.step(change) {
                    Step::Nothing => self.schedule.done(node),
                    Step::Act(described) => {
                        running.push(async move { (node, act(context, change, described).await) })
                    }
                    Step::Fault(faults) => self.fail(node, faults),
                }
            }
            tokio::select! {
                biased;
                ended = running.next() => match ended {
                    Some((node, ended)) => self.ended(node, ended),
                    None => break,
                },
                // After a failure nothing new begins anyway, and what had moved is taken back in any case.
                () = cancel.cancelled(), if !self.tally.cancelled && !self.failed => self.tally.cancelled = true,
            }
        }
        match self.left_over().filter(|_| self.tally.cancelled) {
            Some(fault) => self.tally.faults.push(fault),
            // It came when there was nothing left to stop.
            None => self.tally.cancelled = false,
        }
    }

    fn step(&mut self, change: &Change) -> Step {
        match (&change.action, &change.after) {
            (Action::None, after) => {
                self.world.settle(&change.address, after.as_ref().map(|after| &after.0));
                Step::Nothing
            }
            (Action::Create | Action::Update, Some(after)) if !after.0.is_wholly_known() => {
                match self.world.describe(&change.address) {
                    Ok(described) => Step::Act(Some(described)),
                    Err(faults) => Step::Fault(faults),
                }
            }
            _ => Step::Act(None),
        }
    }

    fn fail(&mut self, node: usize, faults: Diagnostics) {
        self.failed = true;
        self.tally.standings[node] = Standing::Reverted;
        self.tally.causes[node] = Some(faults.0.iter().map(cause).collect::<Vec<_>>().join("\n"));
        self.tally.faults.extend(faults);
    }

    fn ended(&mut self, node: usize, ended: Ended) {
        let change = &self.context.execution.plan.changes[node];
        self.tally.took_ms[node] = ended.took_ms;
        self.tally.ended.push(node);
        if let Some(serial) = ended.serial {
            self.tally.serial = self.tally.serial.max(serial);
        }
        match ended.failure {
            None => {
                self.world.settle(&change.address, ended.state.as_ref());
                self.tally.standings[node] = Standing::Made(ended.state);
                self.schedule.done(node);
            }
            Some(failure) => {
                self.failed = true;
                let mut diagnostic = failure.diagnostic;
                if diagnostic.span.is_none() {
                    diagnostic.span = self.world.place(&change.address);
                }
                self.tally.causes[node] = Some(cause(&diagnostic));
                self.tally.faults.push(diagnostic);
                let reverted = failure.reverted;
                self.tally.standings[node] =
                    if reverted { Standing::Reverted } else { Standing::Broken(ended.state) };
            }
        }
    }

    /// What was to change and was not begun.
    fn left_over(&self) -> Option<Diagnostic> {
        let changes = self.context.execution.plan.changes.iter().zip(&self.tally.standings);
        let left: Vec<&Address> = changes
            .filter(|(change, standing)| change.action != Action::None && **standing == Standing::Untouched)
            .map(|(change, _)| &change.address)
            .collect();
        if left.is_empty() {
            return None;
        }
        let names: Vec<String> = left.iter().take(NAMED_MAX).map(ToString::to_string).collect();
        let more = left.len().saturating_sub(NAMED_MAX);
        let names = names.join(", ");
        let names = if more > 0 { format!("{names} and {more} more") } else { names };
        let fault = Diagnostic::error("cancelled", "it was cancelled; what was running was waited for");
        let hint = "what was made stays made; apply again to go on";
        Some(fault.because(format!("not begun: {names}")).hint(hint))
    }

    /// What it has come to, and whether something failed.
    pub(super) fn into_tally(self) -> (Tally, bool) {
        (self.tally, self.failed)
    }
}

/// How many of what was left are named.
const NAMED_MAX: usize = 20;

/// Makes one change; where something was unknown when it was planned, after asking the provider for the final value.
async fn act(context: &Context<'_>, change: &Change, described: Option<Value>) -> Ended {
    let before = change.before.as_ref().map(|before| before.0.clone());
    let planned = change.after.as_ref().map(|after| after.0.clone());
    let after = match described {
        None => Ok(planned),
        Some(described) => replan(context, change, described).await,
    };
    match after {
        Err(diagnostic) => {
            Ended { state: before, serial: None, took_ms: 0, failure: Some(Failure::untouched(*diagnostic)) }
        }
        Ok(after) => {
            let operation = Operation {
                address: change.address.clone(),
                action: change.action,
                before,
                after,
                depends_on: change.depends_on.clone(),
                taking_back: false,
            };
            context.perform(operation).await
        }
    }
}

async fn replan(
    context: &Context<'_>,
    change: &Change,
    described: Value,
) -> Result<Option<Value>, Box<Diagnostic>> {
    let request = ChangeRequest {
        address: change.address.clone(),
        written: context.rows.get(&change.address).map(|row| row.value.clone()),
        live: change.before.as_ref().map(|before| before.0.clone()),
        described: Some(described),
    };
    let about = || change.address.to_string();
    let planned = context.provider(&change.address)?.plan(&request).await.map_err(|faults| {
        let fault = faults.into_iter().next();
        fault
            .unwrap_or_else(|| Diagnostic::error("provider-fault", "its provider refused without saying why"))
            .about(about())
    })?;
    let (Some(then), Some(now)) = (&change.after, &planned.planned) else { return Ok(planned.planned) };
    match inconsistency(&then.0, now) {
        None => Ok(planned.planned),
        Some(difference) => {
            let message = format!(
                "the provider of `{}` answers something else than it had planned",
                change.address.kind
            );
            let hint = "nothing was done to it; plan again, and report it if it stays so: what is planned has to hold";
            let fault =
                Diagnostic::error("plan-inconsistent", message).about(about()).because(difference).hint(hint);
            Err(Box::new(fault))
        }
    }
}

impl Tally {
    pub(super) fn into_applied(self, plan: &Plan, snapshot: &Snapshot) -> Applied {
        let stuck = self.standings.iter().any(|s| matches!(s, Standing::Stuck | Standing::Broken(_)));
        let made = self.standings.iter().any(|s| matches!(s, Standing::Made(_)));
        let outcome = match (self.faults.has_errors(), stuck, made) {
            (false, ..) => DeploymentOutcome::Succeeded,
            (true, false, false) => DeploymentOutcome::Reverted,
            (true, ..) => DeploymentOutcome::Failed,
        };
        let mut cells = Vec::new();
        let results = self.standings.into_iter().zip(self.took_ms).zip(self.causes);
        for (change, ((standing, took_ms), cause)) in plan.changes.iter().zip(results) {
            if change.action == Action::None {
                continue;
            }
            let outcome = match (&standing, change.action) {
                (Standing::Untouched, _) => "not started",
                (Standing::Made(_), Action::Create) => "created",
                (Standing::Made(_), Action::Delete) => "deleted",
                (Standing::Made(_), _) => "updated",
                (Standing::Reverted | Standing::TakenBack, _) => "reverted",
                (Standing::Broken(_) | Standing::Stuck, _) => "failed",
            };
            let release = change.after.as_ref().and_then(|after| undo::release(&after.0));
            cells.push(Cell {
                address: change.address.clone(),
                outcome: outcome.into(),
                took_ms,
                cause,
                release,
            });
        }
        Applied {
            outcome,
            cells,
            faults: self.faults,
            outputs: snapshot.outputs.clone(),
            serial: self.serial,
        }
    }
}
