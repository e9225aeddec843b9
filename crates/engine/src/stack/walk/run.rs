//! Takes the steps of a walk: each after what it comes after, as many at once as are allowed, on whatever threads there are.
//!
//! What hangs on a step that failed is left out without a word; everything else goes on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use diag::Diagnostics;
use tokio::sync::Notify;

use super::steps::{Step, StepId, Steps};
use crate::graph::Graph;
use crate::stack::world::{Phase, ResourceAt, UNTOLD, World, failed};

/// What a walk does with resources.
#[async_trait]
pub trait Visitor: Send + Sync + 'static {
    /// A resource with all of its instances. Sees to it that the world knows what others see of it. Errors among the diagnostics
    /// leave out what hangs on it.
    async fn resource(&self, world: &Arc<World>, at: ResourceAt) -> Diagnostics;

    /// A step of the visitor's own.
    async fn own(&self, world: &Arc<World>, step: u32) -> Diagnostics;

    /// Whether what hangs on a step is left out although nothing is told of it here.
    fn is_broken(&self, _world: &World, _step: Step) -> bool {
        false
    }

    /// Whether a step is to be taken at all; what hangs on one that is not goes on without it.
    fn wants(&self, _step: Step) -> bool {
        true
    }
}

/// A walk that is under way.
struct Under<V> {
    world: Arc<World>,
    steps: Arc<Steps>,
    visitor: Arc<V>,
    dependents: Graph,
    parallelism: usize,
    state: Mutex<State>,
    ended: Notify,
}

struct State {
    ready: VecDeque<u32>,
    /// By step: how many steps that come before it are still to be taken.
    missing: Vec<u32>,
    /// By step: whether something that it hangs on failed.
    blocked: Vec<bool>,
    /// How many workers there are.
    working: usize,
    /// With the step's number, so that the order of the answer does not hang on time.
    found: Vec<(u32, Diagnostics)>,
}

/// Takes all steps. `parallelism`: how many at once, at least 1.
pub async fn walk<V: Visitor>(
    world: Arc<World>,
    steps: Arc<Steps>,
    visitor: Arc<V>,
    parallelism: usize,
) -> Diagnostics {
    let graph = steps.graph();
    let missing: Vec<u32> = (0..graph.len())
        .map(|step| u32::try_from(graph.dependencies(step).len()).unwrap_or(u32::MAX))
        .collect();
    let ready: VecDeque<u32> =
        (0_u32..).zip(&missing).filter(|(_, missing)| **missing == 0).map(|(step, _)| step).collect();
    if ready.is_empty() {
        return Diagnostics::default();
    }
    let blocked = vec![false; graph.len()];
    let under = Arc::new(Under {
        dependents: graph.reversed(),
        world,
        steps,
        visitor,
        parallelism: parallelism.max(1),
        state: Mutex::new(State { ready, missing, blocked, working: 1, found: Vec::new() }),
        ended: Notify::new(),
    });
    spawn(&under);
    under.ended.notified().await;
    let mut found = std::mem::take(&mut under.lock().found);
    found.sort_by_key(|(step, _)| *step);
    let all = found.into_iter().flat_map(|(_, diagnostics)| diagnostics);
    Diagnostics(all.filter(|diagnostic| diagnostic.code != UNTOLD).collect())
}

fn spawn<V: Visitor>(under: &Arc<Under<V>>) {
    tokio::spawn(work(under.clone()));
}

/// Takes steps while there are any; the last one that ends says so.
async fn work<V: Visitor>(under: Arc<Under<V>>) {
    let mut ended: Option<(u32, Diagnostics)> = None;
    // A worker that goes down with a panic would leave the walk waiting for ever.
    let _leaving = Leaving(&under);
    loop {
        let (next, more) = {
            let mut state = under.lock();
            if let Some((step, found)) = ended.take() {
                state.settle(&under.dependents, step, found);
            }
            let next = state.next(&under.dependents);
            let more = next.is_some() && !state.ready.is_empty() && state.working < under.parallelism;
            state.working += usize::from(more);
            (next, more)
        };
        if more {
            spawn(&under);
        }
        let Some(step) = next else { return };
        let found = under.take(StepId(step)).await;
        ended = Some((step, found));
    }
}

struct Leaving<'a, V>(&'a Under<V>);

impl<V> Drop for Leaving<'_, V> {
    fn drop(&mut self) {
        let last = {
            let mut state = self.0.lock();
            state.working -= 1;
            state.working == 0
        };
        if last {
            self.0.ended.notify_one();
        }
    }
}

impl<V> Under<V> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V: Visitor> Under<V> {
    async fn take(&self, id: StepId) -> Diagnostics {
        let world = &self.world;
        let Some(step) = self.steps.get(id) else { return Diagnostics::default() };
        if !self.visitor.wants(step) {
            return Diagnostics::default();
        }
        let mut found = match step {
            Step::Provider(id) => world.configure_provider(id).await,
            Step::Resource(at) => self.visitor.resource(world, at).await,
            Step::Own(own) => self.visitor.own(world, own).await,
            other => world.take_step(other),
        };
        if self.visitor.is_broken(world, step) {
            found.extend(failed());
        }
        found
    }
}

impl World {
    /// Takes a step that asks no provider. Steps that do have nothing to do here.
    pub(in crate::stack) fn take_step(&self, step: Step) -> Diagnostics {
        match step {
            Step::Expand(node) => self.expand_module(node),
            Step::Variable(node, id) => self.evaluate_variable(node, id),
            Step::Validation(node, id) if self.has_validations(node, id) => self.validate_variable(node, id),
            Step::Local(node, id) => self.evaluate_local(node, id),
            Step::Output(node, at) => self.evaluate_output(node, at as usize),
            Step::Check(node, at) if self.phase != Phase::Destroy => self.evaluate_check(node, at as usize),
            Step::Provider(_)
            | Step::Resource(_)
            | Step::Own(_)
            | Step::Whole(_)
            | Step::Validation(..)
            | Step::Check(..) => Diagnostics::default(),
        }
    }
}

impl State {
    /// A step that can be taken. Those that hang on a fault are settled on the way.
    fn next(&mut self, dependents: &Graph) -> Option<u32> {
        while let Some(step) = self.ready.pop_front() {
            if !self.blocked.get(step as usize).copied().unwrap_or_default() {
                return Some(step);
            }
            self.release(dependents, step, true);
        }
        None
    }

    /// A step was taken.
    fn settle(&mut self, dependents: &Graph, step: u32, found: Diagnostics) {
        self.release(dependents, step, found.has_errors());
        if !found.is_empty() {
            self.found.push((step, found));
        }
    }

    fn release(&mut self, dependents: &Graph, step: u32, failed: bool) {
        for dependent in dependents.dependencies(step as usize) {
            self.blocked[*dependent] |= failed;
            self.missing[*dependent] -= 1;
            if self.missing[*dependent] == 0 {
                self.ready.push_back(u32::try_from(*dependent).unwrap_or(u32::MAX));
            }
        }
    }
}
