//! What a plan does at each step of its walk, and what it has found so far. The order of steps is [`crate::stack::walk`]'s.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use diag::Diagnostics;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::StackRequest;
use super::ahead::Ahead;
use super::doubts::Doubts;
use super::ephemeral::Ephemerals;
use super::imports::Imports;
use super::removal::Orphans;
use super::rows::Row;
use super::selection::Selection;
use super::{data, ephemeral, imports, managed, removal};
use crate::stack::ResourceProvider;
use crate::stack::plan::{Action, Generated, ResourceChange, StackMode};
use crate::stack::providers::ProviderId;
use crate::stack::walk::{Dependencies, Step, Steps, Visitor};
use crate::stack::world::{ResourceAt, World};
use crate::{Address, Event, Events, Happened, Mode, StateRow};

/// What was found out about one resource, or about objects that no block describes.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub changes: Vec<ResourceChange>,
    pub drift: Vec<ResourceChange>,
    /// What there is now, as the plan goes from it.
    pub prior: Vec<StateRow>,
    pub generated: Vec<Generated>,
}

impl Found {
    pub fn extend(&mut self, other: Self) {
        self.changes.extend(other.changes);
        self.drift.extend(other.drift);
        self.prior.extend(other.prior);
        self.generated.extend(other.generated);
    }
}

/// A plan that is being made.
pub(super) struct Planner {
    pub mode: StackMode,
    pub refreshes: bool,
    pub generates: bool,
    pub events: Events,
    pub dependencies: Dependencies,
    pub selection: Selection,
    pub imports: Imports,
    pub doubts: Doubts,
    pub ephemerals: Ephemerals,
    pub ahead: Ahead,
    pub parallelism: usize,
    /// Resources whose replacement is made before what it replaces is removed.
    pub created_first: HashSet<ResourceAt>,
    replaced: HashSet<Address>,
    described: HashMap<ResourceAt, Vec<Row>>,
    orphans: Orphans,
    permits: Semaphore,
    /// What was found, by resource.
    found: Mutex<HashMap<ResourceAt, Arc<Found>>>,
    /// What was found out about orphans, by group.
    left: Mutex<BTreeMap<u32, Found>>,
}

/// What a plan is made with besides its steps.
pub(super) struct Parts {
    pub dependencies: Dependencies,
    pub described: HashMap<ResourceAt, Vec<Row>>,
    pub orphans: Orphans,
    pub imports: Imports,
    pub selection: Selection,
    pub doubts: Doubts,
}

impl Planner {
    pub fn new(request: &StackRequest, world: &World, steps: &Steps, parts: Parts) -> Self {
        let Parts { dependencies, described, orphans, imports, selection, doubts } = parts;
        let created_first = created_first(world, steps, &dependencies);
        Self {
            mode: request.mode,
            refreshes: request.refreshes,
            generates: request.generates,
            events: request.events.clone(),
            dependencies,
            selection,
            imports,
            doubts,
            ephemerals: Ephemerals::default(),
            ahead: Ahead::default(),
            parallelism: request.parallelism.max(1),
            created_first,
            replaced: request.replaced.iter().cloned().collect(),
            described,
            orphans,
            permits: Semaphore::new(request.parallelism.clamp(1, Semaphore::MAX_PERMITS)),
            found: Mutex::default(),
            left: Mutex::default(),
        }
    }

    /// The rows of a resource.
    pub fn rows(&self, at: ResourceAt) -> &[Row] {
        self.described.get(&at).map_or(&[], Vec::as_slice)
    }

    /// All resources with their rows.
    pub fn described(&self) -> impl Iterator<Item = (ResourceAt, &[Row])> {
        self.described.iter().map(|(at, rows)| (*at, rows.as_slice()))
    }

    /// Whether somebody asked for an instance to be replaced.
    pub fn is_to_be_replaced(&self, address: &Address) -> bool {
        !self.replaced.is_empty() && self.replaced.contains(address)
    }

    /// The right to ask a provider.
    pub async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.permits.acquire().await.ok()
    }

    /// A provider, once it is configured; a fault that is told elsewhere where it is not.
    pub fn provider<'w>(
        &self,
        world: &'w World,
        id: ProviderId,
    ) -> Result<&'w Arc<dyn ResourceProvider>, Diagnostics> {
        world.provider(id).ok_or_else(crate::stack::world::failed)
    }

    /// What was found out about a resource; `None` before its step.
    pub fn found(&self, at: ResourceAt) -> Option<Arc<Found>> {
        lock(&self.found).get(&at).cloned()
    }

    pub fn note(&self, at: ResourceAt, found: Found) {
        lock(&self.found).insert(at, Arc::new(found));
    }

    /// Whether an apply would do something to a resource.
    pub fn is_pending(&self, at: ResourceAt) -> bool {
        self.found(at).is_some_and(|found| found.changes.iter().any(|change| change.action != Action::NoOp))
    }

    pub fn tell(&self, address: &Address, deposed: Option<&Arc<str>>, happened: Happened) {
        self.events.send(Event::Object { address: address.clone(), deposed: deposed.cloned(), happened });
    }

    /// Everything that was found, and of rows that no step came to that they are there.
    pub fn take_all(&self) -> Found {
        let mut all = Found::default();
        let mut found = std::mem::take(&mut *lock(&self.found));
        for (at, rows) in &self.described {
            if !found.contains_key(at) {
                let unread =
                    |row: &&Row| row.row.address.mode == Mode::Managed || !self.selection.is_everything();
                all.prior.extend(rows.iter().filter(unread).map(|row| row.row.clone()));
            }
        }
        for (_, found) in found.drain() {
            match Arc::try_unwrap(found) {
                Ok(found) => all.extend(found),
                Err(shared) => all.prior.extend(shared.prior.iter().cloned()),
            }
        }
        let left = std::mem::take(&mut *lock(&self.left));
        for (group, rows) in self.orphans.groups() {
            if !left.contains_key(&group) {
                all.prior.extend(rows.iter().map(|row| row.row.clone()));
            }
        }
        left.into_values().for_each(|found| all.extend(found));
        all
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Resources whose replacement is made first: those that say so, and everything that they come after, since otherwise what is
/// replaced would have to be removed before and after.
fn created_first(world: &World, steps: &Steps, dependencies: &Dependencies) -> HashSet<ResourceAt> {
    let mut all = HashSet::new();
    let mut seen: HashSet<*const crate::stack::walk::StepId> = HashSet::new();
    for (id, step) in steps.iter() {
        let Step::Resource(at) = step else { continue };
        let says = world.resource(at).is_some_and(|it| it.lifecycle.create_before_destroy == Some(true));
        if !says {
            continue;
        }
        all.insert(at);
        let before = dependencies.before(id);
        // Many resources share what they come after.
        if before.is_empty() || !seen.insert(before.as_ptr()) {
            continue;
        }
        for earlier in before {
            if let Some(Step::Resource(at)) = steps.get(*earlier) {
                all.insert(at);
            }
        }
    }
    all
}

#[async_trait]
impl Visitor for Planner {
    async fn resource(&self, world: &Arc<World>, at: ResourceAt) -> Diagnostics {
        let Some(resource) = world.resource(at) else { return Diagnostics::default() };
        match resource.mode {
            Mode::Managed => managed::plan(self, world, at).await,
            Mode::Data => data::plan(self, world, at).await,
            Mode::Ephemeral => ephemeral::open(self, world, at).await,
        }
    }

    async fn own(&self, world: &Arc<World>, step: u32) -> Diagnostics {
        let (found, told) = match (self.imports.block_of(step), self.orphans.group(step)) {
            (Some(block), _) => imports::step(self, world, block).await,
            (None, Some(rows)) => removal::plan(self, world, rows).await,
            (None, None) => return Diagnostics::default(),
        };
        lock(&self.left).insert(step, found);
        told
    }

    fn wants(&self, step: Step) -> bool {
        self.selection.wants(step)
    }
}
