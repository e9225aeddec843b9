//! JSON, with exact numbers: what `jsonencode` and `jsondecode` write and read.
//!
//! Written as Terraform writes it, to the byte, because such texts are compared with what is stored elsewhere: no white space,
//! keys in order, and `<`, `>`, `&` escaped.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use value::{Kind, Number, Refinements, Type, Value};

use super::arguments::{Arguments, Failure};
use super::signature::{Function, Parameter, Shape};

/// How deep arrays and objects may be nested: the reader calls itself for each level.
const DEPTH_MAX: usize = 500;

/// The JSON of a value that is not wholly known: how it begins may be certain.
fn later(value: &Value) -> Value {
    let prefix = match value.kind() {
        Kind::List(..) | Kind::Set(..) | Kind::Tuple(_) => Some("[".into()),
        Kind::Map(..) | Kind::Object(_) => Some("{".into()),
        _ => None,
    };
    Value::refined(Type::String, Refinements { not_null: true, prefix, ..Refinements::default() })
}

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "jsonencode",
        &[Parameter::new("val", Shape::Any).nullable().dynamic()],
        Shape::String,
        |a| Ok(to_text(a.value(0)).map_or_else(|| later(a.value(0)), Value::string)),
        "The value as JSON.",
    ),
    Function::new(
        "jsondecode",
        &[Parameter::new("str", Shape::String)],
        Shape::Any,
        decode,
        "The value that a JSON text says.",
    )
    .typed(|_| Ok(Type::Dynamic)),
];

/// The value as JSON; `None` if a part of it is unknown.
pub(super) fn to_text(value: &Value) -> Option<String> {
    let mut out = String::new();
    write(value, &mut out)?;
    Some(out)
}

fn write(value: &Value, out: &mut String) -> Option<()> {
    match value.kind() {
        Kind::Unknown(_) => return None,
        Kind::Null(_) => out.push_str("null"),
        Kind::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Kind::Number(n) => _ = write!(out, "{n}"),
        Kind::String(s) => quote_into(s, out),
        Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) => {
            out.push('[');
            for (at, element) in elements.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(element, out)?;
            }
            out.push(']');
        }
        Kind::Map(_, entries) | Kind::Object(entries) => {
            out.push('{');
            for (at, (key, element)) in entries.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                quote_into(key, out);
                out.push(':');
                write(element, out)?;
            }
            out.push('}');
        }
    }
    Some(())
}

/// The text as a JSON string.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote_into(text, &mut out);
    out
}

fn quote_into(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            // The last two end a line in JavaScript; the first three could end a script element.
            c if c < ' ' || matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') => {
                _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn decode(a: &Arguments<'_>) -> Result<Value, Failure> {
    let mut reader = Reader { text: a.text(0), at: 0 };
    let fault = |message: Fault| match message {
        Fault::Plain(message) => Failure::call(message),
        Fault::Character(c, context) => {
            Failure::showing(None, |show| format!("invalid character {} {context}", show(format!("{c:?}"))))
        }
    };
    let value = reader.value(0).map_err(fault)?;
    reader.skip_space();
    if reader.at < reader.text.len() {
        return Err(Failure::call("extraneous data after JSON object"));
    }
    Ok(value)
}

enum Fault {
    Plain(&'static str),
    Character(char, &'static str),
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// What is wrong with the next character, for which something else was expected.
    fn unexpected(&self, context: &'static str) -> Fault {
        match self.rest().chars().next() {
            Some(c) => Fault::Character(c, context),

            None => Fault::Plain("unexpected EOF"),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        if depth > DEPTH_MAX {
            return Err(Fault::Plain("arrays and objects are nested too deeply"));
        }
        self.skip_space();
        for (word, value) in
            [("true", Value::bool(true)), ("false", Value::bool(false)), ("null", Value::null(Type::Dynamic))]
        {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
            if !self.rest().is_empty() && word.starts_with(self.rest()) {
                return Err(Fault::Plain("unexpected EOF"));
            }
        }
        match self.rest().bytes().next() {
            Some(b'"') => Ok(Value::string(self.string()?)),
            Some(b'[') => self.array(depth),
            Some(b'{') => self.object(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Fault> {
        self.at += 1;
        let mut elements = Vec::new();
        self.skip_space();
        if self.rest().starts_with(']') {
            self.at += 1;
            return Ok(Value::tuple(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            if self.next_or_end(']', "after array element")? {
                return Ok(Value::tuple(elements));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Fault> {
        self.at += 1;
        let mut entries: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        self.skip_space();
        if self.rest().starts_with('}') {
            self.at += 1;
            return Ok(Value::object(entries));
        }
        loop {
            self.skip_space();
            if !self.rest().starts_with('"') {
                return Err(self.unexpected("looking for beginning of object key string"));
            }
            let key = self.string()?;
            self.skip_space();
            if !self.rest().starts_with(':') {
                return Err(self.unexpected("after object key"));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            // A key in another form of the same characters is the same key.
            let key = Value::string(key).as_str().unwrap_or_default().into();
            entries.insert(key, value);
            if self.next_or_end('}', "after object key:value pair")? {
                return Ok(Value::object(entries));
            }
        }
    }

    /// Past a comma (`false`) or the end of an array or object (`true`).
    fn next_or_end(&mut self, end: char, context: &'static str) -> Result<bool, Fault> {
        self.skip_space();
        let is_end = self.rest().starts_with(end);
        if !is_end && !self.rest().starts_with(',') {
            return Err(self.unexpected(context));
        }
        self.at += 1;
        Ok(is_end)
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let rest = self.rest();
        let length =
            rest.bytes().take_while(|b| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).count();
        let literal = &rest[..length];
        if !is_number(literal) {
            let cut_off = length == rest.len() && !literal.starts_with('0');
            return Err(Fault::Plain(if cut_off { "unexpected EOF" } else { "invalid number literal" }));
        }
        let number: Number = literal.parse().map_err(|_| Fault::Plain("the number is too large"))?;
        self.at += length;
        Ok(Value::number(number))
    }

    fn string(&mut self) -> Result<String, Fault> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.find(|c: char| c == '"' || c == '\\' || c < ' ').unwrap_or(rest.len());
            out.push_str(&rest[..plain]);
            self.at += plain;
            match self.rest().bytes().next() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escaped()?);
                }
                _ => return Err(self.unexpected("in string literal")),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, Fault> {
        let Some(c) = self.rest().chars().next() else {
            return Err(self.unexpected("in string escape code"));
        };
        let plain = match c {
            '"' | '\\' | '/' => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.unexpected("in string escape code")),
        };
        self.at += 1;
        Ok(plain)
    }

    /// A character of one or two `\uXXXX`; half a pair without the other half is U+FFFD.
    fn unicode(&mut self) -> Result<char, Fault> {
        let first = self.hex()?;
        if let Some(c) = char::from_u32(first) {
            return Ok(c);
        }
        let before = self.at;
        if self.rest().starts_with("\\u") {
            self.at += 2;
            let second = self.hex()?;
            if (0xD800..0xDC00).contains(&first) && (0xDC00..0xE000).contains(&second) {
                let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Result<u32, Fault> {
        let code = self.rest().get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = code.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.unexpected("in \\u hexadecimal character escape"))?;
        self.at += 4;
        Ok(code)
    }
}

/// Whether a text is a number by JSON's grammar.
fn is_number(literal: &str) -> bool {
    let unsigned = literal.strip_prefix('-').unwrap_or(literal);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}
