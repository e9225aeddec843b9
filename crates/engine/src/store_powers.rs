//! What a store can do besides keeping the state of one environment: be edited by hand, look back, and name environments.
//!
//! Each power is a trait of its own, since planning and applying need none of them. Nothing is decided here: who may do what, and
//! which rows a command names, is the caller's.

use std::sync::Arc;

use async_trait::async_trait;
use value::Value;

use crate::{
    Address, DeploymentId, EnvironmentName, Leases, Ledger, Snapshot, StateRow, StateStore, StoreError,
};

/// Changes of the state that no provider makes: what was read anew, moved, forgotten, imported by hand.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Writes a row; the one of the same address and deposed key goes.
    Put(Box<StateRow>),
    /// Forgets a row. `deposed`: the key of a deposed object, none for the current one.
    Remove {
        /// The instance.
        address: Address,
        /// Which of its objects.
        deposed: Option<Arc<str>>,
    },
    /// Gives every object of an instance another address; what others depend on follows.
    Move {
        /// As it was.
        from: Address,
        /// As it will be.
        to: Address,
    },
    /// Replaces the outputs.
    Outputs(Vec<(String, Value)>),
    /// Replaces the results of checks, in the form of version 4 of the state.
    Checks(serde_json::Value),
    /// Replaces everything, serial and lineage too.
    Everything(Box<Snapshot>),
}

/// Edits the state as a whole.
#[async_trait]
pub trait StateEditing: Send + Sync {
    /// All edits or none, as one new version. `base_serial`: what they were made from.
    ///
    /// # Errors
    /// If the state has moved on since `base_serial`, or cannot be written.
    async fn edit(
        &self,
        environment: &EnvironmentName,
        base_serial: Option<u64>,
        edits: Vec<Edit>,
    ) -> Result<u64, StoreError>;
}

/// Earlier versions of the state.
#[async_trait]
pub trait History: Send + Sync {
    /// Newest first.
    async fn versions(&self, environment: &EnvironmentName) -> Result<Vec<StateVersion>, StoreError>;

    /// The state as it was at a serial; `None` where that is no longer known.
    async fn at(&self, environment: &EnvironmentName, serial: u64) -> Result<Option<Snapshot>, StoreError>;
}

/// One version of the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateVersion {
    /// Its serial.
    pub serial: u64,
    /// When it was written; Unix milliseconds.
    pub written_at_ms: u64,
    /// The deployment that wrote it; none for edits by hand.
    pub deployment: Option<DeploymentId>,
    /// What was written, for people: `created terraform_data.a`.
    pub summary: String,
}

/// Environments as a store knows them: Terraform's workspaces.
#[async_trait]
pub trait Workspaces: Send + Sync {
    /// All that exist, by name.
    async fn list(&self) -> Result<Vec<EnvironmentName>, StoreError>;

    /// Makes an empty one.
    ///
    /// # Errors
    /// If it exists.
    async fn create(&self, environment: &EnvironmentName) -> Result<(), StoreError>;

    /// Removes one with everything that is known of it.
    ///
    /// # Errors
    /// If it does not exist.
    async fn delete(&self, environment: &EnvironmentName) -> Result<(), StoreError>;
}

/// A store with every power.
pub trait Store: StateStore + Leases + Ledger + Workspaces + History + StateEditing {}

impl<S: StateStore + Leases + Ledger + Workspaces + History + StateEditing + ?Sized> Store for S {}
