//! A schema of the protocol's as one of the language's.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::stack::provider::{IdentityAttribute, IdentitySchema, KindSchema};
use lang::schema::{Attribute, Block, Given, NestedBlock, Nesting};
use prost::Message;
use value::{ObjectType, Type, type_from_json};

use crate::wire::{Protocol, messages, v5, v6};

/// The kind of a description that is Markdown; any other is plain text.
const MARKDOWN: i32 = 1;

/// A schema that cannot be understood.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum SchemaError {
    /// The bytes are no schema.
    #[error("a schema cannot be read: {0}")]
    Message(#[from] prost::DecodeError),
    /// An attribute has no type that is understood.
    #[error("attribute `{0}` has no type that is understood")]
    Type(String),
    /// A block comes in a way that is not understood.
    #[error("block `{0}` comes in a way that is not understood ({1})")]
    Nesting(String, i32),
}

/// The schema of a kind; no bytes are a kind that holds nothing.
pub(crate) fn kind(
    protocol: Protocol,
    bytes: &[u8],
    identity: Option<&messages::IdentitySchema>,
) -> Result<KindSchema, SchemaError> {
    let schema = match protocol {
        Protocol::V5 => v6::Schema::from(v5::Schema::decode(bytes)?),
        Protocol::V6 => v6::Schema::decode(bytes)?,
    };
    let identity = identity.map(identity_schema).transpose()?.map(Arc::new);
    let block = block(&schema.block.unwrap_or_default())?;
    Ok(KindSchema { version: version(schema.version), block: Arc::new(block), identity })
}

/// A version as the state has it: no provider has a negative one.
fn version(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn block(from: &v6::Block) -> Result<Block, SchemaError> {
    let attributes = from.attributes.iter().map(attribute).collect::<Result<_, _>>()?;
    let blocks = from.block_types.iter().map(nested_block).collect::<Result<_, _>>()?;
    let mut block = Block::of_provider(attributes, blocks);
    block.doc = from.description.clone().into();
    block.is_deprecated = from.deprecated;
    block.is_markdown = from.description_kind == MARKDOWN;
    Ok(block)
}

fn attribute(from: &v6::Attribute) -> Result<Attribute, SchemaError> {
    let given = match (from.required, from.optional, from.computed) {
        (true, ..) => Given::Required,
        (_, true, true) => Given::OptionalComputed,
        (_, false, true) => Given::Computed,
        (_, _, false) => Given::Optional,
    };
    let (ty, nested) = match &from.nested_type {
        Some(object) => {
            let attributes = object.attributes.iter().map(attribute).collect::<Result<Vec<_>, _>>()?;
            let ty = nested_type(&attributes, object.nesting)
                .ok_or_else(|| SchemaError::Nesting(from.name.clone(), object.nesting))?;
            (ty, Some(Arc::new(Block::of_provider(attributes, Vec::new()))))
        }
        None => {
            let json = serde_json::from_slice(&from.r#type).ok();
            let ty = json.and_then(|json| type_from_json(&json).ok());
            (ty.ok_or_else(|| SchemaError::Type(from.name.clone()))?, None)
        }
    };
    let mut attribute = Attribute::of_provider(from.name.as_str(), ty, given);
    attribute.nested = nested;
    attribute.doc = from.description.clone().into();
    attribute.is_sensitive = from.sensitive;
    attribute.is_write_only = from.write_only;
    attribute.is_deprecated = from.deprecated;
    attribute.is_markdown = from.description_kind == MARKDOWN;
    Ok(attribute)
}

/// The type of an attribute whose objects are described one attribute at a time: what the configuration need not give may be left out.
fn nested_type(attributes: &[Attribute], nesting: i32) -> Option<Type> {
    let attributes = attributes.iter().map(|attribute| {
        let of = match attribute.given {
            Given::Required => value::Attribute::required(attribute.ty.clone()),
            _ => value::Attribute::optional(attribute.ty.clone(), None),
        };
        (attribute.name.clone(), of)
    });
    let object = Type::Object(Arc::new(ObjectType { attributes: attributes.collect() }));
    Some(match nesting {
        1 => object,
        2 => Type::list(object),
        3 => Type::set(object),
        4 => Type::map(object),
        _ => return None,
    })
}

fn nested_block(from: &v6::NestedBlock) -> Result<NestedBlock, SchemaError> {
    let nesting = match from.nesting {
        1 => Nesting::Single { defaults: false },
        2 => Nesting::List,
        3 => Nesting::Set,
        4 => Nesting::Map { label: "name" },
        5 => Nesting::Single { defaults: true },
        other => return Err(SchemaError::Nesting(from.type_name.clone(), other)),
    };
    let inner = match &from.block {
        Some(inner) => block(inner)?,
        None => Block::default(),
    };
    let (min, max) = (version(from.min_items), version(from.max_items));
    Ok(NestedBlock::new(from.type_name.as_str(), nesting, inner).between(min, max))
}

fn identity_schema(from: &messages::IdentitySchema) -> Result<IdentitySchema, SchemaError> {
    let each = from.identity_attributes.iter().map(|attribute| {
        let json = serde_json::from_slice(&attribute.r#type).ok();
        let ty = json.and_then(|json| type_from_json(&json).ok());
        let ty = ty.ok_or_else(|| SchemaError::Type(attribute.name.clone()))?;
        let doc = attribute.description.clone();
        Ok((
            attribute.name.as_str().into(),
            IdentityAttribute { ty, is_required: attribute.required_for_import, doc },
        ))
    });
    let attributes: Result<BTreeMap<Arc<str>, IdentityAttribute>, SchemaError> = each.collect();
    Ok(IdentitySchema { version: version(from.version), attributes: attributes? })
}

impl From<v5::Schema> for v6::Schema {
    fn from(from: v5::Schema) -> Self {
        Self { version: from.version, block: from.block.map(Into::into) }
    }
}

impl From<v5::Block> for v6::Block {
    fn from(from: v5::Block) -> Self {
        Self {
            version: from.version,
            attributes: from.attributes.into_iter().map(Into::into).collect(),
            block_types: from.block_types.into_iter().map(Into::into).collect(),
            description: from.description,
            description_kind: from.description_kind,
            deprecated: from.deprecated,
        }
    }
}

impl From<v5::Attribute> for v6::Attribute {
    fn from(from: v5::Attribute) -> Self {
        Self {
            name: from.name,
            r#type: from.r#type,
            description: from.description,
            required: from.required,
            optional: from.optional,
            computed: from.computed,
            sensitive: from.sensitive,
            description_kind: from.description_kind,
            deprecated: from.deprecated,
            nested_type: None,
            write_only: from.write_only,
        }
    }
}

impl From<v5::NestedBlock> for v6::NestedBlock {
    fn from(from: v5::NestedBlock) -> Self {
        Self {
            type_name: from.type_name,
            block: from.block.map(Into::into),
            nesting: from.nesting,
            min_items: from.min_items,
            max_items: from.max_items,
        }
    }
}
