//! What happens while something is planned or applied, for whoever watches.

use std::sync::Arc;

use serde::Serialize;
use value::Value;

use crate::{Action, Address};

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A long step began that belongs to no resource: reading, building an image.
    Step {
        /// What is being done, as in `reading 12 services`.
        message: String,
    },
    /// A resource's change began.
    Started {
        /// The resource.
        address: Address,
        /// What is done.
        action: Action,
        /// Whether it is taken back.
        taking_back: bool,
    },
    /// A resource's change went on.
    Progress {
        /// The resource.
        address: Address,
        /// Where it stands, as in `2 of 3 new instances ready`.
        message: String,
    },
    /// A resource's change ended.
    Finished {
        /// The resource.
        address: Address,
        /// How.
        outcome: Outcome,
        /// How long it took.
        took_ms: u64,
        /// Why it failed.
        cause: Option<String>,
    },
    /// Something happened to an object of a stack.
    Object {
        /// The instance.
        address: Address,
        /// The key of a deposed object; none for the current one.
        #[serde(skip_serializing_if = "Option::is_none")]
        deposed: Option<Arc<str>>,
        /// What happened.
        happened: Happened,
    },
}

/// What happened to an object of a stack: what Terraform's machine-readable stream tells of it, and the text for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Happened {
    /// Reading what is there began.
    RefreshStarted {
        /// What people know it by, where something is.
        known_by: Option<KnownBy>,
    },
    /// It was read.
    RefreshFinished {
        /// What people know it by.
        known_by: Option<KnownBy>,
    },
    /// The provider was asked to act.
    ApplyStarted {
        /// What it does.
        work: Work,
        /// What people know it by, where it is there already.
        known_by: Option<KnownBy>,
    },
    /// It takes its time.
    ApplyProgress {
        /// What the provider does.
        work: Work,
        /// What people know it by, where it is there already.
        known_by: Option<KnownBy>,
        /// Since it began.
        elapsed_ms: u64,
    },
    /// It was done, and written down.
    ApplyFinished {
        /// What the provider did.
        work: Work,
        /// What people know it by now.
        known_by: Option<KnownBy>,
        /// How long it took.
        took_ms: u64,
    },
    /// It was not done, or not wholly. Why is told by the diagnostics.
    ApplyFailed {
        /// What the provider was to do.
        work: Work,
        /// How long it took.
        took_ms: u64,
    },
    /// It was not begun, since something that it comes after was not done.
    Skipped {
        /// What failed first.
        because: Vec<Address>,
    },
    /// A provisioner began.
    ProvisionStarted {
        /// Its kind: `local-exec`.
        provisioner: Arc<str>,
    },
    /// A provisioner printed something.
    ProvisionOutput {
        /// Its kind.
        provisioner: Arc<str>,
        /// What it printed: one line, or that it must not be shown.
        output: String,
    },
    /// A provisioner ended well.
    ProvisionFinished {
        /// Its kind.
        provisioner: Arc<str>,
    },
    /// A provisioner failed.
    ProvisionFailed {
        /// Its kind.
        provisioner: Arc<str>,
    },
    /// Something ephemeral is opened, renewed or closed.
    EphemeralStarted {
        /// Which of the three.
        work: Work,
    },
    /// That was done.
    EphemeralFinished {
        /// Which of the three.
        work: Work,
        /// How long it took.
        took_ms: u64,
    },
    /// That failed.
    EphemeralFailed {
        /// Which of the three.
        work: Work,
        /// How long it took.
        took_ms: u64,
    },
}

/// What a provider does to one object. A replacement is two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "their names say it")]
pub enum Work {
    Create,
    Read,
    Update,
    Delete,
    Open,
    Renew,
    Close,
}

/// What people know an object by: the attribute that names it, and its value. Never anything sensitive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownBy {
    /// `id`.
    pub key: &'static str,
    /// Its value.
    pub value: Arc<str>,
}

impl KnownBy {
    /// What an object is known by: its `id`, or else its `name`; none where these are not text, unknown or sensitive.
    #[must_use]
    pub fn of(object: &Value) -> Option<Self> {
        if object.is_sensitive() {
            return None;
        }
        let entries = object.as_entries()?;
        ["id", "name"].into_iter().find_map(|key| {
            let value = entries.get(key).filter(|value| value.marks().is_empty())?;
            Some(Self { key, value: value.as_str().filter(|text| !text.is_empty())?.into() })
        })
    }
}

/// How a resource's change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Made as planned.
    Done,
    /// Not made; what was before is in place.
    Reverted,
    /// Not made, or not wholly.
    Failed,
}

/// Where events go. Cheap to clone; never waits.
#[derive(Clone)]
pub struct Events(Arc<dyn Fn(Event) + Send + Sync>);

impl Events {
    /// Events go to this function, which must not block.
    pub fn to(sink: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    /// Nobody watches.
    #[must_use]
    pub fn ignored() -> Self {
        Self::to(|_| {})
    }

    /// Something happened.
    pub fn send(&self, event: Event) {
        (self.0)(event);
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Events")
    }
}
