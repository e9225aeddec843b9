//! Conversion between types, and the type that several have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Kind, Number, ObjectType, Path, Refinements, Step, Type, Value};

/// A value cannot be had as the type that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConvertError {
    /// Where in the value.
    pub path: Path,
    /// Why, beginning in lower case, as in `a number is required`.
    pub message: String,
}

impl ConvertError {
    fn new(path: &Path, message: impl Into<String>) -> Self {
        Self { path: path.clone(), message: message.into() }
    }
}

/// The value as a value of the type: the type's optional attributes are filled in, marks are kept.
///
/// # Errors
/// If there is no such conversion, with the place in the value at which it failed.
pub fn convert(value: &Value, ty: &Type) -> Result<Value, ConvertError> {
    convert_at(value, ty, &Path::default())
}

fn convert_at(value: &Value, ty: &Type, path: &Path) -> Result<Value, ConvertError> {
    let converted = match (&value.kind, ty) {
        (_, Type::Dynamic) => return Ok(value.clone()),
        (Kind::Null(_), _) => Value::null(ty.without_optional()),
        (Kind::Unknown(u), _) => convert_unknown(u, ty, path)?,
        (Kind::Bool(_), Type::Bool) | (Kind::Number(_), Type::Number) | (Kind::String(_), Type::String) => {
            return Ok(value.clone());
        }
        (Kind::Bool(b), Type::String) => Value::string(if *b { "true" } else { "false" }),
        (Kind::Number(n), Type::String) => Value::string(n.to_string()),
        (Kind::String(s), Type::Number) => Value::number(
            s.strip_prefix('+')
                .filter(|rest| rest.starts_with(|c: char| c == '.' || c.is_ascii_digit()))
                .unwrap_or(s)
                .parse::<Number>()
                .map_err(|_| ConvertError::new(path, "a number is required"))?,
        ),
        (Kind::String(s), Type::Bool) => match s.as_ref() {
            "true" | "1" => Value::bool(true),
            "false" | "0" => Value::bool(false),
            "True" | "TRUE" | "False" | "FALSE" => {
                let message = format!(
                    "a bool is required; to convert from string, use lowercase {:?}",
                    s.to_lowercase()
                );
                return Err(ConvertError::new(path, message));
            }
            _ => return Err(ConvertError::new(path, "a bool is required")),
        },
        (Kind::List(t, _), Type::List(want)) if t == want => return Ok(value.clone()),
        (Kind::Map(t, _), Type::Map(want)) if t == want => return Ok(value.clone()),
        (Kind::List(..) | Kind::Set(..) | Kind::Tuple(_), Type::List(_) | Type::Set(_))
        | (Kind::Tuple(_), Type::Tuple(_)) => convert_sequence(value, ty, path)?,
        (Kind::Map(_, entries) | Kind::Object(entries), Type::Map(element)) => {
            convert_map(entries, element, path)?
        }
        (Kind::Map(_, entries) | Kind::Object(entries), Type::Object(object)) => {
            convert_object(entries, object, path)?
        }
        _ => return Err(ConvertError::new(path, required(ty))),
    };
    Ok(converted.with_marks(value.marks))
}

fn required(ty: &Type) -> String {
    match ty {
        Type::Dynamic => "a value is required".into(),
        Type::Bool => "a bool is required".into(),
        Type::Number => "a number is required".into(),
        Type::String => "a string is required".into(),
        Type::List(t) => format!("a list of {} is required", plural(t)),
        Type::Set(t) => format!("a set of {} is required", plural(t)),
        Type::Map(t) => format!("a map of {} is required", plural(t)),
        Type::Tuple(ts) => format!("a tuple of {} elements is required", ts.len()),
        Type::Object(_) => "an object is required".into(),
    }
}

fn plural(ty: &Type) -> String {
    match ty {
        Type::Dynamic => "any single type".into(),
        Type::Bool => "bool".into(),
        Type::Number => "number".into(),
        Type::String => "string".into(),
        Type::List(t) | Type::Set(t) | Type::Map(t) => format!("{} of {}", ty.kind_name(), plural(t)),
        Type::Tuple(_) | Type::Object(_) => ty.kind_name().into(),
    }
}

fn convert_unknown(unknown: &crate::Unknown, ty: &Type, path: &Path) -> Result<Value, ConvertError> {
    if unknown.ty == *ty {
        return Ok(Value::refined(ty.clone(), unknown.refinements.clone()));
    }
    if !could_convert(&unknown.ty, ty) {
        return Err(ConvertError::new(path, required(ty)));
    }
    let refinements = Refinements { not_null: unknown.refinements.not_null, ..Refinements::default() };
    Ok(Value::refined(filled(&unknown.ty, &ty.without_optional()), refinements))
}

/// The type that a value of type `from` has once it is converted to `to`: where that says `any`, what it had.
fn filled(from: &Type, to: &Type) -> Type {
    let element = |types: Vec<Type>, to: &Type| {
        let common = unify(&types).unwrap_or(Type::Dynamic);
        filled(&common, to)
    };
    match (from, to) {
        (_, to) if !to.has_dynamic() => to.clone(),
        (from, Type::Dynamic) => from.clone(),
        (Type::List(f) | Type::Set(f), Type::List(t)) => Type::list(filled(f, t)),
        (Type::List(f) | Type::Set(f), Type::Set(t)) => Type::set(filled(f, t)),
        (Type::Map(f), Type::Map(t)) => Type::map(filled(f, t)),
        (Type::Tuple(fs), Type::List(t)) => Type::list(element(fs.to_vec(), t)),
        (Type::Tuple(fs), Type::Set(t)) => Type::set(element(fs.to_vec(), t)),
        (Type::Object(o), Type::Map(t)) => {
            Type::map(element(o.attributes.values().map(|a| a.ty.clone()).collect(), t))
        }
        (_, to) => to.clone(),
    }
}

/// Whether some value of type `from` could be converted to `to`.
fn could_convert(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (Type::Dynamic, _) | (_, Type::Dynamic) => true,
        (Type::Bool | Type::Number, Type::String) | (Type::String, Type::Bool | Type::Number) => true,
        (Type::List(a) | Type::Set(a), Type::List(b) | Type::Set(b)) | (Type::Map(a), Type::Map(b)) => {
            could_convert(a, b)
        }
        (Type::Tuple(ts), Type::List(t) | Type::Set(t)) => ts.iter().all(|f| could_convert(f, t)),
        (Type::Tuple(a), Type::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| could_convert(a, b))
        }
        (Type::Object(o), Type::Map(t)) => o.attributes.values().all(|a| could_convert(&a.ty, t)),
        (Type::Map(t), Type::Object(o)) => o.attributes.values().all(|a| could_convert(t, &a.ty)),
        (Type::Object(a), Type::Object(b)) => b.attributes.iter().all(|(name, to)| {
            a.attributes.get(name).map_or(to.optional, |from| could_convert(&from.ty, &to.ty))
        }),
        (a, b) => a == b,
    }
}

fn convert_sequence(value: &Value, ty: &Type, path: &Path) -> Result<Value, ConvertError> {
    let elements = value.as_slice().unwrap_or_default();
    let each = |element: &Type| -> Result<(Type, Vec<Value>), ConvertError> {
        let common;
        let element = if element.has_dynamic() && *element == Type::Dynamic {
            common = common_type(elements.iter().map(Value::ty))
                .ok_or_else(|| ConvertError::new(path, "all elements must have the same type"))?;
            &common
        } else {
            element
        };
        let mut converted = Vec::with_capacity(elements.len());
        for (i, v) in elements.iter().enumerate() {
            converted.push(convert_at(v, element, &path.with(Step::Index(Number::from(i))))?);
        }
        let element = settle_dynamic(element, &converted, path)?;
        if element.has_dynamic() || converted.iter().all(|v| v.ty() == element) {
            return Ok((element, converted));
        }
        let converted = converted.iter().map(|v| convert_at(v, &element, path)).collect::<Result<_, _>>()?;
        Ok((element, converted))
    };
    match ty {
        Type::List(element) => each(element).map(|(t, vs)| Value::list(t, vs)),
        Type::Set(element) => each(element).map(|(t, vs)| Value::set(t, vs)),
        Type::Tuple(types) => {
            if types.len() != elements.len() {
                let message = format!(
                    "a tuple of {} elements is required, and this has {}",
                    types.len(),
                    elements.len()
                );
                return Err(ConvertError::new(path, message));
            }
            let mut converted = Vec::with_capacity(elements.len());
            for (i, (v, t)) in elements.iter().zip(types.iter()).enumerate() {
                converted.push(convert_at(v, t, &path.with(Step::Index(Number::from(i))))?);
            }
            Ok(Value::tuple(converted))
        }
        _ => Err(ConvertError::new(path, required(ty))),
    }
}

/// The element type of a converted collection: the constraint without `optional`, and where the constraint has `any` inside,
/// what the elements have in common.
fn settle_dynamic(element: &Type, converted: &[Value], path: &Path) -> Result<Type, ConvertError> {
    let plain = element.without_optional();
    if !plain.has_dynamic() || converted.is_empty() {
        return Ok(plain);
    }
    common_type(converted.iter().map(Value::ty))
        .ok_or_else(|| ConvertError::new(path, "all elements must have the same type"))
}

fn common_type(types: impl Iterator<Item = Type>) -> Option<Type> {
    let mut types: Vec<Type> = types.collect();
    types.dedup();
    if types.is_empty() {
        return Some(Type::Dynamic);
    }
    unify(&types)
}

fn convert_map(
    entries: &BTreeMap<Arc<str>, Value>,
    element: &Type,
    path: &Path,
) -> Result<Value, ConvertError> {
    let common;
    let element = if *element == Type::Dynamic {
        common = common_type(entries.values().map(Value::ty))
            .ok_or_else(|| ConvertError::new(path, "all map elements must have the same type"))?;
        &common
    } else {
        element
    };
    let mut converted = BTreeMap::new();
    for (key, v) in entries {
        converted.insert(key.clone(), convert_at(v, element, &path.with(Step::Key(key.clone())))?);
    }
    let values: Vec<Value> = converted.values().cloned().collect();
    let settled = settle_dynamic(element, &values, path)?;
    Ok(Value::map(settled, converted))
}

fn convert_object(
    entries: &BTreeMap<Arc<str>, Value>,
    object: &ObjectType,
    path: &Path,
) -> Result<Value, ConvertError> {
    let mut converted = BTreeMap::new();
    for (name, attribute) in &object.attributes {
        let at = path.with(Step::Attribute(name.clone()));
        let given = entries.get(name).filter(|v| !(v.is_null() && attribute.default.is_some()));
        let v = match (given, &attribute.default) {
            (Some(v), _) => convert_at(v, &attribute.ty, &at)?,
            (None, Some(default)) => convert_at(default, &attribute.ty, &at)?,
            (None, None) if attribute.optional => Value::null(attribute.ty.without_optional()),
            (None, None) => {
                return Err(ConvertError::new(path, format!("attribute {name:?} is required")));
            }
        };
        converted.insert(name.clone(), v);
    }
    Ok(Value::object(converted))
}

/// The type to which all of these can be converted without loss, as for the branches of a conditional; `None` if there is none.
#[must_use]
pub fn unify(types: &[Type]) -> Option<Type> {
    let mut types = types.iter();
    let mut unified = types.next()?.clone();
    for ty in types {
        unified = unify_two(&unified, ty)?;
    }
    Some(unified)
}

fn unify_two(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (a, b) if a == b => Some(a.clone()),
        (Type::Dynamic, other) | (other, Type::Dynamic) => Some(other.clone()),
        (a, b) if a.is_primitive() && b.is_primitive() => {
            (*a == Type::String || *b == Type::String).then_some(Type::String)
        }
        (Type::List(a), Type::List(b)) => unify_two(a, b).map(Type::list),
        (Type::Set(a), Type::Set(b)) => unify_two(a, b).map(Type::set),
        (Type::List(a), Type::Set(b)) | (Type::Set(a), Type::List(b)) => unify_two(a, b).map(Type::list),
        (Type::Map(a), Type::Map(b)) => unify_two(a, b).map(Type::map),
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => {
            let elements: Option<Vec<Type>> = a.iter().zip(b.iter()).map(|(a, b)| unify_two(a, b)).collect();
            elements.map(Type::tuple)
        }
        (Type::Tuple(ts), Type::Tuple(us)) => {
            let all: Vec<Type> = ts.iter().chain(us.iter()).cloned().collect();
            unify(&all).map(Type::list)
        }
        (Type::Tuple(ts), Type::List(t)) | (Type::List(t), Type::Tuple(ts)) => {
            ts.iter().try_fold(t.as_ref().clone(), |u, t| unify_two(&u, t)).map(Type::list)
        }
        (Type::Tuple(ts), Type::Set(t)) | (Type::Set(t), Type::Tuple(ts)) => {
            ts.iter().try_fold(t.as_ref().clone(), |u, t| unify_two(&u, t)).map(Type::set)
        }
        (Type::Object(a), Type::Object(b)) => unify_objects(a, b),
        (Type::Object(o), Type::Map(t)) | (Type::Map(t), Type::Object(o)) => {
            o.attributes.values().try_fold(t.as_ref().clone(), |u, a| unify_two(&u, &a.ty)).map(Type::map)
        }
        _ => None,
    }
}

fn unify_objects(a: &ObjectType, b: &ObjectType) -> Option<Type> {
    if a.attributes.keys().eq(b.attributes.keys()) {
        let attributes: Option<Vec<(Arc<str>, Type)>> = a
            .attributes
            .iter()
            .zip(b.attributes.values())
            .map(|((name, a), b)| unify_two(&a.ty, &b.ty).map(|t| (name.clone(), t)))
            .collect();
        return attributes.map(Type::object);
    }
    let all: Vec<Type> = a.attributes.values().chain(b.attributes.values()).map(|a| a.ty.clone()).collect();
    unify(&all).map(Type::map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_value_keeps_its_element_type_where_any_is_asked_for() {
        let converted = |from: Type, to: Type| convert(&Value::unknown(from), &to).unwrap().ty();
        let any_list = Type::list(Type::Dynamic);
        assert_eq!(converted(Type::list(Type::String), any_list.clone()), Type::list(Type::String));
        assert_eq!(converted(Type::set(Type::Number), any_list.clone()), Type::list(Type::Number));
        assert_eq!(
            converted(Type::tuple(vec![Type::Number, Type::String]), any_list.clone()),
            Type::list(Type::String)
        );
        assert_eq!(
            converted(Type::object([("a", Type::Bool)]), Type::map(Type::Dynamic)),
            Type::map(Type::Bool)
        );
        assert_eq!(converted(Type::Dynamic, any_list.clone()), any_list);
    }

    #[test]
    fn a_number_may_be_written_with_a_plus_in_text() {
        assert_eq!(
            convert(&Value::string("+1.5"), &Type::Number),
            Ok(Value::number("1.5".parse::<Number>().unwrap()))
        );
        assert!(convert(&Value::string("++1"), &Type::Number).is_err());
        assert!(convert(&Value::string("+"), &Type::Number).is_err());
    }

    #[test]
    fn text_is_kept_in_its_composed_form() {
        assert_eq!(Value::string("e\u{301}"), Value::string("\u{e9}"));
    }
}
