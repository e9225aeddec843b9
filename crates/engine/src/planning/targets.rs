//! Which resources are asked for: everything, or some with all that they depend on.

use std::collections::{HashMap, HashSet};

use diag::{Diagnostic, Diagnostics};
use lang::configuration::Configuration;
use lang::resolve::ServiceId;

use crate::evaluation::SERVICE;
use crate::{Action, Address, Change, Snapshot};

/// The resources that are asked for.
#[derive(Debug)]
pub(super) struct Targets {
    asked: Vec<Address>,
    /// The services that are planned for the targets' sake; set when they are chosen.
    planned: HashSet<u32>,
}

impl Targets {
    pub(super) fn new(asked: &[Address]) -> Self {
        Self { asked: asked.to_vec(), planned: HashSet::new() }
    }

    pub(super) fn is_everything(&self) -> bool {
        self.asked.is_empty()
    }

    /// A target that names nothing is a mistake.
    pub(super) fn check(
        &self,
        configuration: &Configuration,
        snapshot: &Snapshot,
    ) -> Result<(), Diagnostics> {
        let mut faults = Diagnostics::default();
        for target in &self.asked {
            let declared =
                target.kind.as_str() == SERVICE && configuration.names.services.contains_key(&target.name);
            if declared || snapshot.rows.iter().any(|row| row.address.is_within(target)) {
                continue;
            }
            let fault =
                Diagnostic::error("unknown-target", format!("there is nothing that `{target}` names"));
            let names = configuration.names.services.keys().map(AsRef::as_ref);
            faults.push(match diag::closest(&target.name, names) {
                Some(meant) => fault.hint(format!("did you mean `service.{meant}`?")),
                None => fault.hint("a target is one like `service.web` or `service.web@local`"),
            });
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Whether a service, or some of its instances, is asked for itself.
    pub(super) fn names_block(&self, name: &str) -> bool {
        self.is_everything()
            || self.asked.iter().any(|t| t.kind.as_str() == SERVICE && t.name.as_ref() == name)
    }

    /// A service is planned, whether asked for or for others' sake.
    pub(super) fn plans(&mut self, id: ServiceId) {
        self.planned.insert(id.0);
    }

    /// Whether all of these are planned, so that what hangs on them can be told.
    pub(super) fn includes_all(&self, services: &[ServiceId]) -> bool {
        self.is_everything() || services.iter().all(|id| self.planned.contains(&id.0))
    }

    /// Leaves in the plan what is asked for, what that depends on, and the removal of what depends on what is removed.
    pub(super) fn keep(&self, changes: &mut Vec<Change>, snapshot: &Snapshot) {
        if self.is_everything() {
            return;
        }
        let mut wanted = Named::default();
        self.asked.iter().for_each(|target| wanted.add(target));
        let mut kept = vec![false; changes.len()];
        // Dependents come after what they depend on, so that from the end each is known to be wanted before it is looked at.
        for (at, change) in changes.iter().enumerate().rev().filter(|(_, c)| c.action != Action::Delete) {
            if wanted.names(&change.address) {
                kept[at] = true;
                change.depends_on.iter().for_each(|dependency| wanted.add(dependency));
            }
        }
        keep_removals(&self.asked, changes, snapshot, &mut kept);
        let mut kept = kept.into_iter();
        changes.retain(|_| kept.next().unwrap_or(false));
    }
}

/// Removing something removes first what depends on it.
fn keep_removals(asked: &[Address], changes: &[Change], snapshot: &Snapshot, kept: &mut [bool]) {
    let removed: HashMap<&Address, usize> = changes
        .iter()
        .enumerate()
        .filter(|(_, change)| change.action == Action::Delete)
        .map(|(at, change)| (&change.address, at))
        .collect();
    let mut dependents: HashMap<(&str, &str), Vec<(&Address, usize)>> = HashMap::new();
    for row in &snapshot.rows {
        let Some(at) = removed.get(&row.address) else { continue };
        for dependency in &row.depends_on {
            dependents
                .entry((dependency.kind.as_str(), &dependency.name))
                .or_default()
                .push((dependency, *at));
        }
    }
    let mut going: Vec<usize> = removed
        .iter()
        .filter(|(address, _)| asked.iter().any(|t| address.is_within(t)))
        .map(|(_, at)| *at)
        .collect();
    while let Some(at) = going.pop() {
        if std::mem::replace(&mut kept[at], true) {
            continue;
        }
        let address = &changes[at].address;
        let of_block = dependents.get(&(address.kind.as_str(), address.name.as_ref()));
        going.extend(
            of_block.into_iter().flatten().filter(|(named, _)| address.is_within(named)).map(|(_, at)| *at),
        );
    }
}

/// Addresses to be looked up by block.
#[derive(Default)]
struct Named(HashMap<(String, String), Vec<Address>>);

impl Named {
    fn add(&mut self, address: &Address) {
        let block =
            self.0.entry((address.kind.as_str().to_owned(), address.name.as_ref().to_owned())).or_default();
        // What depends on the same has the same addresses again and again; each is kept once.
        if !block.contains(address) {
            block.push(address.clone());
        }
    }

    fn names(&self, address: &Address) -> bool {
        let block = self.0.get(&(address.kind.as_str().to_owned(), address.name.as_ref().to_owned()));
        block.into_iter().flatten().any(|named| address.is_within(named))
    }
}
