//! Dynamic types and values: what a configuration language and its providers exchange.
//!
//! A [`Value`] carries its type, may be unknown (with [`Refinements`]), null, or marked (sensitive, ephemeral). This crate knows
//! no syntax, reads no files, and never prints a marked value: `Debug` and `Display` show `(sensitive value)`.

mod convert;
mod encode;
mod number;
mod ops;
mod path;
mod types;
mod unknown;
mod value;

pub use convert::{ConvertError, convert, unify};
pub use encode::{
    DecodeError, Encoded, decode, encode, from_json, from_json_typed, to_json, type_from_json, type_to_json,
};
pub use number::{Number, ParseNumberError};
pub use path::{Path, Step};
pub use types::{Attribute, ObjectType, Type};
pub use unknown::{Bound, Refinements, Unknown};
pub use value::{Kind, Marks, Value};
