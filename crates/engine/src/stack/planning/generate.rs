//! Configuration for an object that nothing describes: a `resource` block that says what is there. What only the provider tells is left
//! out, and what must not be shown is null.

use std::fmt::Write;

use lang::schema::{Block, Given, Nesting};
use value::{Kind, Value};

use crate::StateRow;

/// The block, as `fmt` would leave it.
pub(super) fn resource(schema: &Block, row: &StateRow, id: &str) -> String {
    let mut text = String::new();
    let address = &row.address;
    let _ = writeln!(text, "# __generated__ by Terraform from {}", lang::write::quoted(id));
    let _ = writeln!(text, "resource {:?} {:?} {{", address.kind.as_str(), address.name.as_ref());
    body(schema, &row.value, 1, &mut text);
    text.push_str("}\n");
    text
}

fn body(schema: &Block, value: &Value, depth: usize, text: &mut String) {
    let Kind::Object(entries) = value.kind() else { return };
    let mut shown = Vec::new();
    let mut attributes: Vec<_> = schema.attributes.iter().filter(|it| it.given != Given::Computed).collect();
    attributes.sort_by(|a, b| a.name.cmp(&b.name));
    let hidden = Value::null(value::Type::Dynamic);
    for attribute in attributes {
        let Some(entry) = entries.get(&attribute.name) else { continue };
        // What the provider told of what a person may say is told by it again.
        if attribute.given == Given::OptionalComputed && entry.is_null() {
            continue;
        }
        let is_secret = attribute.is_sensitive || !entry.marks_deep().is_empty();
        shown.push((attribute.name.as_ref(), if is_secret { &hidden } else { entry }));
    }
    text.push_str(&lang::write::attributes(shown, depth).unwrap_or_default());
    let pad = "  ".repeat(depth);
    for nested in &schema.blocks {
        let Some(entry) = entries.get(&nested.name) else { continue };
        let mut one = |label: Option<&str>, value: &Value| {
            let label = label.map(|label| format!(" {}", lang::write::quoted(label))).unwrap_or_default();
            let _ = writeln!(text, "{pad}{}{label} {{", nested.name);
            body(&nested.block, value, depth + 1, text);
            let _ = writeln!(text, "{pad}}}");
        };
        match (nested.nesting, entry.kind()) {
            (Nesting::Single { .. }, Kind::Object(_)) => one(None, entry),
            (_, Kind::Map(_, elements)) => elements.iter().for_each(|(key, element)| one(Some(key), element)),
            _ => entry.as_slice().unwrap_or_default().iter().for_each(|element| one(None, element)),
        }
    }
}
