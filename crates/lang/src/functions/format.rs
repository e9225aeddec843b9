//! `format` and `formatlist`: the verbs of Go's `fmt`, as far as they make sense for configuration values.
//!
//! How a number is written for a verb is next door, in `digits`.

use value::{Kind, Refinements, Type, Value, convert};

use crate::eval::certain_prefix;

use super::arguments::{Arguments, Failure};
use super::digits::{self, Style};
use super::json;
use super::signature::{Function, Parameter, Shape};
use super::string::graphemes;

/// The widest field and the longest fraction: a slip of a digit should be an error, not a text that fills the memory.
const WIDTH_MAX: usize = 100_000;

const FORMAT: &[Parameter] = &[Parameter::new("format", Shape::String)];
const ARGS: Parameter = Parameter::new("args", Shape::Any).nullable().dynamic();

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("format", FORMAT, Shape::String, format, "A text with values put in at its verbs.")
        .rest(ARGS),
    Function::new(
        "formatlist",
        FORMAT,
        Shape::ListOfString,
        format_list,
        "A text for each element of lists, with values put in at its verbs.",
    )
    .rest(ARGS),
];

fn format(a: &Arguments<'_>) -> Result<Value, Failure> {
    let pattern = a.text(0);
    let args: Vec<&Value> = a.from(1).iter().collect();
    if args.iter().any(|arg| !arg.is_wholly_known()) {
        // Whatever the unknown values are, the text begins as the pattern does before its first verb.
        let prefix = pattern.split('%').next().unwrap_or_default();
        let prefix = certain_prefix(prefix);
        return Ok(Value::refined(
            Type::String,
            Refinements { not_null: true, prefix, ..Refinements::default() },
        ));
    }
    formatted(pattern, &args).map(Value::string).map_err(Fault::into_failure)
}

fn format_list(a: &Arguments<'_>) -> Result<Value, Failure> {
    let (pattern, args) = (a.text(0), a.from(1));
    let mut length: Option<(usize, usize)> = None;
    for (at, arg) in args.iter().enumerate() {
        let is_list = matches!(arg.ty(), Type::List(_) | Type::Set(_) | Type::Tuple(_));
        if !arg.is_known() && (is_list || arg.ty() == Type::Dynamic) {
            return Ok(Value::unknown(Type::list(Type::String)));
        }
        let Some(elements) = arg.as_slice() else { continue };
        match length {
            Some((first, count)) if count != elements.len() => {
                return Err(Failure::at(
                    at + 1,
                    format!(
                        "argument {} has length {}, which is inconsistent with argument {} of length {count}",
                        at + 1,
                        elements.len(),
                        first + 1,
                    ),
                ));
            }
            Some(_) => {}
            None => length = Some((at, elements.len())),
        }
    }
    let mut texts = Vec::new();
    for iteration in 0..length.map_or(1, |(_, count)| count) {
        let row: Vec<&Value> =
            args.iter().map(|arg| arg.as_slice().map_or(arg, |of| &of[iteration])).collect();
        if row.iter().any(|v| !v.is_wholly_known()) {
            texts.push(Value::unknown(Type::String));
            continue;
        }
        let one = formatted(pattern, &row).map_err(|fault| {
            Failure::call(format!("error on format iteration {iteration}: {}", fault.message))
        })?;
        texts.push(Value::string(one));
    }
    Ok(Value::list(Type::String, texts))
}

/// Why a text could not be made. The message shows the pattern's verbs and never a value.
struct Fault {
    argument: Option<usize>,
    message: String,
}

impl Fault {
    fn new(message: impl Into<String>) -> Self {
        Self { argument: None, message: message.into() }
    }

    fn into_failure(self) -> Failure {
        match self.argument {
            Some(at) => Failure::at(at, self.message),
            None => Failure::call(self.message),
        }
    }
}

/// One verb of a pattern: `%[flags][width][.precision][[index]]letter`.
struct Verb<'p> {
    whole: &'p str,
    /// Where it begins in the pattern, in bytes.
    offset: usize,
    style: Style,
    width: usize,
    /// Which argument, from one; the next one if it is not said.
    index: Option<usize>,
    letter: char,
}

fn formatted(pattern: &str, args: &[&Value]) -> Result<String, Fault> {
    let (mut out, mut rest, mut next, mut used) = (String::new(), 0, 1, 0);
    while let Some(found) = pattern[rest..].find('%') {
        let start = rest + found;
        out.push_str(&pattern[rest..start]);
        if pattern[start + 1..].starts_with('%') {
            out.push('%');
            rest = start + 2;
            continue;
        }
        let verb = parse_verb(pattern, start)?;
        rest = start + verb.whole.len();
        let index = verb.index.unwrap_or(next);
        next = index + 1;
        used = used.max(index);
        let Some(arg) = args.get(index - 1) else {
            return Err(Fault::new(format!(
                "not enough arguments for {:?} at {}: need index {index} but have {} total",
                verb.whole,
                verb.offset,
                args.len()
            )));
        };
        let piece = render(&verb, arg)?;
        out.push_str(&piece);
    }
    out.push_str(&pattern[rest..]);
    if used < args.len() {
        let message = if used == 0 {
            "too many arguments; no verbs in format string".to_owned()
        } else {
            format!("too many arguments; only {used} used by format string")
        };
        return Err(Fault { argument: Some(used + 1), message });
    }
    Ok(out)
}

fn parse_verb(pattern: &str, offset: usize) -> Result<Verb<'_>, Fault> {
    let mut at = offset + 1;
    let peek = |at: usize| pattern[at..].chars().next();
    let unrecognized = |at: usize| match peek(at) {
        Some(c) => Fault::new(format!("unrecognized format character {c:?} at offset {at}")),
        None => Fault::new(format!("invalid format string starting at offset {}", offset + 1)),
    };
    let number = |at: &mut usize| -> Result<Option<usize>, Fault> {
        let digits = pattern[*at..].bytes().take_while(u8::is_ascii_digit).count();
        let text = &pattern[*at..*at + digits];
        *at += digits;
        match text.parse::<usize>() {
            Ok(n) if n <= WIDTH_MAX => Ok(Some(n)),
            _ if text.is_empty() => Ok(None),
            _ => Err(Fault::new(format!("the number at offset {} is more than {WIDTH_MAX}", *at - digits))),
        }
    };
    let mut style = Style::default();
    while let Some(flag) = peek(at) {
        match flag {
            '+' => style.plus = true,
            '-' => style.left = true,
            '#' => style.sharp = true,
            '0' => style.zero = true,
            ' ' => style.space = true,
            _ => break,
        }
        at += 1;
    }
    let width = number(&mut at)?.unwrap_or(0);
    if peek(at) == Some('.') {
        at += 1;
        style.precision = Some(number(&mut at)?.unwrap_or(0));
    }
    let mut index = None;
    if peek(at) == Some('[') {
        at += 1;
        if !peek(at).is_some_and(|c| matches!(c, '1'..='9')) {
            return Err(unrecognized(at));
        }
        index = number(&mut at)?;
        if peek(at) != Some(']') {
            return Err(unrecognized(at));
        }
        at += 1;
    }
    let letter = peek(at).filter(char::is_ascii_alphabetic).ok_or_else(|| unrecognized(at))?;
    Ok(Verb { whole: &pattern[offset..=at], offset, style, width, index, letter })
}

fn render(verb: &Verb<'_>, arg: &Value) -> Result<String, Fault> {
    let refused =
        |why: &str| Fault::new(format!("unsupported value for {:?} at {}: {why}", verb.whole, verb.offset));
    let wanted = match verb.letter {
        'v' => return Ok(render_any(verb, arg)),
        't' => Type::Bool,
        'b' | 'd' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'g' | 'G' => Type::Number,
        's' | 'q' => Type::String,
        other => {
            return Err(Fault::new(format!(
                "unsupported format verb {other:?} in {:?} at offset {}",
                verb.whole, verb.offset
            )));
        }
    };
    if arg.is_null() {
        return Err(refused("null value cannot be formatted"));
    }
    let converted = convert(arg, &wanted).map_err(|e| {
        // The types differ as such, or this value happens not to be one: Terraform says "a" only of the latter.
        let word = if matches!(arg.kind(), Kind::String(_)) {
            e.message
        } else {
            format!("{} required", wanted.kind_name())
        };
        refused(&word)
    })?;
    match converted.kind() {
        Kind::Number(number) => match verb.letter {
            'b' | 'd' | 'o' | 'x' | 'X' => digits::integer(number, verb.letter, &verb.style, verb.width)
                .ok_or_else(|| refused("an integer is required")),
            _ => Ok(digits::float(number, verb.letter, &verb.style, verb.width)),
        },
        Kind::String(string) => {
            let string = match verb.style.precision {
                Some(count) => graphemes(string).take(count).collect(),
                None => string.to_string(),
            };
            Ok(pad(if verb.letter == 'q' { json::quote(&string) } else { string }, verb))
        }
        Kind::Bool(b) => Ok(b.to_string()),
        _ => Err(refused(&format!("{} required", wanted.kind_name()))),
    }
}

/// `%v`: text as it is, a number as `%g` has it, everything else as JSON.
fn render_any(verb: &Verb<'_>, arg: &Value) -> String {
    match arg.kind() {
        Kind::String(string) if !verb.style.sharp => pad(string.to_string(), verb),
        Kind::Number(number) if !verb.style.sharp => digits::float(number, 'g', &verb.style, verb.width),
        _ => pad(json::to_text(arg).unwrap_or_default(), verb),
    }
}

/// To the width, counted in what a person takes for characters.
fn pad(text: String, verb: &Verb<'_>) -> String {
    let missing = verb.width.saturating_sub(graphemes(&text).count());
    if missing == 0 {
        return text;
    }
    if verb.style.left {
        return text + &" ".repeat(missing);
    }
    let fill = if verb.style.zero { "0" } else { " " };
    fill.repeat(missing) + &text
}
