//! `yamldecode`: YAML 1.2 with the older words for bools (`yes`, `on`), anchors and merge keys, as Terraform reads it.
//!
//! One document only. A document may not grow beyond a bound by its aliases.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};
use value::{Number, Type, Value, convert};

use super::arguments::{Arguments, Failure};
use super::signature::{Function, Parameter, Shape};
use super::time;

/// How deep sequences and mappings may be nested: the reader calls itself for each level.
const DEPTH_MAX: usize = 500;

/// Values in a document with its aliases followed: a few lines of aliases of aliases would otherwise fill the memory.
const VALUES_MAX: usize = 1_000_000;

pub(super) const FUNCTIONS: &[Function] = &[Function::new(
    "yamldecode",
    &[Parameter::new("src", Shape::String)],
    Shape::Any,
    decode,
    "The value that a YAML text says.",
)
.typed(|_| Ok(Type::Dynamic))];

fn decode(a: &Arguments<'_>) -> Result<Value, Failure> {
    let mut reader =
        Reader { events: Parser::new_from_str(a.text(0)), anchors: HashMap::new(), place: (1, 1) };
    reader.document().map_err(|message| {
        let (line, column) = reader.place;
        Failure::showing(None, |show| format!("on line {line}, column {column}: {}", show(message.clone())))
    })
}

struct Reader<'t> {
    events: Parser<'t, saphyr_parser::StrInput<'t>>,
    /// What anchors stand for, with the number of values in it.
    anchors: HashMap<usize, (Value, usize)>,
    /// Line and column of the last event, from one.
    place: (usize, usize),
}

/// A value and how many values it holds, itself counted.
type Counted = (Value, usize);

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Event<'t>, String> {
        let fault = |e: ScanError| (e.info().to_owned(), (e.marker().line(), e.marker().col() + 1));
        match self.events.next_event() {
            Some(Ok((event, span))) => {
                self.place = (span.start.line(), span.start.col() + 1);
                Ok(event)
            }
            Some(Err(e)) => {
                let (message, place) = fault(e);
                self.place = place;
                Err(message)
            }
            None => Ok(Event::StreamEnd),
        }
    }

    fn document(&mut self) -> Result<Value, String> {
        let value = loop {
            match self.next()? {
                Event::StreamStart | Event::Nothing | Event::DocumentStart(_) => {}
                Event::StreamEnd => return Err("missing start of document".to_owned()),
                event => break self.node(event, 0)?.0,
            }
        };
        loop {
            match self.next()? {
                Event::DocumentEnd | Event::Nothing => {}
                Event::StreamEnd => return Ok(value),
                _ => return Err("unexpected extra content after value".to_owned()),
            }
        }
    }

    fn node(&mut self, event: Event<'t>, depth: usize) -> Result<Counted, String> {
        if depth > DEPTH_MAX {
            return Err("sequences and mappings are nested too deeply".to_owned());
        }
        let (anchor, counted) =
            match event {
                Event::Alias(anchor) => {
                    return self.anchors.get(&anchor).cloned().ok_or_else(|| {
                        "cannot refer to an anchor from inside its own definition".to_owned()
                    });
                }
                Event::Scalar(content, style, anchor, tag) => {
                    (anchor, (scalar(&content, style, tag.as_deref())?, 1))
                }
                Event::SequenceStart(anchor, tag) => {
                    check_tag(tag, "seq", "sequence")?;
                    (anchor, self.sequence(depth)?)
                }
                Event::MappingStart(anchor, tag) => {
                    check_tag(tag, "map", "mapping")?;
                    (anchor, self.mapping(depth)?)
                }
                _ => return Err("unexpected end of the document".to_owned()),
            };
        // Anchors count from one; zero is none.
        if anchor > 0 {
            self.anchors.insert(anchor, counted.clone());
        }
        Ok(counted)
    }

    fn sequence(&mut self, depth: usize) -> Result<Counted, String> {
        let (mut elements, mut count) = (Vec::new(), 1);
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok((Value::tuple(elements), count)),
                event => {
                    let (element, within) = self.node(event, depth + 1)?;
                    count = bounded(count + within)?;
                    elements.push(element);
                }
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Counted, String> {
        let (mut entries, mut merged, mut count) = (BTreeMap::new(), BTreeMap::new(), 1);
        loop {
            let event = self.next()?;
            if matches!(event, Event::MappingEnd) {
                // What is written here counts more than what is merged.
                merged.extend(entries);
                return Ok((Value::object(merged), count));
            }
            let is_merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let (key, _) = self.node(event, depth + 1)?;
            let event = self.next()?;
            let (value, within) = self.node(event, depth + 1)?;
            count = bounded(count + within)?;
            if is_merge {
                let kind = value.ty().kind_name();
                let Some(entries) = value.as_entries() else {
                    return Err(format!("cannot merge {kind} into mapping"));
                };
                merged.extend(entries.iter().map(|(k, v)| (k.clone(), v.clone())));
            } else {
                entries.insert(key_text(&key)?, value);
            }
        }
    }
}

fn bounded(count: usize) -> Result<usize, String> {
    if count > VALUES_MAX {
        return Err(format!("the document says more than {VALUES_MAX} values"));
    }
    Ok(count)
}

fn key_text(key: &Value) -> Result<Arc<str>, String> {
    if key.is_null() {
        return Err("mapping key cannot be null".to_owned());
    }
    let key = convert(key, &Type::String).ok();
    key.as_ref()
        .and_then(Value::as_str)
        .map(Into::into)
        .ok_or_else(|| "only strings are allowed as mapping keys".to_owned())
}

fn check_tag(tag: Option<Cow<'_, Tag>>, wanted: &str, kind: &str) -> Result<(), String> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema() => Err(format!("unsupported tag {:?}", tag_text(&tag))),
        Some(tag) if tag.suffix != wanted => Err(format!("can't interpret {kind} as {}", tag_text(&tag))),
        _ => Ok(()),
    }
}

fn tag_text(tag: &Tag) -> String {
    format!("{}{}", tag.handle, tag.suffix)
}

fn scalar(content: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let is_plain = style == ScalarStyle::Plain;
    match tag {
        Some(tag) if !tag.is_yaml_core_schema() => Err(format!("unsupported tag {:?}", tag_text(tag))),
        Some(tag) => match tag.suffix.as_str() {
            "str" | "binary" => Ok(Value::string(content)),
            "int" | "float" | "bool" | "null" | "timestamp" if is_plain => plain(content),
            "int" | "float" | "bool" | "null" | "timestamp" => Ok(Value::string(content)),
            _ => Err(format!("can't interpret scalar as {}", tag_text(tag))),
        },
        None if is_plain => plain(content),
        None => Ok(Value::string(content)),
    }
}

fn plain(content: &str) -> Result<Value, String> {
    match content {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::null(Type::Dynamic)),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Ok(Value::bool(true));
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Ok(Value::bool(false));
        }
        ".nan" | ".NaN" | ".NAN" => return Err("floating point NaN is not supported".to_owned()),
        _ => {}
    }
    let unsigned = content.strip_prefix(['-', '+']).unwrap_or(content);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Err("an infinite number is not supported".to_owned());
    }
    if let Some(number) = number(content, unsigned)? {
        return Ok(Value::number(number));
    }
    Ok(Value::string(time::from_yaml(content).unwrap_or_else(|| content.to_owned())))
}

fn number(content: &str, unsigned: &str) -> Result<Option<Number>, String> {
    for (prefix, base) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = content.strip_prefix(prefix) {
            let fits = digits.bytes().all(|b| b.is_ascii_alphanumeric());
            return Ok(Number::from_radix(digits, base).filter(|_| fits));
        }
    }
    let mantissa = unsigned.split(['e', 'E']).next().unwrap_or_default();
    let is_float = mantissa.bytes().any(|b| b.is_ascii_digit())
        && mantissa.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && mantissa.bytes().filter(|b| *b == b'.').count() < 2
        && unsigned[mantissa.len()..].get(1..).is_none_or(|exponent| {
            let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
        });
    if !is_float {
        return Ok(None);
    }
    // A number of ours has a digit on both sides of its point, and no plus.
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let sign = if content.starts_with('-') { "-" } else { "" };
    let canonical = format!("{sign}0{whole}.{fraction}0{}", &unsigned[mantissa.len()..]);
    canonical.parse().map(Some).map_err(|_| format!("the number {content} is too large"))
}
