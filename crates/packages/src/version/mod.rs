//! Versions and version constraints, as Terraform writes and compares them.
//!
//! Used for modules, and meant for providers and `required_version` too. It knows nothing of where versions come from.

mod constraint;
mod merged;
mod number;

pub(crate) use constraint::newest_release;
pub use constraint::{Condition, Constraints, InvalidConstraint, Operator};
pub use number::{InvalidVersion, Version};
