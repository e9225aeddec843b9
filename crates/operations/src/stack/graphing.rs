//! What of a stack comes after what: its resources alone, all steps of a walk, or the objects of a plan or of a state.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use engine::stack::StackPlan;
use engine::stack::plan::Action;
use engine::stack::walk::{Step, StepId, Steps};
use engine::stack::world::{Phase, ResourceAt, World};
use engine::{Address, ModulePath, ModuleStep, ResourceKind, Snapshot};
use lang::configuration::{NodeId, Tree};

use super::{LoadedStack, StackFolder};
use crate::{Fault, clock};

/// Things and what each comes after.
#[derive(Debug, Clone, Default)]
pub struct StackGraph {
    /// The things.
    pub nodes: Vec<GraphNode>,
    /// From a thing to one that it comes after, by their places; those that follow from others are left out.
    pub edges: Vec<(usize, usize)>,
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphNode {
    /// A resource, or one of its objects.
    Resource(Address),
    /// A provider's configuration, as a state writes it.
    Provider(String),
    /// Anything else that is evaluated, by its name.
    Value(String),
}

/// Above this many things edges that follow from others are kept: telling takes memory by the square.
const REDUCED_MAX: usize = 20_000;

impl StackFolder {
    /// The resources of a stack.
    ///
    /// # Errors
    /// If providers cannot be had, or something needs itself.
    pub async fn resource_graph(&self, stack: &LoadedStack) -> Result<StackGraph, Fault> {
        let (_, steps) = self.steps(stack).await?;
        let resources: Vec<(StepId, ResourceAt)> = steps
            .iter()
            .filter_map(|(id, step)| match step {
                Step::Resource(at) => Some((id, at)),
                _ => None,
            })
            .collect();
        let places: HashMap<StepId, usize> =
            resources.iter().enumerate().map(|(at, (id, _))| (*id, at)).collect();
        let nodes = resources.iter().map(|(_, at)| block(&stack.tree, *at));
        let nodes: Vec<GraphNode> = nodes.map(GraphNode::Resource).collect();
        let before = resources.iter().map(|(id, _)| nearest(&steps, *id, &places)).collect();
        Ok(StackGraph { nodes, edges: edges(before) })
    }

    /// Everything that is evaluated.
    ///
    /// # Errors
    /// As [`StackFolder::resource_graph`].
    pub async fn step_graph(&self, stack: &LoadedStack) -> Result<StackGraph, Fault> {
        let (world, steps) = self.steps(stack).await?;
        let mut nodes = Vec::new();
        let mut places: HashMap<StepId, usize> = HashMap::new();
        for (id, step) in steps.iter() {
            let Some(node) = self::node(&stack.tree, &world, step) else { continue };
            places.insert(id, nodes.len());
            nodes.push(node);
        }
        let mut before: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
        for (id, _) in steps.iter() {
            if let Some(at) = places.get(&id) {
                before[*at] = nearest(&steps, id, &places);
            }
        }
        Ok(StackGraph { nodes, edges: edges(before) })
    }

    async fn steps(&self, stack: &LoadedStack) -> Result<(World, Steps), Fault> {
        let input = self.input(stack, &self.workspace(), Vec::new(), clock::now_ms());
        let (world, found) = World::open(Arc::new(input), Phase::Validate, &BTreeSet::new()).await;
        if found.has_errors() {
            return Err(stack.fault(found));
        }
        let steps = Steps::new(&stack.tree, &world.providers).map_err(|found| stack.fault(found))?;
        Ok((world, steps))
    }
}

/// What a plan would do, object by object.
#[must_use]
pub fn plan_graph(plan: &StackPlan) -> StackGraph {
    let changes = plan.changes.iter().filter(|it| it.action != Action::NoOp && it.deposed.is_none());
    let changes: Vec<_> = changes.collect();
    let of: Vec<(&Address, &[Address])> =
        changes.iter().map(|change| (&change.address, change.depends_on.as_ref())).collect();
    objects(&of, false)
}

/// The objects of a state in the order in which they would be removed.
#[must_use]
pub fn removal_graph(snapshot: &Snapshot) -> StackGraph {
    let rows = snapshot.rows.iter().filter(|row| row.record.deposed.is_none());
    let of: Vec<(&Address, &[Address])> = rows.map(|row| (&row.address, row.depends_on.as_slice())).collect();
    objects(&of, true)
}

fn objects(all: &[(&Address, &[Address])], is_removal: bool) -> StackGraph {
    let mut by_block: HashMap<Address, Vec<usize>> = HashMap::new();
    for (at, (address, _)) in all.iter().enumerate() {
        by_block.entry(without_keys(address)).or_default().push(at);
    }
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    for (at, (_, depends_on)) in all.iter().enumerate() {
        for earlier in depends_on.iter().filter_map(|on| by_block.get(&without_keys(on))).flatten() {
            if is_removal {
                before[*earlier].push(at);
            } else {
                before[at].push(*earlier);
            }
        }
    }
    let nodes = all.iter().map(|(address, _)| GraphNode::Resource((*address).clone())).collect();
    StackGraph { nodes, edges: edges(before) }
}

fn without_keys(address: &Address) -> Address {
    let steps = address.module.0.iter().map(|step| ModuleStep { name: step.name.clone(), key: None });
    Address { module: ModulePath(steps.collect()), ..address.resource() }
}

/// A resource block by its address without keys.
fn block(tree: &Tree, at: ResourceAt) -> Address {
    let node = tree.node(at.node);
    let path = node.map_or(&[][..], |node| &node.path);
    let module = ModulePath(path.iter().map(|name| ModuleStep { name: name.clone(), key: None }).collect());
    let resource = node.and_then(|node| node.configuration.resource(at.resource));
    let (kind, name) = resource.map_or_else(
        || (Arc::from(""), Arc::from("")),
        |resource| (resource.kind.name.clone(), resource.name.name.clone()),
    );
    let mode = resource.map_or_else(Default::default, |resource| resource.mode);
    Address { module, mode, kind: ResourceKind::new(kind), ..Address::new("", name) }
}

/// What a step is called; `None` for steps that only say how others hang together.
fn node(tree: &Tree, world: &World, step: Step) -> Option<GraphNode> {
    let named = |node: NodeId, name: String| {
        let path = tree.node(node).map_or(&[][..], |node| &node.path);
        let module: String = path.iter().map(|name| format!("module.{name}.")).collect();
        GraphNode::Value(format!("{module}{name}"))
    };
    let configuration = |node: NodeId| Some(&tree.node(node)?.configuration);
    Some(match step {
        Step::Resource(at) => GraphNode::Resource(block(tree, at)),
        Step::Provider(id) => GraphNode::Provider(world.providers.get(id)?.text.to_string()),
        Step::Variable(at, id) => named(at, format!("var.{}", configuration(at)?.variable(id)?.name.name)),
        Step::Local(at, id) => named(at, format!("local.{}", configuration(at)?.local(id)?.name.name)),
        Step::Output(at, id) => {
            named(at, format!("output.{}", configuration(at)?.outputs.get(id as usize)?.name.name))
        }
        Step::Check(at, id) => {
            named(at, format!("check.{}", configuration(at)?.checks.get(id as usize)?.name.name))
        }
        Step::Expand(at) if at != NodeId::ROOT => {
            let path = &tree.node(at)?.path;
            let names: Vec<String> = path.iter().map(|name| format!("module.{name}")).collect();
            GraphNode::Value(names.join("."))
        }
        Step::Expand(_) | Step::Validation(..) | Step::Whole(_) | Step::Own(_) => return None,
    })
}

/// Those of `places` that a step comes after, over steps that are none of them.
fn nearest(steps: &Steps, of: StepId, places: &HashMap<StepId, usize>) -> Vec<usize> {
    let mut found = BTreeSet::new();
    let mut seen: HashSet<StepId> = HashSet::new();
    let mut open: Vec<StepId> = steps.before(of).collect();
    while let Some(step) = open.pop() {
        if !seen.insert(step) {
            continue;
        }
        match places.get(&step) {
            Some(at) => {
                found.insert(*at);
            }
            // What a provider's configuration hangs on is no dependency of what it makes.
            None if matches!(steps.get(step), Some(Step::Provider(_))) => {}
            None => open.extend(steps.before(step)),
        }
    }
    found.into_iter().collect()
}

/// The edges to what each comes after, without those that follow from others.
fn edges(before: Vec<Vec<usize>>) -> Vec<(usize, usize)> {
    let count = before.len();
    if count > REDUCED_MAX {
        return before.iter().enumerate().flat_map(|(at, all)| all.iter().map(move |it| (at, *it))).collect();
    }
    let words = count.div_ceil(64);
    // Everything that each comes after, directly or not, as bits.
    let mut reached: Vec<Option<Vec<u64>>> = vec![None; count];
    for start in 0..count {
        let mut open = vec![(start, false)];
        while let Some((at, is_ready)) = open.pop() {
            if reached[at].is_some() {
                continue;
            }
            if !is_ready {
                open.push((at, true));
                open.extend(before[at].iter().filter(|it| reached[**it].is_none()).map(|it| (*it, false)));
                continue;
            }
            let mut bits = vec![0_u64; words];
            for earlier in &before[at] {
                bits[earlier / 64] |= 1 << (earlier % 64);
                if let Some(further) = &reached[*earlier] {
                    bits.iter_mut().zip(further).for_each(|(bits, further)| *bits |= further);
                }
            }
            reached[at] = Some(bits);
        }
    }
    let reaches = |from: usize, to: usize| {
        reached[from].as_ref().is_some_and(|bits| bits[to / 64] >> (to % 64) & 1 == 1)
    };
    let mut edges = Vec::new();
    for (at, all) in before.iter().enumerate() {
        let distinct: BTreeSet<usize> = all.iter().copied().filter(|it| *it != at).collect();
        let direct = distinct.iter().filter(|to| !distinct.iter().any(|by| by != *to && reaches(*by, **to)));
        edges.extend(direct.map(|to| (at, *to)));
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_others_is_left_out() {
        // 0 after 1 and 2, 1 after 2, 3 after nothing.
        assert_eq!(edges(vec![vec![1, 2], vec![2], vec![], vec![]]), [(0, 1), (1, 2)]);
    }
}
