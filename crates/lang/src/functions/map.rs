//! Functions of maps and objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use value::{Kind, Marks, Type, Value, convert};

use super::arguments::{Arguments, Failure};
use super::signature::{Function, Parameter, Shape};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "keys",
        &[Parameter::new("inputMap", Shape::Any).unknown().marked()],
        Shape::Any,
        keys,
        "The keys of a map or object, in order.",
    ),
    Function::new(
        "values",
        &[Parameter::new("mapping", Shape::Any).unknown().marked()],
        Shape::Any,
        values,
        "The values of a map or object, in the order of their keys.",
    ),
    Function::new(
        "lookup",
        &[
            Parameter::new("inputMap", Shape::Any).partly_unknown().marked(),
            Parameter::new("key", Shape::String),
        ],
        Shape::Any,
        lookup,
        "The element of a map with a key, or a default.",
    )
    .rest(Parameter::new("default", Shape::Any).nullable().dynamic().marked())
    .typed(lookup_type)
    .may_be_null(),
    Function::new("merge", &[], Shape::Any, merge, "The maps in one; of equal keys the last counts.")
        .rest(Parameter::new("maps", Shape::Any).nullable().dynamic().marked()),
    Function::new(
        "transpose",
        &[Parameter::new("values", Shape::MapOfLists)],
        Shape::MapOfLists,
        transpose,
        "The map of lists of strings, with keys and elements swapped.",
    ),
    Function::new(
        "zipmap",
        &[
            Parameter::new("keys", Shape::ListOfString),
            Parameter::new("values", Shape::Any).partly_unknown().marked(),
        ],
        Shape::Any,
        zipmap,
        "A map from a list of keys and a list of values.",
    )
    .typed(zipmap_type),
];

fn keys(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (map, marks) = a.value(0).clone().unmark();
    let string = |k: &Arc<str>| Value::string(k.clone());
    let keys = match (map.kind(), map.ty()) {
        (Kind::Map(_, entries), _) => {
            Value::list(Type::String, entries.keys().map(string).collect::<Vec<_>>())
        }
        (_, Type::Map(_)) => Value::unknown(Type::list(Type::String)),
        // The attributes of an object are known from its type, even where it is not.
        (_, Type::Object(object)) => Value::tuple(object.attributes.keys().map(string).collect::<Vec<_>>()),
        _ => return Err(Failure::at(0, "must have map or object type")),
    };
    Ok(keys.with_marks(marks))
}

fn values(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (map, marks) = a.value(0).clone().unmark();
    let values = match (map.kind(), map.ty()) {
        (Kind::Map(t, entries), _) => {
            Value::list(t.as_ref().clone(), entries.values().cloned().collect::<Vec<_>>())
        }
        (Kind::Object(entries), _) => Value::tuple(entries.values().cloned().collect::<Vec<_>>()),
        (_, Type::Map(t)) => Value::unknown(Type::list(t.as_ref().clone())),
        (_, Type::Object(object)) => {
            Value::tuple(object.attributes.values().map(|a| Value::unknown(a.ty.clone())).collect::<Vec<_>>())
        }
        _ => return Err(Failure::call("values() requires a map as the first argument")),
    };
    Ok(values.with_marks(marks))
}

const LOOKUP_FIRST: &str = "lookup() requires a map as the first argument";

fn lookup_type(args: &[Value]) -> Result<Type, Failure> {
    if args.len() > 3 {
        return Err(Failure::call(format!("lookup() takes two or three arguments, got {}", args.len())));
    }
    match args[0].ty() {
        Type::Map(t) => {
            let fits = args.get(2).is_none_or(|default| convert(default, &t).is_ok());
            if fits {
                return Ok(t.as_ref().clone());
            }
            Err(Failure::at(2, "the default value must have the same type as the map elements"))
        }
        Type::Object(object) => {
            let Some(key) = args[1].as_str() else { return Ok(Type::Dynamic) };
            match (object.attributes.get(key), args.get(2)) {
                (Some(attribute), _) => Ok(attribute.ty.clone()),
                (None, Some(default)) => Ok(default.ty()),
                (None, None) => Err(Failure::showing(Some(0), |show| {
                    format!("the given object has no attribute {}", show(format!("{key:?}")))
                })),
            }
        }
        _ => Err(Failure::at(0, LOOKUP_FIRST)),
    }
}

fn lookup(a: &Arguments<'_>) -> Result<Value, Failure> {
    let ty = lookup_type(&a.values)?;
    let (map, key) = (a.value(0), a.text(1));
    if let Some(found) = map.get(key) {
        return Ok(found);
    }
    match a.values.get(2) {
        Some(default) => {
            let default = if matches!(map.kind(), Kind::Map(..)) {
                convert(default, &ty).map_err(|e| Failure::at(2, e.message))?
            } else {
                default.clone()
            };
            Ok(default.with_marks(map.marks()))
        }
        None => Err(Failure::showing(None, |show| {
            format!("lookup failed to find key {}", show(format!("{key:?}")))
        })),
    }
}

/// A map where all of them are maps of one type, and otherwise an object.
fn merge(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (mut marks, mut merged) = (Marks::NONE, BTreeMap::new());
    let (mut element, mut is_map): (Option<Type>, bool) = (None, true);
    let (mut open, mut types) = (false, BTreeMap::new());
    for arg in &a.values {
        marks = marks.union(arg.marks());
        match (arg.kind(), arg.ty()) {
            (Kind::Null(_), _) => continue,
            (_, Type::Dynamic) => return Ok(Value::unknown(Type::Dynamic).with_marks(marks)),
            (_, Type::Map(t)) => {
                is_map &= element.as_ref().is_none_or(|element| *element == *t);
                element = Some(t.as_ref().clone());
            }
            (_, Type::Object(object)) => {
                is_map = false;
                types.extend(object.attributes.iter().map(|(k, a)| (k.clone(), a.ty.clone())));
            }
            (_, other) => {
                return Err(Failure::call(format!(
                    "arguments must be maps or objects, got {:?}",
                    other.kind_name()
                )));
            }
        }
        match arg.as_entries() {
            Some(entries) => {
                if matches!(arg.kind(), Kind::Map(..)) {
                    types.extend(entries.iter().map(|(k, v)| (k.clone(), v.ty())));
                }
                merged.extend(entries.iter().map(|(k, v)| (k.clone(), v.clone())));
            }
            None => open = true,
        }
    }
    let has_unknown_map = a.values.iter().any(|arg| !arg.is_known() && matches!(arg.ty(), Type::Map(_)));
    let result = match (element, is_map) {
        (Some(element), true) if open => Value::unknown(Type::map(element)),
        (Some(element), true) => Value::map(element, merged),
        // An unknown map may add any attribute.
        _ if has_unknown_map => Value::unknown(Type::Dynamic),
        _ if open => Value::unknown(Type::object(types)),
        _ => Value::object(merged),
    };
    Ok(result.with_marks(marks))
}

fn transpose(a: &Arguments<'_>) -> Result<Value, Failure> {
    let mut swapped: BTreeMap<Arc<str>, Vec<Value>> = BTreeMap::new();
    let Kind::Map(_, entries) = a.value(0).kind() else { return Err(Failure::at(0, "a map is required")) };
    for (key, list) in entries.iter() {
        let Some(elements) = list.as_slice() else {
            return Err(Failure::call("input must not contain null list"));
        };
        for element in elements {
            let Kind::String(text) = element.kind() else {
                return Err(Failure::call("input list must not contain null string"));
            };
            swapped.entry(text.clone()).or_default().push(Value::string(key.clone()));
        }
    }
    let lists = swapped.into_iter().map(|(key, list)| (key, Value::list(Type::String, list)));
    Ok(Value::map(Type::list(Type::String), lists))
}

fn zipmap_type(args: &[Value]) -> Result<Type, Failure> {
    match args[1].ty() {
        Type::List(t) => Ok(Type::map(t.as_ref().clone())),
        Type::Tuple(_) => Ok(Type::Dynamic),
        _ => Err(Failure::call("values argument must be a list or tuple value")),
    }
}

fn zipmap(a: &Arguments<'_>) -> Result<Value, Failure> {
    let ty = zipmap_type(&a.values)?;
    let (keys, values) = (a.elements(0), a.elements(1));
    if keys.len() != values.len() {
        return Err(Failure::call(format!(
            "number of keys ({}) does not match number of values ({})",
            keys.len(),
            values.len()
        )));
    }
    let mut entries: BTreeMap<Arc<str>, Value> = BTreeMap::new();
    for (at, (key, value)) in keys.iter().zip(values).enumerate() {
        let Kind::String(key) = key.kind() else {
            return Err(Failure::call(format!("keys list has null value at index {at}")));
        };
        entries.insert(key.clone(), value.clone());
    }
    let result = match ty {
        Type::Map(t) => Value::map(t.as_ref().clone(), entries),
        _ => Value::object(entries),
    };
    Ok(result.with_marks(a.value(1).marks()))
}
