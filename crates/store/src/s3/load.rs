//! Reading what is in the log: the last snapshot, and what happened since.
//!
//! Every object of the log is written once and never changed, so that what a head refers to is of one moment. One that is not there
//! was dropped meanwhile, and a newer head refers to others.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use engine::{EnvironmentName, Snapshot, StateRow, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use value::{Encoded, Value};

use super::S3Store;
use super::bucket::Bucket;
use super::head::{Head, Piece, ZSTD_LEVEL};
use super::lines::{Line, Packer, RowLine, each_line};
use crate::journal_words::output_context;
use crate::keys::KeyRing;
use crate::order::order;
use crate::rows::{Origin as _, RowText, Rows};

const DOING: &str = "reading the state";
/// How often a newer head is looked for when an object is missing.
const ATTEMPTS: u32 = 5;

/// A state as the log has it, not decoded.
#[derive(Default)]
pub(crate) struct Loaded {
    /// The snapshot that it begins with, packed.
    base: Option<Bytes>,
    /// Rows that were written, or are gone, since.
    changes: HashMap<String, Option<RowText>>,
    /// The types of those, by hash.
    types: BTreeMap<String, String>,
    /// Operations that were begun since and are not finished: their lines.
    pub(crate) begun: BTreeMap<u64, String>,
    /// The serial that was reached.
    pub(crate) serial: u64,
    pub(crate) lineage: Option<String>,
    pub(crate) whole: Option<String>,
}

/// Outputs and results of checks, as their object has them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Whole {
    #[serde(default)]
    pub(crate) outputs: BTreeMap<String, Encoded>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checks: Option<Json>,
}

/// Why nothing was loaded.
enum Fault {
    /// An object is missing.
    Gone(String),
    Store(StoreError),
}

impl From<StoreError> for Fault {
    fn from(fault: StoreError) -> Self {
        Self::Store(fault)
    }
}

impl S3Store {
    /// Everything that is known now, or was at a serial; `None`: that is no longer known, or never was.
    pub(super) async fn load(
        &self,
        environment: &EnvironmentName,
        until: Option<u64>,
    ) -> Result<(Head, Option<(Loaded, Whole)>), StoreError> {
        let mut missing = String::new();
        for _ in 0..ATTEMPTS {
            let head = self.heads.read(environment).await?;
            match self.try_load(environment, &head, until).await {
                Ok(loaded) => return Ok((head, loaded)),
                Err(Fault::Store(fault)) => return Err(fault),
                Err(Fault::Gone(name)) if name == missing => break,
                Err(Fault::Gone(name)) => missing = name,
            }
        }
        Err(self.bucket.unreadable(&format!("the state of {environment}"), &format!("{missing} is missing")))
    }

    /// What a head refers to. A missing object is a fault here: whoever asks has the head locked, or reads it again.
    pub(super) async fn load_of(
        &self,
        environment: &EnvironmentName,
        head: &Head,
    ) -> Result<(Loaded, Whole), StoreError> {
        match self.try_load(environment, head, None).await {
            Ok(loaded) => Ok(loaded.unwrap_or_default()),
            Err(Fault::Store(fault)) => Err(fault),
            Err(Fault::Gone(name)) => Err(self
                .bucket
                .unreadable(&format!("the state of {environment}"), &format!("{name} is missing"))),
        }
    }

    async fn try_load(
        &self,
        environment: &EnvironmentName,
        head: &Head,
        until: Option<u64>,
    ) -> Result<Option<(Loaded, Whole)>, Fault> {
        if until.is_some_and(|until| until > head.serial) {
            return Ok(None);
        }
        let is_in_time = |serial: u64| until.is_none_or(|until| serial <= until);
        let base = head
            .log
            .iter()
            .rposition(|piece| matches!(piece, Piece::Snapshot { serial, .. } if is_in_time(*serial)));
        if base.is_none() && matches!(head.log.first(), Some(Piece::Snapshot { .. })) {
            return Ok(None);
        }
        let mut loaded = Loaded { lineage: head.first_lineage.clone(), ..Loaded::default() };
        let mut names = Vec::new();
        if let Some(at) = base
            && let Piece::Snapshot { name, serial, lineage, whole, .. } = &head.log[at]
        {
            names.push(name.as_str());
            loaded.serial = *serial;
            loaded.lineage.clone_from(lineage);
            loaded.whole.clone_from(whole);
        }
        // A later snapshot says nothing that the segments do not say, but for what replaced everything; that is after `until`.
        let mut reached = loaded.serial;
        for piece in &head.log[base.map_or(0, |at| at + 1)..] {
            if until.is_some_and(|until| reached >= until) {
                break;
            }
            if let Piece::Segment { name, serial, .. } = piece {
                names.push(name);
                reached = *serial;
            }
        }
        let mut objects = self.objects(environment, &names).await?.into_iter();
        if base.is_some() {
            loaded.base = objects.next();
        }
        for (bytes, name) in objects.zip(names.iter().skip(usize::from(base.is_some()))) {
            each_line(self.bucket.as_ref(), name, &bytes, |text, line| Ok(loaded.replay(text, line, until)))?;
        }
        for line in &head.tail {
            let parsed = serde_json::from_str(line.get())
                .map_err(|fault| self.bucket.unreadable(&format!("the head of {environment}"), &fault))?;
            if !loaded.replay(line.get(), parsed, until) {
                break;
            }
        }
        if until.is_some_and(|until| until != loaded.serial) {
            return Ok(None);
        }
        let whole = match &loaded.whole {
            None => Whole::default(),
            Some(name) => {
                let bytes = self.objects(environment, &[name.as_str()]).await?.swap_remove(0);
                Whole::read(&self.bucket, name, &bytes)?
            }
        };
        Ok(Some((loaded, whole)))
    }

    /// Outputs and results of checks; `None` where they were replaced and dropped while they were looked for.
    pub(super) async fn whole(
        &self,
        environment: &EnvironmentName,
        head: &Head,
    ) -> Result<Option<Whole>, StoreError> {
        let Some(name) = &head.whole else { return Ok(Some(Whole::default())) };
        let found = self.bucket.read(DOING, &self.bucket.object(environment, name)).await?;
        found.map(|found| Whole::read(&self.bucket, name, &found.bytes)).transpose()
    }

    async fn objects(&self, environment: &EnvironmentName, names: &[&str]) -> Result<Vec<Bytes>, Fault> {
        let paths = names.iter().map(|name| self.bucket.object(environment, name)).collect();
        let found = self.bucket.read_all(DOING, paths).await?;
        found
            .into_iter()
            .zip(names)
            .map(|(bytes, name)| bytes.ok_or_else(|| Fault::Gone((*name).into())))
            .collect()
    }

    /// The state decoded.
    pub(super) fn decoded(
        &self,
        environment: &EnvironmentName,
        loaded: &Loaded,
        whole: &Whole,
    ) -> Result<Snapshot, StoreError> {
        let mut rows = loaded.rows(&self.bucket, &self.keys, environment)?;
        order(&mut rows);
        Ok(Snapshot {
            serial: loaded.serial,
            lineage: loaded.lineage.clone().unwrap_or_default(),
            rows,
            outputs: whole.outputs(&self.keys, environment)?,
            checks: whole.checks.clone(),
        })
    }
}

/// What a row is found by.
pub(crate) fn row_key(at: &str, deposed: &str) -> String {
    format!("{at}\0{deposed}")
}

impl Loaded {
    /// What a line says; `false`: it is later than what is asked for, and so is all that follows.
    fn replay(&mut self, text: &str, line: Line<'_>, until: Option<u64>) -> bool {
        let is_late = |serial: u64| until.is_some_and(|until| serial > until);
        match line {
            Line::Type(ty) => {
                self.types.entry(ty.hash.into_owned()).or_insert_with(|| ty.of.get().to_owned());
            }
            Line::Row(row) => self.change(&row),
            Line::Begun(begun) => {
                self.begun.insert(begun.number, text.to_owned());
            }
            Line::Finished(finished) if is_late(finished.serial) => return false,
            Line::Finished(finished) => {
                self.begun.remove(&finished.number);
                self.serial = finished.serial;
                finished.rows.iter().for_each(|row| self.change(row));
            }
            Line::Edited(edited) if is_late(edited.serial) => return false,
            Line::Edited(edited) => {
                self.serial = edited.serial;
                if let Some(whole) = edited.whole {
                    self.whole = Some(whole.into_owned());
                }
                edited.rows.iter().for_each(|row| self.change(row));
            }
        }
        true
    }

    fn change(&mut self, row: &RowLine<'_>) {
        self.changes.insert(row_key(&row.at, &row.deposed), row.to_text());
    }

    /// Goes over the rows of the snapshot that have not changed, with the text of each line. Types come before the rows that have
    /// them.
    fn each_unchanged(
        &self,
        bucket: &Bucket,
        mut each: impl FnMut(&str, Line<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Some(base) = &self.base else { return Ok(()) };
        each_line(bucket, "a snapshot", base, |text, line| {
            let changed = match &line {
                Line::Row(row) => {
                    !self.changes.is_empty() && self.changes.contains_key(&row_key(&row.at, &row.deposed))
                }
                _ => false,
            };
            if !changed {
                each(text, line)?;
            }
            Ok(true)
        })
    }

    fn rows(
        &self,
        bucket: &Bucket,
        keys: &KeyRing,
        environment: &EnvironmentName,
    ) -> Result<Vec<StateRow>, StoreError> {
        let mut reader = Rows::new(bucket, keys, environment);
        let mut rows = Vec::new();
        self.each_unchanged(bucket, |_, line| {
            match line {
                Line::Type(ty) => reader.add_type(&ty.hash, ty.of.get())?,
                Line::Row(row) => rows.push(reader.parts(
                    &row.at,
                    &row.deposed,
                    row.value(),
                    row.notes.map(serde_json::value::RawValue::get),
                    row.ty.as_deref().unwrap_or_default(),
                    row.on.map(serde_json::value::RawValue::get),
                    row.record.map(serde_json::value::RawValue::get),
                )?),
                _ => {}
            }
            Ok(())
        })?;
        for (hash, of) in &self.types {
            reader.add_type(hash, of)?;
        }
        for row in self.changes.values().flatten() {
            rows.push(reader.decode(row)?);
        }
        Ok(rows)
    }

    /// All rows as they are stored, each with its type.
    pub(crate) fn texts(&self, bucket: &Bucket) -> Result<BTreeMap<(String, String), RowText>, StoreError> {
        let mut types = self.types.clone();
        let mut texts: Vec<RowText> = Vec::new();
        self.each_unchanged(bucket, |_, line| {
            match line {
                Line::Type(ty) => {
                    types.entry(ty.hash.into_owned()).or_insert_with(|| ty.of.get().to_owned());
                }
                Line::Row(row) => texts.extend(row.to_text()),
                _ => {}
            }
            Ok(())
        })?;
        texts.extend(self.changes.values().flatten().cloned());
        let typed = |row: RowText| {
            let ty = types.get(&row.type_hash).cloned();
            ((row.address.clone(), row.deposed.clone()), RowText { ty, ..row })
        };
        Ok(texts.into_iter().map(typed).collect())
    }

    /// A snapshot of it, packed. `open`: the lines of operations that are not finished.
    pub(crate) fn packed(&self, bucket: &Bucket, open: &[&str]) -> Result<Bytes, StoreError> {
        let mut packer = Packer::new()?;
        // First of all, so that who looks for them needs not read the rows.
        for line in open {
            packer.text(line)?;
        }
        let mut types = self.types.clone();
        let untyped = |at: &str| bucket.unreadable(&format!("the row of {at}"), &"its type is missing");
        self.each_unchanged(bucket, |text, line| {
            match line {
                Line::Type(ty) => {
                    types.entry(ty.hash.into_owned()).or_insert_with(|| ty.of.get().to_owned());
                }
                Line::Row(row) => {
                    let hash = row.ty.as_deref().unwrap_or_default();
                    packer.ty(hash, types.get(hash).ok_or_else(|| untyped(&row.at))?)?;
                    packer.text(text)?;
                }
                _ => {}
            }
            Ok(())
        })?;
        for row in self.changes.values().flatten() {
            packer.ty(&row.type_hash, types.get(&row.type_hash).ok_or_else(|| untyped(&row.address))?)?;
            packer.text(Line::Row(RowLine::new(row)?).raw()?.get())?;
        }
        packer.finish()
    }

    /// The lines of operations that were begun before the snapshot, too.
    pub(crate) fn begun_before(&self, bucket: &Bucket) -> Result<BTreeMap<u64, String>, StoreError> {
        let mut begun = BTreeMap::new();
        if let Some(base) = &self.base {
            each_line(bucket, "a snapshot", base, |text, line| {
                let Line::Begun(line) = line else { return Ok(false) };
                begun.insert(line.number, text.to_owned());
                Ok(true)
            })?;
        }
        begun.extend(self.begun.iter().map(|(number, text)| (*number, text.clone())));
        Ok(begun)
    }
}

impl Whole {
    fn read(bucket: &Bucket, name: &str, packed: &[u8]) -> Result<Self, StoreError> {
        let text = zstd::decode_all(packed).map_err(|fault| bucket.unreadable(name, &fault))?;
        serde_json::from_slice(&text).map_err(|fault| bucket.unreadable(name, &fault))
    }

    pub(crate) fn bytes(&self) -> Result<Bytes, StoreError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Failed {
            doing: "packing the outputs".into(),
            source,
        };
        let text = serde_json::to_vec(self).map_err(|fault| failed(fault.into()))?;
        let packed = zstd::encode_all(text.as_slice(), ZSTD_LEVEL).map_err(|fault| failed(fault.into()))?;
        Ok(packed.into())
    }

    /// Outputs in clear, ordered by name.
    pub(crate) fn outputs(
        &self,
        keys: &KeyRing,
        environment: &EnvironmentName,
    ) -> Result<Vec<(String, Value)>, StoreError> {
        self.outputs
            .iter()
            .map(|(name, encoded)| {
                let value = keys.unseal(environment, &output_context(name), encoded.clone())?;
                Ok((name.clone(), value))
            })
            .collect()
    }
}
