//! What a block may hold, written once: as a schema of version 5 and 6, and as the type of its objects.

use plugin::wire::messages::{IdentityAttribute, IdentitySchema};
use plugin::wire::{v5, v6};
use prost::Message;
use value::{Type, type_to_json};

/// A block.
#[derive(Clone, Default)]
pub(super) struct Shape {
    pub(super) fields: Vec<Field>,
    pub(super) blocks: Vec<Nested>,
}

/// An attribute.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) of: Of,
    pub(super) given: Given,
    pub(super) is_sensitive: bool,
    pub(super) is_write_only: bool,
}

/// What an attribute holds.
#[derive(Clone)]
pub(super) enum Of {
    /// Values of a type.
    Type(Type),
    /// Objects that are described attribute by attribute; version 6 only.
    Objects(Nesting, Vec<Field>),
}

/// Who says what an attribute is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    Required,
    Optional,
    Computed,
    OptionalComputed,
}

/// Blocks in a block.
#[derive(Clone)]
pub(super) struct Nested {
    pub(super) name: &'static str,
    pub(super) nesting: Nesting,
    pub(super) shape: Shape,
    pub(super) max: i64,
}

/// How objects are nested; the numbers are the protocol's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nesting {
    Single = 1,
    List = 2,
    Set = 3,
    Map = 4,
    Group = 5,
}

pub(super) fn field(name: &'static str, ty: Type, given: Given) -> Field {
    Field { name, of: Of::Type(ty), given, is_sensitive: false, is_write_only: false }
}

pub(super) fn objects(name: &'static str, nesting: Nesting, fields: Vec<Field>) -> Field {
    let of = Of::Objects(nesting, fields);
    Field { name, of, given: Given::Optional, is_sensitive: false, is_write_only: false }
}

pub(super) fn nested(name: &'static str, nesting: Nesting, fields: Vec<Field>) -> Nested {
    Nested { name, nesting, shape: Shape::of(fields), max: 0 }
}

impl Field {
    pub(super) fn sensitive(self) -> Self {
        Self { is_sensitive: true, ..self }
    }

    pub(super) fn write_only(self) -> Self {
        Self { is_write_only: true, ..self }
    }

    pub(super) fn is_computed(&self) -> bool {
        matches!(self.given, Given::Computed | Given::OptionalComputed)
    }

    pub(super) fn ty(&self) -> Type {
        match &self.of {
            Of::Type(ty) => ty.clone(),
            Of::Objects(nesting, fields) => nesting.ty(Shape::of(fields.clone()).ty()),
        }
    }
}

impl Nesting {
    pub(super) fn ty(self, object: Type) -> Type {
        match self {
            Self::Single | Self::Group => object,
            Self::List => Type::list(object),
            Self::Set => Type::set(object),
            Self::Map => Type::map(object),
        }
    }
}

impl Shape {
    pub(super) fn of(fields: Vec<Field>) -> Self {
        Self { fields, blocks: Vec::new() }
    }

    pub(super) fn ty(&self) -> Type {
        let fields = self.fields.iter().map(|field| (field.name, field.ty()));
        let blocks = self.blocks.iter().map(|block| (block.name, block.nesting.ty(block.shape.ty())));
        Type::object(fields.chain(blocks))
    }

    /// As the protocol has it in a version.
    pub(super) fn schema(&self, protocol: u32, version: i64) -> Vec<u8> {
        match protocol {
            5 => v5::Schema { version, block: Some(self.v5()) }.encode_to_vec(),
            _ => v6::Schema { version, block: Some(self.v6()) }.encode_to_vec(),
        }
    }

    fn v5(&self) -> v5::Block {
        let blocks = self.blocks.iter().map(|block| v5::NestedBlock {
            type_name: block.name.into(),
            block: Some(block.shape.v5()),
            nesting: block.nesting as i32,
            min_items: 0,
            max_items: block.max,
        });
        v5::Block {
            attributes: self.fields.iter().map(Field::v5).collect(),
            block_types: blocks.collect(),
            ..v5::Block::default()
        }
    }

    fn v6(&self) -> v6::Block {
        let blocks = self.blocks.iter().map(|block| v6::NestedBlock {
            type_name: block.name.into(),
            block: Some(block.shape.v6()),
            nesting: block.nesting as i32,
            min_items: 0,
            max_items: block.max,
        });
        v6::Block {
            attributes: self.fields.iter().map(Field::v6).collect(),
            block_types: blocks.collect(),
            ..v6::Block::default()
        }
    }
}

impl Field {
    fn v5(&self) -> v5::Attribute {
        v5::Attribute {
            name: self.name.into(),
            r#type: type_to_json(&self.ty()).to_string().into_bytes(),
            description: format!("The {}.", self.name),
            required: self.given == Given::Required,
            optional: matches!(self.given, Given::Optional | Given::OptionalComputed),
            computed: self.is_computed(),
            sensitive: self.is_sensitive,
            description_kind: 0,
            deprecated: false,
            write_only: self.is_write_only,
        }
    }

    fn v6(&self) -> v6::Attribute {
        let (ty, nested) = match &self.of {
            Of::Type(ty) => (type_to_json(ty).to_string().into_bytes(), None),
            Of::Objects(nesting, fields) => {
                let attributes = fields.iter().map(Self::v6).collect();
                (Vec::new(), Some(v6::Object { attributes, nesting: *nesting as i32 }))
            }
        };
        v6::Attribute {
            name: self.name.into(),
            r#type: ty,
            description: format!("The {}.", self.name),
            required: self.given == Given::Required,
            optional: matches!(self.given, Given::Optional | Given::OptionalComputed),
            computed: self.is_computed(),
            sensitive: self.is_sensitive,
            description_kind: 0,
            deprecated: false,
            nested_type: nested,
            write_only: self.is_write_only,
        }
    }
}

/// Attributes that identify an object: name, and whether an import has to give it.
pub(super) fn identity(version: i64, attributes: &[(&str, bool)]) -> IdentitySchema {
    let attributes = attributes.iter().map(|(name, is_required)| IdentityAttribute {
        name: (*name).into(),
        r#type: br#""string""#.to_vec(),
        required_for_import: *is_required,
        optional_for_import: !is_required,
        description: format!("The {name}."),
    });
    IdentitySchema { version, identity_attributes: attributes.collect() }
}
