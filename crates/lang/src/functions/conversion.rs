//! Functions that change a value's type or its marks.

use value::{Kind, Marks, Type, Value, convert};

use super::arguments::{Arguments, Failure};
use super::signature::{Function, Parameter, Shape};

const V: Parameter = Parameter::new("v", Shape::Any).nullable().dynamic().marked();
const VALUE: Parameter = Parameter::new("value", Shape::Any).nullable().dynamic().marked();

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("tobool", &[V], Shape::Bool, |a| to(a, &Type::Bool), "The value as a bool."),
    Function::new("tonumber", &[V], Shape::Number, |a| to(a, &Type::Number), "The value as a number."),
    Function::new("tostring", &[V], Shape::String, |a| to(a, &Type::String), "The value as a string."),
    Function::new(
        "tolist",
        &[V],
        Shape::ListOfAny,
        |a| to(a, &Shape::ListOfAny.ty()),
        "The value as a list.",
    ),
    Function::new("toset", &[V], Shape::SetOfAny, |a| to(a, &Shape::SetOfAny.ty()), "The value as a set."),
    Function::new("tomap", &[V], Shape::MapOfAny, |a| to(a, &Shape::MapOfAny.ty()), "The value as a map."),
    Function::new(
        "sensitive",
        &[VALUE],
        Shape::Any,
        |a| Ok(a.value(0).clone().with_marks(Marks::SENSITIVE)),
        "The value, never to be shown.",
    ),
    Function::new(
        "nonsensitive",
        &[VALUE],
        Shape::Any,
        nonsensitive,
        "The value, which may be shown after all.",
    ),
    Function::new("issensitive", &[VALUE], Shape::Bool, is_sensitive, "Whether the value is sensitive."),
    Function::new(
        "ephemeralasnull",
        &[VALUE],
        Shape::Any,
        ephemeral_as_null,
        "The value with null for what is ephemeral in it.",
    ),
];

fn to(a: &Arguments<'_>, ty: &Type) -> Result<Value, Failure> {
    convert(a.value(0), ty).map_err(|_| cannot_convert(a.value(0), ty))
}

fn cannot_convert(value: &Value, ty: &Type) -> Failure {
    let rule = match (value.kind(), ty) {
        (Kind::String(_), Type::Bool) => "bool; only the strings \"true\" or \"false\" are allowed",
        (Kind::String(_), Type::Number) => {
            "number; given string must be a decimal representation of a number"
        }
        _ => {
            let to = match ty {
                Type::List(_) | Type::Set(_) | Type::Map(_) => {
                    format!("{} of any single type", ty.kind_name())
                }
                primitive => primitive.kind_name().to_owned(),
            };
            return Failure::at(0, format!("cannot convert {} to {to}", value.ty().kind_name()));
        }
    };
    if value.is_sensitive() {
        return Failure::at(0, format!("cannot convert this sensitive string to {}", ty.kind_name()));
    }
    let text = value.as_str().unwrap_or_default();
    Failure::at(0, format!("cannot convert {text:?} to {rule}"))
}

fn is_sensitive(a: &Arguments<'_>) -> Result<Value, Failure> {
    let value = a.value(0);
    // What an unknown value turns out to be may be sensitive even if this does not show yet.
    if !value.is_known() && !value.is_sensitive() {
        return Ok(Value::unknown(Type::Bool));
    }
    Ok(Value::bool(value.is_sensitive()))
}

fn nonsensitive(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (plain, marks) = a.value(0).clone().unmark();
    Ok(plain.with_marks(marks.without(Marks::SENSITIVE)))
}

fn ephemeral_as_null(a: &Arguments<'_>) -> Result<Value, Failure> {
    Ok(a.value(0).transform(&mut |v| {
        if v.marks().contains(Marks::EPHEMERAL) {
            let marks = v.marks().without(Marks::EPHEMERAL);
            Value::null(v.ty()).with_marks(marks)
        } else {
            v
        }
    }))
}
