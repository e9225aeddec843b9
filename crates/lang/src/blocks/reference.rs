//! The reference of the blocks, made of their descriptions.

use std::fmt::Write;

use crate::schema::{Attribute, Block, Given, Nesting, Rule};

/// Every block with its attributes, as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut text = String::from(
        "# Blocks\n\nMade from the program's own description of its blocks; a test keeps it true.\n",
    );
    for (name, label, block) in super::all() {
        let label = if label.is_empty() { String::new() } else { format!(" \"{label}\"") };
        describe(&format!("{name}{label}"), block, "##", &mut text);
    }
    text
}

fn describe(name: &str, block: &Block, level: &str, text: &mut String) {
    let _ = write!(text, "\n{level} `{name}`\n\n{}\n", block.doc);
    if !block.attributes.is_empty() {
        text.push_str("\n| attribute | type | default | meaning |\n|---|---|---|---|\n");
    }
    for a in &block.attributes {
        let ty = if a.given == Given::Expression { "expression".to_owned() } else { a.ty.to_string() };
        let _ = writeln!(text, "| `{}` | {ty} | {} | {}{} |", a.name, default(a), a.doc, rule(a.rule));
    }
    for nested in &block.blocks {
        let name = match nested.nesting {
            Nesting::Single { .. } | Nesting::List | Nesting::Set => nested.name.to_string(),
            Nesting::Map { label } => format!("{} \"{}\"", nested.name, label.to_uppercase()),
        };
        let many = match nested.nesting {
            Nesting::Single { .. } => "",
            Nesting::List | Nesting::Set | Nesting::Map { .. } => " May be repeated.",
        };
        let mut inner = String::new();
        describe(&name, &nested.block, "###", &mut inner);
        text.push_str(&inner.replacen(nested.block.doc.as_ref(), &format!("{}{many}", nested.block.doc), 1));
    }
}

fn default(attribute: &Attribute) -> String {
    match (attribute.given, &attribute.default) {
        (Given::Required, _) => "required".into(),
        (Given::Computed, _) => "told by an apply".into(),
        (Given::OptionalComputed, None) => "told by an apply where it is not given".into(),
        (_, Some(value)) => format!("`{value}`"),
        (_, None) => String::new(),
    }
}

fn rule(rule: Rule) -> String {
    match rule {
        Rule::OneOf(words) => {
            format!(" ({})", words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", "))
        }
        Rule::Whole { min, max: i64::MAX } => format!(" ({min} or more)"),
        Rule::Whole { min, max } => format!(" ({min} to {max})"),
        Rule::Duration => " (a time: `30s`, `5m`)".into(),
        Rule::Size => " (a size: `256Mi`)".into(),
        _ => String::new(),
    }
}
