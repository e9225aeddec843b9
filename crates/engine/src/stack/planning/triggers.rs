//! `replace_triggered_by`: whether something that an instance names would be changed.

use diag::{Diagnostic, Diagnostics};
use lang::Reference;
use lang::configuration::Resource;
use lang::eval::evaluate;
use lang::syntax::{Expr, ExprKind, Step as Traversed};
use value::{Kind, Path, Step};

use super::instances::Instance;
use super::marks::{at as place_of, plain, same};
use super::planner::Planner;
use crate::Key;
use crate::stack::plan::{Action, ResourceChange};
use crate::stack::world::{Place, ResourceAt, World};

/// Whether one of the triggers of an instance is pulled.
///
/// # Errors
/// If a trigger cannot be said to name something.
pub(super) fn are_pulled(
    planner: &Planner,
    world: &World,
    at: ResourceAt,
    resource: &Resource,
    instance: &Instance,
) -> Result<bool, Diagnostics> {
    let place = instance.place(world, at);
    for trigger in &resource.lifecycle.replace_triggered_by {
        if is_pulled(planner, world, at, trigger, instance, &place)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_pulled(
    planner: &Planner,
    world: &World,
    at: ResourceAt,
    trigger: &Expr,
    instance: &Instance,
    place: &Place<'_>,
) -> Result<bool, Diagnostics> {
    let (source, steps): (&Expr, &[Traversed]) = match &trigger.kind {
        ExprKind::Traversal(source, steps) => (source, steps),
        _ => (trigger, &[]),
    };
    let ExprKind::Reference(Reference::Resource(named)) = &source.kind else { return Ok(false) };
    let named = ResourceAt { node: at.node, resource: *named };
    let Some(found) = planner.found(named) else { return Ok(false) };
    let is_repeated = world.resource(named).is_some_and(|it| it.count.is_some() || it.for_each.is_some());
    let mut steps = steps.iter();
    let key = match (is_repeated, steps.as_slice().first()) {
        (true, Some(Traversed::Index(..) | Traversed::LegacyIndex(..))) => {
            match steps.next().map(|step| self::step(step, place)).transpose()? {
                Some(Step::Index(number)) => number.to_usize().map(|index| Key::Index(index as u64)),
                Some(Step::Key(name) | Step::Attribute(name)) => Some(Key::Name(name)),
                None => None,
            }
        }
        _ => None,
    };
    let path = Path(steps.map(|step| self::step(step, place)).collect::<Result<_, _>>()?);
    let is_meant = |change: &&ResourceChange| {
        change.deposed.is_none()
            && change.address.module == instance.address.module
            && key.as_ref().is_none_or(|key| change.address.key.as_ref() == Some(key))
    };
    Ok(found.changes.iter().filter(is_meant).any(|change| is_changed(change, &path)))
}

/// Whether a change would change a place.
fn is_changed(change: &ResourceChange, path: &Path) -> bool {
    let is_change = change.action == Action::Update || change.action.is_replacement();
    if path.0.is_empty() {
        return is_change;
    }
    if !is_change && change.action != Action::Create {
        return false;
    }
    match (place_of(&plain(&change.before), path), place_of(&plain(&change.after), path)) {
        (Some(then), Some(now)) => !now.is_wholly_known() || !same(&then, &now),
        (then, now) => then.is_some() != now.is_some(),
    }
}

fn step(step: &Traversed, place: &Place<'_>) -> Result<Step, Diagnostics> {
    match step {
        Traversed::Attribute(name) => Ok(Step::Attribute(name.name.clone())),
        Traversed::LegacyIndex(index, _) => Ok(Step::Index(index.clone())),
        Traversed::Index(key, _) => {
            let value = evaluate(key, place)?;
            match plain(&value).kind() {
                Kind::String(name) => Ok(Step::Key(name.clone())),
                Kind::Number(number) => Ok(Step::Index(number.clone())),
                _ => Err(Diagnostic::error(
                    "invalid-trigger",
                    "Invalid index: a key has to be known text or a known number",
                )
                .at(key.span)
                .into()),
            }
        }
        Traversed::Splat { .. } => Err(Diagnostic::error(
            "invalid-trigger",
            "Invalid replace_triggered_by expression: a splat names no place",
        )
        .into()),
    }
}
