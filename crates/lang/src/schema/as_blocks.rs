//! Attributes that are written as blocks: a list or a set of objects that a provider of an old kind describes as an attribute, so that
//! `ingress = []` can take all of them away, may be written as blocks, one for each object.

use std::borrow::Cow;

use value::Type;

use super::{Attribute, Block, Given, NestedBlock, Nesting, dynamic};
use crate::syntax::Body;

/// The schema by which a body is read: with blocks in place of those attributes that it has as blocks.
pub(super) fn as_written<'a>(body: &Body, schema: &'a Block) -> Cow<'a, Block> {
    if body.blocks.is_empty() {
        return Cow::Borrowed(schema);
    }
    let is_written = |attribute: &&Attribute| {
        let name = attribute.name.as_ref();
        nesting(attribute).is_some()
            && body.attribute(name).is_none()
            && body.blocks.iter().any(|block| block.kind.name.as_ref() == name || dynamic::makes(block, name))
    };
    let blocks: Vec<NestedBlock> = schema
        .attributes
        .iter()
        .filter(is_written)
        .filter_map(|attribute| {
            let (nesting, element) = nesting(attribute)?;
            let Type::Object(object) = element else { return None };
            let attributes = object
                .attributes
                .iter()
                .map(|(name, of)| Attribute::of_provider(name.clone(), of.ty.clone(), Given::Optional));
            let block = Block::of_provider(attributes.collect(), Vec::new());
            Some(NestedBlock::new(attribute.name.clone(), nesting, block))
        })
        .collect();
    if blocks.is_empty() {
        return Cow::Borrowed(schema);
    }
    let mut written = schema.clone();
    written.attributes.retain(|attribute| !blocks.iter().any(|block| block.name == attribute.name));
    written.blocks.extend(blocks);
    Cow::Owned(written)
}

/// How such an attribute's blocks come, and the type of one; none of other attributes.
fn nesting(attribute: &Attribute) -> Option<(Nesting, &Type)> {
    if attribute.nested.is_some() || !matches!(attribute.given, Given::Optional | Given::OptionalComputed) {
        return None;
    }
    match &attribute.ty {
        Type::List(element) if matches!(**element, Type::Object(_)) => Some((Nesting::List, element)),
        Type::Set(element) if matches!(**element, Type::Object(_)) => Some((Nesting::Set, element)),
        _ => None,
    }
}
