//! Which properties are blocks in the language's own blocks, and what the texts of their attributes are. Which attributes there
//! are is checked elsewhere, for both syntaxes alike.

use super::expression::Reading;
use Reading::{Condition, Literal, Native, Requirement, Template};

/// What may stand in one place.
pub(super) struct Level {
    /// Attributes whose texts are not what the others' are.
    attributes: &'static [(&'static str, Reading)],
    pub blocks: &'static [Nested],
    /// What the texts of all other attributes are.
    others: Reading,
}

/// A block in a place.
pub(super) struct Nested {
    pub kind: &'static str,
    /// How many labels it has.
    pub labels: usize,
    pub level: &'static Level,
}

impl Level {
    /// The block of a name.
    pub fn block(&self, name: &str) -> Option<&'static Nested> {
        self.blocks.iter().find(|b| b.kind == name)
    }

    /// What the texts of an attribute are.
    pub fn reading(&self, name: &str) -> Reading {
        self.attributes.iter().find(|(n, _)| *n == name).map_or(self.others, |(_, reading)| *reading)
    }
}

const fn block(kind: &'static str, labels: usize, level: &'static Level) -> Nested {
    Nested { kind, labels, level }
}

/// A body that somebody else describes.
const OPEN: Level = Level { attributes: &[], blocks: &[], others: Template };

/// The same, evaluated before anything has a value.
const OPEN_LITERAL: Level = Level { attributes: &[], blocks: &[], others: Literal };

/// What has to hold.
const CONDITION: Level = Level { attributes: &[], blocks: &[], others: Condition };

pub(super) static ROOT: Level = Level {
    attributes: &[],
    blocks: &[
        block("terraform", 0, &TERRAFORM),
        block("provider", 1, &PROVIDER),
        block("variable", 1, &VARIABLE),
        block("locals", 0, &OPEN),
        block("output", 1, &OUTPUT),
        block("module", 1, &MODULE),
        block("resource", 2, &RESOURCE),
        block("data", 2, &RESOURCE),
        block("ephemeral", 2, &RESOURCE),
        block("moved", 0, &MOVED),
        block("import", 0, &IMPORT),
        block("removed", 0, &REMOVED),
        block("check", 1, &CHECK),
    ],
    others: Template,
};

static TERRAFORM: Level = Level {
    attributes: &[("experiments", Native)],
    blocks: &[
        block("required_providers", 0, &REQUIRED_PROVIDERS),
        block("backend", 1, &OPEN_LITERAL),
        block("cloud", 0, &CLOUD),
        block("provider_meta", 1, &OPEN),
    ],
    others: Literal,
};

static REQUIRED_PROVIDERS: Level = Level { attributes: &[], blocks: &[], others: Requirement };

static CLOUD: Level =
    Level { attributes: &[], blocks: &[block("workspaces", 0, &OPEN_LITERAL)], others: Literal };

static PROVIDER: Level =
    Level { attributes: &[("alias", Literal), ("version", Literal)], blocks: &[], others: Template };

static VARIABLE: Level =
    Level { attributes: &[("type", Native)], blocks: &[block("validation", 0, &CONDITION)], others: Literal };

static OUTPUT: Level = Level {
    attributes: &[
        ("description", Literal),
        ("sensitive", Literal),
        ("ephemeral", Literal),
        ("depends_on", Native),
    ],
    blocks: &[block("precondition", 0, &CONDITION), block("postcondition", 0, &CONDITION)],
    others: Template,
};

static MODULE: Level = Level {
    attributes: &[("source", Literal), ("version", Literal), ("providers", Native), ("depends_on", Native)],
    blocks: &[],
    others: Template,
};

static RESOURCE: Level = Level {
    attributes: &[("provider", Native), ("depends_on", Native)],
    blocks: &[
        block("lifecycle", 0, &LIFECYCLE),
        block("connection", 0, &OPEN),
        block("provisioner", 1, &PROVISIONER),
    ],
    others: Template,
};

static LIFECYCLE: Level = Level {
    attributes: &[
        ("create_before_destroy", Literal),
        ("prevent_destroy", Literal),
        ("destroy", Literal),
        ("ignore_changes", Native),
        ("replace_triggered_by", Native),
    ],
    blocks: &[block("precondition", 0, &CONDITION), block("postcondition", 0, &CONDITION)],
    others: Template,
};

static PROVISIONER: Level = Level {
    attributes: &[("when", Native), ("on_failure", Native)],
    blocks: &[block("connection", 0, &OPEN)],
    others: Template,
};

static MOVED: Level = Level { attributes: &[], blocks: &[], others: Native };

static IMPORT: Level =
    Level { attributes: &[("to", Native), ("provider", Native)], blocks: &[], others: Template };

static REMOVED: Level = Level {
    attributes: &[("from", Native)],
    blocks: &[
        block("lifecycle", 0, &LIFECYCLE),
        block("connection", 0, &OPEN),
        block("provisioner", 1, &PROVISIONER),
    ],
    others: Template,
};

static CHECK: Level = Level {
    attributes: &[],
    blocks: &[block("data", 2, &RESOURCE), block("assert", 0, &CONDITION)],
    others: Template,
};
