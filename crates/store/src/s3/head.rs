//! The head of an environment: the one small object that says what all others mean, and the one that is ever written over.
//!
//! Who may write, the serial, which operations are open, where the state's snapshots and segments are: all of it is in one object,
//! so that one write under a condition changes it as a whole, and a writer that has been overtaken changes nothing. What was
//! changed last is in the head itself, so that a change costs one write; when that tail gets long it becomes a segment of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use engine::{EnvironmentName, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::lines::{Line, Packer, TypeLine, raw};
use super::names::object_name;
use crate::lease::LeaseRow;
use crate::rows::Origin;

/// The form that is described here. A program refuses what it does not know.
const FORM: u32 = 1;
/// How much of the log stands in the head itself, before compression. Compressed it is a tenth of that, and an object of that size
/// takes S3 no longer to write than an empty one.
const TAIL_BYTES: usize = 128 << 10;
/// How many writes can be recognised afterwards. Between a write whose answer was lost and the look at what became of it, others
/// hardly ever manage more than one or two.
const STAMPS_KEPT: usize = 32;
/// What the names of objects of outputs end with: no hexadecimal digit.
pub(crate) const WHOLE: &str = "w";
/// Zstandard's own default.
pub(crate) const ZSTD_LEVEL: i32 = 3;

/// What is in the object.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Head {
    form: u32,
    /// Grows with each write of this object, for ever.
    pub(crate) version: u64,
    /// How many environments of this name there were before.
    pub(crate) generation: u64,
    pub(crate) lease: LeaseRow,
    pub(crate) serial: u64,
    /// How many operations there ever were.
    pub(crate) operations: u64,
    /// `None`: there is no such environment.
    pub(crate) lineage: Option<String>,
    /// The lineage that it was made with.
    pub(crate) first_lineage: Option<String>,
    /// The object of outputs and results of checks.
    pub(crate) whole: Option<String>,
    /// Snapshots and segments, oldest first.
    pub(crate) log: Vec<Piece>,
    /// Operations that were begun and are not finished.
    pub(crate) open: BTreeMap<u64, Opened>,
    /// Terraform's own state, where this one began with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) taken_over: Option<TakenOver>,
    /// Marks of the last writes, the newest last, by which a writer recognises its own.
    stamps: Vec<String>,
    /// The end of the log, a line each, types before what has them.
    pub(crate) tail: Vec<Arc<RawValue>>,
}

/// An object of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Piece {
    /// Everything that was known then.
    Snapshot { name: String, serial: u64, lineage: Option<String>, whole: Option<String>, bytes: u64 },
    /// What happened since.
    Segment {
        name: String,
        /// The serial after it.
        serial: u64,
        bytes: u64,
    },
}

impl Piece {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Snapshot { name, .. } | Self::Segment { name, .. } => name,
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Snapshot { bytes, .. } | Self::Segment { bytes, .. } => *bytes,
        }
    }
}

/// What an operation that is open is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opened {
    pub(crate) deployment: String,
    pub(crate) address: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) deposed: String,
    pub(crate) action: String,
}

/// Terraform's own state as it was when it was taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenOver {
    /// Its serial.
    pub serial: u64,
    /// Its lineage.
    pub lineage: String,
    /// The object's ETag.
    pub tag: String,
}

impl Head {
    /// What is there before anything was written.
    pub(crate) fn nothing() -> Self {
        Self { form: FORM, ..Self::default() }
    }

    pub(crate) fn read(
        origin: &dyn Origin,
        environment: &EnvironmentName,
        bytes: &[u8],
    ) -> Result<Self, StoreError> {
        #[derive(Deserialize)]
        struct Form {
            form: u32,
        }
        let what = || format!("the head of {environment}");
        let text = zstd::decode_all(bytes).map_err(|fault| origin.unreadable(&what(), &fault))?;
        let Form { form } =
            serde_json::from_slice(&text).map_err(|fault| origin.unreadable(&what(), &fault))?;
        if form > FORM {
            return Err(StoreError::Unreadable {
                what: what(),
                why: format!(
                    "a newer program wrote it (form {form}, this one knows {FORM}): use that program or a newer one"
                ),
            });
        }
        serde_json::from_slice(&text).map_err(|fault| origin.unreadable(&what(), &fault))
    }

    /// There is such an environment from now on.
    pub(crate) fn make(&mut self, lineage: &str) {
        if self.lineage.is_none() {
            self.lineage = Some(lineage.to_owned());
            self.first_lineage.clone_from(&self.lineage);
        }
    }

    /// There is no such environment any more. Versions and tokens go on growing.
    pub(crate) fn forget(&mut self) {
        *self = Self {
            version: self.version,
            generation: self.generation + 1,
            lease: self.lease.clone(),
            stamps: std::mem::take(&mut self.stamps),
            ..Self::nothing()
        };
    }

    pub(crate) fn bytes(&self) -> Result<Bytes, StoreError> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Failed {
            doing: "writing the head of an environment".into(),
            source,
        };
        let text = serde_json::to_vec(self).map_err(|fault| failed(fault.into()))?;
        let packed = zstd::encode_all(text.as_slice(), ZSTD_LEVEL).map_err(|fault| failed(fault.into()))?;
        Ok(packed.into())
    }

    /// Whether the write that made a version was the one of this stamp; `None` where that is no longer known.
    pub(crate) fn was_written_by(&self, version: u64, stamp: &str) -> Option<bool> {
        let Some(later) = self.version.checked_sub(version) else { return Some(false) };
        let at = self.stamps.len().checked_sub(1 + usize::try_from(later).ok()?)?;
        Some(self.stamps[at] == stamp)
    }
}

/// A head as it is to be, and the objects that it is the first to refer to.
pub(crate) struct Draft {
    pub(crate) head: Head,
    pub(crate) uploads: Vec<(String, Bytes)>,
    /// Whether what it was drafted from was read just now, so that a refusal is final.
    pub(crate) fresh: bool,
    word: String,
    changed: bool,
}

impl Draft {
    /// `word`: random digits.
    pub(crate) fn of(head: &Head, fresh: bool, word: String) -> Self {
        let mut head = head.clone();
        head.version += 1;
        head.stamps.push(word.clone());
        let surplus = head.stamps.len().saturating_sub(STAMPS_KEPT);
        head.stamps.drain(..surplus);
        Self { head, uploads: Vec::new(), fresh, word, changed: false }
    }

    pub(crate) fn stamp(&self) -> &str {
        &self.word
    }

    pub(crate) fn changed(&mut self) {
        self.changed = true;
    }

    pub(crate) fn is_changed(&self) -> bool {
        self.changed
    }

    /// An object that the head will refer to; answers its name.
    pub(crate) fn upload(&mut self, bytes: Bytes) -> String {
        self.upload_as("", bytes)
    }

    /// Outputs and results of checks, which the log will refer to as well.
    pub(crate) fn upload_whole(&mut self, bytes: Bytes) -> String {
        let name = self.upload_as(WHOLE, bytes);
        self.head.whole = Some(name.clone());
        name
    }

    fn upload_as(&mut self, kind: &str, bytes: Bytes) -> String {
        let word = format!("{}{}{kind}", self.word, self.uploads.len());
        let name = object_name(self.head.version, &word);
        self.uploads.push((name.clone(), bytes));
        name
    }

    /// Adds lines to the log, with the types that they need.
    pub(crate) fn log(&mut self, types: &BTreeMap<&str, &str>, lines: &[Line<'_>]) -> Result<(), StoreError> {
        self.changed();
        for (hash, of) in types {
            let line = Line::Type(TypeLine { hash: (*hash).into(), of: raw(of)? }).raw()?;
            // Where the tail has it already, it is not said again.
            if !self.head.tail.iter().any(|there| there.get() == line.get()) {
                self.head.tail.push(line);
            }
        }
        for line in lines {
            self.head.tail.push(line.raw()?);
        }
        let bytes: usize = self.head.tail.iter().map(|line| line.get().len()).sum();
        if bytes > TAIL_BYTES { self.cut_tail() } else { Ok(()) }
    }

    /// Makes a segment of the tail.
    pub(crate) fn cut_tail(&mut self) -> Result<(), StoreError> {
        if self.head.tail.is_empty() {
            return Ok(());
        }
        let mut packer = Packer::new()?;
        for line in std::mem::take(&mut self.head.tail) {
            packer.text(line.get())?;
        }
        let packed = packer.finish()?;
        let bytes = packed.len() as u64;
        let name = self.upload(packed);
        self.head.log.push(Piece::Segment { name, serial: self.head.serial, bytes });
        self.changed();
        Ok(())
    }

    /// Puts a snapshot of what the state is now after everything that was logged.
    pub(crate) fn snapshot(&mut self, packed: Bytes) -> Result<(), StoreError> {
        self.cut_tail()?;
        let bytes = packed.len() as u64;
        let name = self.upload(packed);
        self.head.log.push(Piece::Snapshot {
            name,
            serial: self.head.serial,
            lineage: self.head.lineage.clone(),
            whole: self.head.whole.clone(),
            bytes,
        });
        self.changed();
        Ok(())
    }
}
