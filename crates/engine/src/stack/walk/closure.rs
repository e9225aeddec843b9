//! What each resource comes after, directly or not: the state's `dependencies`, and what `create_before_destroy` spreads to.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use lang::configuration::Tree;

use super::steps::{Step, StepId, Steps};
use crate::stack::world::ResourceAt;
use crate::{Address, Mode, ModulePath, ModuleStep, ResourceKind};

/// For each resource everything that it comes after. Sets are shared wherever they are the same.
#[derive(Debug, Clone, Default)]
pub struct Dependencies {
    /// By step: the steps of resources that it comes after, ordered.
    before: Vec<Arc<[StepId]>>,
    addresses: HashMap<ResourceAt, Arc<[Address]>>,
}

impl Dependencies {
    /// Of all steps. Linear in the size of the answer.
    #[must_use]
    pub fn new(tree: &Tree, steps: &Steps) -> Self {
        let nothing: Arc<[StepId]> = Arc::new([]);
        let mut before = vec![nothing.clone(); steps.len()];
        // A resource with everything before it: made once for all that refer to it.
        let mut with: HashMap<StepId, Arc<[StepId]>> = HashMap::new();
        for step in steps.graph().order_without_circles() {
            let id = StepId(u32::try_from(step).unwrap_or(u32::MAX));
            let mut parts: Vec<Arc<[StepId]>> = Vec::new();
            let mut taken: HashSet<*const StepId> = HashSet::new();
            for earlier in steps.before(id) {
                let part = match steps.get(earlier) {
                    // What a provider's configuration hangs on is no dependency of what it makes.
                    Some(Step::Provider(_)) => continue,
                    Some(Step::Resource(_)) => with
                        .entry(earlier)
                        .or_insert_with(|| {
                            let mut all = before[earlier.0 as usize].to_vec();
                            if let Err(at) = all.binary_search(&earlier) {
                                all.insert(at, earlier);
                            }
                            all.into()
                        })
                        .clone(),
                    _ => before[earlier.0 as usize].clone(),
                };
                if !part.is_empty() && taken.insert(part.as_ptr()) {
                    parts.push(part);
                }
            }
            before[step] = match parts.as_slice() {
                [] => nothing.clone(),
                [one] => one.clone(),
                _ => {
                    let mut all: Vec<StepId> = parts.iter().flat_map(|part| part.iter().copied()).collect();
                    all.sort_unstable();
                    all.dedup();
                    all.into()
                }
            };
        }
        let addresses = addresses(tree, steps, &before);
        Self { before, addresses }
    }

    /// What a resource comes after, as the state's `dependencies` has it: ordered, without keys.
    #[must_use]
    pub fn of(&self, at: ResourceAt) -> Arc<[Address]> {
        self.addresses.get(&at).cloned().unwrap_or_else(|| Arc::new([]))
    }

    /// The steps of resources that a step comes after, directly or not.
    #[must_use]
    pub fn before(&self, id: StepId) -> &[StepId] {
        self.before.get(id.0 as usize).map_or(&[], AsRef::as_ref)
    }
}

/// The address of a resource block without any key.
#[must_use]
pub(in crate::stack) fn block_address(tree: &Tree, at: ResourceAt) -> Option<Address> {
    let node = tree.node(at.node)?;
    let resource = node.configuration.resources.get(at.resource.0 as usize)?;
    let step = |name: &Arc<str>| ModuleStep { name: name.clone(), key: None };
    Some(Address {
        module: ModulePath(node.path.iter().map(step).collect()),
        mode: resource.mode,
        kind: ResourceKind::new(resource.kind.name.clone()),
        name: resource.name.name.clone(),
        key: None,
        cluster: None,
    })
}

fn addresses(tree: &Tree, steps: &Steps, before: &[Arc<[StepId]>]) -> HashMap<ResourceAt, Arc<[Address]>> {
    let mut shared: HashMap<*const StepId, Arc<[Address]>> = HashMap::new();
    let mut blocks: HashMap<StepId, Option<Address>> = HashMap::new();
    let mut all = HashMap::new();
    for (id, step) in steps.iter() {
        let Step::Resource(at) = step else { continue };
        let Some(set) = before.get(id.0 as usize).filter(|set| !set.is_empty()) else { continue };
        let addresses = shared.entry(set.as_ptr()).or_insert_with(|| {
            let named = |id: &StepId| {
                let block = blocks.entry(*id).or_insert_with(|| match steps.get(*id) {
                    Some(Step::Resource(at)) => {
                        block_address(tree, at).filter(|address| address.mode != Mode::Ephemeral)
                    }
                    _ => None,
                });
                block.clone()
            };
            let mut addresses: Vec<Address> = set.iter().filter_map(named).collect();
            addresses.sort_by_cached_key(ToString::to_string);
            addresses.into()
        });
        all.insert(at, addresses.clone());
    }
    all
}
