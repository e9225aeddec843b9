//! Operations on values that the language and its functions share: equality, order, length, elements.

use std::cmp::Ordering;

use crate::{Kind, Marks, Number, Type, Value};

impl Value {
    /// What `==` means: `true`, `false`, or unknown, with the marks of both. Values of different types are unequal.
    #[must_use]
    pub fn equals(&self, other: &Value) -> Value {
        let marks = self.marks_deep().union(other.marks_deep());
        match equal(self, other) {
            Some(b) => Value::bool(b),
            None => Value::unknown(Type::Bool),
        }
        .with_marks(marks)
    }

    /// A total order on values, used where a canonical one is needed (sets, printing). Marks do not count.
    #[must_use]
    pub fn canonical_cmp(a: &Value, b: &Value) -> Ordering {
        let by_rank = rank(&a.kind).cmp(&rank(&b.kind));
        by_rank.then_with(|| match (&a.kind, &b.kind) {
            (Kind::Bool(a), Kind::Bool(b)) => a.cmp(b),
            (Kind::Number(a), Kind::Number(b)) => a.cmp(b),
            (Kind::String(a), Kind::String(b)) => a.cmp(b),
            (
                Kind::List(_, a) | Kind::Set(_, a) | Kind::Tuple(a),
                Kind::List(_, b) | Kind::Set(_, b) | Kind::Tuple(b),
            ) => compare_all(a.iter(), b.iter()),
            (Kind::Map(_, a) | Kind::Object(a), Kind::Map(_, b) | Kind::Object(b)) => {
                a.keys().cmp(b.keys()).then_with(|| compare_all(a.values(), b.values()))
            }
            _ => Ordering::Equal,
        })
    }

    /// The number of elements of a collection, tuple or object; `None` if it has none (a primitive, null, or unknown), and for a
    /// set with unknown elements, since two of them may prove equal.
    #[must_use]
    pub fn length(&self) -> Option<usize> {
        match &self.kind {
            Kind::Set(_, vs) if vs.len() > 1 && !vs.iter().all(Value::is_wholly_known) => None,
            Kind::List(_, vs) | Kind::Set(_, vs) | Kind::Tuple(vs) => Some(vs.len()),
            Kind::Map(_, m) | Kind::Object(m) => Some(m.len()),
            _ => None,
        }
    }

    /// Key and value of each element, as `for` and `for_each` see them: numbers for lists and tuples, names for maps and objects,
    /// the element itself for sets. `None` if there are none to see. Marks of the collection are the caller's to mind.
    #[must_use]
    pub fn elements(&self) -> Option<Vec<(Value, Value)>> {
        Some(match &self.kind {
            Kind::List(_, vs) | Kind::Tuple(vs) => {
                vs.iter().enumerate().map(|(i, v)| (Value::number(i), v.clone())).collect()
            }
            Kind::Set(_, vs) => vs.iter().map(|v| (v.clone(), v.clone())).collect(),
            Kind::Map(_, m) | Kind::Object(m) => {
                m.iter().map(|(k, v)| (Value::string(k.clone()), v.clone())).collect()
            }
            _ => return None,
        })
    }

    /// The element at a place of a list or tuple, with this value's marks.
    #[must_use]
    pub fn index(&self, index: &Number) -> Option<Value> {
        let at = index.to_usize()?;
        match &self.kind {
            Kind::List(_, vs) | Kind::Tuple(vs) => vs.get(at).map(|v| v.clone().with_marks(self.marks)),
            Kind::Unknown(u) => match &u.ty {
                Type::Dynamic => Some(Value::unknown(Type::Dynamic).with_marks(self.marks)),
                Type::List(t) => Some(Value::unknown(t.as_ref().clone()).with_marks(self.marks)),
                Type::Tuple(ts) => ts.get(at).map(|t| Value::unknown(t.clone()).with_marks(self.marks)),
                _ => None,
            },
            _ => None,
        }
    }

    /// With this value changed at every node for which `change` answers one, children first.
    #[must_use]
    pub fn transform(&self, change: &mut dyn FnMut(Value) -> Value) -> Value {
        let kind = match &self.kind {
            Kind::List(t, vs) => Kind::List(t.clone(), vs.iter().map(|v| v.transform(change)).collect()),
            Kind::Tuple(vs) => Kind::Tuple(vs.iter().map(|v| v.transform(change)).collect()),
            Kind::Set(t, vs) => {
                let changed: Vec<_> = vs.iter().map(|v| v.transform(change)).collect();
                return change(Value::set(t.as_ref().clone(), changed).with_marks(self.marks));
            }
            Kind::Map(t, m) => Kind::Map(
                t.clone(),
                std::sync::Arc::new(m.iter().map(|(k, v)| (k.clone(), v.transform(change))).collect()),
            ),
            Kind::Object(m) => Kind::Object(std::sync::Arc::new(
                m.iter().map(|(k, v)| (k.clone(), v.transform(change))).collect(),
            )),
            _ => self.kind.clone(),
        };
        change(Value { kind, marks: self.marks })
    }

    /// With every sensitive value at any depth replaced by `replacement`.
    #[must_use]
    pub fn redact(&self, replacement: &Value) -> Value {
        if self.marks.contains(Marks::SENSITIVE) {
            return replacement.clone();
        }
        self.transform(&mut |v| if v.is_sensitive() { replacement.clone() } else { v })
    }
}

fn rank(kind: &Kind) -> u8 {
    match kind {
        Kind::Bool(_) => 1,
        Kind::Number(_) => 2,
        Kind::String(_) => 3,
        Kind::List(..) => 4,
        Kind::Set(..) => 5,
        Kind::Tuple(_) => 6,
        Kind::Map(..) => 7,
        Kind::Object(_) => 8,
        Kind::Unknown(_) => 9,
        // As Terraform orders sets.
        Kind::Null(_) => 10,
    }
}

fn compare_all<'a>(a: impl Iterator<Item = &'a Value>, b: impl Iterator<Item = &'a Value>) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) => match Value::canonical_cmp(x, y) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

/// `None`: it depends on something unknown.
fn equal(a: &Value, b: &Value) -> Option<bool> {
    match (&a.kind, &b.kind) {
        (Kind::Null(_), Kind::Null(_)) => Some(true),
        (Kind::Unknown(u), Kind::Null(_)) | (Kind::Null(_), Kind::Unknown(u)) => {
            if u.refinements.not_null {
                Some(false)
            } else {
                None
            }
        }
        (Kind::Null(_), _) | (_, Kind::Null(_)) => Some(false),
        (Kind::Unknown(_), _) | (_, Kind::Unknown(_)) => unknown_equal(a, b),
        (Kind::Bool(a), Kind::Bool(b)) => Some(a == b),
        (Kind::Number(a), Kind::Number(b)) => Some(a == b),
        (Kind::String(a), Kind::String(b)) => Some(a == b),
        (Kind::List(s, a), Kind::List(t, b)) => {
            if s != t {
                return Some(false);
            }
            equal_all(a.len() == b.len(), a.iter().zip(b.iter()))
        }
        (Kind::Tuple(a), Kind::Tuple(b)) => equal_all(a.len() == b.len(), a.iter().zip(b.iter())),
        (Kind::Set(s, a), Kind::Set(t, b)) => {
            if s != t {
                return Some(false);
            }
            if !a.iter().chain(b.iter()).all(Value::is_wholly_known) {
                return None;
            }
            equal_all(a.len() == b.len(), a.iter().zip(b.iter()))
        }
        (Kind::Map(s, a), Kind::Map(t, b)) => {
            if s != t {
                return Some(false);
            }
            equal_all(a.keys().eq(b.keys()), a.values().zip(b.values()))
        }
        (Kind::Object(a), Kind::Object(b)) => equal_all(a.keys().eq(b.keys()), a.values().zip(b.values())),
        _ => Some(false),
    }
}

fn equal_all<'a>(same_shape: bool, pairs: impl Iterator<Item = (&'a Value, &'a Value)>) -> Option<bool> {
    if !same_shape {
        return Some(false);
    }
    let mut certain = true;
    for (a, b) in pairs {
        match equal(a, b) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => certain = false,
        }
    }
    certain.then_some(true)
}

/// Equality where one side or both are unknown: certain only where types or refinements rule it out.
fn unknown_equal(a: &Value, b: &Value) -> Option<bool> {
    let (unknown, other) = match (&a.kind, &b.kind) {
        (Kind::Unknown(u), _) => (u, b),
        (_, Kind::Unknown(u)) => (u, a),
        _ => return None,
    };
    let (a, b) = (a.ty(), b.ty());
    if !a.has_dynamic() && !b.has_dynamic() && a != b {
        return Some(false);
    }
    if let (Some(prefix), Some(text)) = (&unknown.refinements.prefix, other.as_str())
        && !text.starts_with(prefix.as_ref())
    {
        return Some(false);
    }
    if let Some(number) = other.as_number() {
        let below = unknown.refinements.minimum.as_ref();
        let above = unknown.refinements.maximum.as_ref();
        if below.is_some_and(|m| *number < m.number || (*number == m.number && !m.inclusive))
            || above.is_some_and(|m| *number > m.number || (*number == m.number && !m.inclusive))
        {
            return Some(false);
        }
    }
    None
}
