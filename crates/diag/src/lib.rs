//! Diagnostics: what went wrong, where, why, and what to do.
//!
//! Faults of a configuration are collected, not thrown one at a time. This crate renders them for people and as data; it decides
//! no exit code and reads no file.

mod causes;
mod diagnostic;
mod render;
mod sources;
mod suggest;

pub use causes::with_causes;
pub use diagnostic::{Diagnostic, Diagnostics, Related, Severity};
pub use render::{Style, render, render_all, to_json};
pub use sources::{FileId, Position, Sources, Span};
pub use suggest::closest;
