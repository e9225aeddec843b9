//! What a provider makes: as the protocol describes it, as the engine has it, and kept on disk between runs.

mod cache;
mod convert;
mod functions;

pub use cache::SchemaCache;
pub(crate) use cache::{Lasting, Stored};
