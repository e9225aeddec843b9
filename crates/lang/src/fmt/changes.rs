//! What is written anew: old ways of writing that `terraform fmt` makes new, found in the tree.

use std::collections::HashMap;

use crate::syntax::{Attribute, Block, Body, ExprKind, Identifier};

/// What is written anew, by the byte at which it begins.
#[derive(Default)]
pub(super) struct Changes {
    /// `"${x}"` as a whole value, which `x` alone may stand for: where the string ends.
    pub wrapped: HashMap<u32, u32>,
    /// Text that is written as another text; the end of what it stands for.
    pub replaced: HashMap<u32, (u32, String)>,
}

/// The changes of a whole file.
pub(super) fn find(body: &Body, text: &str) -> Changes {
    let mut changes = Changes::default();
    note(body, text, &mut changes);
    for block in body.blocks_of("variable") {
        note_type(block, text, &mut changes);
    }
    changes
}

fn written(span: diag::Span, text: &str) -> &str {
    text.get(span.start as usize..span.end as usize).unwrap_or("")
}

fn note(body: &Body, text: &str, changes: &mut Changes) {
    for Attribute { expr, .. } in &body.attributes {
        if matches!(expr.kind, ExprKind::Wrap(_)) && written(expr.span, text).starts_with('"') {
            changes.wrapped.insert(expr.span.start, expr.span.end);
        }
    }
    for block in &body.blocks {
        for label in &block.labels {
            note_label(label, text, changes);
        }
        note(&block.body, text, changes);
    }
}

/// A label is written between quotes, with the escapes that it needs and no others.
fn note_label(label: &Identifier, text: &str, changes: &mut Changes) {
    let quoted = quoted(&label.name);
    if written(label.span, text) != quoted {
        changes.replaced.insert(label.span.start, (label.span.end, quoted));
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '"' | '\\' => out.extend(['\\', c]),
            '$' | '%' if rest[1..].starts_with('{') => out.extend([c, c]),
            c if is_printable(c) => out.push(c),
            c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
        rest = &rest[c.len_utf8()..];
    }
    out.push('"');
    out
}

/// Whether a character is seen. `escape_debug` knows; behind another character it leaves marks alone, which are seen with it.
fn is_printable(c: char) -> bool {
    c.is_ascii_graphic() || c == ' ' || !format!("a{c}").escape_debug().to_string().contains('\\')
}

/// The type of a variable, where it is a type between quotes, or a collection without the type of its elements.
fn note_type(block: &Block, text: &str, changes: &mut Changes) {
    let Some(Attribute { expr, .. }) = block.body.attribute("type") else { return };
    // Nothing else is made of a type, not even of one in `"${…}"`.
    changes.wrapped.remove(&expr.span.start);
    let ty = match written(expr.span, text) {
        "\"string\"" => "string",
        "\"list\"" => "list(string)",
        "\"map\"" => "map(string)",
        "list" => "list(any)",
        "map" => "map(any)",
        "set" => "set(any)",
        _ => return,
    };
    changes.replaced.insert(expr.span.start, (expr.span.end, ty.to_owned()));
}
