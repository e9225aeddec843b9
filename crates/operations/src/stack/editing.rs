//! Edits of a state by hand that need no engine.

use std::sync::Arc;

use engine::stack::ProviderAddress;
use engine::{Address, Edit, Snapshot};

/// A provider that takes another one's place.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// The edits.
    pub edits: Vec<Edit>,
    /// The resources that it concerns, without keys, ordered.
    pub resources: Vec<Address>,
}

/// Gives every object of one provider to another.
#[must_use]
pub fn replace_provider(snapshot: &Snapshot, from: &ProviderAddress, to: &ProviderAddress) -> Replacement {
    let (old, new) = (format!("provider[\"{from}\"]"), format!("provider[\"{to}\"]"));
    let mut replacement = Replacement { edits: Vec::new(), resources: Vec::new() };
    for row in snapshot.rows.iter().filter(|row| row.record.provider.contains(&old)) {
        let mut row = row.clone();
        row.record.provider = Arc::from(row.record.provider.replace(&old, &new));
        replacement.resources.push(row.address.resource());
        replacement.edits.push(Edit::Put(Box::new(row)));
    }
    replacement.resources.sort();
    replacement.resources.dedup();
    replacement
}
