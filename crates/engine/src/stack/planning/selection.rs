//! What a plan looks at where only a part was asked for: the named objects, and what they need; where everything is removed, what
//! needs them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diag::Diagnostic;
use lang::configuration::{NodeId, Tree};

use super::StackRequest;
use super::removal::Orphans;
use super::rows::{Row, block_of};
use crate::stack::plan::StackMode;
use crate::stack::walk::{Dependencies, Step, StepId, Steps, block_address};
use crate::stack::world::ResourceAt;
use crate::{Address, Mode, Target};

/// What a plan looks at.
pub(super) struct Selection(Option<Part>);

struct Part {
    tree: Arc<Tree>,
    targets: Vec<Target>,
    /// Steps that are taken.
    wanted: HashSet<Step>,
    /// Resources that are looked at with all of their instances, since others need them.
    needed: HashSet<ResourceAt>,
    /// Objects that are removed since they need what is named.
    dependents: HashSet<Address>,
}

impl Selection {
    /// What the targets select.
    pub fn new(
        tree: &Arc<Tree>,
        steps: &Steps,
        dependencies: &Dependencies,
        request: &StackRequest,
        described: &HashMap<ResourceAt, Vec<Row>>,
        orphans: &Orphans,
    ) -> Self {
        if request.targets.is_empty() {
            return Self(None);
        }
        let destroys = request.mode == StackMode::Destroy;
        let mut part = Part {
            tree: tree.clone(),
            targets: request.targets.clone(),
            wanted: HashSet::new(),
            needed: HashSet::new(),
            dependents: HashSet::new(),
        };
        let is_named = |at: ResourceAt| {
            block_address(tree, at)
                .is_some_and(|block| request.targets.iter().any(|target| may_name(target, &block)))
        };
        let resources = || {
            steps.iter().filter_map(|(id, step)| match step {
                Step::Resource(at) => Some((id, at)),
                _ => None,
            })
        };
        let mut roots: Vec<StepId> = resources().filter(|(_, at)| is_named(*at)).map(|(id, _)| id).collect();
        if destroys {
            part.dependents = dependents(request, described, orphans);
            let needs: HashSet<ResourceAt> =
                part.dependents.iter().filter_map(|address| block_of(tree, address)).collect();
            roots.extend(resources().filter(|(_, at)| needs.contains(at)).map(|(id, _)| id));
        }
        part.want(steps, &roots);
        if !destroys {
            for before in roots.iter().flat_map(|root| dependencies.before(*root)) {
                if let Some(Step::Resource(at)) = steps.get(*before) {
                    part.needed.insert(at);
                }
            }
            let followed: Vec<StepId> = steps
                .iter()
                .filter(|(id, step)| {
                    let before = dependencies.before(*id);
                    let may_follow = matches!(step, Step::Output(NodeId::ROOT, _) | Step::Check(..));
                    may_follow
                        && !before.is_empty()
                        && before
                            .iter()
                            .all(|id| steps.get(*id).is_some_and(|step| part.wanted.contains(&step)))
                })
                .map(|(id, _)| id)
                .collect();
            part.want(steps, &followed);
        }
        let left = orphans.steps(|address| {
            request.targets.iter().any(|target| target.includes(address)) || part.dependents.contains(address)
        });
        let left: Vec<StepId> =
            steps.iter().filter(|(_, step)| left.contains(step)).map(|(id, _)| id).collect();
        part.want(steps, &left);
        Self(Some(part))
    }

    /// Whether nothing is left out.
    pub fn is_everything(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a step is taken.
    pub fn wants(&self, step: Step) -> bool {
        self.0.as_ref().is_none_or(|part| part.wanted.contains(&step))
    }

    /// Whether an instance is looked at.
    pub fn includes(&self, address: &Address) -> bool {
        let Some(part) = &self.0 else { return true };
        part.targets.iter().any(|target| target.includes(address))
            || part.dependents.contains(address)
            || block_of(&part.tree, address).is_some_and(|at| part.needed.contains(&at))
    }

    /// Whether an object is removed only since it needs what is named.
    pub fn is_dependent(&self, address: &Address) -> bool {
        self.0.as_ref().is_some_and(|part| part.dependents.contains(address))
    }

    /// That only a part was looked at.
    pub fn warning(&self) -> Option<Diagnostic> {
        self.0.as_ref().map(|_| targeted())
    }
}

/// That only a part is looked at.
pub(super) fn targeted() -> Diagnostic {
    Diagnostic::warning("targeted", "Resource targeting is in effect")
        .because("only the targets and what they need are in this plan, so that it may not be all that the configuration wants")
        .hint("targets are for exceptional situations, such as recovering from faults: plan everything afterwards")
}

impl Part {
    /// These steps and everything that they come after.
    fn want(&mut self, steps: &Steps, roots: &[StepId]) {
        let roots = roots.iter().map(|root| root.0 as usize);
        for step in steps.graph().closure(roots) {
            let id = StepId(u32::try_from(step).unwrap_or(u32::MAX));
            self.wanted.extend(steps.get(id));
        }
    }
}

/// Whether a target names instances of a block, or something in it. Keys of the target do not count.
fn may_name(target: &Target, block: &Address) -> bool {
    match target {
        Target::Module(path) => {
            path.0.len() <= block.module.0.len()
                && path.0.iter().zip(block.module.0.iter()).all(|(a, b)| a.name == b.name)
        }
        Target::Resource(address) => {
            address.mode == block.mode
                && address.kind == block.kind
                && address.name == block.name
                && address.module.0.iter().map(|step| &step.name).eq(block
                    .module
                    .0
                    .iter()
                    .map(|step| &step.name))
        }
    }
}

/// What has to go with the targets, since it was made with them: what depends on them, directly or not.
fn dependents(
    request: &StackRequest,
    described: &HashMap<ResourceAt, Vec<Row>>,
    orphans: &Orphans,
) -> HashSet<Address> {
    let rows: Vec<&Row> =
        described.values().flatten().chain(orphans.groups().flat_map(|(_, rows)| rows)).collect();
    let mut needed_by: HashMap<Address, Vec<&Address>> = HashMap::new();
    for row in &rows {
        for dependency in &row.row.depends_on {
            needed_by.entry(without_keys(dependency)).or_default().push(&row.row.address);
        }
    }
    let is_named = |address: &Address| request.targets.iter().any(|target| target.includes(address));
    let mut open: Vec<&Address> = rows.iter().map(|row| &row.row.address).filter(|it| is_named(it)).collect();
    let mut seen: HashSet<Address> = HashSet::new();
    let mut all = HashSet::new();
    while let Some(address) = open.pop() {
        if !seen.insert(without_keys(address)) {
            continue;
        }
        for dependent in needed_by.get(&without_keys(address)).into_iter().flatten() {
            if dependent.mode == Mode::Managed {
                all.insert((*dependent).clone());
            }
            open.push(dependent);
        }
    }
    all
}

fn without_keys(address: &Address) -> Address {
    let mut block = address.resource();
    block.module = crate::ModulePath(
        address
            .module
            .0
            .iter()
            .map(|step| crate::ModuleStep { name: step.name.clone(), key: None })
            .collect(),
    );
    block
}
