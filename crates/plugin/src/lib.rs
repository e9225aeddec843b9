//! A provider of the Terraform world, which is a program of its own, as one of the engine's: Terraform's provider protocol in the
//! versions 5 and 6.
//!
//! [`Plugin`] is one program with the processes that run it; [`Plugin::provider`] is one configuration of it. Schemas are cached by
//! what the program is, so that most runs ask for none. Which programs there are and where they come from is not known here.

mod client;
mod failure;
mod hidden;
mod msgpack;
mod plugin;
mod process;
mod provider;
mod remarks;
mod schema;
pub mod wire;

pub use failure::{CallFailure, StartFailure};
pub use hidden::{Wrapper, hidden};
pub use msgpack::{DecodeError, decode, decode_json, encode};
pub use plugin::{Plugin, Program, Reattach, ReattachAddress};
pub use schema::SchemaCache;
