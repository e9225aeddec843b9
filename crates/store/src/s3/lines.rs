//! The lines that segments and snapshots consist of: JSON, one object a line, the whole compressed.
//!
//! What several lines packed apart have in common is that they may be put one after the other: a segment of two segments is their
//! bytes in their order. It reads and writes no object.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use engine::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zstd::stream::read::Decoder;
use zstd::stream::write::Encoder;

use super::head::ZSTD_LEVEL;
use crate::intents::IntentText;
use crate::rows::{Origin, RowText};

/// What is decompressed at once: Zstandard's own blocks have this size.
const BUFFER_BYTES: usize = 128 << 10;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line<'a> {
    /// A type of values, before the first row that has it.
    #[serde(borrow)]
    Type(TypeLine<'a>),
    /// A row; of a snapshot.
    #[serde(borrow)]
    Row(RowLine<'a>),
    /// An operation was begun.
    #[serde(borrow)]
    Begun(BegunLine<'a>),
    /// An operation was finished.
    #[serde(borrow)]
    Finished(FinishedLine<'a>),
    /// The state was edited by hand.
    #[serde(borrow)]
    Edited(EditedLine<'a>),
}

#[derive(Serialize, Deserialize)]
pub(crate) struct TypeLine<'a> {
    #[serde(borrow)]
    pub(crate) hash: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) of: &'a RawValue,
}

/// A row as it is now, or that there is none: then it has no type.
#[derive(Serialize, Deserialize)]
pub(crate) struct RowLine<'a> {
    #[serde(borrow)]
    pub(crate) at: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    pub(crate) deposed: Cow<'a, str>,
    #[serde(borrow, rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub(crate) ty: Option<Cow<'a, str>>,
    /// `None` for one that is null, too.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) notes: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) on: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<&'a RawValue>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct BegunLine<'a> {
    pub(crate) number: u64,
    #[serde(borrow)]
    pub(crate) deployment: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) at: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    pub(crate) deposed: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) action: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) on: Option<&'a RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<&'a RawValue>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) taking_back: bool,
    pub(crate) at_ms: u64,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct FinishedLine<'a> {
    pub(crate) number: u64,
    pub(crate) serial: u64,
    pub(crate) at_ms: u64,
    #[serde(borrow)]
    pub(crate) outcome: Cow<'a, str>,
    /// What it was about, from its intent.
    #[serde(borrow)]
    pub(crate) deployment: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) at: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    pub(crate) deposed: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) action: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) rows: Vec<RowLine<'a>>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct EditedLine<'a> {
    pub(crate) number: u64,
    pub(crate) serial: u64,
    pub(crate) at_ms: u64,
    #[serde(borrow)]
    pub(crate) action: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) summary: Cow<'a, str>,
    /// The object of outputs and results of checks, where those have changed.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) whole: Option<Cow<'a, str>>,
    /// The rows that have changed; none where a snapshot follows that has all of them.
    #[serde(borrow)]
    pub(crate) rows: Vec<RowLine<'a>>,
}

impl Line<'_> {
    /// The line as text.
    pub(crate) fn raw(&self) -> Result<Arc<RawValue>, StoreError> {
        serde_json::value::to_raw_value(self).map(Arc::from).map_err(|fault| failed(fault.into()))
    }
}

impl<'a> RowLine<'a> {
    pub(crate) fn new(row: &'a RowText) -> Result<Self, StoreError> {
        Ok(Self {
            at: row.address.as_str().into(),
            deposed: row.deposed.as_str().into(),
            ty: Some(row.type_hash.as_str().into()),
            value: Some(raw(&row.value)?),
            notes: row.notes.as_deref().map(raw).transpose()?,
            on: row.depends_on.as_deref().map(raw).transpose()?,
            record: row.record.as_deref().map(raw).transpose()?,
        })
    }

    /// There is none any more.
    pub(crate) fn gone(at: &'a str, deposed: &'a str) -> Self {
        let (at, deposed) = (at.into(), deposed.into());
        Self { at, deposed, ty: None, value: None, notes: None, on: None, record: None }
    }

    /// The text of the value.
    pub(crate) fn value(&self) -> &'a str {
        self.value.map_or("null", RawValue::get)
    }

    /// The row by itself; `None`: there is none any more.
    pub(crate) fn to_text(&self) -> Option<RowText> {
        let own = |part: Option<&RawValue>| part.map(|part| part.get().to_owned());
        Some(RowText {
            address: self.at.as_ref().to_owned(),
            deposed: self.deposed.as_ref().to_owned(),
            value: self.value().to_owned(),
            notes: own(self.notes),
            type_hash: self.ty.as_deref()?.to_owned(),
            ty: None,
            depends_on: own(self.on),
            record: own(self.record),
        })
    }
}

impl<'a> BegunLine<'a> {
    pub(crate) fn new(number: u64, intent: &'a IntentText) -> Result<Self, StoreError> {
        Ok(Self {
            number,
            deployment: intent.deployment.as_str().into(),
            at: intent.address.as_str().into(),
            deposed: intent.deposed.as_str().into(),
            action: intent.action.as_str().into(),
            before: intent.before.as_deref().map(raw).transpose()?,
            after: intent.after.as_deref().map(raw).transpose()?,
            on: intent.depends_on.as_deref().map(raw).transpose()?,
            record: intent.record.as_deref().map(raw).transpose()?,
            taking_back: intent.taking_back,
            at_ms: intent.at_ms,
        })
    }

    pub(crate) fn to_intent(&self) -> IntentText {
        let own = |part: Option<&RawValue>| part.map(|part| part.get().to_owned());
        IntentText {
            deployment: self.deployment.as_ref().to_owned(),
            address: self.at.as_ref().to_owned(),
            deposed: self.deposed.as_ref().to_owned(),
            action: self.action.as_ref().to_owned(),
            before: own(self.before),
            after: own(self.after),
            depends_on: own(self.on),
            record: own(self.record),
            taking_back: self.taking_back,
            at_ms: self.at_ms,
        }
    }
}

/// JSON text as a part of a line.
pub(crate) fn raw(text: &str) -> Result<&RawValue, StoreError> {
    serde_json::from_str(text).map_err(|fault| failed(fault.into()))
}

fn failed(source: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError::Failed { doing: "packing the state".into(), source }
}

/// Packs lines into an object.
pub(crate) struct Packer {
    encoder: Encoder<'static, Vec<u8>>,
    /// The types that are there already.
    types: HashSet<String>,
}

impl Packer {
    pub(crate) fn new() -> Result<Self, StoreError> {
        let encoder = Encoder::new(Vec::new(), ZSTD_LEVEL).map_err(|fault| failed(fault.into()))?;
        Ok(Self { encoder, types: HashSet::new() })
    }

    /// Adds a line that is text already.
    pub(crate) fn text(&mut self, line: &str) -> Result<(), StoreError> {
        let written = self.encoder.write_all(line.as_bytes()).and_then(|()| self.encoder.write_all(b"\n"));
        written.map_err(|fault| failed(fault.into()))
    }

    /// Adds a type, if it is not there yet.
    pub(crate) fn ty(&mut self, hash: &str, of: &str) -> Result<(), StoreError> {
        if !self.types.insert(hash.to_owned()) {
            return Ok(());
        }
        let line = Line::Type(TypeLine { hash: hash.into(), of: raw(of)? });
        self.text(line.raw()?.get())
    }

    pub(crate) fn finish(self) -> Result<Bytes, StoreError> {
        self.encoder.finish().map(Bytes::from).map_err(|fault| failed(fault.into()))
    }
}

/// Goes over the lines of an object, in their order, as long as `each` answers that it wants more. `name` is what the object is
/// called in messages.
pub(crate) fn each_line(
    origin: &dyn Origin,
    name: &str,
    packed: &[u8],
    mut each: impl FnMut(&str, Line<'_>) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let decoder = Decoder::new(packed).map_err(|fault| origin.unreadable(name, &fault))?;
    let mut lines = BufReader::with_capacity(BUFFER_BYTES, decoder);
    let mut text = String::new();
    loop {
        text.clear();
        if lines.read_line(&mut text).map_err(|fault| origin.unreadable(name, &fault))? == 0 {
            return Ok(());
        }
        let text = text.trim_end();
        let line = serde_json::from_str(text).map_err(|fault| origin.unreadable(name, &fault))?;
        if !each(text, line)? {
            return Ok(());
        }
    }
}
