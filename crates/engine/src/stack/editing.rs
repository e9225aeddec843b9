//! Edits of a state by hand: what `state mv`, `state rm`, `taint` and `untaint` do, as edits of a snapshot. Nothing is written here,
//! and no configuration is looked at: what the next plan makes of it is its own affair.

use std::collections::BTreeSet;
use std::sync::Arc;

use diag::Diagnostic;
use lang::address::{Address, Mode, ModulePath, ModuleStep, Target};

use crate::{Edit, Snapshot, StateRow};

/// What an edit by hand does.
#[derive(Debug, Clone)]
pub struct Edited {
    /// For the store.
    pub edits: Vec<Edit>,
    /// The instances that it concerns; for a move with the address that each has then.
    pub instances: Vec<(Address, Option<Address>)>,
}

type Answer = Result<Edited, Box<Diagnostic>>;

/// Gives a module instance with all that is in it, a resource with all of its instances, or one instance another address.
///
/// # Errors
/// If there is nothing at `from`, something at `to`, or the two are not of one sort.
pub fn move_objects(snapshot: &Snapshot, from: &Target, to: &Target) -> Answer {
    let moves = match (from, to) {
        (Target::Module(from_path), Target::Module(to_path)) => {
            let within = in_module(snapshot, from_path);
            if within.is_empty() {
                return Err(nothing_at(from));
            }
            if from_path == to_path || has_module(snapshot, to_path, from_path) {
                return Err(taken(to));
            }
            within.into_iter().map(|address| (rebased(address, from_path, to_path), address)).collect()
        }
        (Target::Resource(source), Target::Resource(target)) => resource_moves(snapshot, source, target)?,
        _ => {
            let sort = match from {
                Target::Module(_) => "a module",
                Target::Resource(_) => "a resource",
            };
            return Err(refused(from, to, format!("the target must also be {sort}")));
        }
    };
    let edit = |(to, from): &(Address, &Address)| Edit::Move { from: (*from).clone(), to: to.clone() };
    let edits = moves.iter().map(edit).collect();
    let instances = moves.into_iter().map(|(to, from)| (from.clone(), Some(to))).collect();
    Ok(Edited { edits, instances })
}

/// Each instance under `source`, with the address that it is to have.
fn resource_moves<'s>(
    snapshot: &'s Snapshot,
    source: &Address,
    target: &Address,
) -> Result<Vec<(Address, &'s Address)>, Box<Diagnostic>> {
    let from = Target::Resource(source.clone());
    let to = Target::Resource(target.clone());
    if source.mode != target.mode {
        let why = match source.mode {
            Mode::Data => "a data resource can be moved only to another data resource address",
            _ => "a managed resource can be moved only to another managed resource address",
        };
        return Err(refused(&from, &to, why.to_owned()));
    }
    if source.kind != target.kind {
        return Err(refused(&from, &to, "resource types don't match".to_owned()));
    }
    let at = |address: &Address| {
        let rows = snapshot.rows.iter().map(|row| &row.address);
        rows.filter(|row| *row == address).collect::<BTreeSet<_>>()
    };
    // An address without a key is the instance without one, if there is that, and otherwise the resource with all of them.
    let exactly = at(source);
    if source.key.is_some() || !exactly.is_empty() {
        let Some(found) = exactly.into_iter().next() else { return Err(nothing_at(&from)) };
        if !at(target).is_empty() {
            return Err(taken(&to));
        }
        return Ok(vec![(target.clone(), found)]);
    }
    let all = of_resource(snapshot, source);
    if all.is_empty() {
        return Err(nothing_at(&from));
    }
    if target.key.is_some() {
        let why = "the source is a whole resource (not a resource instance) so the target must also be a whole resource";
        return Err(refused(&from, &to, why.to_owned()));
    }
    if !of_resource(snapshot, target).is_empty() {
        return Err(taken(&to));
    }
    Ok(all.into_iter().map(|address| (target.clone().with_key(address.key.clone()), address)).collect())
}

/// Forgets what these name; the objects stay as they are. What is at the addresses of `spared` is kept.
///
/// # Errors
/// If nothing is there under any of them, and nothing is spared.
pub fn forget_objects(snapshot: &Snapshot, targets: &[Target], spared: &[Address]) -> Answer {
    let named: Vec<&StateRow> = snapshot
        .rows
        .iter()
        .filter(|row| targets.iter().any(|target| target.includes(&row.address)))
        .filter(|row| !spared.contains(&row.address))
        .collect();
    if named.is_empty() && spared.is_empty() {
        let names: Vec<String> = targets.iter().map(ToString::to_string).collect();
        return Err(Box::new(
            Diagnostic::error("no-such-object", "Invalid target address: no matching objects found")
                .about(names.join(", "))
                .hint("`state list` shows what there is"),
        ));
    }
    let remove =
        |row: &&StateRow| Edit::Remove { address: row.address.clone(), deposed: row.record.deposed.clone() };
    let instances: BTreeSet<&Address> = named.iter().map(|row| &row.address).collect();
    Ok(Edited {
        edits: named.iter().map(remove).collect(),
        instances: instances.into_iter().map(|address| (address.clone(), None)).collect(),
    })
}

/// Marks an object as one that is to be replaced. Nothing is edited where it is marked already.
///
/// # Errors
/// If there is no such object, or it is none that can be replaced.
pub fn taint(snapshot: &Snapshot, address: &Address) -> Answer {
    let row = current(snapshot, address)?;
    if address.mode != Mode::Managed {
        return Err(Box::new(
            Diagnostic::error("not-replaceable", format!("Resource instance {address} cannot be tainted"))
                .because("only what a `resource` block made can be replaced"),
        ));
    }
    Ok(marked(row, true))
}

/// Takes the mark of [`taint`] back, which a creation that failed half-way leaves too.
///
/// # Errors
/// If there is no such object, or it has no such mark.
pub fn untaint(snapshot: &Snapshot, address: &Address) -> Answer {
    let row = current(snapshot, address)?;
    if !row.record.tainted {
        let message = format!("Resource instance is not tainted: {address} is not to be replaced");
        return Err(Box::new(Diagnostic::error("not-tainted", message)));
    }
    Ok(marked(row, false))
}

fn marked(row: &StateRow, tainted: bool) -> Edited {
    let mut edits = Vec::new();
    if row.record.tainted != tainted {
        let mut row = row.clone();
        row.record.tainted = tainted;
        edits.push(Edit::Put(Box::new(row)));
    }
    Edited { edits, instances: vec![(row.address.clone(), None)] }
}

fn current<'s>(snapshot: &'s Snapshot, address: &Address) -> Result<&'s StateRow, Box<Diagnostic>> {
    let mut rows = snapshot.rows.iter();
    rows.find(|row| row.address == *address && row.record.deposed.is_none()).ok_or_else(|| {
        let keys: Vec<String> =
            of_resource(snapshot, address).into_iter().map(ToString::to_string).take(NAMED_MAX).collect();
        let fault = Diagnostic::error(
            "no-such-object",
            format!("No such resource instance: there is none in the state with the address {address}"),
        );
        Box::new(if keys.is_empty() {
            fault.hint("`state list` shows what there is")
        } else {
            fault.hint(format!("there is {}", keys.join(", ")))
        })
    })
}

/// How many instances a hint names.
const NAMED_MAX: usize = 10;

/// The instances of a resource, whatever their keys, in exactly this module instance.
fn of_resource<'s>(snapshot: &'s Snapshot, resource: &Address) -> BTreeSet<&'s Address> {
    let rows = snapshot.rows.iter().map(|row| &row.address);
    rows.filter(|address| {
        address.module == resource.module
            && address.mode == resource.mode
            && address.kind == resource.kind
            && address.name == resource.name
    })
    .collect()
}

/// Whether a path is exactly this module instance or in it: a step without a key is the instance without one.
fn is_in(path: &ModulePath, module: &ModulePath) -> bool {
    path.0.starts_with(&module.0)
}

fn in_module<'s>(snapshot: &'s Snapshot, module: &ModulePath) -> BTreeSet<&'s Address> {
    let rows = snapshot.rows.iter().map(|row| &row.address);
    rows.filter(|address| is_in(&address.module, module)).collect()
}

/// Whether something is in a module instance that does not go away with the move of another one.
fn has_module(snapshot: &Snapshot, module: &ModulePath, moved: &ModulePath) -> bool {
    snapshot.rows.iter().any(|row| is_in(&row.address.module, module) && !is_in(&row.address.module, moved))
}

fn rebased(address: &Address, from: &ModulePath, to: &ModulePath) -> Address {
    let rest = address.module.0.iter().skip(from.0.len());
    let steps: Arc<[ModuleStep]> = to.0.iter().chain(rest).cloned().collect();
    Address { module: ModulePath(steps), ..address.clone() }
}

fn nothing_at(from: &Target) -> Box<Diagnostic> {
    let message = format!("Invalid source address: {from} does not match anything in the current state");
    Box::new(Diagnostic::error("no-such-object", message).hint("`state list` shows what there is"))
}

fn taken(to: &Target) -> Box<Diagnostic> {
    let what = match to {
        Target::Module(_) => "a module instance",
        Target::Resource(_) => "a resource instance",
    };
    let message = format!("Invalid target address: there is already {what} at {to} in the current state");
    Box::new(
        Diagnostic::error("address-taken", message).hint("move or forget that first; nothing was changed"),
    )
}

fn refused(from: &Target, to: &Target, why: String) -> Box<Diagnostic> {
    let message = format!("Invalid state move request: cannot move {from} to {to}");
    Box::new(Diagnostic::error("invalid-move", message).because(why).hint("nothing was changed"))
}
