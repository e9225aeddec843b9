//! A simulated agent with its clock in hand drives decisions through whole rollouts, and checks at every step what a
//! rollout promises.

use std::collections::{BTreeMap, BTreeSet};

use agent_api::{InstanceId, Phase, ServiceKey};
use proptest::prelude::*;

use super::{Action, Cause, Decision, Desired, Drain, Seen, Situation, decide};
use crate::{InstanceNames, SpecHash};

/// How the program of a description behaves.
#[derive(Debug, Clone, Copy)]
struct Program {
    /// Milliseconds until it is ready; `None`: never.
    ready_after_ms: Option<u64>,
    /// Milliseconds after it became ready at which it crashes, each time.
    crash_after_ms: Option<u64>,
    /// Milliseconds that it takes to stop.
    stop_ms: u64,
}

const GOOD: Program = Program { ready_after_ms: Some(700), crash_after_ms: None, stop_ms: 300 };

#[derive(Debug, Clone)]
struct Instance {
    spec: SpecHash,
    phase: Phase,
    /// When it entered its phase.
    since_ms: u64,
    restarts: u32,
    /// Requests in flight end at this time.
    busy_until_ms: u64,
    /// Whether it has been drained since it left the balancer.
    drained: bool,
}

/// The agent, and what the one who performs actions remembers.
#[derive(Debug, Clone)]
struct World {
    now_ms: u64,
    programs: BTreeMap<SpecHash, Program>,
    instances: BTreeMap<InstanceId, Instance>,
    serving: BTreeSet<InstanceId>,
    draining: BTreeSet<InstanceId>,
    started_here: BTreeSet<InstanceId>,
    once_healthy: BTreeSet<InstanceId>,
    progress_ms: u64,
    performed: usize,
    trace: Vec<Action>,
}

fn hash(text: &str) -> SpecHash {
    SpecHash::of(text.as_bytes())
}

fn names(spec: &SpecHash) -> InstanceNames {
    let key = ServiceKey { project: "shop".into(), environment: "dev".into(), service: "web".into() };
    InstanceNames::new(&key, spec)
}

fn desired(text: &str, replicas: u32) -> Desired {
    Desired {
        spec_hash: hash(text),
        names: names(&hash(text)),
        replicas,
        surge: replicas.div_ceil(4).max(1),
        min_healthy_ms: 2_000,
        progress_deadline_ms: 120_000,
        leave_ms: 60_000,
        distrust_others: false,
    }
}

impl World {
    /// A world in which `count` instances of the description `text` serve.
    fn with(text: &str, count: u32) -> Self {
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
            };
            world.serving.insert(id.clone());
            world.instances.insert(id, instance);
        }
        world
    }

    fn program(&self, spec: &SpecHash) -> Program {
        self.programs.get(spec).copied().unwrap_or(GOOD)
    }

    fn capacity(&self) -> usize {
        let ready = |id: &&InstanceId| self.instances.get(*id).is_some_and(|it| it.phase == Phase::Ready);
        self.serving.iter().filter(ready).count()
    }

    /// What whoever performs actions forgets when it is killed.
    fn forget(&mut self) {
        self.draining.clear();
        self.started_here.clear();
        self.once_healthy.clear();
        self.progress_ms = self.now_ms;
        for instance in self.instances.values_mut() {
            instance.drained = false;
        }
    }

    fn situation(&mut self, desired: &Desired) -> Situation {
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
            })
            .collect();
        for seen in &instances {
            if super::is_healthy(seen, desired, self.now_ms) && self.once_healthy.insert(seen.id.clone()) {
                self.progress_ms = self.now_ms;
            }
        }
        Situation { desired: desired.clone(), instances, progress_ms: self.progress_ms }
    }

    fn enter(&mut self, id: &InstanceId, phase: Phase) {
        let now_ms = self.now_ms;
        if let Some(it) = self.instances.get_mut(id) {
            (it.phase, it.since_ms) = (phase, now_ms);
        }
    }

    /// Lets time pass, in steps small enough that no event is missed.
    fn pass(&mut self, ms: u64) {
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
    fn crash(&mut self, id: &InstanceId) {
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
    fn perform(&mut self, action: &Action, desired: &Desired) {
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
                    let new =
                        Instance { spec, phase, since_ms, restarts: 0, busy_until_ms: 0, drained: false };
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
    fn run(&mut self, desired: &Desired, kill_at: Option<usize>, twice: bool, floor: usize) -> Decision {
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
    fn is(&self, text: &str, count: usize) {
        let trace = &self.trace;
        assert_eq!(self.instances.len(), count, "{trace:?}");
        assert_eq!(self.capacity(), count, "{trace:?}");
        assert_eq!(self.serving.len(), count, "{trace:?}");
        assert!(self.instances.values().all(|it| it.spec == hash(text)), "{trace:?}");
    }
}

#[test]
fn one_is_replaced_by_one_without_a_gap() {
    let mut world = World::with("v1", 1);
    assert_eq!(world.run(&desired("v2", 1), None, false, 1), Decision::Done);
    world.is("v2", 1);
    let (old, new) = (names(&hash("v1")).id(1), names(&hash("v2")).id(1));
    let order = [
        Action::Start(new.clone()),
        Action::Serve(new),
        Action::Withdraw(old.clone()),
        Action::Drain(old.clone()),
        Action::Stop(old.clone()),
        Action::Remove(old),
    ];
    assert_eq!(world.trace, order);
}

#[test]
fn several_are_replaced_within_the_surge() {
    for (count, surge) in [(3, 1), (3, 3), (10, 3)] {
        let mut world = World::with("v1", count);
        let wanted = Desired { surge, ..desired("v2", count) };
        assert_eq!(world.run(&wanted, None, false, count as usize), Decision::Done);
        world.is("v2", count as usize);
        assert_eq!(world.run(&wanted, None, false, count as usize), Decision::Done);
    }
}

#[test]
fn a_service_is_scaled_without_touching_those_that_stay() {
    for (from, to) in [(1, 4), (4, 1), (2, 0), (0, 3), (0, 0)] {
        let mut world = World::with("v1", from);
        let stay: Vec<_> = world.instances.keys().take(to.min(from) as usize).cloned().collect();
        let floor = from.min(to) as usize;
        assert_eq!(world.run(&desired("v1", to), None, false, floor), Decision::Done);
        world.is("v1", to as usize);
        assert!(
            stay.iter().all(|id| world.trace.iter().all(|action| action.id() != id)),
            "{:?}",
            world.trace
        );
    }
}

#[test]
fn a_rollout_that_also_scales_keeps_the_smaller_capacity() {
    for (from, to) in [(5, 2), (1, 5)] {
        let mut world = World::with("v1", from);
        assert_eq!(world.run(&desired("v2", to), None, false, from.min(to) as usize), Decision::Done);
        world.is("v2", to as usize);
    }
}

#[test]
fn a_crash_at_second_three_is_caught_when_health_takes_longer() {
    let mut world = World::with("v1", 3);
    world.programs.insert(hash("v2"), Program { crash_after_ms: Some(3_000), ..GOOD });
    let wanted = Desired { min_healthy_ms: 10_000, ..desired("v2", 3) };
    let end = world.run(&wanted, None, false, 3);
    assert_eq!(end, Decision::Failed(Cause::InstanceFailed(names(&hash("v2")).id(1))));
    assert!(!world.trace.iter().any(|action| matches!(action, Action::Serve(_) | Action::Withdraw(_))));
    take_back(&mut world, "v1", 3);
}

#[test]
fn one_that_never_becomes_ready_fails_at_the_deadline() {
    let mut world = World::with("v1", 2);
    world.programs.insert(hash("v2"), Program { ready_after_ms: None, ..GOOD });
    let end = world.run(&desired("v2", 2), None, false, 2);
    let waiting = vec![names(&hash("v2")).id(1)];
    assert_eq!(end, Decision::Failed(Cause::Deadline { waiting, deadline_ms: 120_000 }));
    take_back(&mut world, "v1", 2);
}

#[test]
fn a_slow_fleet_is_not_a_failed_one() {
    let mut world = World::with("v1", 6);
    world.programs.insert(hash("v2"), Program { ready_after_ms: Some(100_000), ..GOOD });
    assert_eq!(world.run(&desired("v2", 6), None, false, 6), Decision::Done);
    world.is("v2", 6);
}

fn take_back(world: &mut World, text: &str, count: u32) {
    world.forget();
    let wanted = Desired { min_healthy_ms: 0, distrust_others: true, surge: count, ..desired(text, count) };
    assert_eq!(world.run(&wanted, None, false, 1), Decision::Done);
    world.is(text, count as usize);
}

#[test]
fn a_failed_release_leaves_the_balancer_first_when_it_is_taken_back() {
    let mut world = World::with("v1", 3);
    // Two of three have moved and serve when the third fails.
    let moved = Desired { replicas: 2, ..desired("v2", 2) };
    world.instances.remove(&names(&hash("v1")).id(1));
    world.serving.remove(&names(&hash("v1")).id(1));
    for ordinal in [1, 2] {
        world.perform(&Action::Start(names(&hash("v2")).id(ordinal)), &moved);
    }
    world.pass(5_000);
    for ordinal in [1, 2] {
        world.perform(&Action::Serve(names(&hash("v2")).id(ordinal)), &moved);
    }
    world.trace.clear();
    take_back(&mut world, "v1", 3);
    assert!(
        matches!(&world.trace[..3], [Action::Start(_), Action::Withdraw(_), Action::Withdraw(_)]),
        "{:?}",
        world.trace
    );
}

#[test]
fn a_failed_old_instance_is_no_capacity_and_a_failed_right_one_is_replaced() {
    let mut world = World::with("v1", 3);
    world.enter(&names(&hash("v1")).id(2), Phase::Failed);
    world.enter(&names(&hash("v1")).id(3), Phase::Unready);
    let mut same = world.clone();
    assert_eq!(world.run(&desired("v2", 3), None, false, 1), Decision::Done);
    world.is("v2", 3);

    same.enter(&names(&hash("v1")).id(3), Phase::Ready);
    assert_eq!(same.run(&desired("v1", 3), None, false, 2), Decision::Done);
    same.is("v1", 3);
    let id = names(&hash("v1")).id(2);
    let replaced = [Action::Withdraw(id.clone()), Action::Start(id.clone()), Action::Serve(id)];
    assert_eq!(same.trace, replaced);
}

#[test]
fn a_rollout_killed_before_any_action_goes_on_where_the_world_stands() {
    for (from, to, replicas) in [("v1", "v2", 3), ("v1", "v1", 5), ("v1", "v2", 0), ("v1", "v2", 1)] {
        for kill_at in 0..60 {
            let mut world = World::with(from, 3);
            let floor = 3.min(replicas as usize);
            assert_eq!(world.run(&desired(to, replicas), Some(kill_at), false, floor), Decision::Done);
            world.is(to, replicas as usize);
        }
    }
}

#[test]
fn doing_every_action_twice_is_doing_it_once() {
    let mut world = World::with("v1", 3);
    assert_eq!(world.run(&desired("v2", 3), None, true, 3), Decision::Done);
    world.is("v2", 3);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever crashes and whenever the one who performs is killed: a rollout ends, and every promise that `perform` checks
    /// is kept on the way.
    #[test]
    fn whatever_crashes_a_rollout_ends_and_keeps_its_promises(
        old in 0u32..6,
        replicas in 0u32..6,
        surge in 1u32..4,
        same in any::<bool>(),
        distrust in any::<bool>(),
        events in proptest::collection::vec((0u64..20_000, 0usize..12, any::<bool>()), 0..12),
    ) {
        let mut world = World::with("v1", old);
        let text = if same { "v1" } else { "v2" };
        let wanted = Desired { surge, distrust_others: distrust, ..desired(text, replicas) };
        let mut events: Vec<_> = events.into_iter().map(|(at, which, kill)| (world.now_ms + at, which, kill)).collect();
        events.sort_unstable();
        events.reverse();
        let mut end = None;
        for _ in 0..50_000 {
            while events.last().is_some_and(|(at, ..)| *at <= world.now_ms) {
                let Some((_, which, kill)) = events.pop() else { break };
                if kill {
                    world.forget();
                } else if let Some(id) = world.instances.keys().nth(which).cloned() {
                    world.crash(&id);
                }
            }
            let situation = world.situation(&wanted);
            match decide(&situation, world.now_ms) {
                Decision::Act(actions) => {
                    for action in actions {
                        world.perform(&action, &wanted);
                    }
                }
                Decision::Wait { .. } => world.pass(100),
                decision => {
                    end = Some(decision);
                    if events.is_empty() {
                        break;
                    }
                    world.pass(100);
                }
            }
        }
        prop_assert!(end.is_some(), "no end: {:?}", world.trace);
        if end == Some(Decision::Done) {
            prop_assert_eq!(world.serving.len(), replicas as usize);
        }
    }
}
