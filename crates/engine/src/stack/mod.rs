//! Stacks: a tree of Terraform modules, planned and applied as one graph.
//!
//! It knows no provider: those come in through [`ResourceProvider`]. Planning performs no I/O but reading through providers, and
//! writes nothing.

pub mod plan;
pub mod provider;

pub use plan::StackPlan;
pub use provider::ResourceProvider;
