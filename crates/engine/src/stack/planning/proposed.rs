//! The proposed new state: what is described, with what the provider had told where the description says nothing.
//!
//! The rules are those of the provider protocol ("Resource Instance Change Lifecycle"): an attribute that the provider may compute
//! and the configuration leaves out keeps its prior value; elements of lists are matched by place, of maps by key, and of sets by
//! everything in them that is not computed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use lang::schema::{Attribute, Block, Given, NestedBlock, Nesting};
use value::{Kind, Type, Value};

use super::marks::same;

/// What is described on top of what there was. Both without marks; `prior` null: there was nothing.
pub(in crate::stack) fn proposed(schema: &Block, prior: &Value, configuration: &Value) -> Value {
    let Kind::Object(described) = configuration.kind() else { return configuration.clone() };
    let before = match prior.kind() {
        Kind::Object(before) => Some(before.as_ref()),
        _ => None,
    };
    // Where nothing changes, the prior object itself is shared instead of made again.
    let mut entries: BTreeMap<Arc<str>, Value> = BTreeMap::new();
    for attribute in &schema.attributes {
        let Some(value) = described.get(&attribute.name) else { continue };
        let before = before.and_then(|before| before.get(&attribute.name));
        entries.insert(attribute.name.clone(), self::attribute(attribute, before, value));
    }
    for nested in &schema.blocks {
        let Some(value) = described.get(&nested.name) else { continue };
        let before = before.and_then(|before| before.get(&nested.name));
        entries.insert(nested.name.clone(), blocks(nested, before, value));
    }
    let object = Value::object(entries);
    if same(prior, &object) { prior.clone() } else { object }
}

fn is_computed(attribute: &Attribute) -> bool {
    matches!(attribute.given, Given::Computed | Given::OptionalComputed)
}

fn attribute(attribute: &Attribute, before: Option<&Value>, described: &Value) -> Value {
    if is_computed(attribute) && described.is_null() {
        return before.map_or_else(|| described.clone(), |before| keep(attribute, before, described));
    }
    match (&attribute.nested, before) {
        (Some(block), Some(before)) => collection(block, before, described),
        _ => described.clone(),
    }
}

/// What the provider told stays, unless a person could have written part of it and took that out.
fn keep(attribute: &Attribute, before: &Value, described: &Value) -> Value {
    match &attribute.nested {
        Some(block) if attribute.given == Given::OptionalComputed && was_written(block, before) => {
            described.clone()
        }
        _ => before.clone(),
    }
}

/// Whether an object holds something that only a configuration can have said.
fn was_written(block: &Block, value: &Value) -> bool {
    match value.kind() {
        Kind::Object(entries) => block.attributes.iter().any(|attribute| {
            let entry = entries.get(&attribute.name);
            entry.is_some_and(|entry| {
                !entry.is_null()
                    && (!is_computed(attribute)
                        || attribute.nested.as_ref().is_some_and(|inner| was_written(inner, entry)))
            })
        }),
        _ => value.children().any(|element| was_written(block, element)),
    }
}

fn blocks(nested: &NestedBlock, before: Option<&Value>, described: &Value) -> Value {
    let Some(before) = before else { return described.clone() };
    match nested.nesting {
        Nesting::Single { .. } => proposed(&nested.block, before, described),
        Nesting::List | Nesting::Set | Nesting::Map { .. } => collection(&nested.block, before, described),
    }
}

/// Each object of a collection on top of the one that it was, or the object itself.
fn collection(block: &Block, before: &Value, described: &Value) -> Value {
    let nothing = Value::null(Type::Dynamic);
    match (described.kind(), before.kind()) {
        (Kind::Object(_), Kind::Object(_)) => proposed(block, before, described),
        (Kind::List(ty, elements), _) => {
            let before = before.as_slice().unwrap_or_default();
            let each = elements.iter().enumerate();
            let each = each.map(|(at, element)| proposed(block, before.get(at).unwrap_or(&nothing), element));
            Value::list(ty.as_ref().clone(), each.collect::<Vec<_>>())
        }
        (Kind::Tuple(elements), _) => {
            let before = before.as_slice().unwrap_or_default();
            let each = elements.iter().enumerate();
            let each = each.map(|(at, element)| proposed(block, before.get(at).unwrap_or(&nothing), element));
            Value::tuple(each.collect::<Vec<_>>())
        }
        (Kind::Map(ty, entries), _) => {
            let before = before.as_entries();
            let each = entries.iter().map(|(key, element)| {
                let before = before.and_then(|before| before.get(key)).unwrap_or(&nothing);
                (key.clone(), proposed(block, before, element))
            });
            Value::map(ty.as_ref().clone(), each)
        }
        (Kind::Set(ty, elements), Kind::Set(_, before)) => {
            Value::set(ty.as_ref().clone(), set(block, before, elements))
        }
        _ => described.clone(),
    }
}

/// Elements of a set on top of those that they were: of prior elements that agree in everything that is not computed, each is taken
/// once. A table of those parts keeps it linear.
fn set(block: &Block, before: &[Value], described: &[Value]) -> Vec<Value> {
    let mut table: HashMap<Value, Vec<&Value>> = HashMap::new();
    for element in before.iter().rev() {
        table.entry(written(block, element)).or_default().push(element);
    }
    let nothing = Value::null(Type::Dynamic);
    let each = described.iter().map(|element| {
        let candidates = table.get_mut(&written(block, element));
        let before = candidates.and_then(|candidates| {
            let at = candidates.iter().rposition(|before| agrees(block, before, element))?;
            Some(candidates.remove(at))
        });
        proposed(block, before.unwrap_or(&nothing), element)
    });
    each.collect()
}

/// An object with null in place of everything that a provider may compute.
fn written(block: &Block, value: &Value) -> Value {
    match value.kind() {
        Kind::Object(entries) => {
            let mut entries = entries.as_ref().clone();
            for attribute in &block.attributes {
                if let Some(entry) = entries.get_mut(&attribute.name) {
                    if is_computed(attribute) || entry.is_null() {
                        *entry = Value::null(Type::Dynamic);
                    } else if let Some(inner) = &attribute.nested {
                        *entry = written(inner, entry);
                    }
                }
            }
            for nested in &block.blocks {
                if let Some(entry) = entries.get_mut(&nested.name) {
                    *entry = written(&nested.block, entry);
                }
            }
            Value::object(entries)
        }
        Kind::List(_, elements) | Kind::Tuple(elements) => {
            Value::tuple(elements.iter().map(|element| written(block, element)).collect::<Vec<_>>())
        }
        Kind::Set(_, elements) => {
            Value::set(Type::Dynamic, elements.iter().map(|element| written(block, element)))
        }
        Kind::Map(_, entries) => {
            Value::object(entries.iter().map(|(key, element)| (key.clone(), written(block, element))))
        }
        _ => value.clone(),
    }
}

/// Whether what is described of the computed parts is what they were.
fn agrees(block: &Block, before: &Value, described: &Value) -> bool {
    let (Kind::Object(before), Kind::Object(described)) = (before.kind(), described.kind()) else {
        return true;
    };
    block.attributes.iter().filter(|attribute| is_computed(attribute)).all(|attribute| {
        match (before.get(&attribute.name), described.get(&attribute.name)) {
            (Some(before), Some(described)) => {
                described.is_null()
                    || same(before, described)
                    || attribute
                        .nested
                        .as_ref()
                        .is_some_and(|inner| same(&written(inner, before), &written(inner, described)))
            }
            _ => true,
        }
    })
}
