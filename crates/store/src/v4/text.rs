//! JSON text as Terraform writes it: two spaces for each level, empty lists and objects on one line, and in strings `<`, `>`, `&`
//! and the two line separators of Unicode escaped.

use std::fmt::Write as _;

/// Writes JSON from its beginning to its end.
#[derive(Default)]
pub(super) struct Text {
    out: String,
    /// For each list or object that is open: whether something is in it.
    filled: Vec<bool>,
    /// Whether a name was written whose value comes next.
    named: bool,
}

impl Text {
    /// The text with its final line break.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.out.push('\n');
        self.out.into_bytes()
    }

    /// An object; `members` writes what is in it.
    pub(super) fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.within('{', '}', members);
    }

    /// A list; `elements` writes what is in it.
    pub(super) fn array(&mut self, elements: impl FnOnce(&mut Self)) {
        self.within('[', ']', elements);
    }

    /// The name of the member whose value is written next.
    pub(super) fn name(&mut self, name: &str) -> &mut Self {
        self.place();
        self.quote(name);
        self.out.push_str(": ");
        self.named = true;
        self
    }

    /// Text.
    pub(super) fn string(&mut self, text: &str) {
        self.place();
        self.quote(text);
    }

    /// A number, a bool or null.
    pub(super) fn plain(&mut self, text: &str) {
        self.place();
        self.out.push_str(text);
    }

    /// JSON in the order in which it is; for what has no numbers that a float would change.
    pub(super) fn json(&mut self, json: &serde_json::Value) {
        use serde_json::Value as Json;
        match json {
            Json::String(text) => self.string(text),
            Json::Array(list) => self.array(|text| list.iter().for_each(|json| text.json(json))),
            Json::Object(members) => self.object(|text| {
                for (name, json) in members {
                    text.name(name).json(json);
                }
            }),
            other => self.plain(&other.to_string()),
        }
    }

    fn within(&mut self, open: char, close: char, content: impl FnOnce(&mut Self)) {
        self.place();
        self.out.push(open);
        self.filled.push(false);
        content(self);
        if self.filled.pop() == Some(true) {
            self.line();
        }
        self.out.push(close);
    }

    /// Goes to where the next thing stands.
    fn place(&mut self) {
        if std::mem::take(&mut self.named) {
            return;
        }
        if let Some(filled) = self.filled.last_mut() {
            if std::mem::replace(filled, true) {
                self.out.push(',');
            }
            self.line();
        }
    }

    fn line(&mut self) {
        self.out.push('\n');
        for _ in 0..self.filled.len() {
            self.out.push_str("  ");
        }
    }

    fn quote(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '\0'..'\u{20}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    let _ = write!(self.out, "\\u{:04x}", u32::from(c));
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}
