//! The way through a sequence: whatever waits for nothing is begun, as many at the same time as are allowed, until everything has
//! ended. What hangs on something that failed is skipped and told; everything else goes on. Nothing that was done is taken back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use diag::{Diagnostic, Diagnostics};
use futures_util::stream::{FuturesUnordered, StreamExt};
use value::{Type, Value};

use super::context::{Context, Located};
use super::ephemeral;
use super::object::{End, Made, make};
use super::removal::{Removed, remove};
use super::schedule::{Ready, Schedule};
use super::sequence::{Sequence, Step};
use crate::Happened;
use crate::stack::plan::{Action, ResourceChange};
use crate::stack::walk::{Step as Item, StepId, Steps};
use crate::stack::world::{Expansion, Phase, ResourceAt};
use crate::{Address, Mode};

/// An apply under way.
pub(super) struct Run<'c, 'a> {
    context: &'c Context<'a>,
    steps: &'c Steps,
    sequence: &'c Sequence,
    schedule: Schedule,
    /// By item: whether it is evaluated at all.
    wanted: Vec<bool>,
    /// Changes of current objects by their address.
    changes: HashMap<&'a Address, usize>,
    /// By item of a resource that was begun: its instances, by instance of its module.
    members: HashMap<usize, Vec<Vec<Member>>>,
    located: Vec<Option<Located>>,
    values: Vec<Option<Value>>,
    aside: Vec<Option<Arc<str>>>,
    pace: Pace,
    pub(super) tally: Tally,
}

/// What an apply has come to.
#[derive(Default)]
pub(super) struct Tally {
    /// By change: how its parts ended.
    pub(super) made: Vec<Option<End>>,
    pub(super) removed: Vec<Option<End>>,
    /// By change: that it was skipped, and since what failed.
    pub(super) skipped: Vec<Option<Option<Address>>>,
    pub(super) faults: Diagnostics,
    /// Whether it was stopped while something was left to do.
    pub(super) stopped: bool,
}

/// An instance of a resource as the configuration has it.
enum Member {
    /// The plan has a change of it.
    Changed(usize),
    /// It has none, and is what it was.
    Kept(Value),
}

/// Something that is begun.
enum Job<'j> {
    Item(usize, Item),
    Make(usize, usize, &'j ResourceChange, Located),
    Remove(usize, usize, &'j ResourceChange, Option<Arc<str>>),
}

/// Something that has ended.
enum Ended {
    Item(usize, Diagnostics),
    Make(usize, usize, Made),
    Remove(usize, usize, Removed),
}

impl<'c, 'a> Run<'c, 'a> {
    pub(super) fn new(
        context: &'c Context<'a>,
        steps: &'c Steps,
        sequence: &'c Sequence,
        wanted: Vec<bool>,
        parallelism: usize,
    ) -> Self {
        let changes = &context.plan.changes;
        let many = changes.len();
        let current = changes.iter().enumerate().filter(|(_, change)| change.deposed.is_none());
        let tally = Tally {
            made: vec![None; many],
            removed: vec![None; many],
            skipped: vec![None; many],
            ..Tally::default()
        };
        Self {
            context,
            steps,
            sequence,
            schedule: Schedule::new(&sequence.graph),
            wanted,
            changes: current.map(|(i, change)| (&change.address, i)).collect(),
            members: HashMap::new(),
            located: vec![None; many],
            values: vec![None; many],
            aside: vec![None; many],
            pace: Pace::new(parallelism),
            tally,
        }
    }

    /// Goes on until everything has ended, or it was stopped and what ran has ended.
    pub(super) async fn run(&mut self) {
        let context = self.context;
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < self.pace.in_flight_max {
                if context.stops() {
                    self.tally.stopped = true;
                    break;
                }
                match self.schedule.next() {
                    None => break,
                    Some(Ready::Skip { step, because }) => self.skip(step, because),
                    Some(Ready::Begin(step)) => {
                        if let Some(job) = self.begin(step) {
                            running.push(perform(context, job));
                        }
                    }
                }
            }
            match running.next().await {
                Some(ended) => self.ended(ended),
                None => break,
            }
        }
    }

    /// Takes a step at once, or answers what is to be waited for.
    fn begin(&mut self, step: usize) -> Option<Job<'a>> {
        let plan = self.context.plan;
        match self.sequence.steps.get(step).copied().unwrap_or(Step::Joint) {
            Step::Joint => self.schedule.done(step),
            Step::Evaluate(item) => return self.evaluate(step, item),
            Step::Settled(item) => {
                self.settle(item);
                self.schedule.done(step);
            }
            Step::Make(number) => {
                let change = plan.changes.get(number)?;
                match self.located.get_mut(number).and_then(Option::take) {
                    Some(located) => return Some(Job::Make(step, number, change, located)),
                    None => {
                        let ended = Ended::Make(step, number, Made::failed(unlocated(change).into()));
                        self.ended(ended);
                    }
                }
            }
            Step::Remove(number) => {
                let aside = self.aside.get(number).cloned().flatten();
                return Some(Job::Remove(step, number, plan.changes.get(number)?, aside));
            }
        }
        None
    }

    fn evaluate(&mut self, step: usize, number: usize) -> Option<Job<'a>> {
        let item = self.steps.get(StepId(u32::try_from(number).unwrap_or(u32::MAX)));
        let world = self.context.world;
        let is_wanted = self.wanted.get(number).copied().unwrap_or_default();
        let Some(item) = item.filter(|_| is_wanted) else {
            self.schedule.done(step);
            return None;
        };
        let found = match item {
            Item::Provider(_) => return Some(Job::Item(step, item)),
            Item::Resource(at) => {
                let is_ephemeral = world.resource(at).is_some_and(|one| one.mode == Mode::Ephemeral);
                if is_ephemeral && world.phase != Phase::Destroy {
                    return Some(Job::Item(step, item));
                }
                self.open(number, at)
            }
            _ => world.take_step(item),
        };
        self.ended(Ended::Item(step, found));
        None
    }

    /// Finds the instances of a resource, so that they may be made.
    fn open(&mut self, item: usize, at: ResourceAt) -> Diagnostics {
        let world = self.context.world;
        let expansions = match world.expand_resource(at) {
            Ok(expansions) => expansions,
            Err(faults) => return faults,
        };
        let mut members = Vec::with_capacity(expansions.len());
        for (instance, expansion) in expansions.iter().enumerate() {
            let mut of_instance = Vec::with_capacity(expansion.len());
            for each in expansion.instances() {
                let Some(address) = world.address(at, instance, each.as_ref()) else { continue };
                let changed = self.changes.get(&address).copied();
                of_instance.push(match changed {
                    Some(number) => {
                        if let Some(located) = self.located.get_mut(number) {
                            *located = Some(Located { at, instance, each });
                        }
                        Member::Changed(number)
                    }
                    None => {
                        let row = self.context.prior.get(&(&address, None));
                        Member::Kept(
                            row.map_or_else(|| Value::unknown(Type::Dynamic), |row| row.value.clone()),
                        )
                    }
                });
            }
            members.push(of_instance);
        }
        self.members.insert(item, members);
        Diagnostics::default()
    }

    /// Every instance of a resource is as it is to be: others may see it.
    fn settle(&mut self, item: usize) {
        let Some(members) = self.members.remove(&item) else { return };
        let Some(Item::Resource(at)) = self.steps.get(StepId(u32::try_from(item).unwrap_or(u32::MAX))) else {
            return;
        };
        let destroys = self.context.world.phase == Phase::Destroy;
        let mut value = |member: Member| match member {
            Member::Kept(value) => value,
            Member::Changed(number) => {
                let change = self.context.plan.changes.get(number);
                let was = || change.filter(|_| destroys).map(|change| change.before.clone());
                let made = self.values.get_mut(number).and_then(Option::take);
                made.or_else(was).unwrap_or_else(|| Value::unknown(Type::Dynamic))
            }
        };
        let expansions: &[Expansion] = self.context.world.expansions(at).unwrap_or_default();
        let values: Vec<Value> = expansions
            .iter()
            .zip(members)
            .map(|(expansion, members)| expansion.compose(members.into_iter().map(&mut value).collect()))
            .collect();
        self.context.world.set_resource(at, values);
    }

    fn ended(&mut self, ended: Ended) {
        match ended {
            Ended::Item(step, faults) => {
                let failed = faults.has_errors();
                self.tally.faults.extend(faults);
                self.release(step, failed);
            }
            Ended::Make(step, number, made) => {
                let failed = !matches!(made.end, End::Done | End::Unchanged) || made.faults.has_errors();
                self.tally.faults.extend(made.faults);
                set(&mut self.tally.made, number, Some(made.end));
                set(&mut self.values, number, made.value);
                set(&mut self.aside, number, made.deposed);
                self.pace.took(made.took);
                if made.end == End::NotBegun {
                    self.tally.stopped = true;
                } else {
                    self.release(step, failed);
                }
            }
            Ended::Remove(step, number, removed) => {
                self.tally.faults.extend(removed.faults);
                set(&mut self.tally.removed, number, Some(removed.end));
                self.pace.took(removed.took);
                if removed.end == End::NotBegun {
                    self.tally.stopped = true;
                } else {
                    self.release(step, removed.end == End::Failed);
                }
            }
        }
    }

    fn release(&mut self, step: usize, failed: bool) {
        if failed {
            self.schedule.failed(step);
        } else {
            self.schedule.done(step);
        }
    }

    /// Tells that a change is not begun, once, and since what failed.
    fn skip(&mut self, step: usize, because: usize) {
        let (Some(Step::Make(number)) | Some(Step::Remove(number))) = self.sequence.steps.get(step).copied()
        else {
            return;
        };
        let plan = self.context.plan;
        let root = match self.sequence.steps.get(because) {
            Some(Step::Make(root) | Step::Remove(root)) => {
                plan.changes.get(*root).map(|root| root.address.clone())
            }
            _ => None,
        };
        let Some(change) = plan.changes.get(number).filter(|change| change.action != Action::NoOp) else {
            return;
        };
        let skipped = self.tally.skipped.get_mut(number);
        if let Some(skipped) = skipped.filter(|skipped| skipped.is_none()) {
            *skipped = Some(root.clone());
            // The half of a replacement that follows a failure of the other is no news.
            if root.as_ref() != Some(&change.address) {
                let because = root.into_iter().collect();
                self.context.tell(change, None, Happened::Skipped { because });
            }
        }
    }
}

fn set<T>(all: &mut [T], at: usize, value: T) {
    if let Some(slot) = all.get_mut(at) {
        *slot = value;
    }
}

/// Does what was begun.
async fn perform(context: &Context<'_>, job: Job<'_>) -> Ended {
    match job {
        Job::Item(step, Item::Provider(id)) => Ended::Item(step, context.world.configure_provider(id).await),
        Job::Item(step, Item::Resource(at)) => Ended::Item(step, ephemeral::open(context, at).await),
        Job::Item(step, item) => Ended::Item(step, context.world.take_step(item)),
        Job::Make(step, number, change, located) => {
            Ended::Make(step, number, make(context, change, &located).await)
        }
        Job::Remove(step, number, change, aside) => {
            Ended::Remove(step, number, remove(context, change, aside).await)
        }
    }
}

fn unlocated(change: &ResourceChange) -> Diagnostic {
    Diagnostic::error(
        "plan-inconsistent",
        "the plan has an instance that the configuration now does not describe",
    )
    .about(change.address.to_string())
    .because("`count` or `for_each` came out otherwise than when it was planned")
    .hint("make a new plan; nothing was done to it")
}

/// How many operations are under way at the same time.
///
/// As many providers act as are allowed, and no more. But an operation waits for the journal, too; where providers answer at once,
/// more of them are begun, so that what they write goes into one commit, while the provider is waited for by turns.
struct Pace {
    parallelism: usize,
    in_flight_max: usize,
}

impl Pace {
    /// As many as one commit of the stores takes.
    const AHEAD_MAX: usize = 128;
    /// A provider that answers within this time is not waited for.
    const INSTANT: Duration = Duration::from_millis(10);

    fn new(parallelism: usize) -> Self {
        Self { parallelism, in_flight_max: parallelism }
    }

    /// A provider took so long; none: it was not asked.
    fn took(&mut self, took: Option<Duration>) {
        let Some(took) = took else { return };
        // One at a time means that nothing else is begun before it has ended.
        if took > Self::INSTANT || self.parallelism == 1 {
            self.in_flight_max = self.parallelism;
        } else {
            self.in_flight_max = (self.in_flight_max * 2).min(Self::AHEAD_MAX.max(self.parallelism));
        }
    }
}
