//! How values and types are named in messages. Nothing sensitive is shown.

use value::{Kind, Type, Value};

/// A type as a person says it: `a string`, `a list of string`.
#[must_use]
pub fn describe_type(ty: &Type) -> String {
    match ty {
        Type::Dynamic => "a value".into(),
        Type::Bool => "a bool".into(),
        Type::Number => "a number".into(),
        Type::String => "a string".into(),
        Type::List(t) => format!("a list of {}", plural(t)),
        Type::Set(t) => format!("a set of {}", plural(t)),
        Type::Map(t) => format!("a map of {}", plural(t)),
        Type::Tuple(ts) => match ts.split_first() {
            // What is written between brackets is a tuple; who wrote it thinks of a list.
            Some((first, rest)) if rest.iter().all(|t| t == first) => format!("a list of {}", plural(first)),
            Some(_) => "a list of mixed elements".into(),
            None => "an empty list".into(),
        },
        Type::Object(o) if o.attributes.is_empty() => "an empty object".into(),
        Type::Object(_) => "an object".into(),
    }
}

fn plural(ty: &Type) -> String {
    match ty {
        Type::Dynamic => "values".into(),
        Type::Bool => "bools".into(),
        Type::Number => "numbers".into(),
        Type::String => "strings".into(),
        Type::List(_) | Type::Tuple(_) => "lists".into(),
        Type::Set(_) => "sets".into(),
        Type::Map(_) => "maps".into(),
        Type::Object(_) => "objects".into(),
    }
}

/// A value as a person says it: `the string "x"`, `null`, `a list of strings`. A long text is not shown.
#[must_use]
pub fn describe_value(value: &Value) -> String {
    if !value.marks_deep().is_empty() {
        return describe_type(&value.ty());
    }
    match value.kind() {
        Kind::Null(_) => "null".into(),
        Kind::Bool(b) => format!("the bool {b}"),
        Kind::Number(n) => {
            let text = n.to_string();
            if text.len() > 40 { "a number".into() } else { format!("the number {text}") }
        }
        Kind::String(s) if s.chars().count() <= 40 => format!("the string {s:?}"),
        _ => describe_type(&value.ty()),
    }
}
