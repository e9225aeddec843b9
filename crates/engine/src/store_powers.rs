//! What a store can do besides keeping the state of one environment: name environments, look back, and be edited by hand.
//!
//! Each power is a trait of its own, since planning and applying need none of them. Nothing is decided here: who may do what, and
//! which rows a command names, is the caller's.

use async_trait::async_trait;
use value::Value;

use crate::{
    Address, DeploymentId, EnvironmentName, Leases, Ledger, Snapshot, StateRow, StateStore, StoreError,
};

/// Environments by name. Terraform's workspaces are environments of a project that has nothing but Terraform's files.
#[async_trait]
pub trait Workspaces: Send + Sync {
    /// All that were made or ever written to, sorted by name.
    async fn environments(&self) -> Result<Vec<EnvironmentName>, StoreError>;

    /// Whether there is one of that name.
    async fn environment_exists(&self, environment: &EnvironmentName) -> Result<bool, StoreError>;

    /// Makes an empty one; refused if there is one already.
    async fn create_environment(&self, environment: &EnvironmentName) -> Result<(), StoreError>;

    /// Forgets one with all that is known of it; what it describes goes on living. Refused while somebody else holds its lock,
    /// and if there is none. The caller sees to it that it is empty, or that this is wanted.
    async fn delete_environment(&self, environment: &EnvironmentName) -> Result<(), StoreError>;
}

/// Earlier versions of the state.
#[async_trait]
pub trait History: Send + Sync {
    /// The versions that can still be looked at, newest first. Changes of one deployment are one version.
    async fn history(&self, environment: &EnvironmentName) -> Result<Vec<StateVersion>, StoreError>;

    /// The state as it was when its serial was this one; any serial from `first_serial` of the oldest version on, where the store
    /// keeps every change, and otherwise one that [`History::history`] names. Refused if it is not kept.
    async fn at(&self, environment: &EnvironmentName, serial: u64) -> Result<Snapshot, StoreError>;
}

/// Changes of the state by hand: `state mv`, `rm`, `push`, `import`, `taint`.
#[async_trait]
pub trait StateEditing: Send + Sync {
    /// Makes all edits in one transaction, in their order, and answers the new serial. Refused, with nothing changed, if the
    /// serial is not `base_serial` any more, or an edit names a row that is not there (or, for a move, one that is).
    async fn edit(
        &self,
        environment: &EnvironmentName,
        base_serial: u64,
        edits: Vec<Edit>,
        by: &EditedBy,
    ) -> Result<u64, StoreError>;
}

/// A store with every power.
pub trait Store: StateStore + Leases + Ledger + Workspaces + History + StateEditing {}

impl<S: StateStore + Leases + Ledger + Workspaces + History + StateEditing + ?Sized> Store for S {}

/// One change of the state by hand.
#[derive(Debug, Clone)]
pub enum Edit {
    /// Writes a row, whether there was one or not.
    Put(Box<StateRow>),
    /// Forgets an object; what it describes goes on living.
    Remove {
        /// The instance.
        address: Address,
        /// Which of its objects: `None` for the current one.
        deposed: Option<String>,
    },
    /// Gives an instance, with its deposed objects, another address.
    Move {
        /// From here.
        from: Address,
        /// To here, where nothing may be.
        to: Address,
    },
    /// Replaces the outputs.
    Outputs(Vec<(String, Value)>),
    /// Replaces everything.
    Replace(Box<Replacement>),
}

/// A whole state that takes the place of another.
#[derive(Debug, Clone, Default)]
pub struct Replacement {
    /// Its lineage; `None` keeps the one that is there.
    pub lineage: Option<String>,
    /// The least serial that it is to have. The new serial is greater than the one before in any case.
    pub serial: u64,
    /// Its rows.
    pub rows: Vec<StateRow>,
    /// Its outputs.
    pub outputs: Vec<(String, Value)>,
}

/// Who edits the state, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedBy {
    /// User and machine, `ann@laptop`.
    pub who: String,
    /// The command, `state mv`.
    pub what: String,
}

/// A version of the state: what one deployment, one edit by hand or one setting of outputs made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateVersion {
    /// The serial of its last change.
    pub serial: u64,
    /// The serial of its first change.
    pub first_serial: u64,
    /// When it was last changed; Unix milliseconds.
    pub at_ms: u64,
    /// The deployment that made it, if it was one.
    pub deployment: Option<DeploymentId>,
    /// Who made it, as far as it was written down.
    pub who: Option<String>,
    /// What made it: `apply`, `state mv`, `outputs`.
    pub what: String,
}
