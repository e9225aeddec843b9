//! Unknown values: what will be known after an apply, and what is known about them before.

use std::sync::Arc;

use crate::{Number, Type, Value};

/// An unknown value: its type, and what is certain about it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unknown {
    /// Its type; [`Type::Dynamic`] when even that is not known.
    pub ty: Type,
    /// What is certain about it.
    pub refinements: Refinements,
}

/// What is certain about an unknown value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Refinements {
    /// It will not be null.
    pub not_null: bool,
    /// A string's certain beginning.
    pub prefix: Option<Arc<str>>,
    /// A number's lower bound.
    pub minimum: Option<Bound>,
    /// A number's upper bound.
    pub maximum: Option<Bound>,
    /// A collection's least length.
    pub length_min: Option<u64>,
    /// A collection's greatest length.
    pub length_max: Option<u64>,
}

/// A bound of a number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bound {
    /// Where it is.
    pub number: Number,
    /// Whether the number itself is allowed.
    pub inclusive: bool,
}

impl Refinements {
    /// The only value that they leave, where there is one: a number between equal bounds, a collection that holds nothing.
    pub(crate) fn known(&self, ty: &Type) -> Option<Value> {
        if !self.not_null {
            return None;
        }
        match (ty, &self.minimum, &self.maximum) {
            (Type::Number, Some(low), Some(high)) if low == high && low.inclusive => {
                Some(Value::number(low.number.clone()))
            }
            (Type::List(element), ..) if self.length_max == Some(0) => {
                Some(Value::list(element.as_ref().clone(), Vec::new()))
            }
            (Type::Set(element), ..) if self.length_max == Some(0) => {
                Some(Value::set(element.as_ref().clone(), Vec::new()))
            }
            (Type::Map(element), ..) if self.length_max == Some(0) => {
                Some(Value::map(element.as_ref().clone(), Vec::<(Arc<str>, Value)>::new()))
            }
            _ => None,
        }
    }
}
