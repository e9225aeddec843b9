//! Values in JSON, and beside them what of them is unknown and what is sensitive, each in a shape of its own.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use value::{Kind, Type, Value};

use super::NUMBER;

/// A value with everything left out that is not known: attributes and entries are not there, elements are null.
#[must_use]
pub fn known(value: &Value) -> Option<Json> {
    match value.kind() {
        Kind::Unknown(_) => None,
        Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) => {
            Some(Json::Array(elements.iter().map(|v| known(v).unwrap_or(Json::Null)).collect()))
        }
        Kind::Map(_, entries) | Kind::Object(entries) => Some(Json::Object(
            entries.iter().filter_map(|(name, v)| Some((name.to_string(), known(v)?))).collect(),
        )),
        Kind::Number(number) => Some(match number.to_i64() {
            Some(number) => Json::from(number),
            None => Json::String(format!("{NUMBER}{number}")),
        }),
        Kind::String(text) if text.starts_with(NUMBER) => Some(Json::String(format!("{NUMBER}{text}"))),
        _ => value::to_json(value),
    }
}

/// What of a value is unknown: `true` where it is, `false` or nothing where it is not.
#[must_use]
pub fn unknown(value: &Value) -> Json {
    match value.kind() {
        Kind::Unknown(_) => Json::Bool(true),
        Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) => {
            Json::Array(elements.iter().map(unknown).collect())
        }
        Kind::Map(_, entries) | Kind::Object(entries) => {
            entries_of(entries.iter().map(|(n, v)| (n, unknown(v))))
        }
        Kind::Null(_) | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => Json::Bool(false),
    }
}

/// What of a value is sensitive: `true` where it is, `false` or nothing where it is not.
#[must_use]
pub fn sensitive(value: &Value) -> Json {
    if value.is_sensitive() {
        return Json::Bool(true);
    }
    match value.kind() {
        Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) => {
            Json::Array(elements.iter().map(sensitive).collect())
        }
        Kind::Map(_, entries) | Kind::Object(entries) => {
            entries_of(entries.iter().map(|(n, v)| (n, sensitive(v))))
        }
        Kind::Unknown(unknown) => match &unknown.ty {
            Type::List(_) | Type::Set(_) | Type::Tuple(_) => json!([]),
            Type::Map(_) | Type::Object(_) => json!({}),
            Type::Dynamic | Type::Bool | Type::Number | Type::String => Json::Bool(false),
        },
        Kind::Null(_) | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => Json::Bool(false),
    }
}

/// Whether anything in it is sensitive.
#[must_use]
pub fn is_any_sensitive(value: &Value) -> bool {
    value.marks_deep().contains(value::Marks::SENSITIVE)
}

fn entries_of<'a>(entries: impl Iterator<Item = (&'a Arc<str>, Json)>) -> Json {
    let is_said = |said: &Json| *said != Json::Bool(false);
    Json::Object(
        entries
            .filter(|(_, said)| is_said(said))
            .map(|(name, said)| (name.to_string(), said))
            .collect::<Map<_, _>>(),
    )
}

#[cfg(test)]
mod tests {
    use value::Marks;

    use super::*;

    #[test]
    fn each_shape_says_its_own() {
        let value = Value::object([
            ("id", Value::unknown(Type::String)),
            ("l", Value::tuple(vec![Value::number(1), Value::unknown(Type::object([("a", Type::Bool)]))])),
            ("e", Value::map(Type::String, Vec::<(&str, Value)>::new())),
            ("n", Value::null(Type::list(Type::String))),
            ("s", Value::string("x").with_marks(Marks::SENSITIVE)),
        ]);
        assert_eq!(known(&value), Some(json!({"e": {}, "l": [1, null], "n": null, "s": "x"})));
        assert_eq!(unknown(&value), json!({"e": {}, "id": true, "l": [false, true]}));
        assert_eq!(sensitive(&value), json!({"e": {}, "l": [false, {}], "s": true}));
    }
}
