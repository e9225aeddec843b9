//! Managed resources: what is there of each instance is read anew and compared with what is described.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use diag::{Diagnostic, Diagnostics};
use lang::configuration::Resource;
use value::{Type, Value};

use super::conditions::Conditions;
use super::decide::{Decided, Deciding};
use super::instances::{EachInstance, Instance, One, plan_each};
use super::object::{Asking, Read, removal};
use super::planner::{Found, Planner};
use super::rows::Row;
use super::triggers;
use crate::stack::plan::{Action, Reason, ResourceChange, StackMode};
use crate::stack::world::{Expansion, Phase, ResourceAt, Telling, World, failed};
use crate::{Address, Key, StateRow};

/// Plans a resource with all of its instances.
pub(super) async fn plan(planner: &Planner, world: &World, at: ResourceAt) -> Diagnostics {
    let mut told = Diagnostics::default();
    match all(planner, world, at, &mut told).await {
        Ok(found) => planner.note(at, found),
        Err(faults) if faults.is_empty() => told.extend(failed()),
        Err(faults) => told.extend(faults),
    }
    told
}

async fn all(
    planner: &Planner,
    world: &World,
    at: ResourceAt,
    told: &mut Diagnostics,
) -> Result<Found, Diagnostics> {
    let (resource, asking) = Asking::of(planner, world, at)?;
    let conditions = Conditions::of_resource(world, at, resource);
    let instances = Instance::all(world, at, world.expand_resource(at)?)?;
    let rows = planner.rows(at);
    let current = rows.iter().filter(|row| row.row.record.deposed.is_none());
    let current: HashMap<&Address, &Row> = current.map(|row| (&row.row.address, row)).collect();
    let is_first = planner.created_first.contains(&at);
    let described: HashSet<&Address> = instances.iter().map(|one| &one.address).collect();
    let left: Vec<&Row> = rows
        .iter()
        .filter(|row| row.row.record.deposed.is_some() || !described.contains(&row.row.address))
        .collect();
    if planner.mode == StackMode::Destroy
        && resource.lifecycle.prevent_destroy.is_some()
        && let Some(row) = left.iter().find(|row| row.row.record.deposed.is_none())
    {
        return Err(prevented(&row.row.address, resource).into());
    }
    let planning =
        Planning { planner, world, at, resource, asking, conditions: &conditions, current, is_first };
    let mut found = plan_each(world, at, &instances, planner.parallelism, &planning, told).await;
    told.extend(planner.imports.astray(at, &instances));
    // What is there besides: instances that are no longer described, and objects that a replacement has pushed aside.
    for row in left {
        let is_deposed = row.row.record.deposed.is_some();
        let reason = !is_deposed && planner.mode == StackMode::Normal;
        let reason = reason.then(|| undescribed(world, at, resource, row));
        match planning.leftover(row, reason, told).await {
            Ok(one) => found.extend(one),
            Err(faults) => told.extend(faults),
        }
    }
    Ok(found)
}

struct Planning<'a> {
    planner: &'a Planner,
    world: &'a World,
    at: ResourceAt,
    resource: &'a Resource,
    asking: Asking<'a>,
    conditions: &'a Conditions<'a>,
    /// Rows of current objects.
    current: HashMap<&'a Address, &'a Row>,
    /// Whether a replacement is made before what it replaces is removed.
    is_first: bool,
}

#[async_trait]
impl EachInstance for Planning<'_> {
    async fn one(&self, one: &Instance) -> Result<One, Diagnostics> {
        let known = self.current.get(&one.address).copied();
        let mut found = Found::default();
        let mut told = Diagnostics::default();
        let planner = self.planner;
        if !planner.selection.includes(&one.address) {
            // Nobody asked for it: it is what it was.
            let kept = known.map(|row| row.row.clone());
            let value = kept.as_ref().map_or_else(|| Value::unknown(Type::Dynamic), |row| row.value.clone());
            found.prior.extend(kept);
            return Ok(One { found, value, told });
        }
        let mut importing = None;
        let prior = match known {
            Some(row) => {
                let Read { row, drift, warnings } = self.asking.read(planner, row).await?;
                told.extend(warnings);
                found.drift.extend(drift);
                row
            }
            None => match planner.imports.target(&one.address) {
                Some(target) if planner.mode == StackMode::Normal => {
                    importing = Some(target.id.clone());
                    Some(super::imports::look_up(planner, &self.asking, &one.address, &target).await?)
                }
                _ => match planner.doubts.of(&one.address) {
                    Some(doubt) => {
                        let span = Some(self.resource.header);
                        return Err(planner.doubts.tell(planner, &self.asking, doubt, span).await);
                    }
                    None => None,
                },
            },
        };
        if planner.mode != StackMode::Normal {
            found.prior.extend(prior.clone());
            return self.unplanned(one, prior, found, told).await;
        }
        let mut prior = prior;
        let depends_on = planner.dependencies.of(self.at);
        if let Some(row) = prior.as_mut().filter(|_| planner.refreshes && importing.is_none()) {
            // Until it is written anew it depends on what it was made with, too.
            merge(&mut row.depends_on, &depends_on);
        }
        let place = one.place(self.world, self.at);
        self.conditions.judge(Telling::PRECONDITION, &place, one, &mut told)?;
        told.extend(super::provisioners::check(self.world, self.at, self.resource, one));
        let decided = self.decide(one, prior.as_ref(), &mut told).await?;
        let change = self.change(one, prior.as_ref(), decided, importing);
        if change.action.is_replacement() && self.resource.lifecycle.prevent_destroy.is_some() {
            told.push(prevented(&change.address, self.resource));
            return Err(told);
        }
        if let Some(mut row) = prior {
            if change.action == Action::NoOp {
                row.depends_on = depends_on.to_vec();
            }
            found.prior.push(row);
        }
        let value = change.after.clone();
        found.changes.push(change);
        self.conditions.judge(Telling::POSTCONDITION, &place.with_self(&value), one, &mut told)?;
        Ok(One { found, value, told })
    }
}

impl Planning<'_> {
    /// An instance where nothing is to be made: it is only looked at, or removed.
    async fn unplanned(
        &self,
        one: &Instance,
        prior: Option<StateRow>,
        mut found: Found,
        mut told: Diagnostics,
    ) -> Result<One, Diagnostics> {
        let planner = self.planner;
        let value = match &prior {
            Some(row) => row.value.clone(),
            // What is not there is removed with everything else.
            None => Value::unknown(self.asking.kind.block.ty()),
        };
        if planner.mode == StackMode::RefreshOnly {
            if prior.is_some() {
                let place = one.place(self.world, self.at);
                self.conditions.judge(Telling::POSTCONDITION, &place.with_self(&value), one, &mut told)?;
            }
        } else if let Some(row) = &prior {
            if self.resource.lifecycle.prevent_destroy.is_some() {
                told.push(prevented(&one.address, self.resource));
                return Err(told);
            }
            found
                .changes
                .push(self.removed(&self.asking, row, self.previous(&one.address), &mut told).await?);
        }
        Ok(One { found, value, told })
    }

    fn previous(&self, address: &Address) -> Option<Address> {
        self.current.get(address).and_then(|row| row.previous.clone())
    }

    async fn removed(
        &self,
        asking: &Asking<'_>,
        row: &StateRow,
        previous: Option<Address>,
        told: &mut Diagnostics,
    ) -> Result<ResourceChange, Diagnostics> {
        let private = asking.plan_removal(self.planner, row, told).await?;
        let mut change = removal(row, previous, Action::Delete);
        change.create_before_destroy = self.is_first;
        change.private = private.unwrap_or(change.private);
        Ok(change)
    }

    async fn decide(
        &self,
        one: &Instance,
        prior: Option<&StateRow>,
        told: &mut Diagnostics,
    ) -> Result<Decided, Diagnostics> {
        let place = one.place(self.world, self.at);
        let triggered =
            prior.is_some() && triggers::are_pulled(self.planner, self.world, self.at, self.resource, one)?;
        let forced = if triggered {
            Some(Reason::ReplaceByTriggers)
        } else if prior.is_some() && self.planner.is_to_be_replaced(&one.address) {
            Some(Reason::ReplaceByRequest)
        } else {
            None
        };
        let deciding = Deciding {
            planner: self.planner,
            asking: &self.asking,
            resource: self.resource,
            address: &one.address,
            prior,
            forced,
        };
        deciding.decide(&place, told).await
    }

    fn change(
        &self,
        one: &Instance,
        prior: Option<&StateRow>,
        decided: Decided,
        importing: Option<String>,
    ) -> ResourceChange {
        let action = match decided.action {
            Action::DeleteThenCreate if self.is_first => Action::CreateThenDelete,
            action => action,
        };
        ResourceChange {
            address: one.address.clone(),
            previous: self.previous(&one.address),
            deposed: None,
            provider: self.asking.text.clone(),
            action,
            reason: decided.reason,
            before: prior.map_or_else(|| Value::null(self.asking.kind.block.ty()), |row| row.value.clone()),
            after: decided.after,
            replace_paths: decided.replace_paths,
            private: decided.private,
            schema_version: self.asking.kind.version,
            importing,
            depends_on: self.planner.dependencies.of(self.at),
            create_before_destroy: self.is_first,
        }
    }

    /// An object that nothing describes.
    async fn leftover(
        &self,
        row: &Row,
        reason: Option<Reason>,
        told: &mut Diagnostics,
    ) -> Result<Found, Diagnostics> {
        let mut found = Found::default();
        if !self.planner.selection.includes(&row.row.address) {
            found.prior.push(row.row.clone());
            return Ok(found);
        }
        let asking = Asking { block: None, ..self.asking };
        let Read { row: now, drift, warnings } = asking.read(self.planner, row).await?;
        told.extend(warnings);
        found.drift.extend(drift);
        let Some(now) = now else { return Ok(found) };
        if self.planner.mode != StackMode::RefreshOnly {
            if row.row.record.deposed.is_none() && self.resource.lifecycle.prevent_destroy.is_some() {
                return Err(prevented(&row.row.address, self.resource).into());
            }
            let removed = self.removed(&asking, &now, row.previous.clone(), told).await?;
            found.changes.push(ResourceChange { reason, ..removed });
        }
        found.prior.push(now);
        Ok(found)
    }
}

/// Adds what is not there yet, in order.
fn merge(all: &mut Vec<Address>, more: &[Address]) {
    if all.as_slice() == more {
        return;
    }
    let known: HashSet<Address> = all.iter().cloned().collect();
    all.extend(more.iter().filter(|one| !known.contains(one)).cloned());
    all.sort_by_cached_key(ToString::to_string);
}

fn prevented(address: &Address, resource: &Resource) -> Diagnostic {
    Diagnostic::error(
        "prevent-destroy",
        format!("Instance cannot be destroyed: {address} has lifecycle.prevent_destroy set, and this plan would remove it"),
    )
    .at(resource.header)
    .hint("take `prevent_destroy` out, or leave the object out of the plan with -target")
}

/// Why an instance is not described any more.
fn undescribed(world: &World, at: ResourceAt, resource: &Resource, row: &Row) -> Reason {
    let address = &row.row.address;
    let module = world.instances(at.node).iter().position(|module| module.path == address.module);
    let Some(module) = module else { return Reason::DeleteBecauseNoModule };
    if world.phase == Phase::Destroy {
        return Reason::DeleteBecauseNoResourceConfig;
    }
    let expansion = world.expansions(at).and_then(|expansions| expansions.get(module));
    match (expansion, &address.key) {
        (Some(Expansion::Count(_)), Some(Key::Index(_))) => Reason::DeleteBecauseCountIndex,
        (Some(Expansion::ForEach(_)), Some(Key::Name(_))) => Reason::DeleteBecauseEachKey,
        _ if resource.count.is_some() || resource.for_each.is_some() || address.key.is_some() => {
            Reason::DeleteBecauseWrongRepetition
        }
        _ => Reason::DeleteBecauseNoResourceConfig,
    }
}
