//! The rolling update: looks at what is live and decides the next actions.
//!
//! It is level-triggered: it keeps no progress of its own, so that a killed rollout goes on where the world stands. It
//! performs nothing, reads no clock, and knows neither agents nor descriptions; whoever performs its actions looks again
//! and asks again.

#[cfg(test)]
mod simulation;

use std::collections::BTreeSet;

use agent_api::{InstanceId, Phase};

use crate::{InstanceNames, SpecHash};

/// What is wanted of one service in one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// What its instances are made from.
    pub spec_hash: SpecHash,
    /// The ids that its instances have.
    pub names: InstanceNames,
    /// How many of them; 0 is none.
    pub replicas: u32,
    /// How many more than `replicas` may be there while old ones still serve; at least 1.
    pub surge: u32,
    /// Milliseconds that a new instance has to be ready without a break before it serves.
    pub min_healthy_ms: u64,
    /// Milliseconds without progress after which the rollout has failed.
    pub progress_deadline_ms: u64,
    /// Milliseconds that a withdrawn instance may take to drain and stop by its own settings.
    pub leave_ms: u64,
    /// What becomes of instances of another description once they have left the balancer.
    pub warmth: Warmth,
    /// Whether all new instances are put into the balancer, and all old ones taken out of it, in one change.
    pub at_once: bool,
    /// Whether instances of another description are known to be bad: they leave the balancer as soon as one of the wanted
    /// ones serves, and not only when there are enough. So a failed release is taken back.
    pub distrust_others: bool,
}

/// What becomes of instances of another description that serve no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Warmth {
    /// They stop, and so do those that were kept warm.
    Off,
    /// They stop; those that were kept warm stay so.
    Leave,
    /// Those that are ready are kept warm, so that going back to them takes no start; those of the release before stop.
    Keep {
        /// Milliseconds.
        for_ms: u64,
    },
}

/// One instance as it is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub id: InstanceId,
    /// What it was made from.
    pub spec_hash: SpecHash,
    /// Where it stands.
    pub phase: Phase,
    /// Since when it has been ready without a break; Unix milliseconds.
    pub ready_since_ms: Option<u64>,
    /// Whether it is in the balancer; only what every proxy has acknowledged counts.
    pub serving: bool,
    /// What is known of requests in flight since it was taken out of the balancer.
    pub drain: Drain,
    /// When the agent ends it, where it is only kept warm; Unix milliseconds.
    pub retires_at_ms: Option<u64>,
    /// Whether this run has started it. One that failed before is started anew; one that this run started and that then
    /// failed is why the rollout failed.
    pub started_here: bool,
}

/// What is known of the requests in flight on an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drain {
    /// Nobody has asked yet.
    NotAsked,
    /// Somebody waits for them to end.
    Waiting,
    /// None is left, or their time is up.
    Over,
}

/// All that a decision depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// What is wanted.
    pub desired: Desired,
    /// What is there, in any order.
    pub instances: Vec<Seen>,
    /// When an instance last became healthy or went for good, or this run began; Unix milliseconds.
    pub progress_ms: u64,
}

/// What is to be done to one instance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Start it, or start it anew.
    Start(InstanceId),
    /// Put it into the balancer.
    Serve(InstanceId),
    /// Take it out of the balancer, and wait until every proxy has acknowledged it.
    Withdraw(InstanceId),
    /// Wait for its requests in flight.
    Drain(InstanceId),
    /// Let it run without traffic, until the agent ends it.
    KeepWarm(InstanceId),
    /// Let one that was kept warm stay.
    Keep(InstanceId),
    /// Tell it to stop.
    Stop(InstanceId),
    /// Remove what is left of it.
    Remove(InstanceId),
}

impl Action {
    /// The instance.
    #[must_use]
    pub fn id(&self) -> &InstanceId {
        match self {
            Self::Start(id)
            | Self::Serve(id)
            | Self::Withdraw(id)
            | Self::Drain(id)
            | Self::KeepWarm(id)
            | Self::Keep(id)
            | Self::Stop(id)
            | Self::Remove(id) => id,
        }
    }
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Do these, in any order or at once, and look again.
    Act(Vec<Action>),
    /// Look again when an instance changes, and at this time at the latest.
    Wait {
        /// Unix milliseconds.
        until_ms: u64,
        /// For people: `1 of 3 new instances ready`.
        why: String,
    },
    /// What is wanted is so.
    Done,
    /// It cannot become so.
    Failed(Cause),
}

/// Why a rollout has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// An instance that it started has spent its restarts, or could not be started.
    InstanceFailed(InstanceId),
    /// No instance became healthy for too long.
    Deadline {
        /// Those that were waited for.
        waiting: Vec<InstanceId>,
        /// How long, in milliseconds.
        deadline_ms: u64,
    },
    /// Instances that were told to stop are still there.
    NotStopping(Vec<InstanceId>),
}

/// How often a wait without an end of its own is looked at again, in milliseconds. Changes end a wait at once; this is for
/// the change whose announcement was lost.
const LOOK_AGAIN_MS: u64 = 30_000;

impl Seen {
    fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Whether it gives capacity: it is asked, and can answer.
    fn is_capacity(&self) -> bool {
        self.serving && self.is_ready()
    }

    /// Whether it runs without traffic until the agent ends it.
    fn is_warm(&self) -> bool {
        self.retires_at_ms.is_some() && !self.serving
    }

    /// Whether it runs, or will without anybody doing something.
    fn is_alive(&self) -> bool {
        match self.phase {
            Phase::Starting | Phase::Ready | Phase::Unready | Phase::BackingOff => true,
            Phase::Stopping | Phase::Exited | Phase::Failed => false,
        }
    }
}

/// When an instance that is ready has been so for long enough; `None` while it is not ready.
fn healthy_at(seen: &Seen, desired: &Desired) -> Option<u64> {
    let since = seen.ready_since_ms.filter(|_| seen.is_ready())?;
    Some(since.saturating_add(desired.min_healthy_ms))
}

/// Whether an instance has been ready for as long as is wanted.
#[must_use]
pub fn is_healthy(seen: &Seen, desired: &Desired, now_ms: u64) -> bool {
    healthy_at(seen, desired).is_some_and(|at| at <= now_ms)
}

/// The description whose warm instances are left alone: that of the last release that was replaced.
fn warmest(situation: &Situation) -> Option<&SpecHash> {
    if situation.desired.warmth == Warmth::Off {
        return None;
    }
    let warm = situation.instances.iter().filter(|seen| seen.is_warm() && seen.is_alive());
    let others = warm.filter(|seen| seen.spec_hash != situation.desired.spec_hash);
    others.max_by_key(|seen| seen.retires_at_ms).map(|seen| &seen.spec_hash)
}

/// The instances by what becomes of them.
struct Sorted<'a> {
    /// Those of the wanted description that stay: at most `replicas`.
    kept: Vec<&'a Seen>,
    /// Others that are alive and have to go, the first ones first.
    surplus: Vec<&'a Seen>,
    /// Others that are kept warm, and are left alone.
    warm: Vec<&'a Seen>,
    /// Those that are stopping.
    stopping: Vec<&'a Seen>,
    /// Those of the wanted description that are over.
    over: Vec<&'a Seen>,
    /// Those of another description that are over.
    foreign_over: Vec<&'a Seen>,
}

impl<'a> Sorted<'a> {
    fn of(situation: &'a Situation) -> Self {
        let desired = &situation.desired;
        let mut sorted = Self {
            kept: Vec::new(),
            surplus: Vec::new(),
            warm: Vec::new(),
            stopping: Vec::new(),
            over: Vec::new(),
            foreign_over: Vec::new(),
        };
        let warmest = warmest(situation);
        for seen in &situation.instances {
            let wanted = seen.spec_hash == desired.spec_hash;
            match (seen.is_alive(), seen.phase == Phase::Stopping, wanted) {
                (true, _, true) => sorted.kept.push(seen),
                (true, _, false) if seen.is_warm() && warmest == Some(&seen.spec_hash) => {
                    sorted.warm.push(seen)
                }
                (true, _, false) => sorted.surplus.push(seen),
                (false, true, _) => sorted.stopping.push(seen),
                (false, false, true) => sorted.over.push(seen),
                (false, false, false) => sorted.foreign_over.push(seen),
            }
        }
        // Whoever serves stays, then whoever could, then the lowest ordinal: so the choice is the same at every look.
        let rank = |seen: &&Seen| {
            (
                !seen.serving,
                !seen.is_ready(),
                desired.names.ordinal(&seen.id).unwrap_or(u32::MAX),
                seen.id.clone(),
            )
        };
        sorted.kept.sort_by_cached_key(rank);
        let replicas = usize::try_from(desired.replicas).unwrap_or(usize::MAX);
        let mut extra = sorted.kept.split_off(replicas.min(sorted.kept.len()));
        extra.reverse();
        sorted.surplus.sort_by(|a, b| a.id.cmp(&b.id));
        sorted.surplus.extend(extra);
        sorted.over.sort_by_key(|seen| desired.names.ordinal(&seen.id));
        sorted
    }

    fn missing(&self, desired: &Desired) -> usize {
        usize::try_from(desired.replicas).unwrap_or(usize::MAX) - self.kept.len()
    }
}

/// What is to be done next about a service in a cluster.
#[must_use]
pub fn decide(situation: &Situation, now_ms: u64) -> Decision {
    let failed = |seen: &&Seen| {
        seen.started_here && seen.phase.is_over() && seen.spec_hash == situation.desired.spec_hash
    };
    if let Some(seen) = situation.instances.iter().find(failed) {
        return Decision::Failed(Cause::InstanceFailed(seen.id.clone()));
    }
    let sorted = Sorted::of(situation);
    let mut actions = Vec::new();
    start(situation, &sorted, &mut actions);
    serve(&situation.desired, &sorted, now_ms, &mut actions);
    withdraw(situation, &sorted, now_ms, &mut actions);
    clear_away(&situation.desired, &sorted, &mut actions);
    if !actions.is_empty() {
        return Decision::Act(actions);
    }
    wait(situation, &sorted, now_ms)
}

/// Starts what is missing, as far as the surge allows.
///
/// Instances that have left the balancer do not count against the surge: with a long drain or a slow stop, counting them
/// would make the rollout as slow as its slowest leaver, while capacity is what the surge is about.
fn start(situation: &Situation, sorted: &Sorted<'_>, actions: &mut Vec<Action>) {
    let desired = &situation.desired;
    let missing = sorted.missing(desired);
    let there = sorted.kept.len() + sorted.surplus.iter().filter(|seen| seen.serving).count();
    let room = usize::try_from(desired.replicas.saturating_add(desired.surge.max(1))).unwrap_or(usize::MAX);
    let count = missing.min(room.saturating_sub(there));
    if count == 0 {
        return;
    }
    let taken: BTreeSet<&InstanceId> = [&sorted.kept, &sorted.surplus, &sorted.warm, &sorted.stopping]
        .into_iter()
        .flatten()
        .map(|seen| &seen.id)
        .collect();
    // One that is over but still in the balancer is taken out first: started anew, it would have traffic before it is healthy.
    let leaving: BTreeSet<&InstanceId> =
        sorted.over.iter().filter(|seen| seen.serving).map(|seen| &seen.id).collect();
    let ids =
        (1..=u32::MAX).map(|ordinal| desired.names.id(ordinal)).filter(|id| !taken.contains(id)).take(count);
    actions.extend(ids.filter(|id| !leaving.contains(id)).map(Action::Start));
}

fn serve(desired: &Desired, sorted: &Sorted<'_>, now_ms: u64, actions: &mut Vec<Action>) {
    actions.extend(
        sorted
            .kept
            .iter()
            .filter(|seen| seen.retires_at_ms.is_some())
            .map(|seen| Action::Keep(seen.id.clone())),
    );
    if desired.at_once && !may_switch(desired, sorted, now_ms) {
        return;
    }
    let healthy = sorted.kept.iter().filter(|seen| !seen.serving && is_healthy(seen, desired, now_ms));
    actions.extend(healthy.map(|seen| Action::Serve(seen.id.clone())));
}

/// Whether every wanted instance is there and serves, or could.
fn may_switch(desired: &Desired, sorted: &Sorted<'_>, now_ms: u64) -> bool {
    let could = |seen: &&&Seen| seen.serving || is_healthy(seen, desired, now_ms);
    sorted.missing(desired) == 0 && sorted.kept.iter().filter(could).count() == sorted.kept.len()
}

/// Takes out of the balancer what is surplus there, without going below the wanted capacity.
fn withdraw(situation: &Situation, sorted: &Sorted<'_>, now_ms: u64, actions: &mut Vec<Action>) {
    let desired = &situation.desired;
    let gone = sorted.stopping.iter().chain(&sorted.over).chain(&sorted.foreign_over);
    actions.extend(gone.filter(|seen| seen.serving).map(|seen| Action::Withdraw(seen.id.clone())));

    let capacity = situation.instances.iter().filter(|seen| seen.is_capacity()).count();
    let wanted = usize::try_from(desired.replicas).unwrap_or(usize::MAX);
    let mut spare = capacity.saturating_sub(wanted);
    let replaced = desired.replicas == 0 || sorted.kept.iter().any(|seen| seen.is_capacity());
    // Those that take over are told to serve in the same change.
    let switches = desired.at_once && may_switch(desired, sorted, now_ms);
    for seen in sorted.surplus.iter().filter(|seen| seen.serving) {
        let foreign = seen.spec_hash != desired.spec_hash;
        let may_go = if seen.is_ready() {
            switches && foreign || spare > 0 || (desired.distrust_others && foreign && replaced)
        } else {
            // It gives no capacity; but while nothing else is healthy the balancer keeps to those last known good.
            replaced
        };
        if may_go {
            spare = spare.saturating_sub(usize::from(seen.is_ready()));
            actions.push(Action::Withdraw(seen.id.clone()));
        }
    }
}

/// Drains and stops what has left the balancer, and removes what is over.
fn clear_away(desired: &Desired, sorted: &Sorted<'_>, actions: &mut Vec<Action>) {
    for seen in sorted.surplus.iter().filter(|seen| !seen.serving) {
        match seen.drain {
            Drain::NotAsked => actions.push(Action::Drain(seen.id.clone())),
            Drain::Waiting => {}
            Drain::Over if becomes_warm(desired, seen) => actions.push(Action::KeepWarm(seen.id.clone())),
            Drain::Over => actions.push(Action::Stop(seen.id.clone())),
        }
    }
    // What is over under an id of ours is kept while its place is free: it is started anew under the same id.
    let ours = sorted.over.iter().filter(|_| sorted.missing(desired) == 0);
    let removable = sorted.foreign_over.iter().chain(ours).filter(|seen| !seen.serving);
    actions.extend(removable.map(|seen| Action::Remove(seen.id.clone())));
}

/// Whether an instance that has left the balancer is worth keeping for a while.
fn becomes_warm(desired: &Desired, seen: &Seen) -> bool {
    let is_kept = matches!(desired.warmth, Warmth::Keep { for_ms } if for_ms > 0) && desired.replicas > 0;
    is_kept && seen.is_ready() && seen.retires_at_ms.is_none() && seen.spec_hash != desired.spec_hash
}

fn wait(situation: &Situation, sorted: &Sorted<'_>, now_ms: u64) -> Decision {
    let desired = &situation.desired;
    let waiting: Vec<&&Seen> = sorted.kept.iter().filter(|seen| !seen.serving).collect();
    let blocked = sorted.surplus.iter().any(|seen| seen.serving);
    let pending = !waiting.is_empty() || blocked || sorted.missing(desired) > 0;
    let leaving = sorted.surplus.len() + sorted.stopping.len();
    if !pending && leaving == 0 {
        return Decision::Done;
    }
    let deadline = situation.progress_ms.saturating_add(desired.progress_deadline_ms);
    if !pending {
        // Nobody is waited for but leavers, and an agent kills those: only a broken agent lets this time pass.
        let deadline = deadline.saturating_add(desired.leave_ms);
        if now_ms >= deadline {
            let ids = sorted.surplus.iter().chain(&sorted.stopping).map(|seen| seen.id.clone()).collect();
            return Decision::Failed(Cause::NotStopping(ids));
        }
        let draining = sorted.surplus.len();
        let why = if draining > 0 { format!("draining {draining}") } else { format!("stopping {leaving}") };
        return Decision::Wait { until_ms: deadline.min(now_ms.saturating_add(LOOK_AGAIN_MS)), why };
    }
    if now_ms >= deadline {
        let mut ids: Vec<_> = waiting.iter().map(|seen| seen.id.clone()).collect();
        if ids.is_empty() {
            ids = sorted.kept.iter().filter(|seen| !seen.is_ready()).map(|seen| seen.id.clone()).collect();
        }
        return Decision::Failed(Cause::Deadline { waiting: ids, deadline_ms: desired.progress_deadline_ms });
    }
    // Those that are healthy already wait for others.
    let soonest = waiting.iter().filter_map(|seen| healthy_at(seen, desired)).filter(|at| *at > now_ms).min();
    let until_ms = soonest.unwrap_or(u64::MAX).min(deadline).min(now_ms.saturating_add(LOOK_AGAIN_MS));
    let ready = sorted.kept.iter().filter(|seen| seen.is_ready()).count();
    let all_ready = waiting.iter().all(|seen| seen.is_ready()) && !waiting.is_empty();
    let why = match soonest {
        Some(_) if all_ready => format!("waiting {} healthy", in_seconds(desired.min_healthy_ms)),
        _ => format!("{ready} of {} new instances ready", desired.replicas),
    };
    Decision::Wait { until_ms, why }
}

/// A length of time for people: `2s`, `1.5s`.
pub(crate) fn in_seconds(ms: u64) -> String {
    match ms % 1000 {
        0 => format!("{}s", ms / 1000),
        _ => format!("{}s", ms as f64 / 1000.0),
    }
}
