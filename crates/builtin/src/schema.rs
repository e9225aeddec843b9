//! What the provider makes, as data.

use std::sync::{Arc, LazyLock};

use engine::stack::provider::{KindSchema, Kinds, ProviderSchema};
use lang::schema::{Attribute, Block, Given};
use value::Type;

/// `terraform_data`.
pub(crate) const DATA: &str = "terraform_data";
/// `terraform_remote_state`.
pub(crate) const REMOTE_STATE: &str = "terraform_remote_state";

pub(crate) static SCHEMA: LazyLock<Arc<ProviderSchema>> = LazyLock::new(|| {
    Arc::new(ProviderSchema {
        resources: Kinds::from([(Arc::from(DATA), kind(data()))]),
        data: Kinds::from([(Arc::from(REMOTE_STATE), kind(remote_state()))]),
        functions: crate::functions::schemas(),
        ..ProviderSchema::default()
    })
});

fn kind(attributes: Vec<Attribute>) -> KindSchema {
    KindSchema { version: 0, block: Arc::new(Block::of_provider(attributes, Vec::new())), identity: None }
}

fn data() -> Vec<Attribute> {
    vec![
        Attribute::of_provider("id", Type::String, Given::Computed),
        Attribute::of_provider("input", Type::Dynamic, Given::Optional),
        Attribute::of_provider("output", Type::Dynamic, Given::Computed),
        Attribute::of_provider("triggers_replace", Type::Dynamic, Given::Optional),
    ]
}

fn remote_state() -> Vec<Attribute> {
    let attribute = |name: &'static str, ty, given, doc: &'static str| {
        let mut attribute = Attribute::of_provider(name, ty, given);
        attribute.doc = doc.into();
        attribute
    };
    vec![
        attribute(
            "backend",
            Type::String,
            Given::Required,
            "The kind of backend that holds the state: `local`, `s3`.",
        ),
        attribute(
            "config",
            Type::Dynamic,
            Given::Optional,
            "What a `backend` block of that kind would hold.",
        ),
        attribute(
            "defaults",
            Type::Dynamic,
            Given::Optional,
            "What stands in for outputs that the state does not have.",
        ),
        attribute(
            "outputs",
            Type::Dynamic,
            Given::Computed,
            "The outputs of the root module of that state, as one object.",
        ),
        attribute(
            "workspace",
            Type::String,
            Given::Optional,
            "The workspace, where the backend has several.",
        ),
    ]
}
