//! What happens while something is planned or applied, for whoever watches.

use std::sync::Arc;

use serde::Serialize;

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
