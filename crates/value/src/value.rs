//! Values.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::{Number, Refinements, Type, Unknown};

/// Marks that travel with a value through every expression.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Marks(u8);

impl Marks {
    /// No mark.
    pub const NONE: Self = Self(0);
    /// Never to be printed, nor stored in clear.
    pub const SENSITIVE: Self = Self(1);
    /// Never to be stored at all.
    pub const EPHEMERAL: Self = Self(2);

    /// Both together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These without those.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` are in it.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = [(Self::SENSITIVE, "sensitive"), (Self::EPHEMERAL, "ephemeral")]
            .into_iter()
            .filter_map(|(mark, name)| self.contains(mark).then_some(name))
            .collect();
        write!(f, "{}", names.join("+"))
    }
}

/// A value with its type and marks. Cheap to clone.
///
/// Equality compares structure and marks; what `==` means in a configuration is [`Value::equals`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Value {
    pub(crate) kind: Kind,
    pub(crate) marks: Marks,
}

/// What a value is.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Known only after an apply.
    Unknown(Arc<Unknown>),
    /// Absent, of a type.
    Null(Type),
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    String(Arc<str>),
    /// A list: element type, elements.
    List(Arc<Type>, Arc<[Value]>),
    /// A set: element type, distinct elements in canonical order; their marks are the set's.
    Set(Arc<Type>, Arc<[Value]>),
    /// A map: element type, elements.
    Map(Arc<Type>, Arc<BTreeMap<Arc<str>, Value>>),
    /// A tuple.
    Tuple(Arc<[Value]>),
    /// An object.
    Object(Arc<BTreeMap<Arc<str>, Value>>),
}

impl From<Kind> for Value {
    fn from(kind: Kind) -> Self {
        Self { kind, marks: Marks::NONE }
    }
}

impl Value {
    /// Unknown, of a type.
    #[must_use]
    pub fn unknown(ty: Type) -> Self {
        Self::refined(ty, Refinements::default())
    }

    /// Unknown, of a type, with what is certain about it.
    #[must_use]
    pub fn refined(ty: Type, refinements: Refinements) -> Self {
        if let Some(known) = refinements.known(&ty) {
            return known;
        }
        Kind::Unknown(Arc::new(Unknown { ty, refinements })).into()
    }

    /// Null, of a type.
    #[must_use]
    pub fn null(ty: Type) -> Self {
        Kind::Null(ty).into()
    }

    /// A bool.
    #[must_use]
    pub fn bool(b: bool) -> Self {
        Kind::Bool(b).into()
    }

    /// A number.
    #[must_use]
    pub fn number(n: impl Into<Number>) -> Self {
        Kind::Number(n.into()).into()
    }

    /// A string: in Unicode's composed form (NFC), so that what looks the same is the same.
    #[must_use]
    pub fn string(s: impl Into<Arc<str>>) -> Self {
        let text: Arc<str> = s.into();
        if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
            return Kind::String(text).into();
        }
        Kind::String(text.nfc().collect::<String>().into()).into()
    }

    /// A tuple.
    #[must_use]
    pub fn tuple(elements: impl Into<Arc<[Value]>>) -> Self {
        Kind::Tuple(elements.into()).into()
    }

    /// An object.
    #[must_use]
    pub fn object<K: Into<Arc<str>>>(attributes: impl IntoIterator<Item = (K, Value)>) -> Self {
        Kind::Object(Arc::new(attributes.into_iter().map(|(k, v)| (k.into(), v)).collect())).into()
    }

    /// A list. The caller sees to it that every element is of the element type.
    #[must_use]
    pub fn list(element: Type, elements: impl Into<Arc<[Value]>>) -> Self {
        Kind::List(Arc::new(element), elements.into()).into()
    }

    /// A map. The caller sees to it that every element is of the element type.
    #[must_use]
    pub fn map<K: Into<Arc<str>>>(element: Type, elements: impl IntoIterator<Item = (K, Value)>) -> Self {
        Kind::Map(Arc::new(element), Arc::new(elements.into_iter().map(|(k, v)| (k.into(), v)).collect()))
            .into()
    }

    /// A set: sorted, without duplicates; the elements' marks become the set's. The caller sees to the element type.
    #[must_use]
    pub fn set(element: Type, elements: impl IntoIterator<Item = Value>) -> Self {
        let mut marks = Marks::NONE;
        let mut elements: Vec<Value> = elements
            .into_iter()
            .map(|v| {
                let (v, m) = v.unmark_deep();
                marks = marks.union(m);
                v
            })
            .collect();
        elements.sort_by(Value::canonical_cmp);
        elements.dedup_by(|a, b| a.is_wholly_known() && a == b);
        Self::from(Kind::Set(Arc::new(element), elements.into())).with_marks(marks)
    }

    /// What it is, marks aside.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Its own marks; elements may have more.
    #[must_use]
    pub fn marks(&self) -> Marks {
        self.marks
    }

    /// With these marks added.
    #[must_use]
    pub fn with_marks(mut self, marks: Marks) -> Self {
        self.marks = self.marks.union(marks);
        self
    }

    /// Without its own marks, and what they were.
    #[must_use]
    pub fn unmark(mut self) -> (Self, Marks) {
        let marks = self.marks;
        self.marks = Marks::NONE;
        (self, marks)
    }

    /// Without any mark at any depth, and what they were together.
    #[must_use]
    pub fn unmark_deep(self) -> (Self, Marks) {
        let deep = self.marks_deep();
        if deep.is_empty() {
            return (self, deep);
        }
        let kind = match &self.kind {
            Kind::List(t, vs) => {
                Kind::List(t.clone(), vs.iter().map(|v| v.clone().unmark_deep().0).collect())
            }
            Kind::Set(t, vs) => Kind::Set(t.clone(), vs.iter().map(|v| v.clone().unmark_deep().0).collect()),
            Kind::Tuple(vs) => Kind::Tuple(vs.iter().map(|v| v.clone().unmark_deep().0).collect()),
            Kind::Map(t, m) => Kind::Map(t.clone(), Arc::new(unmark_entries(m))),
            Kind::Object(m) => Kind::Object(Arc::new(unmark_entries(m))),
            _ => self.kind.clone(),
        };
        (kind.into(), deep)
    }

    /// All marks at any depth.
    #[must_use]
    pub fn marks_deep(&self) -> Marks {
        self.children().fold(self.marks, |marks, child| marks.union(child.marks_deep()))
    }

    /// Its direct elements.
    pub fn children(&self) -> Box<dyn Iterator<Item = &Value> + '_> {
        match &self.kind {
            Kind::List(_, vs) | Kind::Set(_, vs) | Kind::Tuple(vs) => Box::new(vs.iter()),
            Kind::Map(_, m) | Kind::Object(m) => Box::new(m.values()),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// Its type.
    #[must_use]
    pub fn ty(&self) -> Type {
        match &self.kind {
            Kind::Unknown(u) => u.ty.clone(),
            Kind::Null(ty) => ty.clone(),
            Kind::Bool(_) => Type::Bool,
            Kind::Number(_) => Type::Number,
            Kind::String(_) => Type::String,
            Kind::List(t, _) => Type::List(t.clone()),
            Kind::Set(t, _) => Type::Set(t.clone()),
            Kind::Map(t, _) => Type::Map(t.clone()),
            Kind::Tuple(vs) => Type::tuple(vs.iter().map(Value::ty).collect::<Vec<_>>()),
            Kind::Object(m) => Type::object(m.iter().map(|(k, v)| (k.clone(), v.ty()))),
        }
    }

    /// Whether it is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null(_))
    }

    /// Whether it is known; its elements may not be.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !matches!(self.kind, Kind::Unknown(_))
    }

    /// Whether it and all of its elements are known.
    #[must_use]
    pub fn is_wholly_known(&self) -> bool {
        self.is_known() && self.children().all(Value::is_wholly_known)
    }

    /// Whether it is sensitive; its elements may be even if it is not.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        self.marks.contains(Marks::SENSITIVE)
    }

    /// The text, if it is a known string. Marks are the caller's to mind.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::String(s) => Some(s),
            _ => None,
        }
    }

    /// The number, if it is a known one.
    #[must_use]
    pub fn as_number(&self) -> Option<&Number> {
        match &self.kind {
            Kind::Number(n) => Some(n),
            _ => None,
        }
    }

    /// The bool, if it is a known one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match &self.kind {
            Kind::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The elements, if it is a known list, set or tuple.
    #[must_use]
    pub fn as_slice(&self) -> Option<&[Value]> {
        match &self.kind {
            Kind::List(_, vs) | Kind::Set(_, vs) | Kind::Tuple(vs) => Some(vs),
            _ => None,
        }
    }

    /// The entries, if it is a known map or object.
    #[must_use]
    pub fn as_entries(&self) -> Option<&BTreeMap<Arc<str>, Value>> {
        match &self.kind {
            Kind::Map(_, m) | Kind::Object(m) => Some(m),
            _ => None,
        }
    }

    /// An object's attribute or a map's element, with this value's marks; unknown where this is unknown. `None`: no such name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value> {
        match &self.kind {
            Kind::Map(_, m) | Kind::Object(m) => m.get(name).map(|v| v.clone().with_marks(self.marks)),
            Kind::Unknown(u) => match &u.ty {
                Type::Dynamic => Some(Value::unknown(Type::Dynamic).with_marks(self.marks)),
                Type::Map(t) => Some(Value::unknown(t.as_ref().clone()).with_marks(self.marks)),
                Type::Object(o) => {
                    o.attributes.get(name).map(|a| Value::unknown(a.ty.clone()).with_marks(self.marks))
                }
                _ => None,
            },
            _ => None,
        }
    }
}

fn unmark_entries(entries: &BTreeMap<Arc<str>, Value>) -> BTreeMap<Arc<str>, Value> {
    entries.iter().map(|(k, v)| (k.clone(), v.clone().unmark_deep().0)).collect()
}

impl fmt::Display for Value {
    /// For messages: short, on one line, nothing sensitive.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_sensitive() {
            return f.write_str("(sensitive value)");
        }
        match &self.kind {
            Kind::Unknown(_) => f.write_str("(known after apply)"),
            Kind::Null(_) => f.write_str("null"),
            Kind::Bool(b) => write!(f, "{b}"),
            Kind::Number(n) => write!(f, "{n}"),
            Kind::String(s) => write!(f, "{s:?}"),
            Kind::List(_, vs) | Kind::Set(_, vs) | Kind::Tuple(vs) => {
                f.write_str("[")?;
                for (i, v) in vs.iter().enumerate() {
                    write!(f, "{}{v}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Kind::Map(_, m) | Kind::Object(m) => {
                f.write_str("{")?;
                for (i, (k, v)) in m.iter().enumerate() {
                    write!(f, "{} {k} = {v}", if i > 0 { "," } else { "" })?;
                }
                f.write_str(" }")
            }
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Unknown(u) if !self.is_sensitive() => write!(f, "unknown({})", u.ty),
            _ => write!(f, "{self}"),
        }
    }
}
