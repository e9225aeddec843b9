//! Sensitive parts: from the document's paths to marks on values, and back.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;
use value::{Kind, Marks, Type, Value, type_from_json};

/// One step of a path as the document has it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub(super) enum Step {
    /// An object's attribute.
    GetAttr(String),
    /// A map's key, or a place in a list or tuple.
    Index(Index),
}

/// A key with its type.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Index {
    pub(super) value: Json,
    #[serde(rename = "type")]
    pub(super) ty: Json,
}

/// Marks what is at a path as sensitive. `None`: there is nothing at that path. `implied`: the value was read without its schema's
/// type, so that parts of no fixed type still have their type beside them.
pub(super) fn mark(value: &Value, path: &[Step], implied: bool) -> Option<Value> {
    let Some((step, rest)) = path.split_first() else {
        return Some(value.clone().with_marks(Marks::SENSITIVE));
    };
    let marked = match (value.kind(), step) {
        (Kind::Object(entries), _) if implied && is_wrapped(value) && !names(step, entries) => {
            let mut entries = entries.as_ref().clone();
            // The path goes on inside of it.
            let inner = entries.get("value").and_then(|inner| mark(inner, path, true))?;
            entries.insert("value".into(), inner);
            Kind::Object(Arc::new(entries)).into()
        }
        (Kind::Object(entries), Step::GetAttr(name)) => {
            let mut entries = entries.as_ref().clone();
            let inner = entries.get(name.as_str()).and_then(|inner| mark(inner, rest, implied))?;
            entries.insert(name.as_str().into(), inner);
            Kind::Object(Arc::new(entries)).into()
        }
        (Kind::Map(ty, entries), Step::Index(Index { value: Json::String(key), .. })) => {
            let mut entries = entries.as_ref().clone();
            let inner = entries.get(key.as_str()).and_then(|inner| mark(inner, rest, implied))?;
            entries.insert(key.as_str().into(), inner);
            Kind::Map(ty.clone(), Arc::new(entries)).into()
        }
        // By the path it is a map; if its elements are of one type it can be one, and is written as one again.
        (Kind::Object(entries), Step::Index(Index { value: Json::String(_), .. })) if implied => {
            let ty = entries.values().next()?.ty();
            if entries.values().any(|entry| entry.ty() != ty) {
                return None;
            }
            let map = Value::map(ty, entries.iter().map(|(key, entry)| (key.clone(), entry.clone())));
            mark(&map, path, true)?
        }
        (Kind::List(ty, elements), Step::Index(index)) => {
            Kind::List(ty.clone(), mark_element(elements, index, rest, implied)?.into()).into()
        }
        (Kind::Tuple(elements), Step::Index(index)) => {
            Value::tuple(mark_element(elements, index, rest, implied)?)
        }
        // A set has no places: what is sensitive in it makes all of it so.
        (Kind::Set(..), _) => value.clone().with_marks(Marks::SENSITIVE),
        _ => return None,
    };
    Some(marked.with_marks(value.marks()))
}

fn mark_element(elements: &[Value], index: &Index, rest: &[Step], implied: bool) -> Option<Vec<Value>> {
    let at = usize::try_from(index.value.as_u64()?).ok()?;
    let inner = mark(elements.get(at)?, rest, implied)?;
    let mut elements = elements.to_vec();
    elements[at] = inner;
    Some(elements)
}

fn names(step: &Step, entries: &std::collections::BTreeMap<Arc<str>, Value>) -> bool {
    matches!(step, Step::GetAttr(name) if entries.contains_key(name.as_str()))
}

/// Whether it looks like an attribute of no fixed type with its type beside it.
pub(super) fn is_wrapped(value: &Value) -> bool {
    let Some(entries) = value.as_entries() else { return false };
    entries.len() == 2
        && entries.contains_key("value")
        && entries.get("type").and_then(value::to_json).is_some_and(|ty| type_from_json(&ty).is_ok())
}

/// A step of a path to a sensitive part, as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    Attribute(Arc<str>),
    Key(Arc<str>),
    Index(usize),
}

/// The paths of sensitive parts. `shape`: the schema's type, if it is known.
pub(super) fn sensitive(value: &Value, shape: Option<&Type>) -> Vec<Vec<Place>> {
    let mut paths = Vec::new();
    collect(value, shape.is_none(), &mut Vec::new(), &mut paths);
    paths
}

fn collect(value: &Value, implied: bool, path: &mut Vec<Place>, paths: &mut Vec<Vec<Place>>) {
    if value.is_sensitive() {
        paths.push(path.clone());
    }
    if implied && !path.is_empty() && is_wrapped(value) {
        if let Some(inner) = value.as_entries().and_then(|entries| entries.get("value")) {
            collect(inner, true, path, paths);
        }
        return;
    }
    let mut within = |place: Place, inner: &Value| {
        path.push(place);
        collect(inner, implied, path, paths);
        path.pop();
    };
    match value.kind() {
        Kind::Object(entries) => {
            entries.iter().for_each(|(name, v)| within(Place::Attribute(name.clone()), v))
        }
        Kind::Map(_, entries) => entries.iter().for_each(|(key, v)| within(Place::Key(key.clone()), v)),
        Kind::List(_, elements) | Kind::Tuple(elements) => {
            elements.iter().enumerate().for_each(|(i, v)| within(Place::Index(i), v));
        }
        _ => {}
    }
}
