//! What an apply writes before anything is done: rows that were read anew, moved, taken over or forgotten. No provider is asked.

use std::collections::HashMap;
use std::sync::Arc;

use crate::stack::plan::{Action, ResourceChange, StackPlan};
use crate::{Address, Edit, Snapshot, StateRow};

/// The edits that bring the state from what is written to what the plan goes from. Empty where that is the same.
pub(super) fn edits(plan: &StackPlan, snapshot: &Snapshot) -> Vec<Edit> {
    type Key<'a> = (&'a Address, Option<&'a str>);
    let written: HashMap<Key<'_>, &StateRow> = snapshot.rows.iter().map(|row| (key(row), row)).collect();
    let changes: HashMap<Key<'_>, &ResourceChange> =
        plan.changes.iter().map(|change| ((&change.address, change.deposed.as_deref()), change)).collect();
    let mut kept: HashMap<Key<'_>, ()> = HashMap::with_capacity(plan.prior.len());
    let mut removed = Vec::new();
    let mut put = Vec::new();
    for row in &plan.prior {
        let change = changes.get(&key(row)).copied();
        if change.is_some_and(|change| change.action == Action::Forget) {
            continue;
        }
        kept.insert(key(row), ());
        let row = with_what_changed(row, change);
        if written.get(&key(&row)).is_none_or(|written| **written != *row) {
            put.push(Edit::Put(Box::new(row.into_owned())));
        }
    }
    for row in snapshot.rows.iter().filter(|row| !kept.contains_key(&key(row))) {
        removed.push(Edit::Remove { address: row.address.clone(), deposed: row.record.deposed.clone() });
    }
    removed.extend(put);
    removed
}

fn key(row: &StateRow) -> (&Address, Option<&str>) {
    (&row.address, row.record.deposed.as_deref())
}

/// What is not done by a provider: new dependencies, another provider configuration, what its removal will be like.
fn with_what_changed<'a>(
    row: &'a StateRow,
    change: Option<&ResourceChange>,
) -> std::borrow::Cow<'a, StateRow> {
    use std::borrow::Cow;
    let Some(change) = change.filter(|change| change.action == Action::NoOp && change.deposed.is_none())
    else {
        return Cow::Borrowed(row);
    };
    let same = *row.depends_on == *change.depends_on
        && row.record.create_before_destroy == change.create_before_destroy
        && row.record.provider == change.provider
        && row.value == change.after;
    if same {
        return Cow::Borrowed(row);
    }
    let mut row = row.clone();
    row.depends_on = change.depends_on.to_vec();
    row.record.create_before_destroy = change.create_before_destroy;
    row.record.provider = Arc::clone(&change.provider);
    row.value = change.after.clone();
    Cow::Owned(row)
}
