//! Making a plan real: in parallel along the graph, intent before act, and taken back as a whole when a part fails.
//!
//! What is done was decided when planning. Here only what was unknown then is filled in, and it is checked that the rest is
//! still as it was planned.

mod forward;
mod operation;
mod undo;

use diag::{Diagnostic, Diagnostics};
use lang::{Configuration, ProjectFiles};
use tokio_util::sync::CancellationToken;
use value::Value;

use crate::evaluation::{OtherOutputs, World};
use crate::sequence::sequence;
use crate::{Cell, DeploymentId, DeploymentOutcome, Events, Plan, Providers, Snapshot, StateStore};
use forward::Forward;
use operation::Context;

/// How a plan is applied.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// The deployment that everything is recorded under.
    pub deployment: DeploymentId,
    /// How many changes are made at the same time, at least one.
    pub parallelism: usize,
    /// Whether everything that had moved is taken back when a part fails.
    pub take_back: bool,
}

impl ApplyOptions {
    /// Ten at a time is what Terraform does too; rollouts mostly wait.
    pub const PARALLELISM: usize = 10;

    /// Everything or nothing, ten at a time.
    #[must_use]
    pub fn new(deployment: DeploymentId) -> Self {
        Self { deployment, parallelism: Self::PARALLELISM, take_back: true }
    }
}

/// What is applied, with what, and where it is written down.
pub struct Execution<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The configuration that it was made of: what was unknown then is evaluated again.
    pub configuration: &'a Configuration,
    /// The files that functions may read.
    pub files: &'a dyn ProjectFiles,
    /// Values by variable index, the same as for the plan.
    pub variables: &'a [Value],
    /// What comes from elsewhere.
    pub others: &'a OtherOutputs,
    /// Who makes what.
    pub providers: &'a Providers,
    /// Rows and journal.
    pub store: &'a dyn StateStore,
    /// How.
    pub options: ApplyOptions,
}

/// What came of a plan.
#[derive(Debug)]
pub struct Applied {
    /// As a whole.
    pub outcome: DeploymentOutcome,
    /// Of each resource that was to change, in the order of the plan.
    pub cells: Vec<Cell>,
    /// Why, where it was not made.
    pub faults: Diagnostics,
    /// The outputs that now are; those from before where it was not made.
    pub outputs: Vec<(String, Value)>,
    /// The state's serial now.
    pub serial: u64,
}

/// Makes a plan real. When `cancel` is cancelled nothing more is begun, what runs is waited for, and what was left is told.
///
/// Dropping the future is as good as killing the program: what was begun stays open in the journal, for [`crate::settle`].
pub async fn apply(execution: Execution<'_>, events: &Events, cancel: &CancellationToken) -> Applied {
    let plan = execution.plan;
    let refused = |fault: Diagnostic, snapshot: Snapshot| Applied {
        outcome: DeploymentOutcome::Reverted,
        cells: Vec::new(),
        faults: fault.into(),
        outputs: snapshot.outputs,
        serial: snapshot.serial,
    };
    let snapshot = match execution.store.snapshot(&plan.environment).await {
        Ok(snapshot) => snapshot,
        Err(fault) => return refused(fault.diagnostic(), Snapshot::default()),
    };
    if let Some(fault) = stale(plan, &snapshot, execution.store).await {
        return refused(fault, snapshot);
    }
    let mut world = World::of_plan(&execution);
    let context = Context::new(&execution, &snapshot, events);
    let sequence = sequence(&plan.changes, &snapshot);
    let mut forward = Forward::new(&context, &sequence, &snapshot, &mut world);
    forward.run(cancel).await;
    let (mut tally, failed) = forward.into_tally();
    if failed && execution.options.take_back && !tally.cancelled {
        undo::take_back(&context, &sequence, &mut tally).await;
    }
    let mut applied = tally.into_applied(plan, &snapshot);
    if applied.outcome == DeploymentOutcome::Succeeded {
        match write_outputs(&execution, &mut world).await {
            Ok(outputs) => applied.outputs = outputs,
            Err(faults) => {
                // Everything else is made and recorded; that an output is missing is told, and undoes nothing.
                applied.outcome = DeploymentOutcome::Failed;
                applied.faults.extend(faults);
            }
        }
    }
    applied
}

/// Why a plan must not be applied any more.
async fn stale(plan: &Plan, snapshot: &Snapshot, store: &dyn StateStore) -> Option<Diagnostic> {
    if snapshot.serial != plan.base_serial {
        return Some(
            Diagnostic::error(
                "stale-plan",
                format!("the state of {} has changed since this plan was made", plan.environment),
            )
            .because(format!(
                "the plan is for serial {}, the state is at {}",
                plan.base_serial, snapshot.serial
            ))
            .hint("make a new plan, and look at it before applying it"),
        );
    }
    match store.open_operations(&plan.environment).await {
        Err(fault) => Some(fault.diagnostic()),
        // Those of infrastructure are not of this plan; its own plan has looked at them.
        Ok(open) => open.iter().find(|one| one.intent.record.provider.is_empty()).map(|operation| {
            Diagnostic::error(
                "stale-plan",
                "a run that was interrupted has left operations open since this plan was made",
            )
            .about(operation.intent.address.to_string())
            .hint("make a new plan: it begins with finding out what became of them")
        }),
    }
}

async fn write_outputs(
    execution: &Execution<'_>,
    world: &mut World<'_>,
) -> Result<Vec<(String, Value)>, Diagnostics> {
    let mut outputs = Vec::new();
    for output in &execution.plan.outputs {
        let Some(after) = &output.after else { continue };
        let value =
            if after.0.is_wholly_known() { after.0.clone() } else { world.output_by_name(&output.name)? };
        outputs.push((output.name.clone(), value));
    }
    let written = execution.store.put_outputs(&execution.plan.environment, &outputs).await;
    written.map_err(|fault| Diagnostics::from(fault.diagnostic()))?;
    Ok(outputs)
}
