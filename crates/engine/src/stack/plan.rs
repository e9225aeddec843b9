//! The plan of a stack: every change that would be made, as data. It holds values in clear; whoever writes one to a file seals it.

use std::collections::BTreeMap;
use std::sync::Arc;

use lang::address::{Address, EnvironmentName, Target};
use serde::{Deserialize, Serialize};
use value::{Path, Value};

use crate::StateRow;

/// What is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StackMode {
    /// That what is described is there, and nothing else.
    #[default]
    Normal,
    /// That nothing is there.
    Destroy,
    /// That the state says what is there, and nothing is changed.
    RefreshOnly,
}

/// Every change that would be made to a stack, immutable and complete.
#[derive(Debug, Clone)]
pub struct StackPlan {
    /// The environment (Terraform's workspace).
    pub environment: EnvironmentName,
    /// What was asked for.
    pub mode: StackMode,
    /// When it was made; Unix milliseconds. What `plantimestamp()` answers, also at the apply.
    pub created_at_ms: u64,
    /// The state's serial that it was computed from; an apply refuses any other.
    pub base_serial: u64,
    /// The state's lineage; empty where there was none.
    pub lineage: String,
    /// Root variables by name, as they were given, or their defaults; sensitive ones are marked, and those that are never kept
    /// are not in it.
    pub variables: BTreeMap<Arc<str>, Value>,
    /// Only these were looked at; empty: everything.
    pub targets: Vec<Target>,
    /// What was asked to be replaced.
    pub replaced: Vec<Address>,
    /// One for each object, also where nothing is to be done; ordered by address, the current object before deposed ones.
    pub changes: Vec<ResourceChange>,
    /// What had changed outside since the state was written, as changes from the state to what was read.
    pub drift: Vec<ResourceChange>,
    /// Outputs of the root module, ordered by name.
    pub outputs: Vec<OutputChange>,
    /// What checks, conditions and validations said, ordered by address.
    pub checks: Vec<CheckResult>,
    /// The state as it was read anew, from which the changes go; ordered by address.
    pub prior: Vec<StateRow>,
    /// Outputs as the state has them.
    pub prior_outputs: Vec<(String, Value)>,
    /// Attributes that others refer to: what drift is worth telling of.
    pub relevant: Vec<(Address, Path)>,
    /// What the stacks of a project will answer, by their names: an object of outputs each, as far as it is known.
    pub stacks: Vec<(Arc<str>, Value)>,
    /// Configuration that was written for imported objects that had none.
    pub generated: Vec<Generated>,
    /// Whether faults stopped it: then it cannot be applied, and `changes` are those that were found.
    pub is_errored: bool,
    /// Whether everything that is described was looked at.
    pub is_complete: bool,
}

/// What would be done to one object.
#[derive(Debug, Clone)]
pub struct ResourceChange {
    /// The instance.
    pub address: Address,
    /// The address that it had, where it was moved.
    pub previous: Option<Address>,
    /// The key of a deposed object.
    pub deposed: Option<Arc<str>>,
    /// The provider's configuration, as [`crate::Record::provider`].
    pub provider: Arc<str>,
    /// What would be done.
    pub action: Action,
    /// Why, where it is not that the description differs.
    pub reason: Option<Reason>,
    /// What is there; null if nothing. With marks.
    pub before: Value,
    /// What would be; null if nothing. With marks; unknown where only the apply tells.
    pub after: Value,
    /// The places whose change needs another object.
    pub replace_paths: Vec<Path>,
    /// What the provider answered for itself.
    pub private: Vec<u8>,
    /// The version of the schema of `before` and `after`.
    pub schema_version: u64,
    /// What it is imported by.
    pub importing: Option<String>,
    /// What it comes after: resources without keys, in the form of the state's `dependencies`.
    pub depends_on: Arc<[Address]>,
    /// Whether its replacement is made first.
    pub create_before_destroy: bool,
}

/// What would be done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing.
    NoOp,
    /// Make it.
    Create,
    /// Read it, as a data source at the apply.
    Read,
    /// Change it in place.
    Update,
    /// Remove it, then make another.
    DeleteThenCreate,
    /// Make another, then remove it.
    CreateThenDelete,
    /// Remove it.
    Delete,
    /// Leave it alone and forget it.
    Forget,
}

impl Action {
    /// Whether another object takes its place.
    #[must_use]
    pub fn is_replacement(self) -> bool {
        matches!(self, Self::DeleteThenCreate | Self::CreateThenDelete)
    }
}

/// Why something would be done. The names are those of Terraform's `action_reason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "their names say it")]
pub enum Reason {
    ReplaceBecauseTainted,
    ReplaceBecauseCannotUpdate,
    ReplaceByRequest,
    ReplaceByTriggers,
    DeleteBecauseNoResourceConfig,
    DeleteBecauseNoMoveTarget,
    DeleteBecauseWrongRepetition,
    DeleteBecauseCountIndex,
    DeleteBecauseEachKey,
    DeleteBecauseNoModule,
    ReadBecauseConfigUnknown,
    ReadBecauseDependencyPending,
    ReadBecauseCheckNested,
}

/// An output of the root module.
#[derive(Debug, Clone)]
pub struct OutputChange {
    /// Its name.
    pub name: Arc<str>,
    /// What it is; `None`: it is not there.
    pub before: Option<Value>,
    /// What it will be; `None`: it goes. May be unknown.
    pub after: Option<Value>,
    /// Whether it is declared to be sensitive, now or before.
    pub is_sensitive: bool,
}

/// What the conditions of one object said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// What has the conditions.
    pub kind: CheckKind,
    /// The object without instance keys: `module.a.check.health`, `terraform_data.x`, `output.y`, `var.z`.
    pub object: String,
    /// All instances together.
    pub status: CheckStatus,
    /// Each instance, with what was said where it failed.
    pub instances: Vec<CheckInstance>,
}

/// One instance of an object with conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckInstance {
    /// Its address.
    pub address: String,
    /// What its conditions said.
    pub status: CheckStatus,
    /// Why it failed.
    pub problems: Vec<String>,
}

/// What has conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "their names say it")]
pub enum CheckKind {
    Resource,
    /// The state writes it in one word.
    #[serde(alias = "output")]
    OutputValue,
    Check,
    #[serde(rename = "var")]
    InputVariable,
}

/// What conditions said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "their names say it")]
pub enum CheckStatus {
    Unknown,
    Pass,
    Fail,
    Error,
}

/// Configuration for an imported object.
#[derive(Debug, Clone)]
pub struct Generated {
    /// The object.
    pub address: Address,
    /// A `resource` block.
    pub text: String,
}

impl OutputChange {
    /// What becomes of it. An output that is null is as good as none.
    #[must_use]
    pub fn action(&self) -> Action {
        let there = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_null());
        match (there(&self.before), &self.after) {
            (false, after) if !there(after) => Action::NoOp,
            (false, _) => Action::Create,
            (true, None) => Action::Delete,
            (true, _) if self.before == self.after => Action::NoOp,
            (true, _) => Action::Update,
        }
    }
}

impl StackPlan {
    /// Whether an apply would do anything: to an object, to the state or to an output.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.changes.iter().any(|change| {
            change.action != Action::NoOp || change.previous.is_some() || change.importing.is_some()
        }) || self.outputs.iter().any(|output| output.action() != Action::NoOp)
            || (self.mode == StackMode::RefreshOnly && !self.drift.is_empty())
    }
}
