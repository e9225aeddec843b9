//! Values as expressions of the language, in the form in which `fmt` leaves them. It knows no blocks, and reads nothing back.

use std::fmt::Write;

use value::{Kind, Value};

use crate::syntax::is_identifier;

/// An expression that gives the value. Objects and maps take a line for each entry, sequences stay in one line, and a set is
/// written as a sequence. What is unknown cannot be written, and neither can marks.
#[must_use]
pub fn expression(value: &Value) -> Option<String> {
    let mut text = String::new();
    write(value, 0, &mut text)?;
    Some(text)
}

/// `name = value` for each entry, one below the other, with the signs aligned.
#[must_use]
pub fn attributes<'a>(
    entries: impl IntoIterator<Item = (&'a str, &'a Value)>,
    depth: usize,
) -> Option<String> {
    let mut lines = Vec::new();
    for (name, value) in entries {
        let name = if is_identifier(name) { name.to_owned() } else { quoted(name) };
        let mut text = String::new();
        write(value, depth, &mut text)?;
        lines.push((name, text));
    }
    let mut out = String::new();
    let mut start = 0;
    while start < lines.len() {
        // Only neighbours that take one line each are aligned; one of several lines ends a run and is aligned on its own.
        let is_long = |line: &(String, String)| line.1.contains('\n');
        let end = lines[start..].iter().position(is_long).map_or(lines.len(), |at| start + at);
        let run = if end == start { start..start + 1 } else { start..end };
        let width = lines[run.clone()].iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, text) in &lines[run.clone()] {
            let _ = writeln!(out, "{:indent$}{name:width$} = {text}", "", indent = depth * 2);
        }
        start = run.end;
    }
    Some(out)
}

fn write(value: &Value, depth: usize, out: &mut String) -> Option<()> {
    match value.kind() {
        Kind::Unknown(_) => return None,
        Kind::Null(_) => out.push_str("null"),
        Kind::Bool(b) => {
            let _ = write!(out, "{b}");
        }
        Kind::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Kind::String(text) => out.push_str(&quoted(text)),
        Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) => {
            out.push('[');
            for (i, element) in elements.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write(element, depth, out)?;
            }
            out.push(']');
        }
        Kind::Map(_, entries) | Kind::Object(entries) if entries.is_empty() => out.push_str("{}"),
        Kind::Map(_, entries) | Kind::Object(entries) => {
            out.push_str("{\n");
            let entries = entries.iter().map(|(name, value)| (name.as_ref(), value));
            out.push_str(&attributes(entries, depth + 1)?);
            let _ = write!(out, "{:indent$}}}", "", indent = depth * 2);
        }
    }
    Some(())
}

/// Text between quotes, with everything escaped that would mean something else.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '$' | '%' if chars.peek() == Some(&'{') => {
                out.push(c);
                out.push(c);
            }
            c if c.is_control() && u32::from(c) > 0xffff => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use value::Type;

    use super::*;

    #[test]
    fn a_value_is_written_as_the_formatter_leaves_it() {
        let value = Value::object([
            (
                "a",
                Value::tuple(vec![Value::number(1), Value::null(Type::String), Value::string("x\n${y}%{")]),
            ),
            ("b c", Value::object(Vec::<(&str, Value)>::new())),
            ("d", Value::object([("x", Value::bool(true))])),
        ]);
        let text = "{\n  a     = [1, null, \"x\\n$${y}%%{\"]\n  \"b c\" = {}\n  d = {\n    x = true\n  }\n}";
        assert_eq!(expression(&value).as_deref(), Some(text));
        assert_eq!(expression(&Value::unknown(Type::String)), None);
    }
}
