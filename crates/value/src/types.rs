//! Types of values.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::Value;

/// The type of a value, or a constraint on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Type {
    /// Not known yet (`any` as a constraint).
    Dynamic,
    /// `true` or `false`.
    Bool,
    /// An exact decimal number.
    Number,
    /// Unicode text.
    String,
    /// A sequence of one type.
    List(Arc<Type>),
    /// Distinct values of one type, in no order.
    Set(Arc<Type>),
    /// Values of one type by name.
    Map(Arc<Type>),
    /// A fixed sequence, each place with a type of its own.
    Tuple(Arc<[Type]>),
    /// Named attributes, each with a type of its own.
    Object(Arc<ObjectType>),
}

/// The attributes of an object type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ObjectType {
    /// By name.
    pub attributes: BTreeMap<Arc<str>, Attribute>,
}

/// One attribute of an object type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attribute {
    /// Its type.
    pub ty: Type,
    /// Whether it may be left out, as in `optional(string)`. Only constraints have such; the type of a value never does.
    pub optional: bool,
    /// What it is when left out or null, as in `optional(string, "x")`.
    pub default: Option<Value>,
}

impl Attribute {
    /// An attribute that has to be there.
    #[must_use]
    pub fn required(ty: Type) -> Self {
        Self { ty, optional: false, default: None }
    }

    /// An attribute that may be left out, and is null or `default` then.
    #[must_use]
    pub fn optional(ty: Type, default: Option<Value>) -> Self {
        Self { ty, optional: true, default }
    }
}

impl Type {
    /// `list(element)`.
    #[must_use]
    pub fn list(element: Type) -> Self {
        Self::List(Arc::new(element))
    }

    /// `set(element)`.
    #[must_use]
    pub fn set(element: Type) -> Self {
        Self::Set(Arc::new(element))
    }

    /// `map(element)`.
    #[must_use]
    pub fn map(element: Type) -> Self {
        Self::Map(Arc::new(element))
    }

    /// `tuple([…])`.
    #[must_use]
    pub fn tuple(elements: impl Into<Arc<[Type]>>) -> Self {
        Self::Tuple(elements.into())
    }

    /// `object({…})` whose attributes have to be there.
    #[must_use]
    pub fn object<K: Into<Arc<str>>>(attributes: impl IntoIterator<Item = (K, Type)>) -> Self {
        let attributes =
            attributes.into_iter().map(|(name, ty)| (name.into(), Attribute::required(ty))).collect();
        Self::Object(Arc::new(ObjectType { attributes }))
    }

    /// Whether it is `bool`, `number` or `string`.
    #[must_use]
    pub fn is_primitive(&self) -> bool {
        matches!(self, Self::Bool | Self::Number | Self::String)
    }

    /// Whether `Dynamic` is in it somewhere.
    #[must_use]
    pub fn has_dynamic(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::Bool | Self::Number | Self::String => false,
            Self::List(t) | Self::Set(t) | Self::Map(t) => t.has_dynamic(),
            Self::Tuple(ts) => ts.iter().any(Self::has_dynamic),
            Self::Object(o) => o.attributes.values().any(|a| a.ty.has_dynamic()),
        }
    }

    /// The type without `optional`, as a value of it has.
    #[must_use]
    pub fn without_optional(&self) -> Self {
        match self {
            Self::Dynamic | Self::Bool | Self::Number | Self::String => self.clone(),
            Self::List(t) => Self::list(t.without_optional()),
            Self::Set(t) => Self::set(t.without_optional()),
            Self::Map(t) => Self::map(t.without_optional()),
            Self::Tuple(ts) => Self::tuple(ts.iter().map(Self::without_optional).collect::<Vec<_>>()),
            Self::Object(o) => {
                Self::object(o.attributes.iter().map(|(name, a)| (name.clone(), a.ty.without_optional())))
            }
        }
    }

    /// The word for its kind, as in "a list", "a string".
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Dynamic => "dynamic",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::String => "string",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Map(_) => "map",
            Self::Tuple(_) => "tuple",
            Self::Object(_) => "object",
        }
    }
}

impl fmt::Display for Type {
    /// As it is written in a type constraint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dynamic => f.write_str("any"),
            Self::Bool | Self::Number | Self::String => f.write_str(self.kind_name()),
            Self::List(t) => write!(f, "list({t})"),
            Self::Set(t) => write!(f, "set({t})"),
            Self::Map(t) => write!(f, "map({t})"),
            Self::Tuple(ts) => {
                f.write_str("tuple([")?;
                for (i, t) in ts.iter().enumerate() {
                    write!(f, "{}{t}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("])")
            }
            Self::Object(o) => {
                f.write_str("object({")?;
                for (i, (name, a)) in o.attributes.iter().enumerate() {
                    let (open, close) = if a.optional { ("optional(", ")") } else { ("", "") };
                    write!(f, "{}{name} = {open}{}{close}", if i > 0 { ", " } else { "" }, a.ty)?;
                }
                f.write_str("})")
            }
        }
    }
}
