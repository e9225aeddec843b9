//! Where state is kept: rows, the journal of operations, and leases.

use std::sync::Arc;

use async_trait::async_trait;
use diag::Diagnostic;
use serde::{Deserialize, Serialize};
use value::Value;

use crate::{Action, Address, DeploymentId, EnvironmentName};

/// State rows and the journal of one project. Sensitive parts of values are sealed with the environment's key before they are
/// written.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// Everything that is known of an environment, as of one moment.
    async fn snapshot(&self, environment: &EnvironmentName) -> Result<Snapshot, StoreError>;

    /// Writes down that something will be done, before it is done.
    async fn begin(&self, intent: &Intent) -> Result<OperationId, StoreError>;

    /// Writes down what came of it, the resource's row and a new serial, in one transaction. `state`: what is true now; `None`: it
    /// does not exist. Answers the new serial.
    async fn finish(
        &self,
        operation: &OperationId,
        state: Option<&StateRow>,
        outcome: &str,
    ) -> Result<u64, StoreError>;

    /// Operations that were begun and never finished, oldest first.
    async fn open_operations(&self, environment: &EnvironmentName) -> Result<Vec<OpenOperation>, StoreError>;

    /// Replaces an environment's outputs.
    async fn put_outputs(
        &self,
        environment: &EnvironmentName,
        outputs: &[(String, Value)],
    ) -> Result<(), StoreError>;
}

/// Locks that end by themselves when their holder is gone.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Takes the lease, or says who holds it. A holder on this machine whose process is gone holds nothing.
    async fn acquire(
        &self,
        environment: &EnvironmentName,
        holder: &LeaseHolder,
        duration_ms: u64,
    ) -> Result<Lease, StoreError>;

    /// Makes it last longer; fails if it was lost.
    async fn renew(&self, lease: &Lease, duration_ms: u64) -> Result<(), StoreError>;

    /// Gives it back.
    async fn release(&self, lease: &Lease) -> Result<(), StoreError>;

    /// The lock of an environment; `None` where nobody holds it, or its holder is gone.
    async fn lock(&self, environment: &EnvironmentName) -> Result<Option<HeldLock>, StoreError>;
}

/// A lock that somebody holds.
#[derive(Debug, Clone)]
pub struct HeldLock {
    /// Names this holding of it: no other one has the same.
    pub token: u64,
    /// The holder.
    pub holder: LeaseHolder,
    /// When it was taken; Unix milliseconds.
    pub since_ms: u64,
}

/// Everything that is known of an environment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Grows with each finished operation.
    pub serial: u64,
    /// Tells this state from any other that may have been at its place; a UUID. Empty before anything was written.
    pub lineage: String,
    /// Ordered by address.
    pub rows: Vec<StateRow>,
    /// Outputs by name.
    pub outputs: Vec<(String, Value)>,
    /// The results of checks, in the form of version 4 of the state; `None` where there are none.
    pub checks: Option<serde_json::Value>,
}

/// What is known of one resource instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateRow {
    /// The instance.
    pub address: Address,
    /// What was last written, with what the apply told.
    pub value: Value,
    /// What it depends on, for deletions of what the configuration no longer has; addresses as in a plan's changes.
    pub depends_on: Vec<Address>,
    /// What a provider's resource has besides its value.
    pub record: Record,
}

/// What a provider's resource has besides its value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// For an object that was replaced and is still to be removed: the key that tells it from others of the same address,
    /// eight hexadecimal digits. The address alone names the current object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposed: Option<Arc<str>>,
    /// The provider's configuration that it is made with, as version 4 of the state writes it:
    /// `module.a.provider["registry.terraform.io/hashicorp/aws"].eu`. Empty for Mainstay's own kinds.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub provider: Arc<str>,
    /// The version of the provider's schema that the value was written with.
    #[serde(default)]
    pub schema_version: u64,
    /// What the provider keeps for itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub private: Vec<u8>,
    /// Whether its making failed half-way, so that it is to be replaced.
    #[serde(default)]
    pub tainted: bool,
    /// Whether it was made to be replaced by one that is made first; holds for its removal when it is no longer described.
    #[serde(default)]
    pub create_before_destroy: bool,
    /// What the provider identifies it by, and the version of that schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<(u64, serde_json::Value)>,
}

impl StateRow {
    /// A row of one of Mainstay's own kinds.
    #[must_use]
    pub fn new(address: Address, value: Value, depends_on: Vec<Address>) -> Self {
        Self { address, value, depends_on, record: Record::default() }
    }
}

/// Names an operation in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(pub String);

/// What will be done.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The environment.
    pub environment: EnvironmentName,
    /// The deployment that it is part of.
    pub deployment: DeploymentId,
    /// The resource.
    pub address: Address,
    /// What will be done.
    pub action: Action,
    /// What was before.
    pub before: Option<Value>,
    /// What is to be.
    pub after: Option<Value>,
    /// What it depends on.
    pub depends_on: Vec<Address>,
    /// What a provider's resource has besides its value, as it is to be.
    pub record: Record,
    /// Whether it takes back a change of the same deployment.
    pub taking_back: bool,
}

/// An operation that was begun and never finished.
#[derive(Debug, Clone)]
pub struct OpenOperation {
    /// Its name.
    pub id: OperationId,
    /// What was to be done.
    pub intent: Intent,
    /// When it was begun; Unix milliseconds.
    pub begun_at_ms: u64,
}

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseHolder {
    /// User and machine, `ann@laptop`.
    pub who: String,
    /// What for: `apply`.
    pub reason: String,
    /// Process id.
    pub pid: u32,
    /// The kernel's boot id and the process id namespace, to tell whether the process id is one of this machine and this boot.
    pub boot_id: String,
    /// The process's start time in clock ticks since boot, so that a reused process id is not taken for the holder.
    pub process_start: u64,
}

/// A lease that is held.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The environment.
    pub environment: EnvironmentName,
    /// Grows with each holder; a former holder's is refused.
    pub token: u64,
}

/// What a store may answer instead.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else holds the lease.
    #[error("{environment} is locked by {} (process {}) for `{}`", .holder.who, .holder.pid, .holder.reason)]
    Locked {
        /// The environment.
        environment: EnvironmentName,
        /// The holder.
        holder: LeaseHolder,
        /// When it was taken; Unix milliseconds.
        since_ms: u64,
        /// When it ends unless renewed; Unix milliseconds.
        expires_at_ms: u64,
    },
    /// The lease was lost: it ended and somebody else took it.
    #[error("the lock of {0} was lost: it had not been renewed in time")]
    LeaseLost(EnvironmentName),
    /// What is stored cannot be read: broken, of a newer program, or sealed with another key.
    #[error("{what} cannot be read: {why}")]
    Unreadable {
        /// What.
        what: String,
        /// Why, and the way out.
        why: String,
    },
    /// What was to be written must not be, or what was asked for is ambiguous.
    #[error("{what} is refused: {why}")]
    Refused {
        /// What.
        what: String,
        /// Why, and the way out.
        why: String,
    },
    /// The database failed.
    #[error("{doing} failed")]
    Failed {
        /// What was being done, to what.
        doing: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// What a person reads.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        let code = match self {
            Self::Locked { .. } => "locked",
            Self::LeaseLost(_) => "lock-lost",
            Self::Unreadable { .. } => "state-unreadable",
            Self::Refused { .. } => "state-refused",
            Self::Failed { .. } => "state-failed",
        };
        let diagnostic = Diagnostic::error(code, self.to_string());
        let Self::Failed { source, .. } = self else { return diagnostic };
        let mut causes = vec![source.to_string()];
        let mut cause = source.source();
        while let Some(next) = cause {
            causes.push(next.to_string());
            cause = next.source();
        }
        diagnostic.because(causes.join(": "))
    }
}
