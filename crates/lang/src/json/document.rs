//! JSON text to a tree with the place of everything (RFC 8259). It gives no property a meaning.
//!
//! A fault that leaves the structure clear (a comma too many, a word that is none) is noted, and reading goes on; after any other
//! there is no tree.

use std::collections::HashMap;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, FileId, Span};
use value::Number;

use super::text::{Text, decode};
use crate::syntax::DEPTH_MAX;

/// A value and its place.
#[derive(Debug)]
pub(super) struct Node {
    pub kind: NodeKind,
    pub span: Span,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum NodeKind {
    Null,
    Bool(bool),
    Number(Number),
    Text(Text),
    Array(Vec<Node>),
    /// In the order of the text; names may come twice.
    Object(Vec<Property>),
    /// A value that could not be read; its fault has been noted.
    Broken,
}

/// `"name": value`.
#[derive(Debug)]
pub(super) struct Property {
    pub name: Text,
    pub value: Node,
}

/// A fault that has been noted, after which the structure is not clear.
struct Lost;

type Read<T> = Result<T, Lost>;

/// The tree of a text, if its structure is clear, and the faults.
pub(super) fn read(file: FileId, text: &str) -> (Option<Node>, Diagnostics) {
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        at: 0,
        file,
        depth: 0,
        names: HashMap::new(),
        diagnostics: Diagnostics::default(),
    };
    let node = reader.document().ok();
    if node.is_none() {
        let start = text.len() - text.trim_start().len();
        reader.at = start;
        let place = reader.here();
        let fault =
            Diagnostic::error("json-root", "the file holds no JSON object that could be read").at(place);
        reader.diagnostics.push(fault);
    }
    (node, reader.diagnostics)
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    file: FileId,
    depth: u32,
    /// Property names come again and again: each is kept once.
    names: HashMap<&'a str, Arc<str>>,
    diagnostics: Diagnostics,
}

impl<'a> Reader<'a> {
    fn span(&self, start: usize, end: usize) -> Span {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { file: self.file, start: offset(start), end: offset(end) }
    }

    /// The place of the next character.
    fn here(&self) -> Span {
        let length = self.text.get(self.at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        self.span(self.at, self.at + length)
    }

    fn note(&mut self, message: impl Into<String>, span: Span, hint: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error("json-syntax", message).at(span).hint(hint));
    }

    fn lost<T>(&mut self, message: impl Into<String>, span: Span, hint: impl Into<String>) -> Read<T> {
        self.note(message, span, hint);
        Err(Lost)
    }

    /// The next byte that is no blank; 0 at the end.
    fn peek(&mut self) -> u8 {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn document(&mut self) -> Read<Node> {
        self.peek();
        if self.at >= self.bytes.len() {
            let end = self.here();
            return self.lost("this file is empty", end, "write a JSON object: `{}`");
        }
        let node = self.value()?;
        self.peek();
        if self.at < self.bytes.len() {
            let here = self.here();
            self.note(
                "something follows the JSON value",
                here,
                "a file holds one value: remove what follows it",
            );
        }
        Ok(node)
    }

    fn value(&mut self) -> Read<Node> {
        let first = self.peek();
        let start = self.at;
        match first {
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::array),
            b'"' => {
                let text = self.string()?;
                let span = text.span;
                Ok(Node { kind: NodeKind::Text(text), span })
            }
            b'-' | b'+' | b'.' | b'0'..=b'9' => Ok(self.number()),
            c if c.is_ascii_alphabetic() || c == b'_' => Ok(self.word()),
            0 if start >= self.bytes.len() => {
                let end = self.span(start, start);
                self.lost(
                    "a value is missing at the end of the file",
                    end,
                    "close every `{` and `[` that is open",
                )
            }
            b'\'' => {
                let here = self.here();
                self.lost("JSON writes text between double quotes", here, "write `\"` for `'`")
            }
            _ => {
                let here = self.here();
                let hint = "a value begins with `{`, `[`, `\"`, a digit, `true`, `false` or `null`";
                self.lost("a JSON value is missing here", here, hint)
            }
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Read<Node>) -> Read<Node> {
        if self.depth >= DEPTH_MAX {
            let here = self.here();
            let message = format!("this is nested more than {DEPTH_MAX} levels deep");
            self.diagnostics.push(
                Diagnostic::error("too-deep", message)
                    .at(here)
                    .hint("give the inner part a name of its own in `locals`"),
            );
            return Err(Lost);
        }
        self.depth += 1;
        let node = read(self);
        self.depth -= 1;
        node
    }

    fn object(&mut self) -> Read<Node> {
        let open = self.at;
        self.at += 1;
        let mut properties = Vec::new();
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(Node { kind: NodeKind::Object(properties), span: self.span(open, self.at) });
        }
        loop {
            if self.peek() != b'"' {
                return self.no_name();
            }
            let name = self.string()?;
            if self.peek() != b':' {
                let (here, equals) = (self.here(), self.peek() == b'=');
                let hint = if equals {
                    "JSON writes `:` for `=`"
                } else {
                    "write `:` between the name and the value"
                };
                return self.lost(
                    "`:` is missing after this name",
                    if equals { here } else { name.span },
                    hint,
                );
            }
            self.at += 1;
            let value = self.inner(open)?;
            properties.push(Property { name, value });
            if self.ended(open, b'}', b']')? {
                return Ok(Node { kind: NodeKind::Object(properties), span: self.span(open, self.at) });
            }
        }
    }

    fn no_name<T>(&mut self) -> Read<T> {
        let (here, next) = (self.here(), self.peek());
        let found = match next {
            0 if self.at >= self.bytes.len() => "the file ends where a property is expected",
            b'\'' => "JSON writes text between double quotes",
            _ => "this is no JSON text",
        };
        let is_end = next == 0 && self.at >= self.bytes.len();
        let fault =
            Diagnostic::error("json-syntax", found).at(here).hint("names are written between double quotes");
        self.diagnostics.push(if is_end { fault.summary("Missing value") } else { fault });
        let fault = Diagnostic::error("json-syntax", "the name of a property is missing here").at(here);
        let fault = fault.summary("Invalid object property name").hint("write `\"NAME\": value`");
        self.diagnostics.push(fault);
        Err(Lost)
    }

    /// A value in an object or array; where the file ends in it, what is around is not closed either.
    fn inner(&mut self, open: usize) -> Read<Node> {
        match self.value() {
            Err(Lost) if self.at >= self.bytes.len() => self.unclosed(open),
            read => read,
        }
    }

    fn array(&mut self) -> Read<Node> {
        let open = self.at;
        self.at += 1;
        let mut elements = Vec::new();
        if self.peek() == b']' {
            self.at += 1;
            return Ok(Node { kind: NodeKind::Array(elements), span: self.span(open, self.at) });
        }
        loop {
            elements.push(self.inner(open)?);
            if self.ended(open, b']', b'}')? {
                return Ok(Node { kind: NodeKind::Array(elements), span: self.span(open, self.at) });
            }
        }
    }

    /// After an element: takes `,` or the closing sign, and says whether it was the latter.
    fn ended(&mut self, open: usize, close: u8, wrong: u8) -> Read<bool> {
        match self.peek() {
            b',' => {
                let comma = self.here();
                self.at += 1;
                if self.peek() != close {
                    return Ok(false);
                }
                self.note("JSON takes no comma after the last element", comma, "remove the comma");
                self.at += 1;
                Ok(true)
            }
            next if next == close => {
                self.at += 1;
                Ok(true)
            }
            next if next == wrong => {
                let (here, opened) = (self.here(), self.span(open, open + 1));
                let message =
                    format!("`{}` is closed by `{}`", char::from(self.bytes[open]), char::from(wrong));
                let fault =
                    Diagnostic::error("json-syntax", message).at(here).see(opened, "it is opened here");
                self.diagnostics.push(fault.hint(format!("write `{}`", char::from(close))));
                Err(Lost)
            }
            0 if self.at >= self.bytes.len() => self.unclosed(open),
            _ => {
                let here = self.here();
                self.lost("a comma is missing before this", here, "elements are separated by `,`")
            }
        }
    }

    fn unclosed<T>(&mut self, open: usize) -> Read<T> {
        let sign = char::from(self.bytes[open]);
        let close = if sign == '{' { '}' } else { ']' };
        let span = self.span(open, open + 1);
        let fault = Diagnostic::error("json-syntax", format!("this `{sign}` is never closed"));
        let fault = fault.summary("Unclosed object").at(span).hint(format!("add a `{close}` where it ends"));
        self.diagnostics.push(fault);
        Err(Lost)
    }

    /// What a word or number may be made of, so that a wrong one is shown whole.
    fn run(&mut self) -> (&'a str, Span) {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or("");
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '+' | '-' | '.');
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at += length;
        (rest.get(..length).unwrap_or(""), self.span(start, self.at))
    }

    fn word(&mut self) -> Node {
        let (word, span) = self.run();
        let kind = match word {
            "null" => NodeKind::Null,
            "true" => NodeKind::Bool(true),
            "false" => NodeKind::Bool(false),
            _ => {
                let hint = match diag::closest(word, ["true", "false", "null"]) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("text is written between double quotes: `\"{word}\"`"),
                };
                self.note(format!("`{word}` is no JSON value"), span, hint);
                NodeKind::Broken
            }
        };
        Node { kind, span }
    }

    fn number(&mut self) -> Node {
        let (word, span) = self.run();
        let kind = match word.parse::<Number>() {
            Ok(number) if is_number(word) => NodeKind::Number(number),
            Ok(_) => {
                self.note(
                    format!("`{word}` is no JSON number"),
                    span,
                    "write it as in `-12.5e3`, without leading zeros",
                );
                NodeKind::Broken
            }
            Err(_) => {
                let hint = "write it as in `-12.5e3`, with an exponent below 10000";
                self.note(format!("`{word}` is no JSON number"), span, hint);
                NodeKind::Broken
            }
        };
        Node { kind, span }
    }

    /// From the opening quote on.
    fn string(&mut self) -> Read<Text> {
        let start = self.at;
        let mut at = start + 1;
        let mut plain = true;
        loop {
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    plain = false;
                    at += 1 + usize::from(self.bytes.get(at + 1).is_some_and(|c| *c != b'\n'));
                }
                None | Some(b'\n') => {
                    let span = self.span(start, at);
                    // Where the text ends is not known, nor what of the rest belongs to it.
                    self.at = self.bytes.len();
                    return self.lost(
                        "this text has no closing quote",
                        span,
                        "a line break is written `\\n`",
                    );
                }
                Some(_) => at += 1,
            }
        }
        self.at = at + 1;
        let raw = self.text.get(start + 1..at).unwrap_or("");
        let span = self.span(start, at + 1);
        let text: Arc<str> = if plain && !raw.bytes().any(|c| c < 0x20) {
            self.names.get(raw).cloned().unwrap_or_else(|| raw.into())
        } else {
            let mut faults = Vec::new();
            let text = decode(raw, |_, _| {}, |at, length, message| faults.push((at, length, message)));
            for (at, length, message) in faults {
                let place = self.span(start + 1 + at, start + 1 + at + length);
                self.note(message, place, "the escapes are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uNNNN");
            }
            text.into()
        };
        // Names are short; long texts hardly ever come twice.
        if plain && raw.len() <= 64 && !self.names.contains_key(raw) {
            self.names.insert(raw, text.clone());
        }
        Ok(Text { text, span })
    }
}

/// Whether a text is a number as JSON writes it: no leading zeros or plus, digits on both sides of the point.
fn is_number(word: &str) -> bool {
    let unsigned = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}
