//! Reading ahead: what is there of an object hangs on nothing but its row and its provider, so that it is asked for as soon as the
//! provider is configured, not only when everything that the object refers to was planned.
//!
//! It decides nothing: whoever plans an instance takes what was read, waits for it, or reads it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use diag::Diagnostics;
use futures_util::stream::{self, StreamExt};
use tokio::sync::OnceCell;

use super::object::{Asking, Read};
use super::planner::Planner;
use super::rows::Row;
use crate::Address;
use crate::stack::plan::StackMode;
use crate::stack::providers::ProviderId;
use crate::stack::world::{ResourceAt, World};

/// An object that is read once, by whoever comes first.
type Reading = Arc<OnceCell<Result<Read, Diagnostics>>>;

/// Objects that are read ahead and that nobody has asked for yet.
#[derive(Default)]
pub(super) struct Ahead(Mutex<HashMap<Address, Reading>>);

impl Ahead {
    /// What is, or will be, known of an object; it is handed out once. `None`: it is not read ahead.
    pub fn take(&self, row: &Row) -> Option<Reading> {
        let is_current = row.row.record.deposed.is_none();
        is_current.then(|| self.lock().remove(&row.row.address)).flatten()
    }

    fn add(&self, address: &Address) {
        self.lock().insert(address.clone(), Reading::default());
    }

    /// The object, if nobody has taken it.
    fn peek(&self, address: &Address) -> Option<Reading> {
        self.lock().get(address).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Address, Reading>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads what has a block and is made by another process. It may be dropped at any time.
pub(super) async fn read(planner: &Planner, world: &World) {
    if !planner.refreshes || planner.mode == StackMode::Destroy {
        return;
    }
    let mut by_provider: BTreeMap<ProviderId, Vec<(ResourceAt, &Row)>> = BTreeMap::new();
    for (at, rows) in planner.described() {
        let Some(id) = world.providers.of_resource(at.node, at.resource) else { continue };
        if !world.providers.unconfigured(id).is_some_and(|provider| provider.is_remote()) {
            continue;
        }
        let rows = rows
            .iter()
            .filter(|row| row.row.record.deposed.is_none() && planner.selection.includes(&row.row.address));
        by_provider.entry(id).or_default().extend(rows.map(|row| (at, row)));
    }
    let all = by_provider.into_iter().map(async |(id, rows)| {
        let rows = in_order(rows);
        for (_, row) in &rows {
            planner.ahead.add(&row.row.address);
        }
        world.providers.when_ready(id).await;
        let each = async |(at, row): (ResourceAt, &Row)| {
            // Faults are told by whoever plans it.
            let Ok((_, asking)) = Asking::of(planner, world, at) else { return };
            if let Some(reading) = planner.ahead.peek(&row.row.address) {
                reading.get_or_init(|| asking.read_anew(planner, row)).await;
            }
        };
        stream::iter(rows).for_each_concurrent(planner.parallelism, each).await;
    });
    futures_util::future::join_all(all).await;
}

/// What there is little of first: how long a read takes is mostly a matter of the kind, and many short ones fill the time beside a long
/// one, if it was begun early. Otherwise from the end, since the plan itself begins at the other.
fn in_order(mut rows: Vec<(ResourceAt, &Row)>) -> Vec<(ResourceAt, &Row)> {
    let mut many: HashMap<&str, usize> = HashMap::new();
    for (_, row) in &rows {
        *many.entry(row.row.address.kind.as_str()).or_default() += 1;
    }
    rows.sort_by(|(a, one), (b, other)| {
        let count = |row: &Row| many.get(row.row.address.kind.as_str()).copied();
        let by_count = count(one).cmp(&count(other));
        by_count.then_with(|| b.cmp(a)).then_with(|| one.row.address.cmp(&other.row.address))
    });
    rows
}
