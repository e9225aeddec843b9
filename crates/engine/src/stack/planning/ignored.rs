//! `ignore_changes`: what is described there is what is there, so that no difference shows.

use std::sync::Arc;

use lang::configuration::IgnoreChanges;
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
    match place.0.first() {
        Some(Step::Attribute(name) | Step::Key(name)) => {
            schema.attribute(name).is_some() || schema.nested(name).is_some()
        }
        _ => false,
    }
}
