//! Unknown values: what will be known after an apply, and what is known about them before.

use std::sync::Arc;

use crate::{Number, Type};

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
