//! Marks that go round a provider, which knows none: taken off before it is asked, and put back at the same places; and when two
//! values are the same apart from them.

use std::collections::BTreeMap;
use std::sync::Arc;

use value::{Kind, Marks, Path, Step, Type, Value};

/// Without any mark.
pub(in crate::stack) fn plain(value: &Value) -> Value {
    value.clone().unmark_deep().0
}

/// `to` with the marks that `from` has at the same places. Where `to` has no such place, what is nearest above it gets them.
pub(in crate::stack) fn copy(from: &Value, to: &Value) -> Value {
    if from.marks_deep().is_empty() {
        return to.clone();
    }
    let copied = match (from.kind(), to.kind()) {
        (Kind::List(_, from), Kind::List(ty, to)) => Value::list(ty.as_ref().clone(), copy_each(from, to)),
        (Kind::Tuple(from), Kind::Tuple(to)) => Value::tuple(copy_each(from, to)),
        (Kind::Map(_, from), Kind::Map(ty, to)) => Value::map(ty.as_ref().clone(), copy_entries(from, to)),
        (Kind::Object(from), Kind::Object(to)) => Value::object(copy_entries(from, to)),
        _ => return to.clone().with_marks(from.marks_deep()),
    };
    copied.with_marks(to.marks()).with_marks(from.marks())
}

fn copy_each(from: &[Value], to: &[Value]) -> Vec<Value> {
    to.iter()
        .enumerate()
        .map(|(at, to)| from.get(at).map_or_else(|| to.clone(), |from| copy(from, to)))
        .collect()
}

fn copy_entries(
    from: &BTreeMap<Arc<str>, Value>,
    to: &BTreeMap<Arc<str>, Value>,
) -> BTreeMap<Arc<str>, Value> {
    let each = to
        .iter()
        .map(|(name, to)| (name.clone(), from.get(name).map_or_else(|| to.clone(), |from| copy(from, to))));
    each.collect()
}

/// Whether two values are the same for people and providers: marks do not count, nor of which type what is null would have been.
pub(in crate::stack) fn same(a: &Value, b: &Value) -> bool {
    match (a.kind(), b.kind()) {
        (Kind::Null(_), Kind::Null(_)) => true,
        (Kind::Unknown(_), Kind::Unknown(_)) => a.kind() == b.kind(),
        (Kind::Bool(a), Kind::Bool(b)) => a == b,
        (Kind::Number(a), Kind::Number(b)) => a == b,
        (Kind::String(a), Kind::String(b)) => a == b,
        (Kind::List(_, x), Kind::List(_, y)) | (Kind::Set(_, x), Kind::Set(_, y)) => {
            Arc::ptr_eq(x, y) || (x.len() == y.len() && x.iter().zip(y.iter()).all(|(x, y)| same(x, y)))
        }
        (Kind::Tuple(x), Kind::Tuple(y)) => {
            Arc::ptr_eq(x, y) || (x.len() == y.len() && x.iter().zip(y.iter()).all(|(x, y)| same(x, y)))
        }
        (Kind::Map(_, x), Kind::Map(_, y)) | (Kind::Object(x), Kind::Object(y)) => {
            Arc::ptr_eq(x, y)
                || (x.len() == y.len() && x.iter().zip(y.iter()).all(|((k, x), (l, y))| k == l && same(x, y)))
        }
        _ => false,
    }
}

/// Whether two values have the same marks at the same places.
pub(in crate::stack) fn same_marks(a: &Value, b: &Value) -> bool {
    if a.marks() != b.marks() {
        return false;
    }
    match (a.as_entries(), b.as_entries(), a.as_slice(), b.as_slice()) {
        (Some(a), Some(b), _, _) => {
            a.iter()
                .all(|(name, a)| b.get(name).map_or_else(|| a.marks_deep().is_empty(), |b| same_marks(a, b)))
                && b.iter().all(|(name, b)| a.contains_key(name) || b.marks_deep().is_empty())
        }
        (_, _, Some(x), Some(y)) => {
            x.iter().zip(y).all(|(x, y)| same_marks(x, y))
                && x.iter()
                    .skip(y.len())
                    .chain(y.iter().skip(x.len()))
                    .all(|rest| rest.marks_deep().is_empty())
        }
        _ => a.marks_deep() == b.marks_deep(),
    }
}

/// Whether a value has a type, nulls of any type counting as null of this one.
pub(in crate::stack) fn fits(value: &Value, ty: &Type) -> bool {
    match (value.kind(), ty) {
        (_, Type::Dynamic)
        | (Kind::Null(_), _)
        | (Kind::Bool(_), Type::Bool)
        | (Kind::Number(_), Type::Number)
        | (Kind::String(_), Type::String) => true,
        (Kind::Unknown(unknown), ty) => type_fits(&unknown.ty, ty),
        (Kind::List(_, elements), Type::List(ty)) | (Kind::Set(_, elements), Type::Set(ty)) => {
            elements.iter().all(|element| fits(element, ty))
        }
        (Kind::Map(_, entries), Type::Map(ty)) => entries.values().all(|entry| fits(entry, ty)),
        (Kind::Tuple(elements), Type::Tuple(types)) => {
            elements.len() == types.len() && elements.iter().zip(types.iter()).all(|(e, ty)| fits(e, ty))
        }
        (Kind::Object(entries), Type::Object(object)) => {
            entries.len() == object.attributes.len()
                && entries
                    .iter()
                    .zip(&object.attributes)
                    .all(|((name, entry), (key, attribute))| name == key && fits(entry, &attribute.ty))
        }
        _ => false,
    }
}

fn type_fits(ty: &Type, wanted: &Type) -> bool {
    match (ty, wanted) {
        (_, Type::Dynamic) | (Type::Dynamic, _) => true,
        (Type::List(a), Type::List(b)) | (Type::Set(a), Type::Set(b)) | (Type::Map(a), Type::Map(b)) => {
            type_fits(a, b)
        }
        (Type::Object(a), Type::Object(b)) => {
            a.attributes.len() == b.attributes.len()
                && a.attributes
                    .iter()
                    .zip(&b.attributes)
                    .all(|((name, a), (key, b))| name == key && type_fits(&a.ty, &b.ty))
        }
        (a, b) => a == b,
    }
}

/// What is at a place; `None` where there is no such place. Unknown where only the apply tells what is there.
pub(in crate::stack) fn at(value: &Value, path: &Path) -> Option<Value> {
    let mut value = value.clone();
    for step in &path.0 {
        value = match step {
            Step::Attribute(name) | Step::Key(name) => value.get(name)?,
            Step::Index(index) => value.index(index)?,
        };
    }
    Some(value)
}

/// The first place with one of these marks; `None` where there is none.
pub(in crate::stack) fn first_marked(value: &Value, marks: Marks) -> Option<Path> {
    if value.marks().contains(marks) {
        return Some(Path::default());
    }
    let inner: Vec<(Step, &Value)> = match value.kind() {
        Kind::Map(_, entries) => entries.iter().map(|(k, v)| (Step::Key(k.clone()), v)).collect(),
        Kind::Object(entries) => entries.iter().map(|(k, v)| (Step::Attribute(k.clone()), v)).collect(),
        _ => value
            .as_slice()
            .unwrap_or_default()
            .iter()
            .enumerate()
            .map(|(i, v)| (Step::Index(value::Number::from(i)), v))
            .collect(),
    };
    inner.into_iter().find_map(|(step, inner)| {
        let mut path = first_marked(inner, marks)?;
        path.0.insert(0, step);
        Some(path)
    })
}
