//! `yamlencode`: YAML in block style, to the byte as Terraform writes it.
//!
//! Every string is quoted, or a literal block where it has several lines, so that no reader takes one for a number or a bool.

use std::fmt::Write as _;

use value::{Kind, Type, Value};

use super::arguments::{Arguments, Failure};
use super::signature::{Function, Parameter, Shape};

/// Spaces for each level.
const STEP: usize = 2;

/// Where a quoted text goes on in the next line, at the next space.
const WIDTH: usize = 80;

/// Bytes that a key may have to stand in front of its colon.
const SIMPLE_KEY_MAX: usize = 128;

pub(super) const FUNCTIONS: &[Function] = &[Function::new(
    "yamlencode",
    &[Parameter::new("value", Shape::Any).nullable().dynamic()],
    Shape::String,
    encode,
    "The value as YAML.",
)];

fn encode(a: &Arguments<'_>) -> Result<Value, Failure> {
    let value = a.value(0);
    if !value.is_wholly_known() {
        return Ok(Value::unknown(Type::String));
    }
    let mut writer = Writer { out: String::new() };
    match (value.as_slice(), value.as_entries()) {
        (Some(elements), _) if !elements.is_empty() => writer.sequence(elements, 0),
        (_, Some(entries)) if !entries.is_empty() => writer.mapping(entries, 0),
        _ => writer.scalar(value, STEP, true),
    }
    writer.end_line();
    if matches!(value.kind(), Kind::Null(_) | Kind::Bool(_) | Kind::Number(_)) {
        // A bare scalar alone has its end marked, since more text could follow it.
        writer.out.push_str("...\n");
    }
    Ok(Value::string(writer.out))
}

struct Writer {
    out: String,
}

type Entries = std::collections::BTreeMap<std::sync::Arc<str>, Value>;

impl Writer {
    fn end_line(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn start_line(&mut self, indent: usize) {
        self.end_line();
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    /// Elements of a sequence; the first one goes on in the line that was begun.
    fn sequence(&mut self, elements: &[Value], indent: usize) {
        for (at, element) in elements.iter().enumerate() {
            if at > 0 {
                self.start_line(indent);
            }
            self.out.push_str("- ");
            self.behind_dash(element, indent);
        }
    }

    fn behind_dash(&mut self, value: &Value, indent: usize) {
        match (value.as_slice(), value.as_entries()) {
            (Some(elements), _) if !elements.is_empty() => self.sequence(elements, indent + STEP),
            (_, Some(entries)) if !entries.is_empty() => self.mapping(entries, indent + STEP),
            _ => self.scalar(value, indent + STEP, true),
        }
    }

    fn mapping(&mut self, entries: &Entries, indent: usize) {
        for (at, (key, value)) in entries.iter().enumerate() {
            if at > 0 {
                self.start_line(indent);
            }
            if key.len() > SIMPLE_KEY_MAX || key.contains(is_break) {
                self.out.push_str("? ");
                self.string(key, indent + STEP, true);
                self.start_line(indent);
                self.out.push_str(": ");
                self.behind_dash(value, indent);
                continue;
            }
            self.quoted(key, indent + STEP, false);
            self.out.push(':');
            match (value.as_slice(), value.as_entries()) {
                (Some(elements), _) if !elements.is_empty() => {
                    self.start_line(indent);
                    self.sequence(elements, indent);
                }
                (_, Some(entries)) if !entries.is_empty() => {
                    self.start_line(indent + STEP);
                    self.mapping(entries, indent + STEP);
                }
                _ => {
                    self.out.push(' ');
                    self.scalar(value, indent + STEP, true);
                }
            }
        }
    }

    fn scalar(&mut self, value: &Value, indent: usize, may_break: bool) {
        match value.kind() {
            Kind::Bool(b) => _ = write!(self.out, "{b}"),
            Kind::Number(n) => _ = write!(self.out, "{n}"),
            Kind::String(text) => self.string(text, indent, may_break),
            Kind::List(..) | Kind::Set(..) | Kind::Tuple(_) => self.out.push_str("[]"),
            Kind::Map(..) | Kind::Object(_) => self.out.push_str("{}"),
            Kind::Null(_) | Kind::Unknown(_) => self.out.push_str("null"),
        }
    }

    fn string(&mut self, text: &str, indent: usize, may_break: bool) {
        let fits_block = text.contains('\n')
            && !text.contains(" \n")
            && !text.ends_with(' ')
            && text.chars().all(|c| c == '\n' || is_printable(c));
        if fits_block { self.literal(text, indent) } else { self.quoted(text, indent, may_break) }
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.out.push('|');
        if text.starts_with([' ', '\n']) {
            _ = write!(self.out, "{STEP}");
        }
        match text.strip_suffix('\n') {
            None => self.out.push('-'),
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => self.out.push('+'),
            Some(_) => {}
        }
        for line in text.split_inclusive('\n') {
            // The end of the line before is already written, but for the first.
            self.end_line();
            if line != "\n" {
                self.out.extend(std::iter::repeat_n(' ', indent));
            } else if !self.out.ends_with('\n') {
                self.out.push('\n');
            }
            self.out.push_str(line);
        }
    }

    fn quoted(&mut self, text: &str, indent: usize, may_break: bool) {
        let line_start = self.out.rfind('\n').map_or(0, |at| at + 1);
        let mut column = self.out[line_start..].chars().count() + 1;
        self.out.push('"');
        let mut after_space = false;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let is_inner = at > 0 && chars.peek().is_some();
            if c == ' ' && may_break && !after_space && column > WIDTH && is_inner {
                self.start_line(indent);
                column = indent;
                if chars.peek().is_some_and(|(_, next)| *next == ' ') {
                    self.out.push('\\');
                    column += 1;
                }
                after_space = true;
                continue;
            }
            let before = self.out.len();
            self.escaped(c);
            column += self.out[before..].chars().count();
            after_space = c == ' ';
        }
        self.out.push('"');
    }

    fn escaped(&mut self, c: char) {
        let short = match c {
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{b}' => 'v',
            '\u{c}' => 'f',
            '\r' => 'r',
            '\u{1b}' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            c if is_printable(c) => return self.out.push(c),
            c => {
                let code = u32::from(c);
                _ = match code {
                    0..=0xFF => write!(self.out, "\\x{code:02X}"),
                    0x100..=0xFFFF => write!(self.out, "\\u{code:04X}"),
                    _ => write!(self.out, "\\U{code:08X}"),
                };
                return;
            }
        };
        self.out.push('\\');
        self.out.push(short);
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What is written as it is. What lies beyond the basic plane is escaped, as by the writer that Terraform uses.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{ffff}') && !matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
