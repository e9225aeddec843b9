//! Making the plan of a stack real: in parallel along the graph, intent before act, each result written down as it comes.
//!
//! The configuration is evaluated again with what the apply makes known, and every change has to come out as it was planned. What was
//! done stays done when a part fails: unlike services, what providers made is not taken back. What hangs on what failed is skipped and
//! named; everything else goes on.

mod calling;
mod context;
mod describing;
mod ending;
mod ephemeral;
mod journal;
mod object;
mod opening;
mod provision;
mod removal;
mod result;
mod run;
mod schedule;
mod sequence;
mod settling;
mod summary;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use lang::configuration::NodeId;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use value::Value;

use super::StackInput;
use super::plan::{Action, CheckResult, ResourceChange, StackMode, StackPlan};
use super::walk::{Step as Item, Steps};
use super::world::{Phase, World};
use crate::{Address, DeploymentId, Events, Snapshot, StateStore, Store};
use context::Context;
use journal::Journal;
use run::{Run, Tally};
use sequence::{BlockName, Layout, sequence};

pub use settling::{Doubt, Readers, Settled, Verdict, Ways, doubts, settle};
pub use summary::{Counts, Outcome};

/// How a plan is applied.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// The deployment that everything is recorded under.
    pub deployment: DeploymentId,
    /// How many providers act at the same time, at least one.
    pub parallelism: usize,
}

impl ApplyOptions {
    /// As many as Terraform allows.
    pub const PARALLELISM: usize = 10;

    /// Ten at a time.
    #[must_use]
    pub fn new(deployment: DeploymentId) -> Self {
        Self { deployment, parallelism: Self::PARALLELISM }
    }
}

/// What is applied, with what, and where it is written down.
pub struct Execution<'a> {
    /// The plan.
    pub plan: &'a StackPlan,
    /// What it was made from. Variables that the plan has count as the plan has them; those that are never kept are given again.
    pub input: &'a StackInput,
    /// Rows and journal.
    pub store: &'a dyn Store,
    /// How.
    pub options: ApplyOptions,
}

/// What came of a plan.
#[derive(Debug)]
pub struct Applied {
    /// The state's serial now.
    pub serial: u64,
    /// Of each change, in the order of the plan.
    pub outcomes: Vec<Outcome>,
    /// How many objects were made, changed and so on.
    pub counts: Counts,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
    /// The outputs that now are, ordered by name.
    pub outputs: Vec<(String, Value)>,
    /// What the checks say now.
    pub checks: Vec<CheckResult>,
    /// What the stacks of a project now answer, by their names.
    pub stacks: Vec<(Arc<str>, Value)>,
}

/// Makes a plan real. When `cancel` is cancelled nothing more is begun, what runs is waited for, and what was left is told.
///
/// Dropping the future is as good as killing the program: what was begun stays open in the journal, for [`settle`].
pub async fn apply(execution: Execution<'_>, events: &Events, cancel: &CancellationToken) -> Applied {
    let plan = execution.plan;
    let snapshot = match execution.store.snapshot(&plan.environment).await {
        Ok(snapshot) => snapshot,
        Err(fault) => return refused(plan, Snapshot::default(), fault.diagnostic().into()),
    };
    if let Some(fault) = refusal(plan, &snapshot, execution.store).await {
        return refused(plan, snapshot, fault.into());
    }
    let (world, steps, warnings) = match open(&execution).await {
        Ok(opened) => opened,
        Err(faults) => return refused(plan, snapshot, faults),
    };
    let context = context(&execution, &world, &snapshot, events, cancel);
    let opening = opening::edits(plan, &snapshot);
    if !opening.is_empty()
        && let Err(fault) = context.journal.edit_now(Some(plan.base_serial), opening).await
    {
        return refused(plan, snapshot, fault.into());
    }
    let layout = layout(&world, &steps, plan);
    let sequence = sequence(&layout, &plan.changes, &plan.prior);
    let wanted = wanted(&world, &steps, &layout, plan);
    let mut run = Run::new(&context, &steps, &sequence, wanted, execution.options.parallelism.max(1));
    tokio::select! {
        biased;
        () = run.run() => {}
        // What is ephemeral stays open for as long as the others may use it.
        () = context.ephemerals.keep_open(&context) => {}
        // Who is asked to stop ends what it can end without leaving it half-made; the run waits for that.
        () = stop_when_cancelled(&context) => {}
    }
    let mut tally = std::mem::take(&mut run.tally);
    drop(run);
    tally.faults.extend(context.ephemerals.close(&context).await);
    tally.faults.0.splice(0..0, warnings);
    finish(&context, &snapshot, tally).await
}

/// Asks the providers to stop once the run is cancelled; never ends.
async fn stop_when_cancelled(context: &Context<'_>) {
    context.cancel.cancelled().await;
    for number in 0_u32.. {
        let id = crate::stack::ProviderId(number);
        if context.world.providers.get(id).is_none() {
            break;
        }
        if let Some(provider) = context.world.providers.ready(id) {
            provider.stop().await;
        }
    }
    std::future::pending().await
}

/// The world and its steps; warnings of opening them.
async fn open(execution: &Execution<'_>) -> Result<(World, Steps, Diagnostics), Diagnostics> {
    let plan = execution.plan;
    let mut input = execution.input.clone();
    input.now_ms = plan.created_at_ms;
    if let Some(root) = input.tree.root() {
        input.variables.resize(root.variables.len(), None);
        for (slot, variable) in input.variables.iter_mut().zip(&root.variables) {
            if let Some(planned) = plan.variables.get(&variable.name.name) {
                *slot = Some(planned.clone());
            }
        }
    }
    let phase = if plan.mode == StackMode::Destroy { Phase::Destroy } else { Phase::Apply };
    let texts: BTreeSet<Arc<str>> = plan.changes.iter().map(|change| change.provider.clone()).collect();
    let (world, found) = World::open(Arc::new(input), phase, &texts).await;
    if found.has_errors() {
        return Err(found);
    }
    let steps = Steps::new(&world.input.tree, &world.providers)?;
    Ok((world, steps, found))
}

fn context<'a>(
    execution: &Execution<'a>,
    world: &'a World,
    snapshot: &Snapshot,
    events: &'a Events,
    cancel: &'a CancellationToken,
) -> Context<'a> {
    let plan = execution.plan;
    let prior = plan.prior.iter().map(|row| ((&row.address, row.record.deposed.as_deref()), row)).collect();
    let tree = &world.input.tree;
    let mut blocks = HashMap::new();
    let mut removed = Vec::new();
    for (number, node) in (0_u32..).zip(&tree.nodes) {
        let id = NodeId(number);
        for at in world.resources_of(id) {
            if let Some(address) = super::walk::block_address(tree, at) {
                blocks.insert(BlockName::of(&address), at);
            }
        }
        let with_provisioners = node.configuration.removed.iter().filter(|one| !one.provisioners.is_empty());
        removed.extend(with_provisioners.map(|one| (id, one)));
    }
    Context {
        plan,
        world,
        deployment: execution.options.deployment.clone(),
        journal: Journal::new(
            execution.store,
            plan.environment.clone(),
            execution.options.deployment.clone(),
            snapshot.serial,
        ),
        events,
        cancel,
        permits: Semaphore::new(execution.options.parallelism.clamp(1, Semaphore::MAX_PERMITS)),
        prior,
        blocks,
        removed,
        ephemerals: ephemeral::Ephemerals::default(),
    }
}

fn layout<'s>(world: &World, steps: &'s Steps, plan: &StackPlan) -> Layout<'s> {
    let tree = &world.input.tree;
    let mut blocks = HashMap::new();
    for (id, step) in steps.iter() {
        if let Item::Resource(at) = step
            && let Some(address) = super::walk::block_address(tree, at)
        {
            blocks.insert(BlockName::of(&address), id.0 as usize);
        }
    }
    let mut providers = HashMap::new();
    for change in &plan.changes {
        if !providers.contains_key(&change.provider)
            && let Some(id) = world.providers.of_state(&change.provider)
        {
            providers.insert(change.provider.clone(), steps.of_provider(id).0 as usize);
        }
    }
    Layout { items: steps.graph(), blocks, providers }
}

/// The items that are evaluated: all of them; but only what providers need where everything is removed, and only what the changes
/// and the planned outputs need where the plan looked at a part.
fn wanted(world: &World, steps: &Steps, layout: &Layout<'_>, plan: &StackPlan) -> Vec<bool> {
    if plan.mode != StackMode::Destroy && plan.targets.is_empty() {
        return vec![true; steps.len()];
    }
    let mut roots: BTreeSet<usize> = layout.providers.values().copied().collect();
    if plan.mode != StackMode::Destroy {
        let blocks =
            plan.changes.iter().filter_map(|change| layout.blocks.get(&BlockName::of(&change.address)));
        roots.extend(blocks.copied());
        let declared = world.configuration(NodeId::ROOT).map_or(&[][..], |root| &root.outputs);
        let planned: BTreeSet<&str> = plan.outputs.iter().map(|output| output.name.as_ref()).collect();
        let outputs = declared.iter().enumerate().filter(|(_, o)| planned.contains(o.name.name.as_ref()));
        roots.extend(outputs.filter_map(|(at, _)| steps.of_output(NodeId::ROOT, at)).map(|id| id.0 as usize));
    }
    let mut wanted = vec![false; steps.len()];
    for item in steps.graph().closure(roots.into_iter()) {
        wanted[item] = true;
    }
    wanted
}

async fn finish(context: &Context<'_>, snapshot: &Snapshot, mut tally: Tally) -> Applied {
    let plan = context.plan;
    let outputs = ending::outputs(plan, context.world, snapshot);
    let checks = ending::checks(plan, context.world);
    let edits = ending::edits(&outputs, &checks, plan, snapshot);
    if !edits.is_empty()
        && !context.journal.is_broken()
        && let Err(fault) = context.journal.edit_now(None, edits).await
    {
        tally.faults.push(fault);
    }
    let (outcomes, counts) = summary::of(plan, &tally);
    if tally.stopped
        && let Some(fault) = summary::left_over(plan, &outcomes)
    {
        tally.faults.push(fault);
    }
    tally.faults.0.retain(|fault| fault.code != super::world::UNTOLD);
    if !plan.targets.is_empty() {
        tally.faults.push(
            Diagnostic::warning("targeted", "Applied changes may be incomplete")
                .because("the plan was made for some targets only, so that other changes that the configuration wants may be left")
                .hint("plan again without targets"),
        );
    }
    Applied {
        serial: context.journal.serial(),
        outcomes,
        counts,
        diagnostics: tally.faults,
        outputs,
        checks,
        stacks: context.world.stack_outputs(),
    }
}

/// Why a plan must not be applied.
async fn refusal(plan: &StackPlan, snapshot: &Snapshot, store: &dyn StateStore) -> Option<Diagnostic> {
    let stale = |message: String, why: String| {
        let fault = Diagnostic::error("stale-plan", message).because(why);
        Some(fault.hint("make a new plan, and look at it before applying it; nothing was done"))
    };
    if plan.is_errored {
        let message = "this plan was stopped by faults, and cannot be applied";
        return Some(Diagnostic::error("errored-plan", message).hint("mend the faults, and make a new plan"));
    }
    if snapshot.lineage != plan.lineage {
        let message =
            format!("Saved plan does not match the given state: {} has another state now", plan.environment);
        let why = format!("the plan is for lineage {:?}, the state has {:?}", plan.lineage, snapshot.lineage);
        return stale(message, why);
    }
    if snapshot.serial != plan.base_serial {
        let message = format!(
            "Saved plan is stale: the state of {} has changed since this plan was made",
            plan.environment
        );
        return stale(
            message,
            format!("the plan is for serial {}, the state is at {}", plan.base_serial, snapshot.serial),
        );
    }
    match store.open_operations(&plan.environment).await {
        Err(fault) => Some(fault.diagnostic()),
        Ok(open) => {
            let message = "a run that was interrupted has left operations open since this plan was made";
            // What is in doubt waits for a person, and for nothing that this plan does, unless the plan makes it.
            let made = |address: &Address| plan.changes.iter().any(|change| is_made(change, address));
            let first =
                open.iter().find(|one| !settling::is_doubtful(&one.intent) || made(&one.intent.address))?;
            stale(message.into(), "what became of them is not known yet".into())
                .map(|fault| fault.about(first.intent.address.to_string()))
        }
    }
}

/// Whether a change makes an object at an address that the state knows nothing of.
fn is_made(change: &ResourceChange, address: &Address) -> bool {
    let makes = change.action == Action::Create || change.action.is_replacement();
    change.address == *address && change.importing.is_none() && makes
}

/// Nothing was done.
fn refused(plan: &StackPlan, snapshot: Snapshot, diagnostics: Diagnostics) -> Applied {
    Applied {
        serial: snapshot.serial,
        outcomes: vec![Outcome::NotBegun; plan.changes.len()],
        counts: Counts::default(),
        diagnostics,
        outputs: snapshot.outputs,
        checks: plan.checks.clone(),
        stacks: Vec::new(),
    }
}
