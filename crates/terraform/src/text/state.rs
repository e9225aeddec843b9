//! States and outputs as people read them.

use engine::{Mode, Snapshot, StateRow};
use value::Value;

use super::Paint;
use super::diff::{Differences, Loose};
use super::quote::quoted;
use crate::json::resource::terraform_order;

/// A whole state: every object with its attributes, then the outputs.
#[must_use]
pub fn state(snapshot: &Snapshot) -> String {
    if snapshot.lineage.is_empty() && snapshot.rows.is_empty() && snapshot.outputs.is_empty() {
        return "No state.\n".into();
    }
    if snapshot.rows.is_empty() && snapshot.outputs.is_empty() {
        return "The state file is empty. No resources are represented.\n".into();
    }
    let mut rows: Vec<&StateRow> = snapshot.rows.iter().collect();
    rows.sort_by(|a, b| {
        terraform_order(&a.address, &b.address).then_with(|| a.record.deposed.cmp(&b.record.deposed))
    });
    let mut out = String::new();
    let mut module: Option<&engine::ModulePath> = None;
    for row in rows {
        if module.is_some_and(|module| *module != row.address.module) {
            out.push('\n');
        }
        module = Some(&row.address.module);
        out.push_str(&object(row));
        out.push('\n');
    }
    if !snapshot.outputs.is_empty() {
        let before = if out.is_empty() { "" } else { "\n" };
        out.push_str(&format!("{before}Outputs:\n\n"));
        for (name, value) in &snapshot.outputs {
            let value = if crate::json::values::is_any_sensitive(value) {
                value.clone().with_marks(value::Marks::SENSITIVE)
            } else {
                value.clone()
            };
            for line in Differences::new(Paint(false), &[]).still_named(name, &value, 0) {
                // The column of signs is not there.
                out.push_str(line.strip_prefix("  ").unwrap_or(&line));
                out.push('\n');
            }
        }
    }
    out
}

/// One object with its attributes.
#[must_use]
pub fn object(row: &StateRow) -> String {
    let address = &row.address;
    let word = if address.mode == Mode::Data { "data" } else { "resource" };
    let mut head = format!("# {address}:");
    if row.record.tainted {
        head.push_str(" (tainted)");
    }
    if let Some(deposed) = &row.record.deposed {
        head = format!("# {address}: (deposed object {deposed})");
    }
    let loose = Loose::of(&row.record.provider, address);
    let mut out = format!("{head}\n{word} \"{}\" \"{}\" {{\n", address.kind, address.name);
    for line in Differences::new(Paint(false), &[]).still(&row.value, 2, &loose) {
        out.push_str(&line);
        out.push('\n');
    }
    out + "}\n"
}

/// Outputs by name; sensitive ones hidden.
#[must_use]
pub fn outputs(outputs: &[(String, Value)]) -> String {
    outputs.iter().map(|(name, value)| format!("{name} = {}\n", output(value))).collect()
}

/// One value, as `output NAME` and the console print it.
#[must_use]
pub fn output(value: &Value) -> String {
    if crate::json::values::is_any_sensitive(value) {
        return "<sensitive>".into();
    }
    console(value)
}

/// A value as the console prints it: collections with their types said where an expression would not say them.
#[must_use]
pub fn console(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    use value::Kind;
    if value.is_sensitive() {
        out.push_str("(sensitive value)");
        return;
    }
    let inner = " ".repeat(depth + 2);
    let end = " ".repeat(depth);
    let sequence = |open: &str, elements: &[Value], close: &str, out: &mut String| {
        out.push_str(open);
        for (at, element) in elements.iter().enumerate() {
            out.push_str(if at == 0 { "\n" } else { "" });
            out.push_str(&inner);
            write(element, depth + 2, out);
            out.push_str(",\n");
        }
        out.push_str(if elements.is_empty() { "" } else { &end });
        out.push_str(close);
    };
    match value.kind() {
        Kind::Unknown(_) => out.push_str("(known after apply)"),
        Kind::Null(ty) => out.push_str(&null(ty)),
        Kind::List(_, elements) => sequence("tolist([", elements, "])", out),
        Kind::Set(_, elements) => sequence("toset([", elements, "])", out),
        Kind::Tuple(elements) => sequence("[", elements, "]", out),
        Kind::Map(_, entries) | Kind::Object(entries) => {
            let is_map = matches!(value.kind(), Kind::Map(..));
            out.push_str(if is_map { "tomap({" } else { "{" });
            for (at, (name, entry)) in entries.iter().enumerate() {
                out.push_str(if at == 0 { "\n" } else { "" });
                out.push_str(&format!("{inner}{} = ", quoted(name)));
                write(entry, depth + 2, out);
                out.push('\n');
            }
            out.push_str(if entries.is_empty() { "" } else { &end });
            out.push_str(if is_map { "})" } else { "}" });
        }
        Kind::String(text) if text.contains('\n') => {
            let (open, before) = if depth == 0 { ("<<EOT", "") } else { ("<<-EOT", end.as_str()) };
            let lines: String = text.split('\n').map(|line| format!("{before}{line}\n")).collect();
            out.push_str(&format!("{open}\n{lines}{before}EOT"));
        }
        Kind::String(text) => out.push_str(&quoted(text)),
        Kind::Bool(_) | Kind::Number(_) => {
            out.push_str(&lang::write::expression(value).unwrap_or_default());
        }
    }
}

/// A null with its type, where it has one.
fn null(ty: &value::Type) -> String {
    use value::Type;
    let (function, element) = match ty {
        Type::String => return "tostring(null)".into(),
        Type::Number => return "tonumber(null)".into(),
        Type::Bool => return "tobool(null)".into(),
        Type::List(element) => ("tolist", element),
        Type::Set(element) => ("toset", element),
        Type::Map(element) => ("tomap", element),
        Type::Dynamic | Type::Tuple(_) | Type::Object(_) => return "null".into(),
    };
    format!("{function}(null) /* of {} */", super::types::describe(element))
}
