//! JSON: plain, as `jsonencode` and views have it; and [`Encoded`], which loses nothing, as states and plans have it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::{ConvertError, Kind, Marks, Number, Path, Step, Type, Value, convert};

/// A value with its type, what of it is unknown and what is sensitive. Sensitive parts are in clear in `value`: whoever stores it
/// seals it first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encoded {
    /// Plain JSON; null where unknown.
    pub value: Json,
    /// The type as JSON, in the form of Terraform's state: `"string"`, `["list","string"]`, `["object",{…}]`.
    #[serde(rename = "type")]
    pub ty: Json,
    /// Paths of unknown parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<Json>,
    /// Paths of sensitive parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensitive: Vec<Json>,
}

/// JSON that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not the JSON of a type.
    #[error("not a type: {0}")]
    Type(String),
    /// The value does not have its type.
    #[error("value does not have its type{}", .0.path)]
    Value(#[source] ConvertError),
    /// Not the JSON of a path.
    #[error("not a path: {0}")]
    Path(String),
}

/// Plain JSON; `None` if a part is unknown. Marks are the caller's to mind.
#[must_use]
pub fn to_json(value: &Value) -> Option<Json> {
    Some(match &value.kind {
        Kind::Unknown(_) => return None,
        Kind::Null(_) => Json::Null,
        Kind::Bool(b) => Json::Bool(*b),
        Kind::Number(n) => number_to_json(n),
        Kind::String(s) => Json::String(s.to_string()),
        Kind::List(_, vs) | Kind::Set(_, vs) | Kind::Tuple(vs) => {
            Json::Array(vs.iter().map(to_json).collect::<Option<_>>()?)
        }
        Kind::Map(_, m) | Kind::Object(m) => {
            Json::Object(m.iter().map(|(k, v)| Some((k.to_string(), to_json(v)?))).collect::<Option<_>>()?)
        }
    })
}

/// A JSON number where it says the same; the decimal text where a reader would lose digits.
fn number_to_json(number: &Number) -> Json {
    if let Some(n) = number.to_i64() {
        return json!(n);
    }
    let float = number.to_f64();
    if Number::from_f64(float).as_ref() == Some(number) {
        json!(float)
    } else {
        Json::String(number.to_string())
    }
}

/// A value of the type that the JSON implies: arrays are tuples, objects are objects.
#[must_use]
pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::null(Type::Dynamic),
        Json::Bool(b) => Value::bool(*b),
        Json::Number(n) => match n.as_i64() {
            Some(n) => Value::number(n),
            None => {
                n.to_string().parse::<Number>().map_or_else(|_| Value::string(n.to_string()), Value::number)
            }
        },
        Json::String(s) => Value::string(s.as_str()),
        Json::Array(vs) => Value::tuple(vs.iter().map(from_json).collect::<Vec<_>>()),
        Json::Object(m) => Value::object(m.iter().map(|(k, v)| (k.as_str(), from_json(v)))),
    }
}

/// A value of the type.
///
/// # Errors
/// If the JSON cannot be had as that type.
pub fn from_json_typed(json: &Json, ty: &Type) -> Result<Value, ConvertError> {
    convert(&from_json(json), ty)
}

/// The type as JSON.
#[must_use]
pub fn type_to_json(ty: &Type) -> Json {
    match ty {
        Type::Dynamic => json!("dynamic"),
        Type::Bool | Type::Number | Type::String => json!(ty.kind_name()),
        Type::List(t) | Type::Set(t) | Type::Map(t) => json!([ty.kind_name(), type_to_json(t)]),
        Type::Tuple(ts) => json!(["tuple", ts.iter().map(type_to_json).collect::<Vec<_>>()]),
        Type::Object(o) => {
            let attributes: Map<String, Json> =
                o.attributes.iter().map(|(name, a)| (name.to_string(), type_to_json(&a.ty))).collect();
            json!(["object", attributes])
        }
    }
}

/// A type from its JSON.
///
/// # Errors
/// If it is not one.
pub fn type_from_json(json: &Json) -> Result<Type, DecodeError> {
    let fault = || DecodeError::Type(json.to_string());
    match json {
        Json::String(word) => match word.as_str() {
            "dynamic" => Ok(Type::Dynamic),
            "bool" => Ok(Type::Bool),
            "number" => Ok(Type::Number),
            "string" => Ok(Type::String),
            _ => Err(fault()),
        },
        Json::Array(parts) => match parts.as_slice() {
            [Json::String(word), inner] => match (word.as_str(), inner) {
                ("list", t) => Ok(Type::list(type_from_json(t)?)),
                ("set", t) => Ok(Type::set(type_from_json(t)?)),
                ("map", t) => Ok(Type::map(type_from_json(t)?)),
                ("tuple", Json::Array(ts)) => {
                    Ok(Type::tuple(ts.iter().map(type_from_json).collect::<Result<Vec<_>, _>>()?))
                }
                ("object", Json::Object(attributes)) => {
                    let attributes: Result<Vec<(String, Type)>, DecodeError> =
                        attributes.iter().map(|(name, t)| Ok((name.clone(), type_from_json(t)?))).collect();
                    Ok(Type::object(attributes?))
                }
                _ => Err(fault()),
            },
            _ => Err(fault()),
        },
        _ => Err(fault()),
    }
}

/// The value as data that loses nothing but refinements.
#[must_use]
pub fn encode(value: &Value) -> Encoded {
    let (mut unknown, mut sensitive) = (Vec::new(), Vec::new());
    let json = encode_at(value, &Path::default(), &mut unknown, &mut sensitive);
    Encoded {
        value: json,
        ty: type_to_json(&value.ty()),
        unknown: unknown.iter().map(path_to_json).collect(),
        sensitive: sensitive.iter().map(path_to_json).collect(),
    }
}

fn encode_at(value: &Value, path: &Path, unknown: &mut Vec<Path>, sensitive: &mut Vec<Path>) -> Json {
    if value.marks.contains(Marks::SENSITIVE) {
        sensitive.push(path.clone());
    }
    match &value.kind {
        Kind::Unknown(_) => {
            unknown.push(path.clone());
            Json::Null
        }
        Kind::List(_, vs) | Kind::Set(_, vs) | Kind::Tuple(vs) => Json::Array(
            vs.iter()
                .enumerate()
                .map(|(i, v)| encode_at(v, &path.with(Step::Index(Number::from(i))), unknown, sensitive))
                .collect(),
        ),
        Kind::Map(_, m) => encode_entries(m, path, Step::Key, unknown, sensitive),
        Kind::Object(m) => encode_entries(m, path, Step::Attribute, unknown, sensitive),
        _ => to_json(value).unwrap_or(Json::Null),
    }
}

fn encode_entries(
    entries: &BTreeMap<Arc<str>, Value>,
    path: &Path,
    step: fn(Arc<str>) -> Step,
    unknown: &mut Vec<Path>,
    sensitive: &mut Vec<Path>,
) -> Json {
    Json::Object(
        entries
            .iter()
            .map(|(k, v)| (k.to_string(), encode_at(v, &path.with(step(k.clone())), unknown, sensitive)))
            .collect(),
    )
}

fn path_to_json(path: &Path) -> Json {
    Json::Array(
        path.0
            .iter()
            .map(|step| match step {
                Step::Attribute(name) | Step::Key(name) => json!(name.as_ref()),
                Step::Index(i) => number_to_json(i),
            })
            .collect(),
    )
}

/// The value again.
///
/// # Errors
/// If the data is not what [`encode`] makes.
pub fn decode(encoded: &Encoded) -> Result<Value, DecodeError> {
    let ty = type_from_json(&encoded.ty)?;
    if encoded.unknown.is_empty() && encoded.sensitive.is_empty() {
        return from_json_typed(&encoded.value, &ty).map_err(DecodeError::Value);
    }
    let mut notes = Notes::default();
    for path in &encoded.unknown {
        notes.at(path)?.unknown = true;
    }
    for path in &encoded.sensitive {
        notes.at(path)?.sensitive = true;
    }
    decode_at(&encoded.value, &ty, Some(&notes))
}

/// What is said about the parts of a value, as a tree, so that decoding looks at each part once.
#[derive(Default)]
struct Notes {
    unknown: bool,
    sensitive: bool,
    children: BTreeMap<String, Notes>,
}

impl Notes {
    fn at(&mut self, path: &Json) -> Result<&mut Self, DecodeError> {
        let steps = path.as_array().ok_or_else(|| DecodeError::Path(path.to_string()))?;
        let mut node = self;
        for step in steps {
            let key = step.as_str().map_or_else(|| step.to_string(), str::to_owned);
            node = node.children.entry(key).or_default();
        }
        Ok(node)
    }
}

fn decode_at(json: &Json, ty: &Type, notes: Option<&Notes>) -> Result<Value, DecodeError> {
    let Some(notes) = notes else {
        return from_json_typed(json, ty).map_err(DecodeError::Value);
    };
    let marks = if notes.sensitive { Marks::SENSITIVE } else { Marks::NONE };
    if notes.unknown {
        return Ok(Value::unknown(ty.clone()).with_marks(marks));
    }
    let child = |key: &str| notes.children.get(key);
    let elements = |element: &dyn Fn(usize) -> Type, list: &[Json]| -> Result<Vec<Value>, DecodeError> {
        list.iter().enumerate().map(|(i, j)| decode_at(j, &element(i), child(&i.to_string()))).collect()
    };
    let value = match (json, ty) {
        (Json::Array(list), Type::List(t)) => {
            Value::list(t.as_ref().clone(), elements(&|_| t.as_ref().clone(), list)?)
        }
        (Json::Array(list), Type::Set(t)) => {
            Value::set(t.as_ref().clone(), elements(&|_| t.as_ref().clone(), list)?)
        }
        (Json::Array(list), Type::Tuple(ts)) if ts.len() == list.len() => {
            Value::tuple(elements(&|i| ts.get(i).cloned().unwrap_or(Type::Dynamic), list)?)
        }
        (Json::Object(map), Type::Map(t)) => Value::map(
            t.as_ref().clone(),
            map.iter()
                .map(|(k, j)| Ok((k.as_str(), decode_at(j, t, child(k))?)))
                .collect::<Result<Vec<_>, DecodeError>>()?,
        ),
        (Json::Object(map), Type::Object(o)) => Value::object(
            o.attributes
                .iter()
                .map(|(k, a)| {
                    Ok((k.clone(), decode_at(map.get(k.as_ref()).unwrap_or(&Json::Null), &a.ty, child(k))?))
                })
                .collect::<Result<Vec<_>, DecodeError>>()?,
        ),
        _ => from_json_typed(json, ty).map_err(DecodeError::Value)?,
    };
    Ok(value.with_marks(marks))
}
