//! Objects that no block describes: they are removed, or forgotten where a `removed` block says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use lang::configuration::{Removed, Tree};

use super::object::{Asking, Read, removal};
use super::planner::{Found, Planner};
use super::rows::Row;
use crate::stack::plan::{Action, Reason, ResourceChange, StackMode};
use crate::stack::walk::{Step, Steps};
use crate::stack::world::{World, failed};
use crate::{Address, Mode, ModulePath};

/// Rows that no block describes, a group for each block that once described them.
#[derive(Default)]
pub(super) struct Orphans {
    /// The number of the first group's step.
    first: u32,
    groups: Vec<Vec<Row>>,
}

/// A block: the modules that it stands in, its mode, kind and name.
type Described = (Vec<Arc<str>>, Mode, Arc<str>, Arc<str>);

impl Orphans {
    /// A step for each group, after its provider.
    pub fn new(world: &World, rows: Vec<Row>, steps: &mut Steps, first: u32) -> Self {
        let mut groups: BTreeMap<Described, Vec<Row>> = BTreeMap::new();
        // What was only read needs no removal: it is gone with its description.
        for row in rows.into_iter().filter(|row| row.row.address.mode == Mode::Managed) {
            let address = &row.row.address;
            let modules = address.module.0.iter().map(|step| step.name.clone()).collect();
            let key = (modules, address.mode, super::rows::shared_kind(address), address.name.clone());
            groups.entry(key).or_default().push(row);
        }
        let groups: Vec<Vec<Row>> = groups.into_values().collect();
        for (number, rows) in (first..).zip(&groups) {
            let step = steps.add(number);
            let providers = rows.iter().filter_map(|row| world.providers.of_state(&row.row.record.provider));
            for provider in providers.collect::<std::collections::BTreeSet<_>>() {
                let provider = steps.of_provider(provider);
                steps.after(step, provider);
            }
        }
        Self { first, groups }
    }

    /// The rows of a step.
    pub fn group(&self, step: u32) -> Option<&[Row]> {
        self.groups.get(step.checked_sub(self.first)? as usize).map(Vec::as_slice)
    }

    /// All groups with the numbers of their steps.
    pub fn groups(&self) -> impl Iterator<Item = (u32, &[Row])> {
        (self.first..).zip(self.groups.iter().map(Vec::as_slice))
    }

    /// The steps of groups with a row that is looked at.
    pub fn steps(&self, mut is_wanted: impl FnMut(&Address) -> bool) -> Vec<Step> {
        let wanted = self.groups().filter(|(_, rows)| rows.iter().any(|row| is_wanted(&row.row.address)));
        wanted.map(|(step, _)| Step::Own(step)).collect()
    }
}

/// Plans the rows of a group.
pub(super) async fn plan(planner: &Planner, world: &World, rows: &[Row]) -> (Found, Diagnostics) {
    let mut found = Found::default();
    let mut told = Diagnostics::default();
    for row in rows {
        if !planner.selection.includes(&row.row.address) {
            found.prior.push(row.row.clone());
            continue;
        }
        match one(planner, world, row, &mut told).await {
            Ok(one) => found.extend(one),
            Err(faults) => told.extend(faults),
        }
    }
    (found, told)
}

async fn one(
    planner: &Planner,
    world: &World,
    row: &Row,
    told: &mut Diagnostics,
) -> Result<Found, Diagnostics> {
    let mut found = Found::default();
    let address = &row.row.address;
    let removed = removed_block(&world.input.tree, address);
    let reason = match planner.mode {
        StackMode::Destroy => None,
        _ if row.row.record.deposed.is_some() => None,
        _ if row.previous.is_some() => Some(Reason::DeleteBecauseNoMoveTarget),
        _ => Some(Reason::DeleteBecauseNoResourceConfig),
    };
    if removed.is_some_and(|removed| !removed.destroys) && planner.mode == StackMode::Normal {
        found
            .changes
            .push(ResourceChange { reason, ..removal(&row.row, row.previous.clone(), Action::Forget) });
        found.prior.push(row.row.clone());
        return Ok(found);
    }
    let missing = || -> Diagnostics {
        let message = format!("Provider configuration not present: {address} cannot be worked with");
        Diagnostic::error("provider-not-present", message)
            .because(format!(
                "it was made with {}, which is not configured any more",
                row.row.record.provider
            ))
            .hint("bring that provider's configuration back, apply, and then remove it with the resources")
            .into()
    };
    let id = world.providers.of_state(&row.row.record.provider).ok_or_else(missing)?;
    let text = world.providers.get(id).map(|configured| &configured.text).ok_or_else(missing)?;
    let provider = world.provider(id).ok_or_else(failed)?;
    let kind = world.providers.kind(id, address.mode, address.kind.as_str()).ok_or_else(|| {
        let message =
            format!("Invalid resource type: the provider of {address} makes no `{}` any more", address.kind);
        Diagnostics::from(
            Diagnostic::error("invalid-resource-type", message)
                .hint("use an earlier version of the provider"),
        )
    })?;
    let asking = Asking { provider, text, kind, block: None };
    let Read { row: now, drift, warnings } = asking.read(planner, row).await?;
    told.extend(warnings);
    found.drift.extend(drift);
    let Some(now) = now else { return Ok(found) };
    if planner.mode != StackMode::RefreshOnly {
        let private = asking.plan_removal(planner, &now, told).await?;
        let mut change = removal(&now, row.previous.clone(), Action::Delete);
        change.reason = reason;
        change.private = private.unwrap_or(change.private);
        found.changes.push(change);
    }
    found.prior.push(now);
    Ok(found)
}

/// The `removed` block that an address falls under: it stands in the module or in one above it, and names the resource from there.
fn removed_block<'t>(tree: &'t Tree, address: &Address) -> Option<&'t Removed> {
    tree.nodes.iter().filter(|node| !node.configuration.removed.is_empty()).find_map(|node| {
        let modules = address.module.0.iter().map(|step| &step.name);
        if !node.path.iter().eq(modules.take(node.path.len())) || address.module.0.len() < node.path.len() {
            return None;
        }
        let mut inner = address.clone();
        inner.module = ModulePath(address.module.0.iter().skip(node.path.len()).cloned().collect());
        node.configuration.removed.iter().find(|removed| removed.from.0.includes(&inner))
    })
}
