//! The provider `terraform.io/builtin/terraform`, which needs no process of its own: the resource `terraform_data`, the data source
//! `terraform_remote_state`, and three functions that read and write values.
//!
//! It opens no state itself: that comes in through [`RemoteStates`].

mod data;
mod functions;
mod provider;
mod remote_state;
mod schema;

pub use provider::Builtin;
pub use remote_state::{RemoteStateFault, RemoteStates};

/// The provider's address.
pub const ADDRESS: &str = "terraform.io/builtin/terraform";
