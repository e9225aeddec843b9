//! A plan: every change that would be made, as data.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use value::{Encoded, Path, Value};

use crate::{Address, EnvironmentName, ProjectName, Settlement};

/// Every change that would be made, immutable and complete: what an apply does was decided here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// Version of this format.
    pub format: u32,
    /// The project.
    pub project: ProjectName,
    /// The environment.
    pub environment: EnvironmentName,
    /// When it was made; Unix milliseconds.
    pub created_at_ms: u64,
    /// The state's serial that it was computed from; an apply refuses any other.
    pub base_serial: u64,
    /// Hash of the configuration that it was computed from.
    pub configuration: String,
    /// Images by name, with the digests that they are pinned to.
    pub releases: BTreeMap<String, String>,
    /// One for each resource instance, also where nothing is to be done; dependencies before dependents.
    pub changes: Vec<Change>,
    /// Outputs that will be.
    pub outputs: Vec<OutputChange>,
    /// What an earlier, interrupted apply had left open and how it was settled before this plan was made.
    pub settled: Vec<Settlement>,
}

/// What would be done to one resource instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Change {
    /// The instance.
    pub address: Address,
    /// What would be done.
    pub action: Action,
    /// What it is now.
    pub before: Option<Sealed>,
    /// What it would be.
    pub after: Option<Sealed>,
    /// What differs, for people.
    pub differences: Vec<Difference>,
    /// Why, where the differences do not say it.
    pub reason: Option<String>,
    /// What comes before it (after it, when it is deleted). An address without a key or cluster stands for all instances that
    /// are within it.
    pub depends_on: Vec<Address>,
}

/// A value in a plan. In memory it is in clear; whoever writes a plan to a file seals its sensitive parts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Encoded", into = "Encoded")]
pub struct Sealed(pub Value);

impl TryFrom<Encoded> for Sealed {
    type Error = value::DecodeError;

    fn try_from(encoded: Encoded) -> Result<Self, Self::Error> {
        value::decode(&encoded).map(Self)
    }
}

impl From<Sealed> for Encoded {
    fn from(sealed: Sealed) -> Self {
        value::encode(&sealed.0)
    }
}

/// What would be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing.
    None,
    /// Made.
    Create,
    /// Changed in place.
    Update,
    /// Removed.
    Delete,
}

/// One thing that differs. Sensitive values are redacted already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Where in the resource.
    pub path: String,
    /// Whose it is.
    pub kind: DifferenceKind,
    /// What it is now, as people read it; `None`: absent.
    pub before: Option<String>,
    /// What it would be; `None`: absent.
    pub after: Option<String>,
}

/// Whose difference it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// The description against what was last written.
    Ours,
    /// What is live against what was last written, in something we own.
    Drift,
    /// Something of our object that somebody else set.
    Foreign,
}

/// An output that will be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutputChange {
    /// Its name.
    pub name: String,
    /// What it is now.
    pub before: Option<Sealed>,
    /// What it will be; may be unknown.
    pub after: Option<Sealed>,
}

impl Plan {
    /// The version of the format that this program writes.
    pub const FORMAT: u32 = 1;

    /// Whether anything would change.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.changes.iter().any(|c| c.action != Action::None)
    }

    /// How many changes of a kind there are.
    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        self.changes.iter().filter(|c| c.action == action).count()
    }
}

impl Difference {
    /// A difference at a place of two values, for people.
    #[must_use]
    pub fn new(path: &Path, kind: DifferenceKind, before: Option<&Value>, after: Option<&Value>) -> Self {
        let path = path.to_string();
        Self {
            path: path.strip_prefix('.').unwrap_or(&path).to_owned(),
            kind,
            before: before.map(ToString::to_string),
            after: after.map(ToString::to_string),
        }
    }
}
