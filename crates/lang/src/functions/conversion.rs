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
    Function::new("tolist", &[V], Shape::ListOfAny, |a| to(a, &Shape::ListOfAny.ty()), "The value as a list."),
    Function::new("toset", &[V], Shape::SetOfAny, |a| to(a, &Shape::SetOfAny.ty()), "The value as a set."),
    Function::new("tomap", &[V], Shape::MapOfAny, |a| to(a, &Shape::MapOfAny.ty()), "The value as a map."),
    Function::new(
        "sensitive",
        &[VALUE],
        Shape::Any,
        |a| Ok(a.value(0).clone().with_marks(Marks::SENSITIVE)),
        "The value, never to be shown.",
    ),
    Function::new("nonsensitive", &[VALUE], Shape::Any, nonsensitive, "The value, which may be shown after all."),
    Function::new("issensitive", &[VALUE], Shape::Bool, |a| Ok(Value::bool(a.value(0).is_sensitive())), "Whether the value is sensitive."),
    Function::new("ephemeralasnull", &[VALUE], Shape::Any, ephemeral_as_null, "The value with null for what is ephemeral in it."),
];

fn to(a: &Arguments<'_>, ty: &Type) -> Result<Value, Failure> {
    let value = a.value(0);
    // `True` and `1` are bools to a variable's type constraint, and not to this function.
    let is_refused = *ty == Type::Bool && value.as_str().is_some_and(|text| text != "true" && text != "false");
    match convert(value, ty) {
        Ok(converted) if !is_refused => Ok(converted),
        _ => Err(cannot_convert(value, ty)),
    }
}

fn cannot_convert(value: &Value, ty: &Type) -> Failure {
    let rule = match (value.kind(), ty) {
        (Kind::String(_), Type::Bool) => "bool; only the strings \"true\" or \"false\" are allowed",
        (Kind::String(_), Type::Number) => "number; given string must be a decimal representation of a number",
        _ => {
            let to = match ty {
                Type::List(_) | Type::Set(_) | Type::Map(_) => format!("{} of any single type", ty.kind_name()),
                primitive => primitive.kind_name().to_owned(),
            };
            return Failure::at(0, format!("cannot convert {} to {to}", value.ty().kind_name()));
        }
    };
    let text = value.as_str().unwrap_or_default();
    Failure::showing(Some(0), |show| format!("cannot convert {} to {rule}", show(format!("{text:?}"))))
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
