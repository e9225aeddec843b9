//! Bytes to a value.

use std::collections::BTreeMap;
use std::sync::Arc;

use rmp::Marker;
use rmp::decode as read;
use value::{Bound, Number, Refinements, Type, Value, convert, type_from_json};

use super::{REFINED, key};

/// Why bytes are not a value of the type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They end too soon, or are no MessagePack.
    #[error("it is not whole")]
    Broken,
    /// They are something else.
    #[error("{at}: {wanted} was expected, and {found} is there")]
    Unexpected {
        /// Where in the value, as an expression would name it.
        at: String,
        /// What the schema says.
        wanted: String,
        /// What there is.
        found: String,
    },
    /// Something is left over.
    #[error("{0} bytes are left over")]
    LeftOver(usize),
    /// It is nested deeper than any schema.
    #[error("it is nested too deep")]
    TooDeep,
}

/// Deeper than any real type, and shallow enough for the stack.
const DEPTH_MAX: usize = 200;

/// The value by a type; `Dynamic` reads the type that is written before the value.
///
/// # Errors
/// If the bytes are not such a value.
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Value, DecodeError> {
    let mut reader = Reader { bytes, path: Vec::new() };
    let value = reader.value(ty)?;
    match reader.bytes.len() {
        0 => Ok(value),
        left => Err(DecodeError::LeftOver(left)),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    path: Vec<String>,
}

type Read<T> = Result<T, DecodeError>;

fn broken<E>(_: E) -> DecodeError {
    DecodeError::Broken
}

impl Reader<'_> {
    fn unexpected(&self, wanted: impl Into<String>, found: impl Into<String>) -> DecodeError {
        let at = if self.path.is_empty() { "the whole".to_owned() } else { self.path.concat() };
        DecodeError::Unexpected { at, wanted: wanted.into(), found: found.into() }
    }

    fn peek(&self) -> Read<Marker> {
        self.bytes.first().map(|byte| Marker::from_u8(*byte)).ok_or(DecodeError::Broken)
    }

    fn within<T>(&mut self, step: String, inner: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.path.len() >= DEPTH_MAX {
            return Err(DecodeError::TooDeep);
        }
        self.path.push(step);
        let read = inner(self)?;
        self.path.pop();
        Ok(read)
    }

    fn value(&mut self, ty: &Type) -> Read<Value> {
        let marker = self.peek()?;
        if marker == Marker::Null {
            read::read_nil(&mut self.bytes).map_err(broken)?;
            return Ok(Value::null(ty.without_optional()));
        }
        if is_extension(marker) {
            return self.unknown(ty);
        }
        match ty {
            Type::Dynamic => self.dynamic(),
            Type::Bool => match marker {
                Marker::True | Marker::False => {
                    read::read_bool(&mut self.bytes).map(Value::bool).map_err(broken)
                }
                other => Err(self.unexpected("a bool", named(other))),
            },
            Type::Number => self.number().map(Value::number),
            Type::String => self.text().map(Value::string),
            Type::List(element) => {
                let elements = self.elements(element)?;
                Ok(Value::list(agreed(element, &elements), elements))
            }
            Type::Set(element) => {
                let elements = self.elements(element)?;
                Ok(Value::set(agreed(element, &elements), elements))
            }
            Type::Map(element) => {
                let many = self.map_len()?;
                let mut entries: BTreeMap<Arc<str>, Value> = BTreeMap::new();
                for _ in 0..many {
                    let name = self.text()?;
                    let value = self.within(format!("[{name:?}]"), |reader| reader.value(element))?;
                    entries.insert(name.into(), value);
                }
                let element = agreed(element, entries.values());
                Ok(Value::map(element, entries))
            }
            Type::Tuple(types) => {
                let many = self.array_len()?;
                if many != types.len() {
                    return Err(self.unexpected(format!("{} elements", types.len()), many.to_string()));
                }
                let each = types.iter().enumerate();
                let elements = each
                    .map(|(at, ty)| self.within(format!("[{at}]"), |reader| reader.value(ty)))
                    .collect::<Read<Vec<_>>>()?;
                Ok(Value::tuple(elements))
            }
            Type::Object(object) => self.object(object),
        }
    }

    fn object(&mut self, object: &value::ObjectType) -> Read<Value> {
        let many = self.map_len()?;
        let mut entries: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        for _ in 0..many {
            let name = self.text()?;
            let Some((name, attribute)) = object.attributes.get_key_value(name.as_str()) else {
                return Err(self.unexpected("an attribute of the schema", format!("`{name}`")));
            };
            let value = self.within(format!(".{name}"), |reader| reader.value(&attribute.ty))?;
            entries.insert(name.clone(), value);
        }
        if entries.len() < object.attributes.len() {
            let missing = object.attributes.keys().find(|name| !entries.contains_key(*name));
            let missing = missing.map(|name| name.to_string()).unwrap_or_default();
            return Err(self.unexpected(format!("`{missing}`"), "nothing"));
        }
        Ok(Value::object(entries))
    }

    /// An array of the type as JSON and the value.
    fn dynamic(&mut self) -> Read<Value> {
        let many = self.array_len()?;
        if many != 2 {
            return Err(self.unexpected("a type and a value", format!("an array of {many}")));
        }
        let json = match self.peek()? {
            Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => {
                let len = read::read_bin_len(&mut self.bytes).map_err(broken)?;
                self.take(len)?.to_vec()
            }
            _ => self.text()?.into_bytes(),
        };
        let json = serde_json::from_slice(&json).map_err(broken)?;
        let ty = type_from_json(&json).map_err(|_| self.unexpected("a type", json.to_string()))?;
        self.value(&ty)
    }

    fn elements(&mut self, element: &Type) -> Read<Vec<Value>> {
        let many = self.array_len()?;
        (0..many).map(|at| self.within(format!("[{at}]"), |reader| reader.value(element))).collect()
    }

    fn array_len(&mut self) -> Read<usize> {
        match self.peek()? {
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {}
            other => return Err(self.unexpected("a sequence", named(other))),
        }
        let many = read::read_array_len(&mut self.bytes).map_err(broken)? as usize;
        // Each element takes a byte at least: what says more lies, and would only reserve memory.
        if many > self.bytes.len() { Err(DecodeError::Broken) } else { Ok(many) }
    }

    fn map_len(&mut self) -> Read<usize> {
        match self.peek()? {
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {}
            other => return Err(self.unexpected("names and values", named(other))),
        }
        let many = read::read_map_len(&mut self.bytes).map_err(broken)? as usize;
        if many > self.bytes.len() { Err(DecodeError::Broken) } else { Ok(many) }
    }

    fn text(&mut self) -> Read<String> {
        match self.peek()? {
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {}
            other => return Err(self.unexpected("text", named(other))),
        }
        let len = read::read_str_len(&mut self.bytes).map_err(broken)?;
        let bytes = self.take(len)?;
        String::from_utf8(bytes.to_vec()).map_err(broken)
    }

    fn number(&mut self) -> Read<Number> {
        let marker = self.peek()?;
        match marker {
            Marker::F32 => {
                let float = read::read_f32(&mut self.bytes).map_err(broken)?;
                self.float(f64::from(float))
            }
            Marker::F64 => {
                let float = read::read_f64(&mut self.bytes).map_err(broken)?;
                self.float(float)
            }
            Marker::U64 => read::read_u64(&mut self.bytes).map(Number::from).map_err(broken),
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                let text = self.text()?;
                text.parse().map_err(|_| self.unexpected("a number", format!("{text:?}")))
            }
            Marker::FixPos(_)
            | Marker::FixNeg(_)
            | Marker::U8
            | Marker::U16
            | Marker::U32
            | Marker::I8
            | Marker::I16
            | Marker::I32
            | Marker::I64 => read::read_int::<i64, _>(&mut self.bytes).map(Number::from).map_err(broken),
            other => Err(self.unexpected("a number", named(other))),
        }
    }

    fn float(&self, float: f64) -> Read<Number> {
        // A whole number is what it is to the last digit; of another the shortest text that means this float is what was meant.
        let number = match float.fract() == 0.0 {
            true => format!("{float:.0}").parse().ok(),
            false => Number::from_f64(float),
        };
        number.ok_or_else(|| self.unexpected("a finite number", float.to_string()))
    }

    fn take(&mut self, len: u32) -> Read<&[u8]> {
        let (taken, rest) = self.bytes.split_at_checked(len as usize).ok_or(DecodeError::Broken)?;
        self.bytes = rest;
        Ok(taken)
    }

    /// Any extension is an unknown value; one of them says more about it.
    fn unknown(&mut self, ty: &Type) -> Read<Value> {
        let meta = read::read_ext_meta(&mut self.bytes).map_err(broken)?;
        let body = self.take(meta.size)?.to_vec();
        let ty = ty.without_optional();
        if meta.typeid != REFINED {
            return Ok(Value::unknown(ty));
        }
        let mut inner = Reader { bytes: &body, path: self.path.clone() };
        let refinements = inner.refinements(&ty)?;
        Ok(Value::refined(ty, refinements))
    }

    fn refinements(&mut self, ty: &Type) -> Read<Refinements> {
        let mut found = Refinements::default();
        for _ in 0..self.map_len()? {
            let key: u64 = read::read_int(&mut self.bytes).map_err(broken)?;
            match key {
                key::NULLNESS => found.not_null = !read::read_bool(&mut self.bytes).map_err(broken)?,
                key::PREFIX => {
                    let prefix = self.text()?;
                    found.prefix = (*ty == Type::String && !prefix.is_empty()).then(|| prefix.into());
                }
                key::NUMBER_MIN | key::NUMBER_MAX => {
                    if self.array_len()? != 2 {
                        return Err(DecodeError::Broken);
                    }
                    let number = self.number()?;
                    let inclusive = read::read_bool(&mut self.bytes).map_err(broken)?;
                    let bound = (*ty == Type::Number).then_some(Bound { number, inclusive });
                    if key == key::NUMBER_MIN { found.minimum = bound } else { found.maximum = bound }
                }
                key::LENGTH_MIN => {
                    found.length_min = Some(read::read_int(&mut self.bytes).map_err(broken)?);
                }
                key::LENGTH_MAX => {
                    found.length_max = Some(read::read_int(&mut self.bytes).map_err(broken)?);
                }
                // What a newer protocol says besides only narrows the value down.
                _ => return Ok(found),
            }
        }
        Ok(found)
    }
}

fn is_extension(marker: Marker) -> bool {
    matches!(
        marker,
        Marker::FixExt1
            | Marker::FixExt2
            | Marker::FixExt4
            | Marker::FixExt8
            | Marker::FixExt16
            | Marker::Ext8
            | Marker::Ext16
            | Marker::Ext32
    )
}

/// The type of the elements, where the schema leaves it open: that of the elements themselves.
fn agreed<'v>(element: &Type, elements: impl IntoIterator<Item = &'v Value>) -> Type {
    let element = element.without_optional();
    if !element.has_dynamic() {
        return element;
    }
    let mut types = elements.into_iter().map(Value::ty);
    match types.next() {
        Some(first) if types.all(|ty| ty == first) => first,
        _ => element,
    }
}

fn named(marker: Marker) -> &'static str {
    match marker {
        Marker::Null => "null",
        Marker::True | Marker::False => "a bool",
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => "text",
        Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => "bytes",
        Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => "a sequence",
        Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => "names and values",
        Marker::Reserved => "nothing that MessagePack has",
        marker if is_extension(marker) => "an unknown value",
        _ => "a number",
    }
}

/// The JSON form of a value, which only some providers answer in.
///
/// # Errors
/// If the JSON is not such a value.
pub fn decode_json(bytes: &[u8], ty: &Type) -> Result<Value, DecodeError> {
    let json: serde_json::Value = serde_json::from_slice(bytes).map_err(broken)?;
    convert(&value::from_json(&json), ty).map_err(|fault| DecodeError::Unexpected {
        at: fault.path.to_string(),
        wanted: ty.to_string(),
        found: "something else".into(),
    })
}
