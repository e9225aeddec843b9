//! What names mean: looked up once, after loading, and written into the tree, so that evaluating compares no names.
//!
//! It evaluates nothing. Names that a `for` binds become slots, counted from the outermost.

mod fault;
mod look_up;
mod names;
mod reference;
mod uses;
mod walk;

pub(crate) use fault::WITHOUT_SELF;
pub(crate) use look_up::alone;
pub use names::{Allowed, Names, Repeated};
pub use reference::{CallId, EnvironmentId, ImageId, LocalId, Reference, ResourceId, ServiceId, VariableId};
pub use uses::{ProviderFunction, Uses};
pub use walk::{Resolved, Resolver};
