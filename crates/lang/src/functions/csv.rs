//! `csvdecode`: comma-separated values with a header line, by RFC 4180. Strict, as a slip in a table should be an error.

use std::collections::BTreeSet;

use value::{Type, Value};

use super::arguments::{Arguments, Failure};
use super::signature::{Function, Parameter, Shape};

pub(super) const FUNCTIONS: &[Function] = &[Function::new(
    "csvdecode",
    &[Parameter::new("str", Shape::String)],
    Shape::Any,
    decode,
    "A list of objects, one for each line of a table in CSV with a header line.",
)
.typed(|_| Ok(Type::Dynamic))];

fn decode(a: &Arguments<'_>) -> Result<Value, Failure> {
    let mut records = Records { rest: a.text(0), line: 0 };
    let Some((header, _)) = records.next_record()? else { return Err(Failure::call("missing header line")) };
    let mut seen = BTreeSet::new();
    for name in &header {
        if !seen.insert(name) {
            return Err(Failure::showing(None, |show| {
                format!("duplicate column name {}", show(format!("{name:?}")))
            }));
        }
    }
    let row_type = Type::object(header.iter().map(|name| (name.as_str(), Type::String)));
    let mut rows = Vec::new();
    while let Some((record, line)) = records.next_record()? {
        if record.len() != header.len() {
            return Err(parse_error(line, "wrong number of fields"));
        }
        rows.push(Value::object(
            header.iter().map(String::as_str).zip(record.into_iter().map(Value::string)),
        ));
    }
    Ok(Value::list(row_type, rows))
}

fn parse_error(line: usize, what: &str) -> Failure {
    Failure::call(format!("parse error on line {line} of the CSV: {what}"))
}

struct Records<'t> {
    rest: &'t str,
    /// Lines read so far.
    line: usize,
}

impl<'t> Records<'t> {
    /// The next line without its end; `None` if there is none.
    fn next_line(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    /// The next record, and the line on which it began. Empty lines are none.
    fn next_record(&mut self) -> Result<Option<(Vec<String>, usize)>, Failure> {
        let mut line = loop {
            match self.next_line() {
                None => return Ok(None),
                Some("") => {}
                Some(line) => break line,
            }
        };
        let first = self.line;
        let mut fields = Vec::new();
        loop {
            let rest = match line.strip_prefix('"') {
                Some(quoted) => {
                    let (field, rest) = self.quoted(quoted)?;
                    fields.push(field);
                    rest
                }
                None => {
                    let end = line.find(',').unwrap_or(line.len());
                    let (field, rest) = line.split_at(end);
                    if field.contains('"') {
                        return Err(parse_error(self.line, "bare \" in non-quoted-field"));
                    }
                    fields.push(field.to_owned());
                    rest
                }
            };
            match rest.strip_prefix(',') {
                Some(next) => line = next,
                None => return Ok(Some((fields, first))),
            }
        }
    }

    /// A field that began with a quote, over as many lines as it has, and what follows it on its last line.
    fn quoted(&mut self, mut line: &'t str) -> Result<(String, &'t str), Failure> {
        const WRONG: &str = "extraneous or missing \" in quoted-field";
        let mut field = String::new();
        loop {
            match line.split_once('"') {
                Some((before, after)) => {
                    field.push_str(before);
                    if let Some(after) = after.strip_prefix('"') {
                        field.push('"');
                        line = after;
                    } else if after.is_empty() || after.starts_with(',') {
                        return Ok((field, after));
                    } else {
                        return Err(parse_error(self.line, WRONG));
                    }
                }
                None => {
                    field.push_str(line);
                    field.push('\n');
                    line = self.next_line().ok_or_else(|| parse_error(self.line, WRONG))?;
                }
            }
        }
    }
}
