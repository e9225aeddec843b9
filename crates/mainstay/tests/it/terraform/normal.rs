//! Makes answers comparable: the section "Normalisation" of the corpus's `README.md`, as `record.py` does it.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

/// Names what is different in each run by the order in which it appears in a case.
pub struct Normaliser {
    folder: String,
    ids: BTreeMap<String, String>,
    deposed: BTreeMap<String, String>,
}

impl Normaliser {
    /// For a case in this folder.
    pub fn new(folder: String) -> Self {
        Self { folder, ids: BTreeMap::new(), deposed: BTreeMap::new() }
    }

    pub fn text(&mut self, text: &str) -> String {
        let ids = &mut self.ids;
        with_ids(&text.replace(&self.folder, "/case"), |id| {
            let next = format!("id-{}", ids.len() + 1);
            ids.entry(id.to_owned()).or_insert(next).clone()
        })
    }

    /// A line of a stream, of which only the sorted order is kept: its ids are not numbered.
    pub fn line(&self, text: &str) -> String {
        with_ids(&text.replace(&self.folder, "/case"), |_| "ID".to_owned())
    }

    /// A document; `time` is the text that is the plan's time in it.
    pub fn json(&mut self, value: Json, time: Option<&str>) -> Json {
        self.value(value, time, "")
    }

    fn value(&mut self, value: Json, time: Option<&str>, key: &str) -> Json {
        match value {
            // How often a state is written while it is made depends on the time, with the oracle.
            _ if key == "serial" => Json::from("SERIAL"),
            Json::String(text) => Json::String(match key {
                "deposed" | "deposed_key" => {
                    let next = format!("deposed-{}", self.deposed.len() + 1);
                    self.deposed.entry(text).or_insert(next).clone()
                }
                "lineage" => "LINEAGE".to_owned(),
                _ if time == Some(text.as_str()) => "TIME".to_owned(),
                _ => self.text(&text),
            }),
            Json::Array(elements) => {
                in_order(key, elements).into_iter().map(|it| self.value(it, time, "")).collect()
            }
            // The map is sorted by key, so that ids are numbered in an order that does not depend on the program.
            Json::Object(members) => {
                let mut kept = Map::new();
                for (key, value) in members.into_iter().filter(|(key, _)| key != "terraform_version") {
                    kept.insert(self.text(&key), self.value(value, time, &key));
                }
                Json::Object(kept)
            }
            other => other,
        }
    }
}

/// Lists without an order of their own get one, before ids are numbered.
fn in_order(key: &str, mut elements: Vec<Json>) -> Vec<Json> {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    match key {
        "relevant_attributes" => {
            elements.sort_by_key(|it| (text(&it["resource"]), it["attribute"].to_string()));
        }
        "child_modules" => elements.sort_by_key(|it| text(&it["address"])),
        "checks" => elements.sort_by_key(|it| text(&it["address"]["to_display"])),
        "instances" if elements.first().is_some_and(|it| it["address"].is_object()) => {
            elements.sort_by_key(|it| text(&it["address"]["to_display"]));
        }
        _ => {}
    }
    elements
}

/// A text with another name for each UUID in it.
fn with_ids(text: &str, mut name: impl FnMut(&str) -> String) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = (0..rest.len()).find(|at| is_id(&rest.as_bytes()[*at..])) {
        out += &rest[..at];
        out += &name(&rest[at..at + ID_LENGTH]);
        rest = &rest[at + ID_LENGTH..];
    }
    out + rest
}

const ID_LENGTH: usize = 36;

fn is_id(bytes: &[u8]) -> bool {
    let is_right = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    bytes.len() >= ID_LENGTH && bytes[..ID_LENGTH].iter().enumerate().all(is_right)
}

/// A JSON text, of which the numbers that a double may not hold are kept as text.
pub fn read(text: &str) -> serde_json::Result<Json> {
    serde_json::from_str(&comparable_numbers(text))
}

/// Writes every number of a JSON text so that equal ones are written equally. It is done before parsing, because a parser that keeps
/// numbers as they are written (`arbitrary_precision`) would be switched on for the whole workspace.
fn comparable_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        out += &rest[..next];
        rest = &rest[next..];
        let token = if rest.starts_with('"') {
            &rest[..string_end(rest)]
        } else {
            let end = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
            &rest[..end.unwrap_or(rest.len())]
        };
        rest = &rest[token.len()..];
        if token.starts_with('"') { out += token } else { out += &number(token) }
    }
    out + rest
}

/// Where the string ends that a text begins with.
fn string_end(text: &str) -> usize {
    let mut is_escaped = true;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// More digits than these are not all held by a double.
const NUMBER_LENGTH_MAX: usize = 15;

fn number(token: &str) -> String {
    if token.len() > NUMBER_LENGTH_MAX {
        return format!("\"number {token}\"");
    }
    match token.parse::<f64>() {
        // Without a sign where it is zero; the limit is the recorder's.
        Ok(value) if value.fract() == 0.0 && value.abs() < 1e15 => format!("{}", value + 0.0),
        Ok(value) if value.is_finite() => format!("{value:e}"),
        // The parser says what is wrong with it.
        _ => token.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_compared_by_value_and_long_ones_as_text() {
        let same =
            [("1000", "1e3"), ("0", "-0"), ("0.0000001", "1e-07"), ("6.50", "6.5"), ("[1,2]", "[1.0, 2]")];
        for (one, other) in same {
            assert_eq!(read(one).unwrap(), read(other).unwrap(), "{one} {other}");
        }
        assert_eq!(
            read("{\"1\": 12345678901234567890}").unwrap(),
            json!({"1": "number 12345678901234567890"})
        );
        assert_eq!(read(r#"["\"12345678901234567890", "-\\", 3]"#).unwrap()[1], "-\\");
        assert!(read("1-1").is_err());
    }

    #[test]
    fn ids_are_numbered_as_they_appear_and_folders_are_named() {
        let (one, two) = ("5d4ff2a8-7e3b-13a8-9d33-b1c6a1ee7a0b", "00000000-1111-2222-3333-444444444444");
        let mut normaliser = Normaliser::new("/tmp/x/case".to_owned());
        let document =
            json!({"b": one, "a": format!("{two}{one}"), "lineage": one, "terraform_version": "1.11.4"});
        let expected = json!({"a": "id-1id-2", "b": "id-2", "lineage": "LINEAGE"});
        assert_eq!(normaliser.json(document, None), expected);
        assert_eq!(normaliser.text(&format!("é/tmp/x/case/é{one}")), "é/case/éid-2");
        assert_eq!(normaliser.line(&format!("=/tmp/x/case {two}")), "=/case ID");
        assert_eq!(
            normaliser.json(json!([{"deposed": "aabbccdd"}]), None),
            json!([{"deposed": "deposed-1"}])
        );
        assert_eq!(normaliser.json(json!({"timestamp": "t", "x": "tt"}), Some("t"))["timestamp"], "TIME");
    }
}
