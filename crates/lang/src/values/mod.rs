//! Files of values: `*.tfvars` and `*.tfvars.json`, and single values as a command line gives them.
//!
//! A value is an expression that needs nothing else: no reference and no function. Which variables there are, of what types, and
//! which of several files wins is not known here.

mod constant;

use std::collections::HashMap;

use diag::{Diagnostic, Diagnostics, FileId, Span};
use value::{Type, Value};

use crate::json;
use crate::syntax::{Attribute, Body, Identifier, Parsed, parse, parse_expression, reread};

/// A value that a file gives to a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// The name.
    pub name: Identifier,
    /// The value; unknown after a fault.
    pub value: Value,
    /// Where the value is written.
    pub span: Span,
}

fn read(file: FileId, text: &str) -> Parsed<Body> {
    let parsed = parse(file, text);
    if parsed.diagnostics.is_empty() { parsed } else { reread(file, text, parsed) }
}

/// Reads a whole `*.tfvars` file: each name once, in the order of the text.
#[must_use]
pub fn parse_hcl(file: FileId, text: &str) -> Parsed<Vec<Given>> {
    let Parsed { tree, mut diagnostics, unbalanced, templates } = read(file, text);
    for block in &tree.blocks {
        diagnostics.push(
            Diagnostic::error(
                "unexpected-block",
                format!("a file of values has no blocks such as `{}`", block.kind.name),
            )
            .summary(match block.kind.name.as_ref() {
                "variable" => "Variable declaration in .tfvars file".to_owned(),
                kind => format!("Unexpected \"{kind}\" block"),
            })
            .at(block.header())
            .hint(format!("for an object write `{} = {{ … }}`", block.kind.name)),
        );
    }
    let tree = given(tree.attributes, &mut diagnostics);
    diagnostics.sort();
    Parsed { tree, diagnostics, templates, unbalanced }
}

/// Reads a whole `*.tfvars.json` file: each name once, in the order of the text. Its texts are no templates.
#[must_use]
pub fn parse_json(file: FileId, text: &str) -> Parsed<Vec<Given>> {
    let Parsed { tree, mut diagnostics, unbalanced, templates } = json::parse_values(file, text);
    let tree = given(tree, &mut diagnostics);
    diagnostics.sort();
    Parsed { tree, diagnostics, templates, unbalanced }
}

/// Reads one value that is written as an expression, as `-var` gives it to a variable of a type that is not primitive.
#[must_use]
pub fn parse_value(file: FileId, text: &str) -> Parsed<Value> {
    let Parsed { tree, mut diagnostics, unbalanced, templates } = parse_expression(file, text);
    let value = if diagnostics.has_errors() {
        Value::unknown(Type::Dynamic)
    } else {
        constant::evaluate(tree, &mut diagnostics)
    };
    Parsed { tree: value, diagnostics, templates, unbalanced }
}

fn given(attributes: Vec<Attribute>, diagnostics: &mut Diagnostics) -> Vec<Given> {
    let mut seen: HashMap<_, Span> = HashMap::with_capacity(attributes.len());
    let mut values = Vec::with_capacity(attributes.len());
    for Attribute { name, expr } in attributes {
        if let Some(first) = seen.get(&name.name) {
            diagnostics.push(
                Diagnostic::error("duplicate-attribute", format!("`{}` is given twice", name.name))
                    .at(name.span)
                    .see(*first, "first here")
                    .hint("remove one of them"),
            );
            continue;
        }
        seen.insert(name.name.clone(), name.span);
        let span = expr.span;
        values.push(Given { name, value: constant::evaluate(expr, diagnostics), span });
    }
    values
}
