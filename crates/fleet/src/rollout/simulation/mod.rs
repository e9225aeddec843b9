//! A simulated agent with its clock in hand drives decisions through whole rollouts, and checks at every step what a
//! rollout promises.

mod world;

use agent_api::{InstanceId, Phase};
use proptest::prelude::*;

use super::{Action, Cause, Decision, Desired, Warmth, decide};
use world::{GOOD, Instance, Program, World, desired, hash, names};

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

fn warm(text: &str, replicas: u32) -> Desired {
    Desired { warmth: Warmth::Keep { for_ms: 600_000 }, ..desired(text, replicas) }
}

/// So many instances of a description that run without traffic.
fn warm_ones(world: &World, text: &str) -> usize {
    let warm = |(id, it): &(&InstanceId, &Instance)| {
        it.spec == hash(text) && it.retires_at_ms.is_some() && !world.serving.contains(*id)
    };
    world.instances.iter().filter(warm).count()
}

#[test]
fn what_was_replaced_is_kept_warm_and_taken_back_without_a_start() {
    let mut world = World::with("v1", 3);
    assert_eq!(world.run(&warm("v2", 3), None, false, 3), Decision::Done);
    assert_eq!((warm_ones(&world, "v1"), world.capacity()), (3, 3));
    world.trace.clear();
    let begun = world.now_ms;
    assert_eq!(world.run(&warm("v1", 3), None, false, 3), Decision::Done);
    assert!(!world.trace.iter().any(|action| matches!(action, Action::Start(_))), "{:?}", world.trace);
    assert!(world.now_ms - begun < 2_000, "{} ms", world.now_ms - begun);
    assert_eq!((warm_ones(&world, "v1"), warm_ones(&world, "v2"), world.capacity()), (0, 3, 3));
}

#[test]
fn only_the_last_release_is_kept_warm_and_the_agent_ends_it() {
    let mut world = World::with("v1", 2);
    for text in ["v2", "v3"] {
        assert_eq!(world.run(&warm(text, 2), None, false, 2), Decision::Done);
    }
    assert_eq!((warm_ones(&world, "v1"), warm_ones(&world, "v2"), world.capacity()), (0, 2, 2));
    // A rollout that is taken back leaves what is warm alone, and one without warmth does not.
    let back = Desired { warmth: Warmth::Leave, ..desired("v3", 2) };
    assert_eq!(world.run(&back, None, false, 2), Decision::Done);
    assert_eq!(warm_ones(&world, "v2"), 2);
    let mut cold = world.clone();
    assert_eq!(cold.run(&desired("v3", 2), None, false, 2), Decision::Done);
    cold.is("v3", 2);
    world.pass(700_000);
    assert_eq!(world.run(&warm("v3", 2), None, false, 2), Decision::Done);
    world.is("v3", 2);
}

#[test]
fn a_service_that_goes_keeps_nothing_warm() {
    let mut world = World::with("v1", 2);
    assert_eq!(world.run(&warm("v2", 2), None, false, 2), Decision::Done);
    assert_eq!(world.run(&desired("", 0), None, false, 0), Decision::Done);
    world.is("", 0);
}

#[test]
fn a_warm_rollout_that_is_killed_anywhere_comes_to_the_same() {
    for kill_at in 0..60 {
        let mut world = World::with("v1", 3);
        assert_eq!(world.run(&warm("v2", 3), Some(kill_at), false, 3), Decision::Done);
        assert_eq!((warm_ones(&world, "v1"), world.capacity()), (3, 3), "{kill_at}: {:?}", world.trace);
    }
}

#[test]
fn a_switch_at_once_waits_for_all_and_moves_all_in_one_change() {
    for kill_at in (0..40).map(Some).chain([None]) {
        let mut world = World::with("v1", 3);
        let wanted = Desired { at_once: true, surge: 3, ..desired("v2", 3) };
        assert_eq!(world.run(&wanted, kill_at, false, 3), Decision::Done);
        world.is("v2", 3);
    }
    let mut world = World::with("v1", 3);
    let wanted = Desired { at_once: true, surge: 3, ..desired("v2", 3) };
    let actions = loop {
        let situation = world.situation(&wanted);
        match decide(&situation, world.now_ms) {
            Decision::Act(actions) if actions.iter().any(|it| matches!(it, Action::Serve(_))) => {
                break actions;
            }
            Decision::Act(actions) => actions.iter().for_each(|action| world.perform(action, &wanted)),
            _ => world.pass(100),
        }
    };
    let served = actions.iter().filter(|action| matches!(action, Action::Serve(_))).count();
    let withdrawn = actions.iter().filter(|action| matches!(action, Action::Withdraw(_))).count();
    assert_eq!((served, withdrawn), (3, 3), "{actions:?}");
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
        keeps in any::<bool>(),
        at_once in any::<bool>(),
        events in proptest::collection::vec((0u64..20_000, 0usize..12, any::<bool>()), 0..12),
    ) {
        let mut world = World::with("v1", old);
        let text = if same { "v1" } else { "v2" };
        let warmth = if keeps { Warmth::Keep { for_ms: 5_000 } } else { Warmth::Off };
        let surge = if at_once { replicas.max(1) } else { surge };
        let wanted = Desired { surge, distrust_others: distrust, warmth, at_once, ..desired(text, replicas) };
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
