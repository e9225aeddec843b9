//! A value to bytes.

use std::sync::Arc;

use rmp::encode as write;
use value::{Kind, Number, Refinements, Type, Value, type_to_json};

use super::{REFINED, UNKNOWN, key};

/// A beginning of a text that is longer says no more for what it costs; the length is the protocol's.
const PREFIX_BYTES_MAX: usize = 256;

/// The value by a type. Where the type says `Dynamic`, the value's own type is written before it. What an object lacks of the type
/// is written as null; what it has besides is left out.
#[must_use]
pub fn encode(value: &Value, ty: &Type) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    // Writing into memory does not fail.
    let _ = put(&mut out, value, ty);
    out
}

type Written = std::io::Result<()>;

fn put(out: &mut Vec<u8>, value: &Value, ty: &Type) -> Written {
    if *ty == Type::Dynamic {
        return dynamic(out, value);
    }
    match (value.kind(), ty) {
        (Kind::Unknown(unknown), _) => self::unknown(out, &unknown.refinements, ty)?,
        (Kind::Null(_), _) => write::write_nil(out)?,
        (Kind::Bool(it), _) => write::write_bool(out, *it)?,
        (Kind::Number(number), _) => self::number(out, number)?,
        (Kind::String(text), _) => write::write_str(out, text)?,
        (Kind::List(own, elements) | Kind::Set(own, elements), _) => {
            write::write_array_len(out, len(elements.len()))?;
            let element = element_of(ty, own);
            for one in elements.iter() {
                put(out, one, element)?;
            }
        }
        (Kind::Tuple(elements), Type::Tuple(types)) => {
            write::write_array_len(out, len(elements.len()))?;
            for (one, ty) in elements.iter().zip(types.iter()) {
                put(out, one, ty)?;
            }
        }
        // A tuple where a list is wanted has elements of one type.
        (Kind::Tuple(elements), Type::List(element) | Type::Set(element)) => {
            write::write_array_len(out, len(elements.len()))?;
            for one in elements.iter() {
                put(out, one, element)?;
            }
        }
        (Kind::Map(own, entries), _) => {
            write::write_map_len(out, len(entries.len()))?;
            let element = element_of(ty, own);
            for (name, one) in entries.iter() {
                write::write_str(out, name)?;
                put(out, one, element)?;
            }
        }
        (Kind::Object(entries), Type::Object(object)) => {
            write::write_map_len(out, len(object.attributes.len()))?;
            for (name, attribute) in &object.attributes {
                write::write_str(out, name)?;
                match entries.get(name) {
                    Some(one) => put(out, one, &attribute.ty)?,
                    None => write::write_nil(out)?,
                }
            }
        }
        (Kind::Object(entries), Type::Map(element)) => {
            write::write_map_len(out, len(entries.len()))?;
            for (name, one) in entries.iter() {
                write::write_str(out, name)?;
                put(out, one, element)?;
            }
        }
        // The engine has brought every value to its type before.
        (Kind::Tuple(_) | Kind::Object(_), _) => put(out, value, &value.ty())?,
    }
    Ok(())
}

fn len(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn element_of<'a>(ty: &'a Type, own: &'a Arc<Type>) -> &'a Type {
    match ty {
        Type::List(element) | Type::Set(element) | Type::Map(element) => element,
        _ => own,
    }
}

/// A value whose type is not known from the schema: an array of the type as JSON and the value.
fn dynamic(out: &mut Vec<u8>, value: &Value) -> Written {
    let ty = value.ty();
    if ty == Type::Dynamic {
        match value.kind() {
            Kind::Unknown(_) => write_plain_unknown(out)?,
            _ => write::write_nil(out)?,
        }
        return Ok(());
    }
    write::write_array_len(out, 2)?;
    write::write_bin(out, type_to_json(&ty).to_string().as_bytes())?;
    put(out, value, &ty)
}

/// A whole number as an integer, one that a float says exactly as that, and any other as its decimal text.
fn number(out: &mut Vec<u8>, number: &Number) -> Written {
    if let Some(whole) = number.to_i64() {
        write::write_sint(out, whole)?;
        return Ok(());
    }
    let float = number.to_f64();
    if float.is_finite() && says(float, number) {
        return Ok(write::write_f64(out, float)?);
    }
    Ok(write::write_str(out, &number.to_string())?)
}

/// Whether a float is the number itself, not only the nearest to it. Its digits are looked at, of which an exact one has few.
fn says(float: f64, number: &Number) -> bool {
    const DIGITS: usize = 60;
    format!("{float:.DIGITS$}").parse::<Number>().as_ref() == Ok(number)
}

fn write_plain_unknown(out: &mut Vec<u8>) -> Written {
    write::write_ext_meta(out, 1, UNKNOWN)?;
    out.push(0);
    Ok(())
}

fn unknown(out: &mut Vec<u8>, refinements: &Refinements, ty: &Type) -> Written {
    let mut body = Vec::new();
    let mut many = 0;
    if refinements.not_null {
        write::write_uint(&mut body, key::NULLNESS)?;
        write::write_bool(&mut body, false)?;
        many += 1;
    }
    if let (Type::String, Some(prefix)) = (ty, &refinements.prefix) {
        let mut end = prefix.len().min(PREFIX_BYTES_MAX);
        while !prefix.is_char_boundary(end) {
            end -= 1;
        }
        write::write_uint(&mut body, key::PREFIX)?;
        write::write_str(&mut body, &prefix[..end])?;
        many += 1;
    }
    if *ty == Type::Number {
        let bounds = [(key::NUMBER_MIN, &refinements.minimum), (key::NUMBER_MAX, &refinements.maximum)];
        for (key, bound) in bounds {
            let Some(bound) = bound else { continue };
            write::write_uint(&mut body, key)?;
            write::write_array_len(&mut body, 2)?;
            self::number(&mut body, &bound.number)?;
            write::write_bool(&mut body, bound.inclusive)?;
            many += 1;
        }
    }
    if matches!(ty, Type::List(_) | Type::Set(_) | Type::Map(_)) {
        let bounds = [(key::LENGTH_MIN, refinements.length_min), (key::LENGTH_MAX, refinements.length_max)];
        for (key, bound) in bounds {
            let Some(bound) = bound else { continue };
            write::write_uint(&mut body, key)?;
            write::write_uint(&mut body, bound)?;
            many += 1;
        }
    }
    if many == 0 {
        return write_plain_unknown(out);
    }
    let mut refined = Vec::with_capacity(body.len() + 1);
    write::write_map_len(&mut refined, many)?;
    refined.extend(body);
    write::write_ext_meta(out, len(refined.len()), REFINED)?;
    out.extend(refined);
    Ok(())
}
