//! Edits of the state by hand, as far as every store treats them alike: words, refusals, and who follows a move.
//!
//! It reads and writes nothing.

use std::collections::{HashMap, HashSet};

use engine::{Address, Edit, EnvironmentName, ModulePath, ModuleStep, StoreError};

/// What edits did, for people.
pub(crate) fn summary(edits: &[Edit]) -> String {
    let words = |edit: &Edit| match edit {
        Edit::Put(row) => format!("wrote {}", row.address),
        Edit::Remove { address, deposed: None } => format!("forgot {address}"),
        Edit::Remove { address, deposed: Some(key) } => format!("forgot {address} (deposed object {key})"),
        Edit::Move { from, to } => format!("moved {from} to {to}"),
        Edit::Outputs(_) => "set the outputs".into(),
        Edit::Checks(_) => "set the results of checks".into(),
        Edit::Everything(_) => "replaced everything".into(),
    };
    match edits {
        [] => "changed nothing".into(),
        [one] => words(one),
        [first, rest @ ..] => format!("{} and {} more", words(first), rest.len()),
    }
}

/// The state is another one than the edits were made from.
pub(crate) fn moved_on(environment: &EnvironmentName, base: u64, serial: u64) -> StoreError {
    StoreError::Refused {
        what: format!("editing the state of {environment}"),
        why: format!("it has moved on from serial {base} to {serial}: read it again and edit that"),
    }
}

/// An edit is about an object that is not there.
pub(crate) fn nothing_at(doing: &str, address: &Address) -> StoreError {
    StoreError::Refused {
        what: format!("{doing} {address}"),
        why: "the state has no such object: `state list` names those that it has".into(),
    }
}

/// A move would write over an object.
pub(crate) fn occupied(from: &Address, to: &Address) -> StoreError {
    StoreError::Refused {
        what: format!("moving {from} to {to}"),
        why: format!("the state has an object at {to} already: move or remove that first"),
    }
}

/// The address as a configuration has it, without the keys of instances: Terraform's dependencies are written so.
pub(crate) fn configured(address: &Address) -> Address {
    let step = |step: &ModuleStep| ModuleStep { name: step.name.clone(), key: None };
    let module = ModulePath(address.module.0.iter().map(step).collect());
    Address { module, key: None, ..address.clone() }
}

/// Moves, and the dependencies that follow them.
#[derive(Default)]
pub(crate) struct Following {
    instances: HashMap<Address, Address>,
    /// By the address without keys: such a dependency follows when nothing is left of what it named.
    resources: HashMap<Address, Address>,
}

impl Following {
    pub(crate) fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }

    pub(crate) fn moved(&mut self, from: Address, to: Address) {
        let (old, new) = (configured(&from), configured(&to));
        // What was moved twice is followed to where it is now.
        for end in self.instances.values_mut().filter(|end| **end == from) {
            *end = to.clone();
        }
        if old != new {
            for end in self.resources.values_mut().filter(|end| **end == old) {
                *end = new.clone();
            }
            self.resources.insert(old, new);
        }
        self.instances.insert(from, to);
    }

    /// Takes note of the addresses that are left after all moves.
    pub(crate) fn left(&mut self, left: &HashSet<Address>) {
        let named: HashSet<Address> = left.iter().map(configured).collect();
        self.resources.retain(|from, _| !named.contains(from));
    }

    fn end(&self, address: &Address) -> Option<&Address> {
        self.instances.get(address).or_else(|| self.resources.get(address))
    }

    /// Whether one of the dependencies has moved.
    pub(crate) fn concerns(&self, depends_on: &[Address]) -> bool {
        depends_on.iter().any(|address| self.end(address).is_some())
    }

    /// The dependencies as they are after the moves, each once.
    pub(crate) fn followed(&self, depends_on: Vec<Address>) -> Vec<Address> {
        let mut seen = HashSet::new();
        depends_on
            .into_iter()
            .map(|address| self.end(&address).cloned().unwrap_or(address))
            .filter(|address| seen.insert(address.clone()))
            .collect()
    }
}
