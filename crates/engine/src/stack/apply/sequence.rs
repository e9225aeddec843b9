//! The sequence of a stack's changes: what is evaluated, made and removed after what. It decides nothing but the order.
//!
//! What is made comes after what it depends on. What is removed comes after the removal of what depended on it when that was last
//! written, and before what depends on it still or no longer is made anew; only an object whose replacement is made first is
//! removed after everything that depended on it has turned to the new one.
//!
//! Rows of the state were written at different times and may depend on each other in a circle. There, an edge that only they give
//! does not count, since removing in the wrong order is better than not at all; edges that the configuration gives always hold.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use lang::address::{Address, Mode, ResourceKind};

use crate::StateRow;
use crate::graph::Graph;
use crate::stack::plan::{Action, ResourceChange};

/// A resource block wherever it is called from: an address without any key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct BlockName {
    pub(crate) modules: Vec<Arc<str>>,
    pub(crate) mode: Mode,
    pub(crate) kind: ResourceKind,
    pub(crate) name: Arc<str>,
}

impl BlockName {
    /// The block of an instance.
    pub(crate) fn of(address: &Address) -> Self {
        Self {
            modules: address.module.0.iter().map(|step| step.name.clone()).collect(),
            mode: address.mode,
            kind: address.kind.clone(),
            name: address.name.clone(),
        }
    }
}

/// What the configuration has: its items in their order, and which of them are resources and providers.
pub(super) struct Layout<'a> {
    /// What each item comes after.
    pub(super) items: &'a Graph,
    /// The items of resource blocks.
    pub(super) blocks: HashMap<BlockName, usize>,
    /// The items of providers' configurations, by [`crate::Record::provider`].
    pub(super) providers: HashMap<Arc<str>, usize>,
}

/// One step of an apply. Numbers of items are those of the layout, numbers of changes those of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// An item of the configuration is evaluated. For a resource: its instances may be made from now on.
    Evaluate(usize),
    /// Every instance of a resource is as it is to be.
    Settled(usize),
    /// What a change makes, or leaves as it is.
    Make(usize),
    /// What a change removes.
    Remove(usize),
    /// Nothing: many come after many through it.
    Joint,
}

/// Steps, and what each comes after.
pub(super) struct Sequence {
    pub(super) steps: Vec<Step>,
    pub(super) graph: Graph,
}

/// Brings the changes of a plan into their order. `rows`: the state that the plan goes from.
pub(super) fn sequence(layout: &Layout<'_>, changes: &[ResourceChange], rows: &[StateRow]) -> Sequence {
    let mut edges = Edges::new(layout);
    let nodes: Vec<Nodes> = changes.iter().enumerate().map(|(i, c)| edges.change(layout, i, c)).collect();
    if nodes.iter().any(|node| node.remove.is_some()) {
        edges.order_removals(changes, rows, &nodes);
    }
    edges.into_sequence()
}

/// Whether a change makes something or leaves it as it is.
fn makes(change: &ResourceChange) -> bool {
    change.deposed.is_none() && !matches!(change.action, Action::Delete | Action::Forget)
}

/// Whether a change removes something.
fn removes(change: &ResourceChange) -> bool {
    change.action.is_replacement() || change.action == Action::Delete
}

/// Whether what a change removes stays until everything has turned to what replaces it.
fn removes_late(change: &ResourceChange) -> bool {
    match change.action {
        Action::CreateThenDelete => true,
        Action::Delete => change.deposed.is_some() || change.create_before_destroy,
        _ => false,
    }
}

/// The steps of one change.
#[derive(Clone, Copy)]
struct Nodes {
    make: Option<usize>,
    remove: Option<usize>,
}

/// Edges from a step to one that it comes after.
struct Edges {
    steps: Vec<Step>,
    /// Those that always hold; they make no circle.
    hard: Vec<(usize, usize)>,
    /// Those that only old rows give.
    soft: Vec<(usize, usize)>,
    /// By item: the step after which it can be referred to.
    ends: Vec<usize>,
}

impl Edges {
    fn new(layout: &Layout<'_>) -> Self {
        let items = layout.items.len();
        let mut steps: Vec<Step> = (0..items).map(Step::Evaluate).collect();
        let mut ends: Vec<usize> = (0..items).collect();
        let mut hard = Vec::new();
        let mut resources: Vec<usize> = layout.blocks.values().copied().collect();
        resources.sort_unstable();
        for item in resources {
            ends[item] = steps.len();
            hard.push((steps.len(), item));
            steps.push(Step::Settled(item));
        }
        for item in 0..items {
            hard.extend(layout.items.dependencies(item).iter().map(|before| (item, ends[*before])));
        }
        Self { steps, hard, soft: Vec::new(), ends }
    }

    fn add(&mut self, step: Step) -> usize {
        self.steps.push(step);
        self.steps.len() - 1
    }

    /// The steps of a change, and what they come after whatever the state says.
    fn change(&mut self, layout: &Layout<'_>, number: usize, change: &ResourceChange) -> Nodes {
        let make = makes(change).then(|| self.add(Step::Make(number)));
        let remove = removes(change).then(|| self.add(Step::Remove(number)));
        if let Some(make) = make
            && let Some(item) = layout.blocks.get(&BlockName::of(&change.address))
        {
            self.hard.push((make, *item));
            self.hard.push((self.ends[*item], make));
        }
        if let Some(remove) = remove
            && let Some(item) = layout.providers.get(&change.provider)
        {
            self.hard.push((remove, self.ends[*item]));
        }
        match (make, remove) {
            (Some(make), Some(remove)) if change.action == Action::CreateThenDelete => {
                self.hard.push((remove, make));
            }
            (Some(make), Some(remove)) => self.hard.push((make, remove)),
            _ => {}
        }
        Nodes { make, remove }
    }

    fn order_removals(&mut self, changes: &[ResourceChange], rows: &[StateRow], nodes: &[Nodes]) {
        let mut joints = Joints::new(changes, nodes);
        let at: HashMap<(&Address, Option<&str>), usize> =
            changes.iter().enumerate().map(|(i, c)| ((&c.address, c.deposed.as_deref()), i)).collect();
        for row in rows {
            let Some(number) = at.get(&(&row.address, row.record.deposed.as_deref())) else { continue };
            self.after_removal(&mut joints, &changes[*number], nodes[*number], &row.depends_on, true);
        }
        // What is made anew depends on what the plan says, whether or not there is a row of it.
        for (change, nodes) in changes.iter().zip(nodes).filter(|(_, nodes)| nodes.make.is_some()) {
            self.after_removal(&mut joints, change, *nodes, &change.depends_on, false);
        }
    }

    /// The edges between a change and the removals of what it depends on. `was`: it depended on it when it was last written.
    fn after_removal(
        &mut self,
        joints: &mut Joints,
        change: &ResourceChange,
        nodes: Nodes,
        depends_on: &[Address],
        was: bool,
    ) {
        let own = BlockName::of(&change.address);
        for dependency in depends_on {
            let block = BlockName::of(dependency);
            if block == own {
                continue;
            }
            let Some(members) = joints.members.get(&block) else { continue };
            let (removes_early, removes_late_ones) = (!members.early.is_empty(), !members.late.is_empty());
            if was && let Some(remove) = nodes.remove {
                if removes_early || removes_late_ones {
                    let joint = joints.get(self, &block, Meeting::DependentsRemoved);
                    self.soft.push((joint, remove));
                }
                if !removes_late(change) {
                    let joint = joints.get(self, &block, Meeting::DependentsOutOfTheWay);
                    self.soft.push((joint, remove));
                }
            }
            if let Some(make) = nodes.make {
                if removes_early {
                    let joint = joints.get(self, &block, Meeting::RemovedEarly);
                    self.soft.push((make, joint));
                }
                if removes_late_ones {
                    let joint = joints.get(self, &block, Meeting::DependentsTurned);
                    self.soft.push((joint, make));
                }
            }
        }
    }

    fn into_sequence(self) -> Sequence {
        let graph = reconcile(self.steps.len(), &self.hard, &self.soft);
        Sequence { steps: self.steps, graph }
    }
}

/// What a joint of a block stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Meeting {
    /// Everything that depended on the block and goes is gone: its removals come after it.
    DependentsRemoved,
    /// What depended on the block and goes before anything is made is gone: what the block makes comes after it.
    DependentsOutOfTheWay,
    /// Everything of the block that goes before anything is made is gone: what depends on the block is made after it.
    RemovedEarly,
    /// Everything that depends on the block has been made: removals that wait for that come after it.
    DependentsTurned,
}

/// The steps of a block's changes.
#[derive(Default)]
struct Members {
    makes: Vec<usize>,
    early: Vec<usize>,
    late: Vec<usize>,
}

struct Joints {
    members: HashMap<BlockName, Members>,
    made: HashMap<(BlockName, Meeting), usize>,
}

impl Joints {
    fn new(changes: &[ResourceChange], nodes: &[Nodes]) -> Self {
        let mut members: HashMap<BlockName, Members> = HashMap::new();
        for (change, nodes) in changes.iter().zip(nodes) {
            let members = members.entry(BlockName::of(&change.address)).or_default();
            members.makes.extend(nodes.make);
            if removes_late(change) {
                members.late.extend(nodes.remove);
            } else {
                members.early.extend(nodes.remove);
            }
        }
        Self { members, made: HashMap::new() }
    }

    fn get(&mut self, edges: &mut Edges, block: &BlockName, meeting: Meeting) -> usize {
        if let Some(joint) = self.made.get(&(block.clone(), meeting)) {
            return *joint;
        }
        let joint = edges.add(Step::Joint);
        self.made.insert((block.clone(), meeting), joint);
        let Some(members) = self.members.get(block) else { return joint };
        match meeting {
            Meeting::DependentsRemoved => {
                edges.soft.extend(members.early.iter().chain(&members.late).map(|step| (*step, joint)));
            }
            Meeting::DependentsOutOfTheWay => {
                edges.soft.extend(members.makes.iter().map(|step| (*step, joint)));
            }
            Meeting::RemovedEarly => edges.soft.extend(members.early.iter().map(|step| (joint, *step))),
            Meeting::DependentsTurned => edges.soft.extend(members.late.iter().map(|step| (*step, joint))),
        }
        joint
    }
}

/// A graph of all hard edges and of the soft ones that close no circle with them. Linear but for a heap where there is a circle.
fn reconcile(nodes: usize, hard: &[(usize, usize)], soft: &[(usize, usize)]) -> Graph {
    let with = |edges: &mut dyn Iterator<Item = &(usize, usize)>| {
        let mut graph = Graph::new(nodes);
        edges.for_each(|(dependent, dependency)| graph.add_edge(*dependent, *dependency));
        graph
    };
    let full = with(&mut hard.iter().chain(soft));
    if full.order().is_ok() {
        return full;
    }
    let mut rank = vec![0; nodes];
    for (place, node) in full.order_without_circles().into_iter().enumerate() {
        rank[node] = place;
    }
    // An order that keeps every hard edge, and apart from that is as near to the other as can be.
    let fixed = with(&mut hard.iter()).without_circles();
    let dependents = fixed.reversed();
    let mut missing: Vec<usize> = (0..nodes).map(|node| fixed.dependencies(node).len()).collect();
    let mut ready: BinaryHeap<Reverse<(usize, usize)>> =
        (0..nodes).filter(|node| missing[*node] == 0).map(|node| Reverse((rank[node], node))).collect();
    let mut place = vec![0; nodes];
    let mut next = 0;
    while let Some(Reverse((_, node))) = ready.pop() {
        place[node] = next;
        next += 1;
        for dependent in dependents.dependencies(node) {
            missing[*dependent] -= 1;
            if missing[*dependent] == 0 {
                ready.push(Reverse((rank[*dependent], *dependent)));
            }
        }
    }
    let mut graph = fixed;
    let mut seen = HashSet::new();
    for (dependent, dependency) in soft {
        if place[*dependency] < place[*dependent] && seen.insert((*dependent, *dependency)) {
            graph.add_edge(*dependent, *dependency);
        }
    }
    graph
}
