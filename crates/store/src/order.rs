//! The order of rows in a snapshot.

use engine::StateRow;

/// Orders rows by address, the current object before deposed ones.
pub(crate) fn order(rows: &mut [StateRow]) {
    rows.sort_by(|a, b| a.address.cmp(&b.address).then_with(|| a.record.deposed.cmp(&b.record.deposed)));
}
