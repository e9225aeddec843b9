//! Values as MessagePack, in the form of the provider protocol: by a type, with unknown values as extensions.
//!
//! Marks are the caller's to take off before: a provider is handed what is sensitive in clear, and answers without marks.

mod decode;
mod encode;

pub use decode::{DecodeError, decode, decode_json};
pub use encode::encode;

/// The extension that says that a value is unknown.
const UNKNOWN: i8 = 0;
/// The extension that says what is certain of an unknown value besides.
const REFINED: i8 = 12;

/// Keys of what is certain of an unknown value.
mod key {
    pub const NULLNESS: u64 = 1;
    pub const PREFIX: u64 = 2;
    pub const NUMBER_MIN: u64 = 3;
    pub const NUMBER_MAX: u64 = 4;
    pub const LENGTH_MIN: u64 = 5;
    pub const LENGTH_MAX: u64 = 6;
}

#[cfg(test)]
mod tests;
