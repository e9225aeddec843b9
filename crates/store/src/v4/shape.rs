//! The types of resources' schemas, as far as the state's form depends on them.
//!
//! An attribute of no fixed type stands in the document as `{"value": …, "type": …}`, and nothing in the document tells it from an
//! object with these two attributes. With the schema's type both are read and written rightly; without it, a value is read as the
//! JSON implies and written back as it was read.

use engine::Mode;
use value::Type;

/// Knows the types of resources.
pub trait Shapes: Send + Sync {
    /// The type of a resource's object by its provider's schema of today, with [`Type::Dynamic`] for attributes of no fixed type;
    /// `None` if it is not known. `provider` as in [`engine::Record::provider`].
    fn shape(&self, provider: &str, mode: Mode, kind: &str) -> Option<Type>;
}

/// The types of what every Terraform has built in: `terraform_data` and `terraform_remote_state`.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltinShapes;

impl Shapes for BuiltinShapes {
    fn shape(&self, provider: &str, mode: Mode, kind: &str) -> Option<Type> {
        if provider_source(provider) != Some("terraform.io/builtin/terraform") {
            return None;
        }
        match (mode, kind) {
            (Mode::Managed, "terraform_data") => Some(Type::object([
                ("id", Type::String),
                ("input", Type::Dynamic),
                ("output", Type::Dynamic),
                ("triggers_replace", Type::Dynamic),
            ])),
            (Mode::Data, "terraform_remote_state") => Some(Type::object([
                ("backend", Type::String),
                ("config", Type::Dynamic),
                ("defaults", Type::Dynamic),
                ("outputs", Type::Dynamic),
                ("workspace", Type::String),
            ])),
            _ => None,
        }
    }
}

/// The provider's source in the text of its configuration: `registry.terraform.io/hashicorp/aws` of
/// `module.a.provider["registry.terraform.io/hashicorp/aws"].eu`.
#[must_use]
pub fn provider_source(provider: &str) -> Option<&str> {
    let (_, after) = provider.split_once("provider[\"")?;
    after.split_once("\"]").map(|(source, _)| source)
}
