//! Terraform's JSON configuration syntax, read into the same tree as the native one.
//!
//! Whether a property is a block or an attribute is told by what may stand in its place, which for the language's own blocks is
//! known here (`blocks`). In bodies that a provider describes every property becomes an attribute; who has the provider's schema
//! turns some of them into blocks with [`Body::promote`](crate::syntax::Body::promote). A name that comes twice inside such a
//! property is a fault already, although a schema could make blocks of both.

mod blocks;
mod configuration;
mod document;
mod expression;
mod instances;
mod promote;
mod text;

use diag::{Diagnostic, Diagnostics, FileId, Span};

use crate::syntax::{Attribute, Body, Identifier, Parsed};
use document::{NodeKind, Property};
use expression::{Converter, Reading};

/// Reads a whole `*.tf.json` file.
#[must_use]
pub fn parse(file: FileId, text: &str) -> Parsed<Body> {
    let (root, diagnostics) = document::read(file, text);
    let mut converter = Converter { file, source: text, diagnostics, templates: Diagnostics::default() };
    let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let mut tree = Body::json(Span { file, start: 0, end });
    let unbalanced = root.is_none();
    if let Some(root) = root {
        configuration::file(&mut converter, root, &mut tree);
    }
    let Converter { diagnostics, templates, .. } = converter;
    Parsed { tree, diagnostics, templates, unbalanced }
}

/// Reads a whole `*.tfvars.json` file: each property is a value, whose texts are nothing but text.
#[must_use]
pub(crate) fn parse_values(file: FileId, text: &str) -> Parsed<Vec<Attribute>> {
    let (root, diagnostics) = document::read(file, text);
    let mut converter = Converter { file, source: text, diagnostics, templates: Diagnostics::default() };
    let mut tree = Vec::new();
    let unbalanced = root.is_none();
    if let Some(root) = root {
        let span = root.span;
        match root.kind {
            NodeKind::Object(properties) => {
                for Property { name, value } in properties {
                    if name.text.as_ref() != instances::COMMENT {
                        let name = Identifier { name: name.text, span: name.span };
                        tree.push(Attribute { name, expr: converter.expr(value, Reading::Literal, 1) });
                    }
                }
            }
            NodeKind::Broken => {}
            _ => converter.diagnostics.push(
                Diagnostic::error("json-value", "a file of values is one JSON object")
                    .at(span)
                    .hint("write `{ \"NAME\": value }`"),
            ),
        }
    }
    let Converter { diagnostics, templates, .. } = converter;
    Parsed { tree, diagnostics, templates, unbalanced }
}
