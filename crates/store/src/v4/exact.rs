//! JSON with exact numbers, and values of it.
//!
//! `serde_json` reads a number of more digits than a float holds as another number; a state must not change by being read. The
//! text was found to be JSON by `serde_json` before it comes here, so that this reader only has to take it apart.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::Value as Json;
use serde_json::value::RawValue;
use value::{Kind, Number, Type, Value, type_from_json};

/// JSON in the order of its text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Exact {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Exact>),
    Object(Vec<(String, Exact)>),
}

/// Why JSON is not a value of a type: where, and what is there.
pub(super) type Mismatch = String;

impl Exact {
    /// Of JSON text.
    pub(super) fn read(raw: &RawValue) -> Result<Self, String> {
        let mut reader = Reader { text: raw.get(), at: 0 };
        reader.value()
    }

    fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The two parts of an attribute of no fixed type.
    fn wrapped(&self) -> Option<(&Self, Type)> {
        let Self::Object(members) = self else { return None };
        if members.len() != 2 {
            return None;
        }
        let ty = type_from_json(&self.member("type")?.plain()).ok()?;
        Some((self.member("value")?, ty))
    }

    /// As `serde_json` has it; for types, which have no numbers.
    fn plain(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(b) => Json::Bool(*b),
            Self::Number(n) => Json::String(n.to_string()),
            Self::String(s) => Json::String(s.clone()),
            Self::Array(list) => list.iter().map(Self::plain).collect(),
            Self::Object(members) => {
                Json::Object(members.iter().map(|(n, v)| (n.clone(), v.plain())).collect())
            }
        }
    }

    /// A value of the type that the JSON implies: arrays are tuples, objects are objects.
    pub(super) fn implied(&self) -> Value {
        match self {
            Self::Null => Value::null(Type::Dynamic),
            Self::Bool(b) => Value::bool(*b),
            Self::Number(n) => Value::number(n.clone()),
            Self::String(s) => Value::string(s.as_str()),
            Self::Array(list) => Value::tuple(list.iter().map(Self::implied).collect::<Vec<_>>()),
            Self::Object(members) => {
                Value::object(members.iter().map(|(name, value)| (name.as_str(), value.implied())))
            }
        }
    }

    /// A value of a type that is its own: where a part has no fixed type, the JSON says it.
    pub(super) fn of_type(&self, ty: &Type) -> Result<Value, Mismatch> {
        self.typed(ty, false)
    }

    /// A value of a schema's type: parts of no fixed type bring theirs with them.
    pub(super) fn of_shape(&self, shape: &Type) -> Result<Value, Mismatch> {
        self.typed(shape, true)
    }

    fn typed(&self, ty: &Type, wrapped: bool) -> Result<Value, Mismatch> {
        let mismatch = || Err(format!("{} where {ty} is expected", self.kind()));
        Ok(match (self, ty) {
            (Self::Null, ty) => Value::null(ty.clone()),
            (_, Type::Dynamic) if wrapped => match self.wrapped() {
                Some((inner, ty)) => inner.typed(&ty, false)?,
                None => return mismatch(),
            },
            (_, Type::Dynamic) => self.implied(),
            (Self::Bool(b), Type::Bool) => Value::bool(*b),
            (Self::Number(n), Type::Number) => Value::number(n.clone()),
            (Self::String(s), Type::String) => Value::string(s.as_str()),
            // Older providers wrote numbers and bools as text, and text as these; Terraform reads them so.
            (Self::String(s), Type::Number) => match Number::from_str(s) {
                Ok(number) => Value::number(number),
                Err(_) => return mismatch(),
            },
            (Self::Array(list), Type::List(element)) => {
                Kind::List(element.clone(), elements(list, |_| Some(element), wrapped)?.into()).into()
            }
            (Self::Array(list), Type::Set(element)) => {
                Value::set(element.as_ref().clone(), elements(list, |_| Some(element), wrapped)?)
            }
            (Self::Array(list), Type::Tuple(types)) if list.len() == types.len() => {
                Value::tuple(elements(list, |i| types.get(i), wrapped)?)
            }
            (Self::Object(members), Type::Map(element)) => {
                let map: Result<BTreeMap<Arc<str>, Value>, Mismatch> = members
                    .iter()
                    .map(|(key, value)| {
                        Ok((Arc::from(key.as_str()), at(key, value.typed(element, wrapped))?))
                    })
                    .collect();
                Kind::Map(element.clone(), Arc::new(map?)).into()
            }
            (Self::Object(members), Type::Object(object)) => {
                let mut map = BTreeMap::new();
                for (name, value) in members {
                    let Some((name, attribute)) = object.attributes.get_key_value(name.as_str()) else {
                        return Err(format!("an attribute `{name}` that is not expected"));
                    };
                    map.insert(name.clone(), at(name, value.typed(&attribute.ty, wrapped))?);
                }
                if map.len() != object.attributes.len() {
                    return Err("an object that lacks attributes".into());
                }
                Kind::Object(Arc::new(map)).into()
            }
            _ => return mismatch(),
        })
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::String(_) => "text",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

fn elements<'t, T>(
    list: &[Exact],
    ty: impl Fn(usize) -> Option<&'t T>,
    wrapped: bool,
) -> Result<Vec<Value>, Mismatch>
where
    T: std::borrow::Borrow<Type> + 't,
{
    let element = |(i, value): (usize, &Exact)| {
        let ty = ty(i).map_or(&Type::Dynamic, std::borrow::Borrow::borrow);
        at(&i.to_string(), value.typed(ty, wrapped))
    };
    list.iter().enumerate().map(element).collect()
}

fn at(place: &str, value: Result<Value, Mismatch>) -> Result<Value, Mismatch> {
    value.map_err(|mismatch| format!("{place}: {mismatch}"))
}

/// Takes valid JSON apart.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\n', '\r', '\t']).len();
    }

    fn peek(&mut self) -> Option<u8> {
        self.space();
        self.text.as_bytes().get(self.at).copied()
    }

    /// Whether this byte is next; it is then passed.
    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self) -> Result<Exact, String> {
        let value = match self.peek() {
            Some(b'{') => return self.object(),
            Some(b'[') => return self.array(),
            Some(b'"') => return self.string().map(Exact::String),
            Some(b'n') => Some((Exact::Null, 4)),
            Some(b't') => Some((Exact::Bool(true), 4)),
            Some(b'f') => Some((Exact::Bool(false), 5)),
            _ => None,
        };
        if let Some((value, length)) = value {
            self.at += length;
            return Ok(value);
        }
        let rest = &self.text[self.at..];
        let belongs = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        rest[..end].parse().map(Exact::Number).map_err(|fault: value::ParseNumberError| fault.to_string())
    }

    fn object(&mut self) -> Result<Exact, String> {
        self.at += 1;
        let mut members = Vec::new();
        while !self.take(b'}') {
            self.take(b',');
            self.space();
            let name = self.string()?;
            self.take(b':');
            members.push((name, self.value()?));
        }
        Ok(Exact::Object(members))
    }

    fn array(&mut self) -> Result<Exact, String> {
        self.at += 1;
        let mut list = Vec::new();
        while !self.take(b']') {
            self.take(b',');
            list.push(self.value()?);
        }
        Ok(Exact::Array(list))
    }

    fn string(&mut self) -> Result<String, String> {
        let rest = &self.text[self.at..];
        let mut escaped = false;
        let end = rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let end = end.ok_or("text without an end")? + 2;
        self.at += end;
        serde_json::from_str(&rest[..end]).map_err(|fault| fault.to_string())
    }
}
