//! What a change removes: an object that is no longer described, one that is replaced, or one that a replacement has pushed aside.

use std::sync::Arc;
use std::time::Duration;

use diag::{Diagnostic, Diagnostics};
use lang::address::ModulePath;
use lang::configuration::{NodeId, Provisioner};
use lang::syntax::Body;
use tokio::time::Instant;
use value::{Type, Value};

use super::calling::{Call, Called, millis};
use super::context::Context;
use super::object::{End, in_doubt};
use super::provision::Provisioning;
use super::result::null_like;
use super::sequence::BlockName;
use crate::stack::plan::{Action, ResourceChange};
use crate::stack::planning::marks::plain;
use crate::stack::world::Each;
use crate::{Happened, Key, Mode, StateRow, Work};

/// How the removal of an object ended.
#[derive(Debug)]
pub(super) struct Removed {
    pub(super) faults: Diagnostics,
    pub(super) end: End,
    /// How long the provider took, where it was asked.
    pub(super) took: Option<Duration>,
}

impl Removed {
    pub(super) fn failed(faults: Diagnostics) -> Self {
        Self { faults, end: End::Failed, took: None }
    }
}

/// Removes an object. `aside`: the key under which what is replaced is kept by now.
pub(super) async fn remove(
    context: &Context<'_>,
    change: &ResourceChange,
    aside: Option<Arc<str>>,
) -> Removed {
    let Some(prior) = context.prior(change) else {
        let fault =
            Diagnostic::error("plan-inconsistent", "the plan removes an object that it does not have");
        return Removed::failed(fault.about(change.address.to_string()).hint("make a new plan").into());
    };
    let mut record = prior.record.clone();
    record.deposed = aside.or(record.deposed);
    // The plan of a replacement answers for the new object.
    let private = match change.action {
        Action::Delete if !change.private.is_empty() => &change.private,
        _ => &prior.record.private,
    };
    let each = change.address.key.as_ref().map(each);
    let call = Call {
        change,
        work: Work::Delete,
        before: Some(&prior.value),
        configuration: null_like(&plain(&prior.value)),
        after: None,
        private,
        first: provisioning(context, change, prior, record.deposed.is_some(), each.as_ref()),
        record,
    };
    settle(context, &call, prior).await
}

async fn settle(context: &Context<'_>, call: &Call<'_>, prior: &StateRow) -> Removed {
    let change = call.change;
    let mut faults = Diagnostics::default();
    let kept = StateRow { record: call.record.clone(), ..prior.clone() };
    let (id, row, took, end) = match call.run(context).await {
        Called::Failed(found) => return Removed::failed(found),
        Called::NotBegun(None) => return Removed { faults, end: End::NotBegun, took: None },
        Called::NotBegun(Some(id)) => (id, Some(kept), None, End::NotBegun),
        Called::Stopped { id, faults: found, took } => {
            faults.extend(found);
            (id, Some(kept), Some(took), End::Failed)
        }
        Called::Answered { id, answer, took } => {
            faults.extend(context.told(change, None, answer.remarks));
            if answer.is_in_doubt {
                faults.push(in_doubt(change));
                let took_ms = millis(took);
                call.tell(context, Happened::ApplyFailed { work: Work::Delete, took_ms });
                return Removed { faults, end: End::Failed, took: Some(took) };
            }
            let failed = faults.has_errors();
            let row = match (answer.value.is_null(), failed) {
                (true, false) => None,
                // A failure that says nothing of what is there leaves what was there.
                (true, true) => Some(kept),
                (false, _) => {
                    if !failed {
                        faults.push(context.about(change, None).still_there());
                    }
                    let value = crate::stack::planning::marks::copy(&prior.value, &answer.value);
                    let mut row = StateRow { value, ..kept };
                    row.record.private = answer.private;
                    Some(row)
                }
            };
            let end = if faults.has_errors() { End::Failed } else { End::Done };
            (id, row, Some(took), end)
        }
    };
    let begun = Instant::now();
    let outcome = match end {
        End::Done | End::Unchanged => "done",
        End::Failed => "failed",
        End::NotBegun => "not begun",
    };
    let mut end = end;
    if let Err(fault) = context.journal.finish(&id, change, row.as_ref(), outcome).await {
        faults.push(fault);
        end = End::Failed;
    }
    if let Some(took) = took {
        let took_ms = millis(took + begun.elapsed());
        let work = Work::Delete;
        call.tell(
            context,
            match end {
                End::Done => Happened::ApplyFinished { work, known_by: None, took_ms },
                _ => Happened::ApplyFailed { work, took_ms },
            },
        );
    }
    Removed { faults, end, took }
}

/// What runs before an object is removed. Nothing where it was pushed aside, since what has taken its place goes by the same name,
/// and nothing where it was never whole.
fn provisioning<'a>(
    context: &'a Context<'_>,
    change: &'a ResourceChange,
    prior: &'a StateRow,
    is_aside: bool,
    each: Option<&'a Each>,
) -> Option<Provisioning<'a>> {
    if change.address.mode != Mode::Managed || is_aside || prior.record.tainted {
        return None;
    }
    let (node, provisioners, connection) = declared(context, change)?;
    let provisioners: Vec<&Provisioner> = provisioners.iter().filter(|one| one.when_destroyed).collect();
    if provisioners.is_empty() {
        return None;
    }
    let place = context.world.place(node, 0).with_each(each).with_self(&prior.value);
    Some(Provisioning { change, provisioners, connection, place })
}

/// The provisioners of the resource's block, or of the `removed` block that took its place.
fn declared<'a>(
    context: &'a Context<'_>,
    change: &ResourceChange,
) -> Option<(NodeId, &'a [Provisioner], Option<&'a Body>)> {
    let block = BlockName::of(&change.address);
    if let Some(at) = context.blocks.get(&block) {
        let resource = context.world.resource(*at)?;
        return Some((at.node, &resource.provisioners, resource.connection.as_ref()));
    }
    // A `removed` block stands in the module or in one above it, and names the resource from there.
    context.removed.iter().find_map(|(node, removed)| {
        let path = &context.world.tree_node(*node)?.path;
        if !block.modules.starts_with(path) {
            return None;
        }
        let mut address = change.address.clone();
        address.module = ModulePath(address.module.0.iter().skip(path.len()).cloned().collect());
        removed.from.0.includes(&address).then_some((*node, removed.provisioners.as_slice(), None))
    })
}

/// What an object knows of its repetition when only the state is left of it.
fn each(key: &Key) -> Each {
    match key {
        Key::Index(index) => Each::Index(*index),
        Key::Name(name) => Each::Entry(name.clone(), Value::unknown(Type::Dynamic)),
    }
}
