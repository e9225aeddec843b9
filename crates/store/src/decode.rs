//! Reading a value from JSON text by its type, in one pass and without a tree of JSON in between.
//!
//! It reads what `value::encode` writes for a value without unknown and sensitive parts; every snapshot reads thousands of
//! those. What has such parts goes the long way through `value::decode`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use value::{Kind, Number, Type, Value};

/// The value of a type from its JSON.
pub(crate) fn decode_plain(json: &str, ty: &Type) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = Typed(ty).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Deserialises a value of the type.
#[derive(Clone, Copy)]
struct Typed<'t>(&'t Type);

impl<'de> DeserializeSeed<'de> for Typed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Typed<'_> {
    fn mismatch<E: Error>(self, found: &str) -> E {
        E::custom(format!("{found} where {} is expected", self.0))
    }

    fn number<E: Error>(self, number: Number) -> Result<Value, E> {
        match self.0 {
            Type::Number | Type::Dynamic => Ok(Value::number(number)),
            _ => Err(self.mismatch("a number")),
        }
    }
}

impl<'de> Visitor<'de> for Typed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::null(self.0.clone()))
    }

    fn visit_bool<E: Error>(self, b: bool) -> Result<Value, E> {
        match self.0 {
            Type::Bool | Type::Dynamic => Ok(Value::bool(b)),
            _ => Err(self.mismatch("a bool")),
        }
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<Value, E> {
        self.number(Number::from(n))
    }

    fn visit_u64<E: Error>(self, n: u64) -> Result<Value, E> {
        n.to_string().parse().map_err(|_| self.mismatch("a number")).and_then(|n| self.number(n))
    }

    fn visit_f64<E: Error>(self, n: f64) -> Result<Value, E> {
        Number::from_f64(n).ok_or_else(|| self.mismatch("a number")).and_then(|n| self.number(n))
    }

    fn visit_str<E: Error>(self, s: &str) -> Result<Value, E> {
        match self.0 {
            Type::String | Type::Dynamic => Ok(Value::string(s)),
            // A number that a JSON number would lose digits of is written as text.
            Type::Number => s.parse().map_err(|_| self.mismatch("text")).and_then(|n| self.number(n)),
            _ => Err(self.mismatch("text")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut values = Vec::with_capacity(elements.size_hint().unwrap_or(0));
        match self.0 {
            Type::List(ty) | Type::Set(ty) => {
                while let Some(value) = elements.next_element_seed(Typed(ty))? {
                    values.push(value);
                }
            }
            Type::Tuple(types) => {
                for ty in types.iter() {
                    let value = elements.next_element_seed(Typed(ty))?;
                    values.push(value.ok_or_else(|| self.mismatch("a shorter list"))?);
                }
                if elements.next_element_seed(Typed(&Type::Dynamic))?.is_some() {
                    return Err(self.mismatch("a longer list"));
                }
            }
            Type::Dynamic => {
                while let Some(value) = elements.next_element_seed(self)? {
                    values.push(value);
                }
            }
            _ => return Err(self.mismatch("a list")),
        }
        Ok(match self.0 {
            Type::List(ty) => Kind::List(ty.clone(), values.into()).into(),
            // Through the constructor, which sees to order and distinctness: what is on disk may be of a program that sorts
            // differently.
            Type::Set(ty) => Value::set(ty.as_ref().clone(), values),
            _ => Value::tuple(values),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        match self.0 {
            Type::Map(ty) => {
                let mut map = BTreeMap::new();
                while let Some(key) = entries.next_key::<String>()? {
                    map.insert(Arc::from(key), entries.next_value_seed(Typed(ty))?);
                }
                Ok(Kind::Map(ty.clone(), Arc::new(map)).into())
            }
            Type::Object(object) => {
                let mut map = BTreeMap::new();
                while let Some(key) = entries.next_key::<std::borrow::Cow<'de, str>>()? {
                    // The name is shared with the type: thousands of rows have the same names.
                    let (name, attribute) = object
                        .attributes
                        .get_key_value(key.as_ref())
                        .ok_or_else(|| A::Error::custom(format!("no attribute {key:?} is expected")))?;
                    map.insert(name.clone(), entries.next_value_seed(Typed(&attribute.ty))?);
                }
                if map.len() != object.attributes.len() {
                    return Err(self.mismatch("an object that lacks attributes"));
                }
                Ok(Kind::Object(Arc::new(map)).into())
            }
            Type::Dynamic => {
                let mut map = BTreeMap::new();
                while let Some(key) = entries.next_key::<String>()? {
                    map.insert(Arc::from(key), entries.next_value_seed(self)?);
                }
                Ok(Kind::Object(Arc::new(map)).into())
            }
            _ => Err(self.mismatch("an object")),
        }
    }
}
