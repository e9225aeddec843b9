//! Functions of strings. What a person takes for one character is one: lengths, cuts and reversals go by grapheme clusters.
//!
//! Regular expressions are next door, in `pattern`.

use unicode_segmentation::UnicodeSegmentation;
use value::{Kind, Refinements, Type, Value};

use super::arguments::{Arguments, Failure, integer};
use super::signature::{Function, Parameter, Shape};

/// The longest text in bytes that `indent` makes: a slip of a digit should be an error, not an empty machine.
const INDENTED_MAX: usize = 64 << 20;

const STR: Parameter = Parameter::new("str", Shape::String);

/// What is certain about the beginning of an unknown text may say enough.
fn starts_with(text: &Value, wanted: &str) -> Value {
    let Kind::Unknown(unknown) = text.kind() else {
        return Value::bool(text.as_str().is_some_and(|text| text.starts_with(wanted)));
    };
    let certain = unknown.refinements.prefix.as_deref().unwrap_or("");
    if certain.starts_with(wanted) {
        return Value::bool(true);
    }
    if certain.len() >= wanted.len() {
        return Value::bool(false);
    }
    Value::refined(Type::Bool, Refinements { not_null: true, ..Refinements::default() })
}

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "chomp",
        &[STR],
        Shape::String,
        |a| Ok(Value::string(a.text(0).trim_end_matches(['\r', '\n']))),
        "The text without line ends at its end.",
    ),
    Function::new(
        "endswith",
        &[STR, Parameter::new("suffix", Shape::String)],
        Shape::Bool,
        |a| Ok(Value::bool(a.text(0).ends_with(a.text(1)))),
        "Whether a text ends with another.",
    ),
    Function::new(
        "startswith",
        &[STR.unknown(), Parameter::new("prefix", Shape::String)],
        Shape::Bool,
        |a| Ok(starts_with(a.value(0), a.text(1))),
        "Whether a text begins with another.",
    ),
    Function::new(
        "strcontains",
        &[STR, Parameter::new("substr", Shape::String)],
        Shape::Bool,
        |a| Ok(Value::bool(a.text(0).contains(a.text(1)))),
        "Whether a text contains another.",
    ),
    Function::new(
        "indent",
        &[Parameter::new("spaces", Shape::Number), STR],
        Shape::String,
        indent,
        "The text with spaces before every line but the first.",
    ),
    Function::new(
        "join",
        &[Parameter::new("separator", Shape::String)],
        Shape::String,
        join,
        "The strings of the lists, with a separator between them.",
    )
    .rest(Parameter::new("lists", Shape::ListOfString)),
    Function::new(
        "split",
        &[Parameter::new("separator", Shape::String), STR],
        Shape::ListOfString,
        split,
        "The parts of a text between separators.",
    ),
    Function::new(
        "lower",
        &[STR],
        Shape::String,
        |a| Ok(Value::string(map_chars(a.text(0), lower))),
        "The text in lower case.",
    ),
    Function::new(
        "upper",
        &[STR],
        Shape::String,
        |a| Ok(Value::string(map_chars(a.text(0), upper))),
        "The text in upper case.",
    ),
    Function::new(
        "title",
        &[STR],
        Shape::String,
        |a| Ok(Value::string(title(a.text(0)))),
        "The text with the first letter of each word in upper case.",
    ),
    Function::new(
        "strrev",
        &[STR],
        Shape::String,
        |a| Ok(Value::string(graphemes(a.text(0)).rev().collect::<String>())),
        "The text backwards.",
    ),
    Function::new(
        "substr",
        &[STR, Parameter::new("offset", Shape::Number), Parameter::new("length", Shape::Number)],
        Shape::String,
        substr,
        "A part of the text, from an offset and of at most a length.",
    ),
    Function::new(
        "trim",
        &[STR, Parameter::new("cutset", Shape::String)],
        Shape::String,
        trim,
        "The text without certain characters at its ends.",
    ),
    Function::new(
        "trimprefix",
        &[STR, Parameter::new("prefix", Shape::String)],
        Shape::String,
        |a| Ok(Value::string(a.text(0).strip_prefix(a.text(1)).unwrap_or(a.text(0)))),
        "The text without a prefix.",
    ),
    Function::new(
        "trimsuffix",
        &[STR, Parameter::new("suffix", Shape::String)],
        Shape::String,
        |a| Ok(Value::string(a.text(0).strip_suffix(a.text(1)).unwrap_or(a.text(0)))),
        "The text without a suffix.",
    ),
    Function::new(
        "trimspace",
        &[STR],
        Shape::String,
        |a| Ok(Value::string(a.text(0).trim())),
        "The text without white space at its ends.",
    ),
];

/// What a person takes for characters: a letter with its accents, a flag, a family.
pub(super) fn graphemes(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.graphemes(true)
}

fn map_chars(text: &str, map: fn(char) -> char) -> String {
    text.chars().map(map).collect()
}

/// One character for one: `ß` stays as it is.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// Upper case for the beginning of a word: four letters of Unicode have a form of their own for it.
fn title_case(c: char) -> char {
    match c {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        _ => upper(c),
    }
}

fn title(text: &str) -> String {
    let mut at_start = true;
    text.chars()
        .map(|c| {
            let changed = if at_start { title_case(c) } else { c };
            at_start = match c {
                '_' => false,
                c if c.is_ascii() => !c.is_ascii_alphanumeric(),
                c => !c.is_alphanumeric() && c.is_whitespace(),
            };
            changed
        })
        .collect()
}

fn indent(a: &Arguments<'_>) -> Result<Value, Failure> {
    let spaces = integer(&a.number(0)).map_err(Failure::call)?;
    let spaces =
        usize::try_from(spaces).map_err(|_| Failure::at(0, "the number of spaces must not be negative"))?;
    let lines = a.text(1).matches('\n').count();
    if lines.saturating_mul(spaces) > INDENTED_MAX {
        return Err(Failure::at(0, format!("the text would be longer than {INDENTED_MAX} bytes")));
    }
    if lines == 0 {
        return Ok(a.value(1).clone());
    }
    Ok(Value::string(a.text(1).replace('\n', &format!("\n{}", " ".repeat(spaces)))))
}

fn join(a: &Arguments<'_>) -> Result<Value, Failure> {
    let lists = a.from(1);
    if lists.is_empty() {
        return Err(Failure::call("at least one list is required"));
    }
    let mut strings = Vec::new();
    for (list_at, list) in lists.iter().enumerate() {
        for (at, element) in list.as_slice().unwrap_or_default().iter().enumerate() {
            let Kind::String(string) = element.kind() else {
                let of = if lists.len() == 1 { String::new() } else { format!(" of list {}", list_at + 1) };
                let message = format!("element {at}{of} is null; cannot concatenate null values");
                return Err(Failure::at(list_at + 1, message));
            };
            strings.push(string.as_ref());
        }
    }
    Ok(Value::string(strings.join(a.text(0))))
}

fn split(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (separator, whole) = (a.text(0), a.text(1));
    let parts: Vec<Value> = if separator.is_empty() {
        whole.chars().map(|c| Value::string(c.to_string())).collect()
    } else {
        whole.split(separator).map(Value::string).collect()
    };
    Ok(Value::list(Type::String, parts))
}

fn substr(a: &Arguments<'_>) -> Result<Value, Failure> {
    let offset = integer(&a.number(1)).map_err(Failure::call)?;
    let length = integer(&a.number(2)).map_err(Failure::call)?;
    let magnitude = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
    let start = if offset < 0 { graphemes(a.text(0)).count().saturating_sub(magnitude) } else { magnitude };
    // A negative length means: to the end.
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(Value::string(graphemes(a.text(0)).skip(start).take(length).collect::<String>()))
}

fn trim(a: &Arguments<'_>) -> Result<Value, Failure> {
    let cut: Vec<char> = a.text(1).chars().collect();
    Ok(Value::string(a.text(0).trim_matches(cut.as_slice())))
}
