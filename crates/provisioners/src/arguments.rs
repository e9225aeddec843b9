//! Reading a provisioner's arguments from the object that its block became.
//!
//! Faults are collected and named by argument; values are never part of a message, for they may be secret.

use lang::schema::Block;
use value::{Number, Value, convert};

use crate::fault::Fault;

/// Arguments under way, and what was wrong with them.
pub(crate) struct Arguments<'a> {
    object: &'a Value,
    schema: &'a Block,
    /// Goes before each argument's name in messages.
    of: &'static str,
    faults: Vec<String>,
}

impl<'a> Arguments<'a> {
    /// Of an object by a schema. What it lacks counts as null.
    pub(crate) fn new(object: &'a Value, schema: &'a Block, of: &'static str) -> Self {
        Self { object, schema, of, faults: Vec::new() }
    }

    /// One more fault of an argument.
    pub(crate) fn fault(&mut self, name: &str, why: &str) {
        self.faults.push(format!("`{}{name}`: {why}", self.of));
    }

    /// The argument as the schema has it; `None` for null.
    fn get(&mut self, name: &str) -> Option<Value> {
        let attribute = self.schema.attribute(name)?;
        let given = self.object.get(name).filter(|v| !v.is_null())?;
        match convert(&given, &attribute.ty) {
            Ok(value) if value.is_wholly_known() => Some(value),
            Ok(_) => {
                self.fault(name, "is not known yet");
                None
            }
            Err(error) => {
                self.fault(name, &error.to_string());
                None
            }
        }
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.get(name)?.as_str().map(str::to_owned)
    }

    /// A text that means "not given" where it is empty.
    pub(crate) fn filled(&mut self, name: &str) -> Option<String> {
        self.text(name).filter(|text| !text.is_empty())
    }

    /// A text that has to be there, and not be empty.
    pub(crate) fn required(&mut self, name: &str) -> String {
        let before = self.faults.len();
        let text = self.filled(name);
        if text.is_none() && self.faults.len() == before {
            self.fault(name, "must be a non-empty string");
        }
        text.unwrap_or_default()
    }

    /// A flag.
    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// A port; zero is "not given".
    pub(crate) fn port(&mut self, name: &str) -> Option<u16> {
        let value = self.get(name)?;
        let port = value.as_number().and_then(Number::to_i64).and_then(|n| u16::try_from(n).ok());
        if port.is_none() {
            self.fault(name, "must be a whole number, between 0 and 65535 inclusive");
        }
        port.filter(|p| *p != 0)
    }

    /// A list of texts, none of which may be null.
    pub(crate) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let value = self.get(name)?;
        let texts: Option<Vec<_>> = value.as_slice()?.iter().map(|v| v.as_str().map(str::to_owned)).collect();
        if texts.is_none() {
            self.fault(name, "holds a null");
        }
        texts
    }

    /// Texts by name; entries that are null are left out.
    pub(crate) fn named_texts(&mut self, name: &str) -> Vec<(String, String)> {
        let Some(value) = self.get(name) else { return Vec::new() };
        let entries = value.as_entries().into_iter().flatten();
        entries.filter_map(|(key, v)| Some((key.to_string(), v.as_str()?.to_owned()))).collect()
    }

    /// Nothing, or every fault that was found.
    pub(crate) fn finish(self) -> Result<(), Fault> {
        if self.faults.is_empty() {
            return Ok(());
        }
        Err(Fault::new("invalid-provisioner-argument", self.faults.join("\n")))
    }
}
