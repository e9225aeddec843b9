//! What names mean: looked up once, after loading, and written into the tree, so that evaluating compares no names.
//!
//! It evaluates nothing. Names that a `for` binds become slots, counted from the outermost.

mod names;
mod reference;
mod walk;

pub use names::{Allowed, Names};
pub use reference::{CallId, ImageId, LocalId, Reference, ResourceId, ServiceId, VariableId};
pub use walk::{Resolved, Resolver};
