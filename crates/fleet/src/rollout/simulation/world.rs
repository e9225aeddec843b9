//! The simulated agent, and whoever performs actions there.

use std::collections::{BTreeMap, BTreeSet};

use agent_api::{InstanceId, Phase, ServiceKey};

use crate::rollout::{Action, Decision, Desired, Drain, Seen, Situation, Warmth, decide, is_healthy};
use crate::{InstanceNames, SpecHash};

/// How the program of a description behaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program {
    /// Milliseconds until it is ready; `None`: never.
    pub(super) ready_after_ms: Option<u64>,
    /// Milliseconds after it became ready at which it crashes, each time.
    pub(super) crash_after_ms: Option<u64>,
    /// Milliseconds that it takes to stop.
    pub(super) stop_ms: u64,
}

pub(super) const GOOD: Program = Program { ready_after_ms: Some(700), crash_after_ms: None, stop_ms: 300 };

#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) spec: SpecHash,
    pub(super) phase: Phase,
    /// When it entered its phase.
    pub(super) since_ms: u64,
    pub(super) restarts: u32,
    /// Requests in flight end at this time.
    pub(super) busy_until_ms: u64,
    /// Whether it has been drained since it left the balancer.
    pub(super) drained: bool,
    /// When the agent ends it.
    pub(super) retires_at_ms: Option<u64>,
}

/// The agent, and what the one who performs actions remembers.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) now_ms: u64,
    pub(super) programs: BTreeMap<SpecHash, Program>,
    pub(super) instances: BTreeMap<InstanceId, Instance>,
    pub(super) serving: BTreeSet<InstanceId>,
    pub(super) draining: BTreeSet<InstanceId>,
    pub(super) started_here: BTreeSet<InstanceId>,
    pub(super) once_healthy: BTreeSet<InstanceId>,
    pub(super) progress_ms: u64,
    pub(super) performed: usize,
    pub(super) trace: Vec<Action>,
}

pub(super) fn hash(text: &str) -> SpecHash {
    SpecHash::of(text.as_bytes())
}

pub(super) fn names(spec: &SpecHash) -> InstanceNames {
    let key = ServiceKey { project: "shop".into(), environment: "dev".into(), service: "web".into() };
    InstanceNames::new(&key, spec)
}

pub(super) fn desired(text: &str, replicas: u32) -> Desired {
    Desired {
        spec_hash: hash(text),
        names: names(&hash(text)),
        replicas,
        surge: replicas.div_ceil(4).max(1),
        min_healthy_ms: 2_000,
        progress_deadline_ms: 120_000,
        leave_ms: 60_000,
        warmth: Warmth::Off,
        at_once: false,
        distrust_others: false,
    }
}

impl World {
    /// A world in which `count` instances of the description `text` serve.
    pub(super) fn with(text: &str, count: u32) -> Self {
        let mut world = Self {
            now_ms: 1_000_000,
            programs: BTreeMap::new(),
            instances: BTreeMap::new(),
            serving: BTreeSet::new(),
            draining: BTreeSet::new(),
            started_here: BTreeSet::new(),
            once_healthy: BTreeSet::new(),
            progress_ms: 1_000_000,
            performed: 0,
            trace: Vec::new(),
        };
        for ordinal in 1..=count {
            let id = names(&hash(text)).id(ordinal);
            let instance = Instance {
                spec: hash(text),
                phase: Phase::Ready,
                since_ms: 500_000,
                restarts: 0,
                busy_until_ms: 0,
                drained: false,
                retires_at_ms: None,
            };
            world.serving.insert(id.clone());
            world.instances.insert(id, instance);
        }
        world
    }

    pub(super) fn program(&self, spec: &SpecHash) -> Program {
        self.programs.get(spec).copied().unwrap_or(GOOD)
    }

    pub(super) fn capacity(&self) -> usize {
        let ready = |id: &&InstanceId| self.instances.get(*id).is_some_and(|it| it.phase == Phase::Ready);
        self.serving.iter().filter(ready).count()
    }

    /// What whoever performs actions forgets when it is killed.
    pub(super) fn forget(&mut self) {
        self.draining.clear();
        self.started_here.clear();
        self.once_healthy.clear();
        self.progress_ms = self.now_ms;
        for instance in self.instances.values_mut() {
            instance.drained = false;
        }
    }

    pub(super) fn situation(&mut self, desired: &Desired) -> Situation {
        let instances: Vec<_> = self
            .instances
            .iter()
            .map(|(id, it)| Seen {
                id: id.clone(),
                spec_hash: it.spec.clone(),
                phase: it.phase,
                ready_since_ms: (it.phase == Phase::Ready).then_some(it.since_ms),
                serving: self.serving.contains(id),
                drain: match (it.drained, self.draining.contains(id)) {
                    (true, _) => Drain::Over,
                    (false, true) => Drain::Waiting,
                    (false, false) => Drain::NotAsked,
                },
                started_here: self.started_here.contains(id),
                retires_at_ms: it.retires_at_ms,
            })
            .collect();
        for seen in &instances {
            if is_healthy(seen, desired, self.now_ms) && self.once_healthy.insert(seen.id.clone()) {
                self.progress_ms = self.now_ms;
            }
        }
        Situation { desired: desired.clone(), instances, progress_ms: self.progress_ms }
    }

    pub(super) fn enter(&mut self, id: &InstanceId, phase: Phase) {
        let now_ms = self.now_ms;
        if let Some(it) = self.instances.get_mut(id) {
            (it.phase, it.since_ms) = (phase, now_ms);
        }
    }

    /// Lets time pass, in steps small enough that no event is missed.
    pub(super) fn pass(&mut self, ms: u64) {
        for _ in 0..ms.div_ceil(100) {
            self.now_ms += 100;
            for (id, it) in self.instances.clone() {
                let program = self.program(&it.spec);
                let age = self.now_ms - it.since_ms;
                match it.phase {
                    Phase::Starting if program.ready_after_ms.is_some_and(|ms| age >= ms) => {
                        self.enter(&id, Phase::Ready);
                    }
                    Phase::Ready if program.crash_after_ms.is_some_and(|ms| age >= ms) => self.crash(&id),
                    Phase::BackingOff if age >= 1_000 << it.restarts => self.enter(&id, Phase::Starting),
                    Phase::Stopping if age >= program.stop_ms => self.enter(&id, Phase::Exited),
                    Phase::Ready
                        if it.retires_at_ms.is_some_and(|at| at <= self.now_ms)
                            && !self.serving.contains(&id) =>
                    {
                        self.enter(&id, Phase::Stopping);
                    }
                    _ => {}
                }
                if self.draining.contains(&id) && self.now_ms >= it.busy_until_ms {
                    self.draining.remove(&id);
                    self.instances.entry(id).and_modify(|it| it.drained = true);
                }
            }
        }
    }

    /// The program exits by itself.
    pub(super) fn crash(&mut self, id: &InstanceId) {
        let Some(it) = self
            .instances
            .get_mut(id)
            .filter(|it| matches!(it.phase, Phase::Starting | Phase::Ready | Phase::Unready))
        else {
            return;
        };
        it.restarts += 1;
        let phase = if it.restarts > 3 { Phase::Failed } else { Phase::BackingOff };
        self.enter(id, phase);
    }

    /// Performs an action as an agent would, and checks that it may be done now.
    pub(super) fn perform(&mut self, action: &Action, desired: &Desired) {
        self.performed += 1;
        self.trace.push(action.clone());
        let id = action.id().clone();
        let trace = format!("{action:?} at {} in {:?}", self.now_ms, self.instances);
        match action {
            Action::Start(_) => {
                self.started_here.insert(id.clone());
                let over = self.instances.get(&id).is_none_or(|it| it.phase.is_over());
                if over {
                    assert!(!self.serving.contains(&id), "it would have traffic at once: {trace}");
                    let spec = desired.spec_hash.clone();
                    let (since_ms, phase) = (self.now_ms, Phase::Starting);
                    let new = Instance {
                        spec,
                        phase,
                        since_ms,
                        restarts: 0,
                        busy_until_ms: 0,
                        drained: false,
                        retires_at_ms: None,
                    };
                    self.instances.insert(id, new);
                }
            }
            Action::Serve(_) => {
                let it = &self.instances[&id];
                assert!(it.phase == Phase::Ready, "traffic to an unready one: {trace}");
                assert!(self.now_ms - it.since_ms >= desired.min_healthy_ms, "not for long enough: {trace}");
                self.serving.insert(id.clone());
                self.instances.entry(id).and_modify(|it| it.drained = false);
            }
            Action::Withdraw(_) => {
                let before = self.capacity();
                self.serving.remove(&id);
                let wanted = desired.replicas as usize;
                let kept = before == self.capacity() || self.capacity() >= wanted;
                assert!(kept || desired.distrust_others, "below the wanted capacity: {trace}");
                assert!(self.capacity() >= 1.min(before).min(wanted), "nothing left: {trace}");
                let now_ms = self.now_ms;
                self.instances.entry(id).and_modify(|it| it.busy_until_ms = now_ms + 500);
            }
            Action::Drain(_) => {
                assert!(!self.serving.contains(&id), "drained while it has traffic: {trace}");
                self.draining.insert(id);
            }
            Action::KeepWarm(_) => {
                assert!(!self.serving.contains(&id), "it would end while it has traffic: {trace}");
                assert!(
                    self.instances[&id].busy_until_ms <= self.now_ms,
                    "requests in flight are not waited for: {trace}"
                );
                let Warmth::Keep { for_ms } = desired.warmth else { panic!("nobody asked for it: {trace}") };
                let at = self.now_ms + for_ms;
                self.instances.entry(id).and_modify(|it| it.retires_at_ms = Some(at));
            }
            Action::Keep(_) => {
                self.instances.entry(id).and_modify(|it| it.retires_at_ms = None);
            }
            Action::Stop(_) => {
                assert!(!self.serving.contains(&id), "stopped while it has traffic: {trace}");
                assert!(
                    self.instances[&id].busy_until_ms <= self.now_ms,
                    "requests in flight are lost: {trace}"
                );
                self.enter(&id, Phase::Stopping);
            }
            Action::Remove(_) => {
                assert!(self.instances.get(&id).is_none_or(|it| it.phase.is_over()), "alive: {trace}");
                self.instances.remove(&id);
                self.progress_ms = self.now_ms;
            }
        }
    }

    /// Decides and performs until there is nothing more to decide. `kill_at`: all memory is lost before the action of this
    /// number. `twice`: every action is repeated. `floor`: what the capacity never falls below.
    pub(super) fn run(
        &mut self,
        desired: &Desired,
        kill_at: Option<usize>,
        twice: bool,
        floor: usize,
    ) -> Decision {
        let first = self.performed;
        for _ in 0..100_000 {
            let situation = self.situation(desired);
            match decide(&situation, self.now_ms) {
                Decision::Act(actions) => {
                    for action in actions {
                        if kill_at == Some(self.performed - first) {
                            self.forget();
                            self.performed += 1;
                            break;
                        }
                        self.perform(&action, desired);
                        if twice && !matches!(action, Action::Remove(_)) {
                            self.perform(&action, desired);
                        }
                        assert!(self.capacity() >= floor, "capacity fell: {:?}", self.trace);
                    }
                    self.surge_is_kept(desired, &situation);
                    self.pass(100);
                }
                Decision::Wait { until_ms, why } => {
                    assert!(until_ms > self.now_ms, "waits for what is past: {why}");
                    self.pass(100);
                }
                end => return end,
            }
        }
        panic!("the rollout came to no end: {:?}", self.trace);
    }

    fn surge_is_kept(&self, desired: &Desired, before: &Situation) {
        let alive = |(id, it): &(&InstanceId, &Instance)| {
            !it.phase.is_over() && (self.serving.contains(*id) || it.spec == desired.spec_hash)
        };
        let there = self.instances.iter().filter(alive).count();
        let most = (desired.replicas + desired.surge) as usize;
        assert!(there <= most.max(before.instances.len()), "more than the surge: {:?}", self.trace);
    }

    /// Only `count` instances of `text` are there, and all of them serve.
    pub(super) fn is(&self, text: &str, count: usize) {
        let trace = &self.trace;
        assert_eq!(self.instances.len(), count, "{trace:?}");
        assert_eq!(self.capacity(), count, "{trace:?}");
        assert_eq!(self.serving.len(), count, "{trace:?}");
        assert!(self.instances.values().all(|it| it.spec == hash(text)), "{trace:?}");
    }
}
