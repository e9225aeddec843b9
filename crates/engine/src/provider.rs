//! What makes resources.

use std::sync::Arc;

use async_trait::async_trait;
use diag::{Diagnostic, Diagnostics};
use value::Value;

use crate::{Action, Address, Change, DeploymentId, Difference, Events, ResourceKind};

/// What makes one or several kinds of resource.
///
/// Every call may be repeated after a kill: a provider that cannot tell whether it already acted says so in its answer to `read`.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The kinds that it makes.
    fn kinds(&self) -> Vec<ResourceKind>;

    /// What is live, for each request in its place: `None` where there is nothing. All requests come in one call, so that a
    /// provider can ask each of its clusters once.
    ///
    /// # Errors
    /// If something could not be asked, one fault for each, with the address as its subject.
    async fn read(&self, requests: &[ReadRequest]) -> Result<Vec<Option<Value>>, Diagnostics>;

    /// What would be made of a description. Changes nothing, and asks nothing that `read` did not.
    ///
    /// # Errors
    /// If the description cannot be made real, whatever the world is like.
    async fn plan(&self, request: &ChangeRequest) -> Result<PlannedChange, Diagnostics>;

    /// What is wrong with a plan as a whole, though each change by itself could be made. Changes nothing, and asks nothing that `read`
    /// did not.
    async fn review(&self, _changes: &[Change]) -> Diagnostics {
        Diagnostics::default()
    }

    /// Makes a planned change real, and answers what then is: the state to keep, or `None` after a deletion.
    ///
    /// # Errors
    /// If it was not or not wholly made, with what is true now.
    async fn apply(&self, request: &ApplyRequest, events: &Events) -> Result<Option<Value>, ApplyFailure>;
}

/// Asks for what is live of one resource.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// The resource.
    pub address: Address,
    /// What it was when it was last written or read.
    pub prior: Option<Value>,
}

/// Asks what would be made of a description.
#[derive(Debug, Clone)]
pub struct ChangeRequest {
    /// The resource.
    pub address: Address,
    /// What was last written; `None` if it does not exist for us.
    pub written: Option<Value>,
    /// What is live; `None` if there is nothing.
    pub live: Option<Value>,
    /// What is described; `None` if it is to go. May hold unknowns.
    pub described: Option<Value>,
}

/// What would be made.
#[derive(Debug, Clone)]
pub struct PlannedChange {
    /// What would be done.
    pub action: Action,
    /// What the resource would be; `None` when deleted. Holds unknowns where only the apply tells.
    pub planned: Option<Value>,
    /// What differs, for people: our changes, drift, foreign fields.
    pub differences: Vec<Difference>,
    /// Why it is done, where the differences do not say it: `needs replacement: …`.
    pub reason: Option<String>,
}

/// Asks to make a planned change real.
#[derive(Debug, Clone)]
pub struct ApplyRequest {
    /// The resource.
    pub address: Address,
    /// The deployment that it is part of; the same when it is taken back.
    pub deployment: DeploymentId,
    /// What will be done.
    pub action: Action,
    /// What was before.
    pub before: Option<Value>,
    /// What is to be; wholly known but for what only the apply tells. `None` to delete.
    pub after: Option<Value>,
    /// Whether this takes back a change of the same deployment that had been made: speed counts more than caution then.
    pub taking_back: bool,
}

/// A change that was not, or not wholly, made.
#[derive(Debug, Clone)]
pub struct ApplyFailure {
    /// Why, with the cause as the last health check, exit code or log tells it.
    pub diagnostic: Box<Diagnostic>,
    /// What is true now, for the state: what was before if it was taken back.
    pub state: Option<Value>,
    /// Whether what was before is in place again.
    pub reverted: bool,
}

/// Providers by the kinds that they make.
pub type Providers = Vec<Arc<dyn Provider>>;
