//! What makes the resources of a stack: the calls of Terraform's provider protocol, in the engine's own types.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use value::{Path, Value};

pub use super::functions::{FunctionParameter, FunctionSchema};
pub use super::kinds::{Identity, IdentityAttribute, IdentitySchema, KindSchema, KindSource, Kinds};

/// A provider with one configuration. Calls may come at the same time.
#[async_trait]
pub trait ResourceProvider: Send + Sync {
    /// What it makes. The same at every call.
    async fn schema(&self) -> Result<Arc<ProviderSchema>, Vec<Remark>>;

    /// Whether a configuration is right as far as it is known, and what should be said about it. For [`Part::Provider`] the kind
    /// is empty.
    async fn validate(&self, part: Part, kind: &str, configuration: &Value) -> Vec<Remark>;

    /// What can be begun before it is configured: whoever is slow to start is started while its configuration is looked at.
    async fn prepare(&self, _configuration: &Value) {}

    /// Gives it its configuration; comes before every call below. Answers warnings.
    async fn configure(&self, configuration: &Value) -> Result<Vec<Remark>, Vec<Remark>>;

    /// A stored value in the form of the schema's present version. The value may have only the types that JSON implies.
    async fn upgrade(&self, kind: &str, version: u64, stored: &Value) -> Result<Value, Vec<Remark>>;

    /// What is there now of a managed resource; `None` if it is gone.
    async fn read(&self, kind: &str, state: &Observed) -> Result<Told<Option<Observed>>, Vec<Remark>>;

    /// What would be made of it.
    async fn plan(&self, kind: &str, request: &PlanResource<'_>) -> Result<PlannedResource, Vec<Remark>>;

    /// Makes it so.
    async fn apply(&self, kind: &str, request: &ApplyResource<'_>) -> AppliedResource;

    /// Reads a data source; the configuration is wholly known.
    async fn read_data(&self, kind: &str, configuration: &Value) -> Result<Told<Value>, Vec<Remark>>;

    /// Whether it wants to plan removals, too; then [`plan`](Self::plan) is asked with nothing proposed.
    async fn plans_removals(&self) -> bool {
        false
    }

    /// Whether it is asked over a connection, so that asking for much at once saves time.
    fn is_remote(&self) -> bool {
        false
    }

    /// Asks it to end what it is doing, as soon as that leaves nothing half-made. Calls that run answer what they came to.
    async fn stop(&self) {}

    /// What it can do besides; `None` where it cannot.
    fn powers(&self) -> Option<&dyn Powers> {
        None
    }
}

/// What only some providers can do.
#[async_trait]
pub trait Powers: Send + Sync {
    /// Looks up an object by what a person calls it. More than one answer is possible: parts of the same thing.
    async fn import(&self, kind: &str, by: ImportBy<'_>) -> Result<Vec<Imported>, Vec<Remark>>;

    /// Takes over the state of another kind of resource.
    async fn take_over(&self, kind: &str, from: &MovedState) -> Result<Observed, Vec<Remark>>;

    /// Opens something ephemeral.
    async fn open(&self, kind: &str, configuration: &Value) -> Result<Opened, Vec<Remark>>;

    /// Keeps it open; answers its new private data and when it is to be renewed next.
    async fn renew(&self, kind: &str, private: &[u8]) -> Result<Opened, Vec<Remark>>;

    /// Closes it.
    async fn close(&self, kind: &str, private: &[u8]) -> Vec<Remark>;

    /// Calls a function of the provider's own.
    async fn call(&self, function: &str, arguments: &[Value]) -> Result<Value, Remark>;
}

/// Which sort of block is validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// `provider`.
    Provider,
    /// `resource`.
    Managed,
    /// `data`.
    Data,
    /// `ephemeral`.
    Ephemeral,
}

/// What a provider makes.
#[derive(Debug, Clone, Default)]
pub struct ProviderSchema {
    /// Its own configuration.
    pub provider: KindSchema,
    /// Managed resources by kind.
    pub resources: Kinds,
    /// Data sources by kind.
    pub data: Kinds,
    /// Ephemeral resources by kind.
    pub ephemeral: Kinds,
    /// Functions by name.
    pub functions: BTreeMap<Arc<str>, FunctionSchema>,
}

/// Something that a provider says.
#[derive(Debug, Clone, PartialEq)]
pub struct Remark {
    /// Whether it is an error; otherwise a warning.
    pub is_error: bool,
    /// In a few words.
    pub summary: String,
    /// The whole of it; may be empty.
    pub detail: String,
    /// Where in the resource's configuration; empty: nowhere in particular.
    pub path: Path,
}

/// An answer with warnings.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<T> {
    /// The answer.
    pub value: T,
    /// Warnings.
    pub remarks: Vec<Remark>,
}

impl<T> From<T> for Told<T> {
    fn from(value: T) -> Self {
        Self { value, remarks: Vec::new() }
    }
}

impl Remark {
    /// An error that concerns the whole.
    #[must_use]
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { is_error: true, summary: summary.into(), detail: detail.into(), path: Path::default() }
    }

    /// The same at a place.
    #[must_use]
    pub fn at(mut self, path: Path) -> Self {
        self.path = path;
        self
    }
}

/// An object with what its provider keeps for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// By the kind's schema; without marks.
    pub value: Value,
    /// Opaque to all but the provider.
    pub private: Vec<u8>,
    /// What the provider identifies it by.
    pub identity: Option<Identity>,
}

/// Asks what would be made.
#[derive(Debug, Clone, Copy)]
pub struct PlanResource<'a> {
    /// What is there; null to make it.
    pub prior: &'a Value,
    /// The configuration; null to remove it. May hold unknowns.
    pub configuration: &'a Value,
    /// The configuration with computed values of `prior` where it says nothing; null to remove it.
    pub proposed: &'a Value,
    /// Of `prior`.
    pub private: &'a [u8],
}

/// What would be made.
#[derive(Debug, Clone)]
pub struct PlannedResource {
    /// May hold unknowns.
    pub planned: Value,
    /// Handed back at the apply.
    pub private: Vec<u8>,
    /// Places whose change needs another object.
    pub requires_replace: Vec<Path>,
    /// Whether the provider is excused from the rules of consistency (SDKs older than the protocol's types).
    pub is_legacy: bool,
    /// Warnings.
    pub remarks: Vec<Remark>,
}

/// Asks to make it so.
#[derive(Debug, Clone, Copy)]
pub struct ApplyResource<'a> {
    /// What is there; null to make it.
    pub prior: &'a Value,
    /// The configuration; null to remove it.
    pub configuration: &'a Value,
    /// What was planned; null to remove it.
    pub planned: &'a Value,
    /// What the plan answered for itself.
    pub private: &'a [u8],
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct AppliedResource {
    /// What is there now, also after an error; null if nothing.
    pub value: Value,
    /// Of `value`.
    pub private: Vec<u8>,
    /// What the provider identifies it by.
    pub identity: Option<Identity>,
    /// Whether the provider is excused from the rules of consistency.
    pub is_legacy: bool,
    /// Whether nobody knows what was done: the provider ended before it answered. `value` says nothing then.
    pub is_in_doubt: bool,
    /// Errors and warnings.
    pub remarks: Vec<Remark>,
}

/// What an object is looked up by.
#[derive(Debug, Clone, Copy)]
pub enum ImportBy<'a> {
    /// What a person calls it.
    Id(&'a str),
    /// Its identity, by the kind's identity schema.
    Identity(&'a Value),
}

/// An object that was looked up.
#[derive(Debug, Clone)]
pub struct Imported {
    /// Its kind.
    pub kind: Arc<str>,
    /// What is known of it; it is read before it is used.
    pub object: Observed,
}

/// The state of another kind of resource.
#[derive(Debug, Clone)]
pub struct MovedState {
    /// The provider that made it: `registry.terraform.io/hashicorp/null`.
    pub provider: Arc<str>,
    /// Its kind.
    pub kind: Arc<str>,
    /// The version of its schema.
    pub schema_version: u64,
    /// What was stored.
    pub object: Observed,
}

/// Something ephemeral.
#[derive(Debug, Clone)]
pub struct Opened {
    /// By the kind's schema.
    pub value: Value,
    /// Opaque to all but the provider.
    pub private: Vec<u8>,
    /// When it is to be renewed; Unix milliseconds.
    pub renew_at_ms: Option<u64>,
    /// Warnings.
    pub remarks: Vec<Remark>,
}
