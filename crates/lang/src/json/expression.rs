//! JSON values as expressions: texts are templates, literals or references, as the place of the value has it.

use std::collections::HashMap;

use diag::{Diagnostic, Diagnostics, FileId, Span};
use value::{Type, Value};

use super::document::{Node, NodeKind, Property};
use super::text::Text;
use crate::syntax::{Expr, ExprKind, Item, Within, parse_within};

/// What the texts of a value are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Templates: `"${var.x}"`.
    Template,
    /// Templates that are looked into when the file is read.
    Condition,
    /// Nothing but text.
    Literal,
    /// Expressions of the native syntax: references, type constraints and keywords are written so.
    Native,
    /// Nothing but text, save for the references in the `configuration_aliases` of a required provider.
    Requirement,
}

/// Turns values into expressions, and gathers faults.
pub(super) struct Converter<'a> {
    pub file: FileId,
    /// The file's text.
    pub source: &'a str,
    pub diagnostics: Diagnostics,
    /// Faults of what is looked into only where it is worked out.
    pub templates: Diagnostics,
}

impl Converter<'_> {
    /// A value as an expression; `depth` is how deep in the file it stands.
    pub fn expr(&mut self, node: Node, reading: Reading, depth: u32) -> Expr {
        let span = node.span;
        let kind = match node.kind {
            NodeKind::Null => ExprKind::Literal(Value::null(Type::Dynamic)),
            NodeKind::Bool(b) => ExprKind::Literal(Value::bool(b)),
            NodeKind::Number(n) => ExprKind::Literal(Value::number(n)),
            NodeKind::Text(text) => return self.text(&text, reading, depth),
            NodeKind::Array(elements) => {
                ExprKind::Tuple(elements.into_iter().map(|e| self.expr(e, reading, depth + 1)).collect())
            }
            NodeKind::Object(properties) => self.object(properties, reading, depth + 1),
            NodeKind::Broken => ExprKind::Broken,
        };
        Expr { kind, span }
    }

    fn object(&mut self, properties: Vec<Property>, reading: Reading, depth: u32) -> ExprKind {
        let mut seen: HashMap<_, Span> = HashMap::with_capacity(properties.len());
        let mut items = Vec::with_capacity(properties.len());
        for Property { name, value } in properties {
            if let Some(first) = seen.insert(name.text.clone(), name.span) {
                let message = format!("this object has {:?} twice", name.text.as_ref());
                self.list(reading).push(
                    Diagnostic::error("duplicate-key", message)
                        .at(name.span)
                        .see(first, "first here")
                        .hint("remove one of them"),
                );
            }
            let is_aliases = reading == Reading::Requirement && name.text.as_ref() == "configuration_aliases";
            let of_value = if is_aliases { Reading::Native } else { reading };
            let key = self.text(&name, reading, depth);
            items.push(Item { key, value: self.expr(value, of_value, depth) });
        }
        ExprKind::Object(items)
    }

    /// Where faults of a reading belong.
    fn list(&mut self, reading: Reading) -> &mut Diagnostics {
        if reading == Reading::Template { &mut self.templates } else { &mut self.diagnostics }
    }

    fn text(&mut self, text: &Text, reading: Reading, depth: u32) -> Expr {
        let within = match reading {
            Reading::Native => Within::Expression,
            Reading::Template | Reading::Condition
                if text.text.contains("${") || text.text.contains("%{") =>
            {
                Within::Template
            }
            Reading::Template | Reading::Condition | Reading::Literal | Reading::Requirement => {
                return Expr { kind: ExprKind::Literal(Value::string(text.text.clone())), span: text.span };
            }
        };
        let places = text.places(self.source);
        let parsed = parse_within(self.file, &text.text, within, depth, &|at| places.of(at));
        self.list(reading).extend(parsed.diagnostics);
        // The whole text, with its quotes, stands for the expression.
        Expr { span: text.span, ..parsed.tree }
    }
}
