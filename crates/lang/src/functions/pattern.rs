//! Functions of regular expressions, and `replace`, which takes one between slashes.

use regex::{Captures, Regex};
use value::{Type, Value};

use super::arguments::{Arguments, Failure};
use super::re2;
use super::signature::{Function, Parameter, Shape};

const PATTERN: &[Parameter] =
    &[Parameter::new("pattern", Shape::String), Parameter::new("string", Shape::String)];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "regex",
        PATTERN,
        Shape::Any,
        find,
        "What of a text the first match of a pattern captures.",
    )
    .typed(match_type),
    Function::new(
        "regexall",
        PATTERN,
        Shape::ListOfAny,
        find_all,
        "What of a text every match of a pattern captures.",
    )
    .typed(|args| match_type(args).map(Type::list)),
    Function::new(
        "replace",
        &[
            Parameter::new("str", Shape::String),
            Parameter::new("substr", Shape::String),
            Parameter::new("replace", Shape::String),
        ],
        Shape::String,
        replace,
        "The text with every occurrence of a text, or of a /pattern/, replaced.",
    ),
];

/// How the captures of a pattern are given.
enum Groups {
    /// No group: the whole match.
    Whole,
    /// Groups without names: a tuple of this many.
    Numbered(usize),
    /// Groups with names: an object.
    Named(Vec<String>),
}

fn compiled(pattern: &str) -> Result<(Regex, Groups), Failure> {
    let regex = re2::compile(pattern).map_err(|e| {
        Failure::showing(Some(0), |show| format!("invalid regexp pattern: {}", show(e.clone())))
    })?;
    let names: Vec<String> = regex.capture_names().flatten().map(str::to_owned).collect();
    let groups = match (regex.captures_len() - 1, names.len()) {
        (0, _) => Groups::Whole,
        (count, 0) => Groups::Numbered(count),
        (count, named) if count == named => Groups::Named(names),
        _ => {
            return Err(Failure::at(
                0,
                "invalid regexp pattern: cannot mix both named and unnamed capture groups",
            ));
        }
    };
    Ok((regex, groups))
}

fn type_of(groups: &Groups) -> Type {
    match groups {
        Groups::Whole => Type::String,
        Groups::Numbered(count) => Type::tuple(vec![Type::String; *count]),
        Groups::Named(names) => Type::object(names.iter().map(|name| (name.as_str(), Type::String))),
    }
}

fn match_type(args: &[Value]) -> Result<Type, Failure> {
    match args[0].as_str() {
        Some(pattern) => compiled(pattern).map(|(_, groups)| type_of(&groups)),
        None => Ok(Type::Dynamic),
    }
}

fn captured(captures: &Captures<'_>, groups: &Groups) -> Value {
    let value = |m: Option<regex::Match<'_>>| {
        m.map_or_else(|| Value::null(Type::String), |m| Value::string(m.as_str()))
    };
    match groups {
        Groups::Whole => value(captures.get(0)),
        Groups::Numbered(count) => {
            Value::tuple((1..=*count).map(|i| value(captures.get(i))).collect::<Vec<_>>())
        }
        Groups::Named(names) => {
            Value::object(names.iter().map(|name| (name.as_str(), value(captures.name(name)))))
        }
    }
}

fn find(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (regex, groups) = compiled(a.text(0))?;
    let captures = regex
        .captures(a.text(1))
        .ok_or_else(|| Failure::call("pattern did not match any part of the given string"))?;
    Ok(captured(&captures, &groups))
}

fn find_all(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (regex, groups) = compiled(a.text(0))?;
    let all: Vec<Value> =
        regex.captures_iter(a.text(1)).map(|captures| captured(&captures, &groups)).collect();
    Ok(Value::list(type_of(&groups), all))
}

fn replace(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (whole, wanted, with) = (a.text(0), a.text(1), a.text(2));
    let pattern = wanted.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    let Some(pattern) = pattern else { return Ok(Value::string(whole.replace(wanted, with))) };
    let regex = re2::compile(pattern)
        .map_err(|e| Failure::showing(None, |show| format!("error parsing regexp: {}", show(e.clone()))))?;
    Ok(Value::string(regex.replace_all(whole, with).into_owned()))
}
