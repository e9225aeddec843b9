//! What an apply has come to, change by change and in numbers.

use diag::Diagnostic;

use super::object::End;
use super::run::Tally;
use crate::stack::plan::{Action, ResourceChange, StackPlan};
use crate::{Address, Mode};

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There was nothing to do, or nothing but to write down what is there.
    Unchanged,
    /// It was done.
    Done,
    /// It failed; what is there is in the state.
    Failed,
    /// It was not begun, since it comes after this one, which failed.
    Skipped(Option<Address>),
    /// It was not begun, since nothing was to be begun any more.
    NotBegun,
}

/// How many objects were made, changed and so on. A replacement is one made and one removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say it")]
pub struct Counts {
    pub added: usize,
    pub changed: usize,
    pub removed: usize,
    pub imported: usize,
    pub forgotten: usize,
}

/// What became of each change, and the numbers.
pub(super) fn of(plan: &StackPlan, tally: &Tally) -> (Vec<Outcome>, Counts) {
    let mut counts = Counts::default();
    let parts = tally.made.iter().zip(&tally.removed).zip(&tally.skipped);
    let outcomes = plan
        .changes
        .iter()
        .zip(parts)
        .map(|(change, ((made, removed), skipped))| {
            let outcome = outcome(change, *made, *removed, skipped.as_ref());
            counts.count(change, *made, *removed, &outcome);
            outcome
        })
        .collect();
    (outcomes, counts)
}

fn outcome(
    change: &ResourceChange,
    made: Option<End>,
    removed: Option<End>,
    skipped: Option<&Option<Address>>,
) -> Outcome {
    let parts: &[Option<End>] = match change.action {
        Action::NoOp | Action::Forget => return Outcome::Unchanged,
        Action::Create | Action::Read | Action::Update => &[made],
        Action::Delete => &[removed],
        Action::DeleteThenCreate | Action::CreateThenDelete => &[made, removed],
    };
    let ended = |end: End| parts.contains(&Some(end));
    if ended(End::Failed) {
        return Outcome::Failed;
    }
    match skipped {
        // One half was done, and what the other comes after was not.
        Some(_) if ended(End::Done) => Outcome::Failed,
        Some(root) => Outcome::Skipped(root.clone()),
        None if ended(End::Unchanged) => Outcome::Unchanged,
        None if parts.iter().all(|part| *part == Some(End::Done)) => Outcome::Done,
        None if ended(End::Done) => Outcome::Failed,
        None => Outcome::NotBegun,
    }
}

impl Counts {
    fn count(&mut self, change: &ResourceChange, made: Option<End>, removed: Option<End>, outcome: &Outcome) {
        if removed == Some(End::Done) {
            self.removed += 1;
        }
        if made == Some(End::Done) {
            match change.action {
                Action::Create | Action::DeleteThenCreate | Action::CreateThenDelete => self.added += 1,
                Action::Update => self.changed += 1,
                _ => {}
            }
        }
        if change.importing.is_some() && matches!(outcome, Outcome::Done | Outcome::Unchanged) {
            self.imported += 1;
        }
        // What is only read goes without a word.
        if change.action == Action::Forget && change.address.mode == Mode::Managed {
            self.forgotten += 1;
        }
    }
}

/// How many of what was left are named.
const NAMED_MAX: usize = 20;

/// What was to be done and was not begun, where something was stopped.
pub(super) fn left_over(plan: &StackPlan, outcomes: &[Outcome]) -> Option<Diagnostic> {
    let changes = plan.changes.iter().zip(outcomes);
    let left: Vec<&Address> = changes
        .filter(|(_, outcome)| **outcome == Outcome::NotBegun)
        .map(|(change, _)| &change.address)
        .collect();
    if left.is_empty() {
        return None;
    }
    let names: Vec<String> = left.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let names = names.join(", ");
    let more = left.len().saturating_sub(NAMED_MAX);
    let names = if more > 0 { format!("{names} and {more} more") } else { names };
    let fault = Diagnostic::error("cancelled", "it was stopped; what was running was waited for");
    Some(fault.because(format!("not begun: {names}")).hint("what was done stays done; apply again to go on"))
}
