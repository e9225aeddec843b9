//! What would be done to one managed object: what it is described as, what its provider plans for that, and what follows.

use diag::{Diagnostic, Diagnostics};
use lang::configuration::{IgnoreChanges, Resource};
use lang::schema::{Block, decode, place};
use value::{Marks, Path, Step, Value};

use super::consistency::contradictions;
use super::ignored::{is_place, with_ignored};
use super::marks::{at, copy, first_marked, plain, same, same_marks};
use super::object::Asking;
use super::planner::Planner;
use super::proposed::proposed;
use crate::stack::plan::{Action, Reason};
use crate::stack::provider::{Part, PlanResource, PlannedResource};
use crate::stack::world::Place;
use crate::{Address, StateRow};

/// What is to be decided.
pub(super) struct Deciding<'a> {
    pub planner: &'a Planner,
    pub asking: &'a Asking<'a>,
    pub resource: &'a Resource,
    pub address: &'a Address,
    /// What is there.
    pub prior: Option<&'a StateRow>,
    /// Why it is to be replaced whatever is described.
    pub forced: Option<Reason>,
}

/// What would be done.
pub(super) struct Decided {
    pub action: Action,
    pub reason: Option<Reason>,
    /// With marks.
    pub after: Value,
    pub replace_paths: Vec<Path>,
    pub private: Vec<u8>,
}

impl Deciding<'_> {
    pub async fn decide(&self, scope: &Place<'_>, told: &mut Diagnostics) -> Result<Decided, Diagnostics> {
        let resource = self.resource;
        let block = &self.asking.kind.block;
        let what = format!("resource \"{}\" \"{}\"", resource.kind.name, resource.name.name);
        let decoded = decode(&resource.body, resource.header, &what, block, &[], scope);
        told.extend(decoded.diagnostics);
        let kept = block.without_write_only(&decoded.value);
        if kept.marks_deep().contains(Marks::EPHEMERAL)
            && let Some(path) = first_marked(&kept, Marks::EPHEMERAL)
        {
            told.push(keeps_ephemeral(resource, self.address, &path));
        }
        if told.has_errors() {
            return Err(std::mem::take(told));
        }
        let nothing = Value::null(block.ty());
        // What is half-made or to be replaced anyway is planned as if nothing were there.
        let is_tainted = self.prior.is_some_and(|row| row.record.tainted);
        let there = self.prior.filter(|_| !is_tainted).map(|row| plain(&row.value));
        let before = there.as_ref().unwrap_or(&nothing);
        told.extend(unknown_ignored(resource, block));
        let unmarked = plain(&decoded.value);
        let described = with_ignored(block, &resource.lifecycle.ignore_changes, before, &unmarked);
        // What is written is checked, whatever is ignored of it: the provider may tell more than it takes.
        told.extend(self.validated(&unmarked).await);
        if told.has_errors() {
            return Err(std::mem::take(told));
        }
        let private = self.prior.filter(|_| !is_tainted).map_or(&[][..], |row| &row.record.private);
        let planned = self.plan(before, &described, private, told).await?;
        let mut replace_paths = Vec::new();
        if there.is_some() {
            replace_paths = planned
                .requires_replace
                .iter()
                .filter(|path| moves(before, &planned.planned, path))
                .cloned()
                .collect();
        }
        let is_replaced = there.is_some() && (!replace_paths.is_empty() || self.forced.is_some());
        let planned = if is_replaced {
            // Another object is made: nothing of what is there counts, and nothing is ignored.
            self.plan(&nothing, &unmarked, &[], told).await?
        } else {
            planned
        };
        let marked = copy(&kept, &block.with_sensitive(&planned.planned));
        let (action, reason) = match (self.prior, is_tainted, is_replaced) {
            (None, ..) => (Action::Create, None),
            (Some(_), true, _) => (Action::DeleteThenCreate, Some(Reason::ReplaceBecauseTainted)),
            (Some(_), false, true) if !replace_paths.is_empty() => {
                (Action::DeleteThenCreate, Some(Reason::ReplaceBecauseCannotUpdate))
            }
            (Some(_), false, true) => (Action::DeleteThenCreate, self.forced),
            (Some(row), false, false) => {
                let is_same = same(before, &planned.planned) && same_marks(&row.value, &marked);
                (if is_same { Action::NoOp } else { Action::Update }, None)
            }
        };
        // Where nothing is done, what is there is what will be, byte for byte.
        let after = match (action, self.prior) {
            (Action::NoOp, Some(row)) => row.value.clone(),
            _ => marked,
        };
        Ok(Decided { action, reason, after, replace_paths, private: planned.private })
    }

    async fn validated(&self, described: &Value) -> Diagnostics {
        let remarks =
            self.asking.provider.validate(Part::Managed, self.address.kind.as_str(), described).await;
        if remarks.is_empty() { Diagnostics::default() } else { self.asking.told(self.address, remarks) }
    }

    async fn plan(
        &self,
        prior: &Value,
        described: &Value,
        private: &[u8],
        told: &mut Diagnostics,
    ) -> Result<PlannedResource, Diagnostics> {
        let block = &self.asking.kind.block;
        let proposed = proposed(block, prior, &block.without_write_only(described));
        let request = PlanResource { prior, configuration: described, proposed: &proposed, private };
        let planned = {
            let _permit = self.planner.permit().await;
            self.asking.provider.plan(self.address.kind.as_str(), &request).await
        };
        let mut planned = planned.map_err(|remarks| {
            let mut all = std::mem::take(told);
            all.extend(self.asking.told(self.address, remarks));
            all
        })?;
        let remarks = std::mem::take(&mut planned.remarks);
        if !remarks.is_empty() {
            told.extend(self.asking.told(self.address, remarks));
        }
        if !planned.is_legacy {
            for (path, why) in contradictions(block, prior, described, &planned.planned) {
                let span = place(&self.resource.body, self.resource.header, &path);
                told.push(
                    Diagnostic::error(
                        "provider-fault",
                        "Provider produced invalid plan: it is not what is described",
                    )
                    .at(span)
                    .about(self.address.to_string())
                    .because(why)
                    .hint("this is a fault of the provider: report it where the provider is developed"),
                );
            }
        }
        if told.has_errors() { Err(std::mem::take(told)) } else { Ok(planned) }
    }
}

/// Whether a place that needs another object really changes.
fn moves(before: &Value, planned: &Value, path: &Path) -> bool {
    match (at(before, path), at(planned, path)) {
        (Some(then), Some(now)) => !now.is_wholly_known() || !same(&then, &now),
        (None, None) => false,
        _ => true,
    }
}

/// A value that must not be kept, where it would be.
pub(super) fn keeps_ephemeral(resource: &Resource, address: &Address, path: &Path) -> Diagnostic {
    let message = "Invalid use of ephemeral value: it would be kept in the state";
    Diagnostic::error("ephemeral-value", message)
        .at(place(&resource.body, resource.header, path))
        .about(address.to_string())
        .hint("ephemeral values go into write-only attributes, provisioners and provider configurations")
}

/// Places that are ignored and that the kind does not have.
pub(super) fn unknown_ignored(resource: &Resource, block: &Block) -> Diagnostics {
    let mut faults = Diagnostics::default();
    let IgnoreChanges::Places(places) = &resource.lifecycle.ignore_changes else { return faults };
    for (path, span) in places.iter().filter(|(path, _)| !is_place(block, path)) {
        let name = match path.0.first() {
            Some(Step::Attribute(name) | Step::Key(name)) => name.as_ref(),
            _ => "",
        };
        let message = format!("Unsupported attribute: `{}` has no attribute `{name}`", resource.kind.name);
        faults.push(Diagnostic::error("unknown-attribute", message).at(*span));
    }
    faults
}
