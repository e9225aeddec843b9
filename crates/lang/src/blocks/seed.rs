//! The `seed` block.

use value::Type;

use crate::schema::{Attribute, Block, Rule};

pub(super) fn block() -> Block {
    Block {
        doc: "Data that `up` loads into a service, at each start.".into(),
        attributes: vec![
            Attribute::required("service", Type::String, "The name of the service").rule(Rule::Name),
            Attribute::required("protocol", Type::String, "What the service speaks")
                .rule(Rule::OneOf(&["redis"])),
            Attribute::required(
                "files",
                Type::list(Type::String),
                "JSON files of the project, each an object or a list of objects; `*` and `**` match",
            ),
            Attribute::expression("key", "The key of each object, such as `\"product:${object.id}\"`"),
        ],
        ..Block::default()
    }
}
