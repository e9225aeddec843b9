//! The plan of a stack: what is there is read anew, compared with what is described, and what would be done is written down as data.
//!
//! It writes nothing and makes nothing. The order of steps is [`super::walk`]'s; here is what becomes of resources.

mod ahead;
mod assemble;
mod conditions;
mod consistency;
pub(in crate::stack) mod data;
mod decide;
mod doubts;
mod ephemeral;
mod generate;
pub(in crate::stack) mod ignored;
mod imports;
mod instances;
mod managed;
pub(in crate::stack) mod marks;
mod moves;
pub(in crate::stack) mod object;
mod planner;
pub(in crate::stack) mod proposed;
mod provisioners;
mod relevant;
mod removal;
pub(in crate::stack) mod rows;
mod selection;
mod statements;
mod triggers;
mod validate;
mod written;

use std::collections::HashSet;
use std::sync::Arc;

use diag::{Diagnostics, Severity};
use lang::configuration::NodeId;
use lang::resolve::ResourceId;

use super::StackInput;
use super::apply::{Doubt, Ways};
use super::plan::{StackMode, StackPlan};
use super::walk::{Dependencies, Steps, walk};
use super::world::{Expansion, Phase, ResourceAt, World};
use crate::{Address, Events, Snapshot, Target};
use planner::{Parts, Planner};
use rows::Rows;
use selection::Selection;

pub use validate::validate;

/// What a plan is asked for.
#[derive(Clone)]
pub struct StackRequest {
    /// The configuration and its values.
    pub input: Arc<StackInput>,
    /// What is known of the environment.
    pub state: Snapshot,
    /// What is to be.
    pub mode: StackMode,
    /// Only these and what they need; empty: everything.
    pub targets: Vec<Target>,
    /// What is to be replaced whatever is described.
    pub replaced: Vec<Address>,
    /// Objects that are taken over by hand, with what they are looked up by.
    pub adopted: Vec<(Address, String)>,
    /// Objects of which it is open whether they exist.
    pub doubts: Vec<Doubt>,
    /// How a person decides about those.
    pub ways: Ways,
    /// Whether what is there is read anew; otherwise the state is believed.
    pub refreshes: bool,
    /// Whether configuration is written for imported objects that have none.
    pub generates: bool,
    /// How many providers' calls at once; at least 1.
    pub parallelism: usize,
    /// Who watches.
    pub events: Events,
}

impl StackRequest {
    /// A plan of everything, as Terraform makes it without flags.
    #[must_use]
    pub fn new(input: Arc<StackInput>, state: Snapshot) -> Self {
        Self {
            input,
            state,
            mode: StackMode::Normal,
            targets: Vec::new(),
            replaced: Vec::new(),
            adopted: Vec::new(),
            doubts: Vec::new(),
            ways: Ways::default(),
            refreshes: true,
            generates: false,
            parallelism: 10,
            events: Events::ignored(),
        }
    }
}

/// Plans a stack. Where there are errors among the diagnostics, the plan says so and holds what was found so far.
pub async fn plan(mut request: StackRequest) -> (StackPlan, Diagnostics) {
    let input = request.input.clone();
    let tree = input.tree.clone();
    let (moved, mut told) = moves::moved_rows(&tree, std::mem::take(&mut request.state.rows));
    if request.mode != StackMode::Destroy
        && let Some(fault) = moves::excluded(&moved, &request.targets)
    {
        told.extend([selection::targeted(), fault]);
        return (assemble::errored(&request), told);
    }
    // Where there is nothing to remove, nobody has to know what there is.
    request.refreshes &= request.mode != StackMode::Destroy || !moved.is_empty();
    let in_state = rows::providers(moved.iter().map(|row| &row.row));
    let phase = if request.mode == StackMode::Destroy { Phase::Destroy } else { Phase::Plan };
    let (world, faults) = World::open(input, phase, &in_state).await;
    let is_open = !faults.has_errors();
    told.extend(faults);
    let steps = if is_open { Steps::new(&tree, &world.providers) } else { Err(Diagnostics::default()) };
    let mut steps = match steps {
        Ok(steps) => steps,
        Err(faults) => {
            told.extend(faults);
            return (assemble::errored(&request), told);
        }
    };
    if !written::unknown_attributes(&world).is_empty() {
        // It is not valid, which is told with everything else that is not.
        return (assemble::errored(&request), validate(request.input.clone()).await);
    }
    told.extend(written::redundant_ignored(&world));
    let imports = imports::Imports::new(&tree, &world.providers, &request, &mut steps);
    let dependencies = Dependencies::new(&tree, &steps);
    let doubts = doubts::Doubts::new(&request.doubts, request.ways, &moved);
    let rows = Rows::new(&tree, moved);
    let orphans = removal::Orphans::new(&world, rows.orphans, &mut steps, imports.len());
    let selection = Selection::new(&tree, &steps, &dependencies, &request, &rows.described, &orphans);
    told.extend(selection.warning());
    let world = Arc::new(world);
    let steps = Arc::new(steps);
    let parts = Parts { dependencies, described: rows.described, orphans, imports, selection, doubts };
    let planner = Arc::new(Planner::new(&request, &world, &steps, parts));
    let walking = walk(world.clone(), steps, planner.clone(), request.parallelism);
    let reading = async {
        ahead::read(&planner, &world).await;
        std::future::pending().await
    };
    told.extend(tokio::select! { found = walking => found, found = reading => found });
    told.extend(planner.ephemerals.close(&planner).await);
    // Where only a part is planned, the rest is not looked at and nothing new.
    if request.targets.is_empty() {
        told.extend(planner.doubts.rest());
    }
    // What is wrong whatever the values are is told alone, and also where there happens to be nothing.
    let left_out = left_out(&world);
    let input = request.input.clone();
    let invalid = match left_out {
        _ if told.has_errors() => Some(validate(input).await),
        Some(left_out) => Some(validate::validate_only(input, left_out).await),
        None => None,
    };
    if let Some(invalid) = invalid.filter(Diagnostics::has_errors) {
        return (assemble::errored(&request), invalid);
    }
    let contradictions = statements::contradictions(&world);
    if contradictions.has_errors() {
        // What was planned by statements that contradict each other says nothing.
        told.0.retain(|fault| fault.severity == Severity::Warning);
        told.extend(contradictions);
        return (assemble::errored(&request), told);
    }
    let plan = assemble::plan(&request, &world, &planner, &mut told);
    (plan, told)
}

/// Resources of which there is no instance, so that what they say was not looked at. `None`: everything was.
fn left_out(world: &World) -> Option<HashSet<ResourceAt>> {
    let is_nowhere =
        |at: ResourceAt| world.expansions(at).is_some_and(|of| of.iter().all(Expansion::is_empty));
    let nodes = (0..).map(NodeId).zip(&world.input.tree.nodes);
    let resources = nodes.clone().flat_map(|(node, tree_node)| {
        let resources = (0..).map(ResourceId).zip(&tree_node.configuration.resources);
        resources.map(move |(resource, _)| ResourceAt { node, resource })
    });
    let left_out: HashSet<ResourceAt> =
        resources.filter(|at| world.instances(at.node).is_empty() || is_nowhere(*at)).collect();
    // A module without resources has expressions, too.
    let is_whole = left_out.is_empty() && nodes.clone().all(|(node, _)| !world.instances(node).is_empty());
    (!is_whole).then_some(left_out)
}
