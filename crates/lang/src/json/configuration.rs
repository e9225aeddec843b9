//! A JSON document as the body of a configuration file, by the table of the language's own blocks.

use diag::{Diagnostic, Diagnostics, Span};

use super::blocks::{Level, ROOT};
use super::document::{Node, NodeKind, Property};
use super::expression::Converter;
use super::instances::{COMMENT, Content, Instance, Opened, instances};
use crate::syntax::{Attribute, Block, Body, Identifier};

impl Opened for Node {
    fn span(&self) -> Span {
        self.span
    }

    fn open(self, _: &mut Diagnostics) -> Content<Self> {
        match self.kind {
            NodeKind::Null | NodeKind::Broken => Content::Nothing,
            NodeKind::Array(elements) => Content::Elements(elements),
            NodeKind::Object(properties) => Content::Properties(named(properties)),
            _ => Content::Other,
        }
    }
}

fn named(properties: Vec<Property>) -> Vec<(Identifier, Node)> {
    let name = |p: Property| (Identifier { name: p.name.text, span: p.name.span }, p.value);
    properties.into_iter().map(name).collect()
}

/// The whole file: an object, or an array of objects that are read as if they were one.
pub(super) fn file(converter: &mut Converter<'_>, root: Node, body: &mut Body) {
    let span = root.span;
    match root.kind {
        NodeKind::Object(properties) => root_properties(converter, named(properties), body),
        NodeKind::Array(elements) => {
            for element in elements {
                let span = element.span;
                match element.kind {
                    NodeKind::Object(properties) => root_properties(converter, named(properties), body),
                    NodeKind::Broken => {}
                    _ => not_an_object(converter, span),
                }
            }
        }
        NodeKind::Broken => {}
        _ => not_an_object(converter, span),
    }
}

fn not_an_object(converter: &mut Converter<'_>, span: Span) {
    converter.diagnostics.push(
        Diagnostic::error("json-value", "a configuration file is a JSON object, or an array of objects")
            .at(span)
            .hint("write `{ \"resource\": { … } }`"),
    );
}

fn root_properties(converter: &mut Converter<'_>, properties: Vec<(Identifier, Node)>, body: &mut Body) {
    let (known, unknown): (Vec<_>, Vec<_>) = properties
        .into_iter()
        .filter(|(name, _)| name.name.as_ref() != COMMENT)
        .partition(|(name, _)| ROOT.block(&name.name).is_some());
    for (name, _) in unknown {
        let fault =
            Diagnostic::error("unknown-block", format!("there is no block `{}`", name.name)).at(name.span);
        let fault = fault.summary("Extraneous JSON object property");
        let kinds = || ROOT.blocks.iter().map(|b| b.kind);
        converter.diagnostics.push(match diag::closest(&name.name, kinds()) {
            Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
            None => fault.hint(format!(
                "there is {}",
                kinds().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")
            )),
        });
    }
    fill(converter, known, &ROOT, body, 1);
}

/// Puts properties into a body, as attributes or blocks; `depth` is how deep in the file they stand.
fn fill(
    converter: &mut Converter<'_>,
    properties: Vec<(Identifier, Node)>,
    level: &Level,
    body: &mut Body,
    depth: u32,
) {
    for (name, value) in properties {
        if name.name.as_ref() == COMMENT {
            continue;
        }
        let Some(nested) = level.block(&name.name) else {
            let expr = converter.expr(value, level.reading(&name.name), depth);
            body.attributes.push(Attribute { name, expr });
            continue;
        };
        for instance in instances(&name.name, value, nested.labels, &mut converter.diagnostics) {
            let Instance { labels, properties, span } = instance;
            let mut inner = Body::json(span);
            // The levels of labels and arrays count little; the depth only keeps templates within their bound.
            fill(converter, properties, nested.level, &mut inner, depth + 1);
            body.blocks.push(Block { kind: name.clone(), labels, body: inner });
        }
    }
}
