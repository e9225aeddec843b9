//! `ignore_changes`: what is described there is what is there, so that no difference shows.

use std::collections::BTreeSet;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use lang::configuration::{IgnoreChanges, Resource};
use lang::schema::{Block, Given};
use value::{Kind, Path, Step, Type, Value};

use super::marks::at;

/// The description with the present values in the places that are ignored. Where nothing is there yet, nothing is ignored.
pub(in crate::stack) fn with_ignored(
    schema: &Block,
    ignored: &IgnoreChanges,
    prior: &Value,
    configuration: &Value,
) -> Value {
    if prior.is_null() {
        return configuration.clone();
    }
    match ignored {
        IgnoreChanges::Nothing => configuration.clone(),
        IgnoreChanges::All => all(schema, prior, configuration),
        IgnoreChanges::Places(places) => {
            let mut described = configuration.clone();
            for (place, _) in places {
                described = replaced(&described, &place.0, at(prior, place).as_ref());
            }
            described
        }
    }
}

/// Everything that may be described as it is; what only the provider tells stays undescribed.
fn all(schema: &Block, prior: &Value, configuration: &Value) -> Value {
    let (Kind::Object(prior), Kind::Object(described)) = (prior.kind(), configuration.kind()) else {
        return configuration.clone();
    };
    let entries = described.iter().map(|(name, value)| {
        let is_told = schema
            .attribute(name)
            .is_some_and(|attribute| attribute.given == Given::Computed || attribute.is_write_only);
        let kept = if is_told { value } else { prior.get(name).unwrap_or(value) };
        (name.clone(), kept.clone())
    });
    Value::object(entries)
}

/// A value with another at a place; `None`: nothing is there, which takes an element out of a map.
fn replaced(value: &Value, path: &[Step], with: Option<&Value>) -> Value {
    let Some((step, rest)) = path.split_first() else {
        return with.cloned().unwrap_or_else(|| value.clone());
    };
    match (value.kind(), step) {
        (Kind::Object(entries), Step::Attribute(name) | Step::Key(name)) => {
            let mut entries = entries.as_ref().clone();
            if let Some(entry) = entries.get_mut(name) {
                *entry = replaced(entry, rest, with);
            }
            Value::object(entries).with_marks(value.marks())
        }
        (Kind::Map(ty, entries), Step::Key(key) | Step::Attribute(key)) => {
            let mut entries = entries.as_ref().clone();
            match (rest, with, entries.get(key).cloned()) {
                ([], None, _) => {
                    entries.remove(key);
                }
                (_, _, Some(entry)) => {
                    entries.insert(key.clone(), replaced(&entry, rest, with));
                }
                ([], Some(with), None) => {
                    entries.insert(key.clone(), with.clone());
                }
                _ => {}
            }
            Value::map(ty.as_ref().clone(), entries).with_marks(value.marks())
        }
        // A map that is not described at all, and one element of it that is there.
        (Kind::Null(Type::Map(ty)), Step::Key(key) | Step::Attribute(key)) => match (rest, with) {
            ([], Some(with)) => Value::map(ty.as_ref().clone(), [(Arc::clone(key), with.clone())]),
            _ => value.clone(),
        },
        (Kind::List(ty, elements), Step::Index(index)) => {
            Value::list(ty.as_ref().clone(), replaced_element(elements, index, rest, with))
                .with_marks(value.marks())
        }
        (Kind::Tuple(elements), Step::Index(index)) => {
            Value::tuple(replaced_element(elements, index, rest, with)).with_marks(value.marks())
        }
        _ => value.clone(),
    }
}

fn replaced_element(
    elements: &[Value],
    index: &value::Number,
    rest: &[Step],
    with: Option<&Value>,
) -> Vec<Value> {
    let mut elements = elements.to_vec();
    if let Some(element) = index.to_usize().and_then(|at| elements.get_mut(at)) {
        *element = replaced(element, rest, with);
    }
    elements
}

/// Whether a place of a value is there to be ignored; for the fault that names one that is not.
pub(in crate::stack) fn is_place(schema: &Block, place: &Path) -> bool {
    let Some((Step::Attribute(name) | Step::Key(name), rest)) = place.0.split_first() else { return false };
    let is_there = schema.attribute(name).is_some() || schema.nested(name).is_some();
    is_there && (rest.is_empty() || holds(&schema.ty(), &place.0))
}

/// Whether values of a type may have something in a place.
fn holds(ty: &Type, place: &[Step]) -> bool {
    let Some((step, rest)) = place.split_first() else { return true };
    match (ty, step) {
        (Type::Dynamic, _) => true,
        (Type::Object(object), Step::Attribute(name) | Step::Key(name)) => {
            object.attributes.get(name).is_some_and(|attribute| holds(&attribute.ty, rest))
        }
        (Type::Map(element), Step::Attribute(_) | Step::Key(_))
        | (Type::List(element) | Type::Set(element), Step::Index(_)) => holds(element, rest),
        (Type::Tuple(elements), Step::Index(index)) => {
            let element = index.to_usize().and_then(|at| elements.get(at));
            element.is_some_and(|element| holds(element, rest))
        }
        _ => false,
    }
}

/// Attributes that are ignored though no description can give them; each is told once.
pub(in crate::stack) fn redundant(resource: &Resource, schema: &Block) -> Diagnostics {
    let IgnoreChanges::Places(places) = &resource.lifecycle.ignore_changes else {
        return Diagnostics::default();
    };
    let names: BTreeSet<&Arc<str>> = places
        .iter()
        .filter_map(|(path, _)| match path.0.as_slice() {
            [Step::Attribute(name) | Step::Key(name)] => Some(name),
            _ => None,
        })
        .filter(|name| schema.attribute(name).is_some_and(|it| it.given == Given::Computed))
        .collect();
    let warning = |name: &Arc<str>| {
        let message = format!("the provider alone decides `{name}`, so that there is nothing to ignore");
        let warning = Diagnostic::warning("redundant-ignored", message).at(resource.header);
        warning.hint(format!("take `{name}` out of `ignore_changes`"))
    };
    Diagnostics(names.into_iter().map(warning).collect())
}
