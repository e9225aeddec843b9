//! What a change makes: a new object, an object that is changed in place, a data source that is read, or nothing.
//!
//! What was unknown when it was planned is described again and planned again, and has to come out as it was planned. What a failed
//! operation left is kept: a half-made object is written as one that is to be replaced.

use std::time::Duration;

use diag::{Diagnostic, Diagnostics, Severity};
use lang::configuration::Resource;
use tokio::time::Instant;
use value::Value;

use super::calling::{Call, Called, millis};
use super::context::{Context, Located};
use super::describing::{Described, conditions, describe, plan_again};
use super::journal::deposed_key;
use super::provision::{Provisioning, about};

use crate::stack::plan::{Action, CheckKind, ResourceChange};
use crate::stack::planning::data::to_be_told;
use crate::stack::planning::marks::{copy, plain, same, same_marks};
use crate::stack::provider::Told;
use crate::stack::world::{Telling, within};
use crate::{Edit, Happened, KnownBy, OperationId, Record, StateRow, Work};

/// How the part of a change that makes something ended.
#[derive(Debug)]
pub(super) struct Made {
    /// What others see of it from now on; `None` where there is nothing.
    pub(super) value: Option<Value>,
    /// Errors and warnings.
    pub(super) faults: Diagnostics,
    /// Whether it was done, failed, or never begun.
    pub(super) end: End,
    /// How long the provider took, where it was asked.
    pub(super) took: Option<Duration>,
    /// The key under which what it replaces is still there.
    pub(super) deposed: Option<std::sync::Arc<str>>,
}

/// How a part of a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// As planned. Conditions that do not hold afterwards are faults all the same.
    Done,
    /// Once everything was known, it turned out that there was nothing to do.
    Unchanged,
    /// Not, or not wholly.
    Failed,
    /// It was cancelled before anything was done.
    NotBegun,
}

impl Made {
    pub(super) fn failed(faults: Diagnostics) -> Self {
        Self { value: None, faults, end: End::Failed, took: None, deposed: None }
    }

    fn not_begun() -> Self {
        Self { end: End::NotBegun, ..Self::failed(Diagnostics::default()) }
    }
}

/// Does what a change makes.
pub(super) async fn make(context: &Context<'_>, change: &ResourceChange, located: &Located) -> Made {
    match change.action {
        Action::NoOp => keep(context, change, located),
        Action::Read => read(context, change, located).await,
        _ => apply(context, change, located).await,
    }
}

/// Nothing is done; its conditions are looked at with what is now known.
fn keep(context: &Context<'_>, change: &ResourceChange, located: &Located) -> Made {
    let mut faults = Diagnostics::default();
    if context.conditions_apply() {
        faults.extend(conditions(context, change, located, Telling::PRECONDITION, None));
        if !faults.has_errors() {
            faults.extend(conditions(context, change, located, Telling::POSTCONDITION, Some(&change.after)));
        }
    }
    Made { value: Some(change.after.clone()), faults, end: End::Done, took: None, deposed: None }
}

/// A data source that could not be read when the plan was made.
async fn read(context: &Context<'_>, change: &ResourceChange, located: &Located) -> Made {
    let mut faults = conditions(context, change, located, Telling::PRECONDITION, None);
    if faults.has_errors() {
        return Made::failed(faults);
    }
    let described = match describe(context, change, located) {
        Ok(described) => described,
        Err(found) => return Made::failed(found),
    };
    faults.extend(described.warnings.clone());
    let permit = context.permit().await;
    if context.stops() {
        return Made::not_begun();
    }
    let begun = Instant::now();
    context.tell(change, None, Happened::ApplyStarted { work: Work::Read, known_by: None });
    let found = read_now(context, change, located, &described, &mut faults).await;
    drop(permit);
    let nested = context.world.resource(located.at).is_some_and(|resource| resource.in_check.is_some());
    let took = begun.elapsed();
    let Some(value) = found else {
        if nested {
            return Made { took: Some(took), ..unread(context, change, located, &described, faults) };
        }
        context.tell(change, None, Happened::ApplyFailed { work: Work::Read, took_ms: millis(took) });
        return Made { took: Some(took), ..Made::failed(faults) };
    };
    // What is only read is in nobody's way: the state keeps no dependencies of it.
    let row = StateRow { depends_on: Vec::new(), ..row(context, change, value.clone(), Vec::new()) };
    if let Err(fault) = context.journal.edit(vec![Edit::Put(Box::new(row))]).await {
        faults.push(about(fault, change));
        return Made { took: Some(took), ..Made::failed(faults) };
    }
    let known_by = KnownBy::of(&value);
    context.tell(change, None, Happened::ApplyFinished { work: Work::Read, known_by, took_ms: millis(took) });
    faults.extend(conditions(context, change, located, Telling::POSTCONDITION, Some(&value)));
    Made { value: Some(value), faults, end: End::Done, took: Some(took), deposed: None }
}

/// What a check only looks at, and cannot be read: that stops nothing, but the check has failed.
fn unread(
    context: &Context<'_>,
    change: &ResourceChange,
    located: &Located,
    described: &Described<'_>,
    faults: Diagnostics,
) -> Made {
    let world = context.world;
    let check = described.resource.in_check;
    let check = check.and_then(|check| world.configuration(located.at.node)?.checks.get(check as usize));
    if let Some(check) = check {
        let name = format!("check.{}", check.name.name);
        let object = format!("{}{name}", world.prefix(located.at.node));
        let problem = |fault: &Diagnostic| match &fault.detail {
            Some(detail) => format!("{}: {detail}", fault.message),
            None => fault.message.clone(),
        };
        let problems = faults.0.iter().filter(|it| it.severity == Severity::Error).map(problem).collect();
        world.checks.fail(CheckKind::Check, object, within(&change.address.module, &name), problems);
    }
    let weaker = faults.into_iter().map(|fault| Diagnostic { severity: Severity::Warning, ..fault });
    let block = &described.kind.block;
    let value = block.with_sensitive(&to_be_told(block, &plain(&described.configuration)));
    let value = Some(copy(&described.configuration, &value));
    Made { value, faults: Diagnostics(weaker.collect()), end: End::Done, took: None, deposed: None }
}

async fn read_now(
    context: &Context<'_>,
    change: &ResourceChange,
    located: &Located,
    described: &Described<'_>,
    faults: &mut Diagnostics,
) -> Option<Value> {
    let provider = match context.provider(change) {
        Ok(provider) => provider,
        Err(found) => {
            faults.extend(found);
            return None;
        }
    };
    let configuration = plain(&described.configuration);
    if !configuration.is_wholly_known() {
        faults.push(described.not_known(context, change));
        return None;
    }
    match provider.read_data(change.address.kind.as_str(), &configuration).await {
        Err(remarks) => {
            faults.extend(context.told(change, Some(located), remarks));
            None
        }
        Ok(Told { value, remarks }) => {
            faults.extend(context.told(change, Some(located), remarks));
            let value = context.about(change, Some(located)).check(&value.clone(), value, false, faults);
            Some(described.marked(&value, &change.after))
        }
    }
}

/// Makes an object, or changes it in place.
async fn apply(context: &Context<'_>, change: &ResourceChange, located: &Located) -> Made {
    let mut faults = conditions(context, change, located, Telling::PRECONDITION, None);
    if faults.has_errors() {
        return Made::failed(faults);
    }
    let updated = (change.action == Action::Update).then(|| context.prior(change)).flatten();
    if change.action == Action::Update && updated.is_none() {
        return Made::failed(no_prior(change).into());
    }
    let planned = {
        let _permit = context.permit().await;
        if context.stops() {
            return Made::not_begun();
        }
        match plan_again(context, change, located, updated).await {
            Ok(planned) => planned,
            Err(found) => {
                faults.extend(found);
                return Made::failed(faults);
            }
        }
    };
    faults.extend(planned.described.warnings.clone());
    if let Some(row) = updated
        && same(&plain(&row.value), &plain(&planned.planned))
        && same_marks(&row.value, &planned.planned)
    {
        return unchanged(context, change, located, row, faults).await;
    }
    let deposed = match depose(context, change).await {
        Ok(deposed) => deposed,
        Err(fault) => {
            faults.push(about(*fault, change));
            return Made::failed(faults);
        }
    };
    let work = if updated.is_some() { Work::Update } else { Work::Create };
    let call = Call {
        change,
        work,
        before: updated.map(|row| &row.value),
        configuration: plain(&planned.described.configuration),
        after: Some(&planned.planned),
        private: &planned.private,
        record: record(context, change, planned.private.clone()),
        first: None,
    };
    match call.run(context).await {
        Called::Failed(found) => {
            faults.extend(found);
            faults.extend(bring_back(context, change, deposed).await);
            Made::failed(faults)
        }
        Called::NotBegun(id) => {
            if let Some(id) = id
                && let Err(fault) = context.journal.finish(&id, change, updated, "not begun").await
            {
                faults.push(fault);
            }
            faults.extend(bring_back(context, change, deposed).await);
            Made { faults, ..Made::not_begun() }
        }
        // Nothing runs before an object is made.
        Called::Stopped { id, faults: found, .. } => {
            faults.extend(found);
            if let Err(fault) = context.journal.finish(&id, change, updated, "not begun").await {
                faults.push(fault);
            }
            faults.extend(bring_back(context, change, deposed).await);
            Made::failed(faults)
        }
        Called::Answered { id, answer, took } => {
            let answered = Answered { call, id, deposed, updated, described: &planned.described, took };
            answered.settle(context, located, answer, &planned.planned, faults).await
        }
    }
}

/// What was to be changed is what it is to be: what was unknown came out as it was. Only what it depends on is written down.
async fn unchanged(
    context: &Context<'_>,
    change: &ResourceChange,
    located: &Located,
    row: &StateRow,
    mut faults: Diagnostics,
) -> Made {
    let mut now = row.clone();
    now.depends_on = change.depends_on.to_vec();
    now.record.create_before_destroy = change.create_before_destroy;
    now.record.provider = change.provider.clone();
    if now != *row
        && let Err(fault) = context.journal.edit(vec![Edit::Put(Box::new(now))]).await
    {
        faults.push(about(fault, change));
    }
    faults.extend(conditions(context, change, located, Telling::POSTCONDITION, Some(&row.value)));
    Made { value: Some(row.value.clone()), faults, end: End::Unchanged, took: None, deposed: None }
}

/// The object that is replaced steps aside: its row is kept under a key, so that it can be removed later, or come back.
async fn depose(
    context: &Context<'_>,
    change: &ResourceChange,
) -> Result<Option<std::sync::Arc<str>>, Box<Diagnostic>> {
    if change.action != Action::CreateThenDelete {
        return Ok(None);
    }
    let Some(row) = context.prior(change) else { return Err(Box::new(no_prior(change))) };
    let is_taken = |key: &str| context.prior.contains_key(&(&change.address, Some(key)));
    let key = deposed_key(&context.deployment, change, is_taken);
    let mut aside = row.clone();
    aside.record.deposed = Some(key.clone());
    let edits =
        vec![Edit::Remove { address: change.address.clone(), deposed: None }, Edit::Put(Box::new(aside))];
    context.journal.edit(edits).await.map_err(Box::new)?;
    Ok(Some(key))
}

/// The object that stepped aside for one that does not exist comes back.
async fn bring_back(
    context: &Context<'_>,
    change: &ResourceChange,
    deposed: Option<std::sync::Arc<str>>,
) -> Option<Diagnostic> {
    let (key, row) = (deposed?, context.prior(change)?);
    let edits = vec![
        Edit::Remove { address: change.address.clone(), deposed: Some(key) },
        Edit::Put(Box::new(row.clone())),
    ];
    context.journal.edit(edits).await.err().map(|fault| about(fault, change))
}

/// An answer of the provider that is to be written down.
struct Answered<'a> {
    call: Call<'a>,
    id: OperationId,
    deposed: Option<std::sync::Arc<str>>,
    updated: Option<&'a StateRow>,
    described: &'a Described<'a>,
    took: Duration,
}

impl Answered<'_> {
    async fn settle(
        self,
        context: &Context<'_>,
        located: &Located,
        answer: crate::stack::provider::AppliedResource,
        planned: &Value,
        mut faults: Diagnostics,
    ) -> Made {
        let begun = Instant::now();
        let change = self.call.change;
        faults.extend(context.told(change, Some(located), answer.remarks));
        if answer.is_in_doubt {
            // The operation stays open: the next run finds out what became of it.
            faults.push(in_doubt(change));
            let took_ms = millis(self.took + begun.elapsed());
            self.call.tell(context, Happened::ApplyFailed { work: self.call.work, took_ms });
            return Made { took: Some(self.took), ..Made::failed(faults) };
        }
        let provider_failed = faults.has_errors();
        let value = context.about(change, Some(located)).check(
            planned,
            answer.value,
            answer.is_legacy || provider_failed,
            &mut faults,
        );
        let failed = faults.has_errors();
        // A failure that says nothing of what is there leaves what was there.
        let row = if value.is_null() {
            if provider_failed { self.updated.cloned() } else { None }
        } else {
            let value = self.described.marked(&value, planned);
            let mut row = row(context, change, value, answer.private);
            if answer.identity.is_some() {
                row.record.identity = answer.identity;
            }
            Some(row)
        };
        let resource = context.world.resource(located.at);
        let creates = self.call.work == Work::Create;
        let provisions =
            creates && !failed && resource.is_some_and(|resource| !creation(resource).is_empty());
        let row = row.map(|mut row| {
            // Until everything that makes it whole has run, it is half-made: whoever is killed meanwhile finds it so.
            row.record.tainted = if creates {
                failed || provisions
            } else {
                self.updated.is_some_and(|updated| updated.record.tainted)
            };
            row
        });
        let outcome = if failed { "failed" } else { "done" };
        if let Err(fault) = context.journal.finish(&self.id, change, row.as_ref(), outcome).await {
            faults.push(fault);
        }
        if row.is_none() && creates {
            faults.extend(bring_back(context, change, self.deposed.clone()).await);
        }
        if provisions
            && !faults.has_errors()
            && let (Some(resource), Some(row)) = (resource, &row)
        {
            faults.extend(provision(context, change, located, resource, row).await);
        }
        let took_ms = millis(self.took + begun.elapsed());
        let work = self.call.work;
        let end = if faults.has_errors() { End::Failed } else { End::Done };
        let value = row.as_ref().map(|row| row.value.clone());
        match end {
            End::Done => {
                let known_by = value.as_ref().and_then(KnownBy::of);
                self.call.tell(context, Happened::ApplyFinished { work, known_by, took_ms });
                faults.extend(conditions(context, change, located, Telling::POSTCONDITION, value.as_ref()));
            }
            _ => self.call.tell(context, Happened::ApplyFailed { work, took_ms }),
        }
        Made { value, faults, end, took: Some(self.took), deposed: row.and(self.deposed) }
    }
}

/// An operation of which nobody knows what it did.
pub(super) fn in_doubt(change: &ResourceChange) -> Diagnostic {
    Diagnostic::error(
        "in-doubt",
        "nobody knows what was done to this object: its provider ended before it answered",
    )
    .about(change.address.to_string())
    .hint("the next plan finds out what became of it, and says how")
}

/// What runs after an object of a block was made.
fn creation(resource: &Resource) -> Vec<&lang::configuration::Provisioner> {
    resource.provisioners.iter().filter(|provisioner| !provisioner.when_destroyed).collect()
}

/// Runs what makes a new object whole, and takes the mark of a half-made one from it.
async fn provision(
    context: &Context<'_>,
    change: &ResourceChange,
    located: &Located,
    resource: &Resource,
    row: &StateRow,
) -> Diagnostics {
    let provisioning = Provisioning {
        change,
        provisioners: creation(resource),
        connection: resource.connection.as_ref(),
        place: context.place(located).with_self(&row.value),
    };
    let permit = context.permit().await;
    let mut faults = provisioning.run(context).await;
    drop(permit);
    if faults.has_errors() {
        return faults;
    }
    let mut whole = row.clone();
    whole.record.tainted = false;
    if let Err(fault) = context.journal.edit(vec![Edit::Put(Box::new(whole))]).await {
        faults.push(about(fault, change));
    }
    faults
}

fn record(context: &Context<'_>, change: &ResourceChange, private: Vec<u8>) -> Record {
    let identity = match change.action {
        Action::Update => context.prior(change).and_then(|row| row.record.identity.clone()),
        _ => None,
    };
    Record {
        deposed: None,
        provider: change.provider.clone(),
        schema_version: context.schema_version(change),
        private,
        tainted: false,
        create_before_destroy: change.create_before_destroy,
        identity,
    }
}

fn row(context: &Context<'_>, change: &ResourceChange, value: Value, private: Vec<u8>) -> StateRow {
    StateRow {
        address: change.address.clone(),
        value,
        depends_on: change.depends_on.to_vec(),
        record: record(context, change, private),
    }
}

fn no_prior(change: &ResourceChange) -> Diagnostic {
    Diagnostic::error("plan-inconsistent", "the plan changes an object that it does not have")
        .about(change.address.to_string())
        .hint("make a new plan; nothing was done to it")
}
