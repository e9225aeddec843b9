//! Stacks: a tree of Terraform modules, planned and applied as one graph.
//!
//! It knows no provider: those come in through [`ResourceProvider`]. Planning performs no I/O but reading through providers, and
//! writes nothing.

pub mod apply;
pub mod editing;
mod functions;
mod input;
mod kinds;
pub mod plan;
pub mod planning;
pub mod provider;
mod providers;
pub mod walk;
pub mod world;

pub use input::{ProviderSource, StackInput};
pub use lang::ProviderAddress;
pub use plan::StackPlan;
pub use provider::ResourceProvider;
pub use providers::{ConfiguredProvider, ProviderId, StackProviders, provider_address};
