//! Version 4 of Terraform's state: read where a project begins with it, written for `state pull` and for a backend that Terraform
//! reads too.
//!
//! What is written is what Terraform writes, byte for byte but for the order of the paths of sensitive parts, which Terraform
//! itself leaves to chance. Nothing is sealed: such a document is as clear as Terraform's, sensitive values included. Versions 1 to
//! 3 are refused. It opens no file and asks no provider.

use engine::StateRow;
use serde_json::Value as Json;
use value::Value;

mod exact;
mod marks;
mod read;
mod shape;
mod text;
mod write;

pub use read::read;
pub use shape::{BuiltinShapes, Shapes, provider_source};
pub use write::{Written, write};

/// A state as a document of version 4 has it.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// The version of the program that wrote it, `1.11.4`.
    pub terraform_version: String,
    /// Grows with each change.
    pub serial: u64,
    /// Tells this state from any other; a UUID.
    pub lineage: String,
    /// Resource instances, ordered by address, the current object before deposed ones.
    pub rows: Vec<StateRow>,
    /// Outputs by name; one that is sensitive is marked so.
    pub outputs: Vec<(String, Value)>,
    /// The results of checks as they are in the document; `None` where it has none.
    pub checks: Option<Json>,
}
