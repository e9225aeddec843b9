//! The ledger: revisions, deployments and releases.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Address, DeploymentId, EnvironmentName, Hold, RevisionId, StoreError};
use value::Value;

/// What was made real, when, by whom, and how it ended.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Keeps a revision; one that is there already stays as it is.
    async fn put_revision(
        &self,
        environment: &EnvironmentName,
        revision: &Revision,
    ) -> Result<(), StoreError>;

    /// A revision by its name or an unambiguous beginning of it.
    async fn revision(&self, environment: &EnvironmentName, id: &str)
    -> Result<Option<Revision>, StoreError>;

    /// Writes down a deployment: first when it begins, without an outcome, and again when it ends.
    async fn put_deployment(
        &self,
        environment: &EnvironmentName,
        deployment: &Deployment,
    ) -> Result<(), StoreError>;

    /// The latest deployments, newest first.
    async fn deployments(
        &self,
        environment: &EnvironmentName,
        limit: u32,
    ) -> Result<Vec<Deployment>, StoreError>;

    /// The releases that are pinned now, by image name.
    async fn releases(&self, environment: &EnvironmentName) -> Result<BTreeMap<String, Release>, StoreError>;

    /// Replaces the releases that are pinned.
    async fn put_releases(
        &self,
        environment: &EnvironmentName,
        releases: &BTreeMap<String, Release>,
    ) -> Result<(), StoreError>;
}

/// An immutable build, pinned under its image's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Digest of the image's manifest, `sha256:…`.
    pub digest: String,
    /// The version that its maker called it by, if any.
    #[serde(default)]
    pub version: Option<String>,
    /// When it was built or first seen; Unix milliseconds.
    pub created_at_ms: u64,
}

/// What an apply made real: configuration, values and releases. Its name is the hash of these, so that equal ones are one.
#[derive(Debug, Clone)]
pub struct Revision {
    /// Its name.
    pub id: RevisionId,
    /// The configuration's files by path inside the project.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Values of variables that were given from outside the configuration (options, process environment).
    pub values: BTreeMap<String, Value>,
    /// Pinned releases by image name.
    pub releases: BTreeMap<String, Release>,
}

/// One execution of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Its name.
    pub id: DeploymentId,
    /// What was asked for.
    pub kind: DeploymentKind,
    /// What it makes real; `None` for a destruction.
    pub revision: Option<RevisionId>,
    /// Who asked, `ann@laptop`.
    pub who: String,
    /// When it began; Unix milliseconds.
    pub started_at_ms: u64,
    /// When it ended; Unix milliseconds.
    pub finished_at_ms: Option<u64>,
    /// How it ended; `None` while it goes on, or when it was interrupted.
    pub outcome: Option<DeploymentOutcome>,
    /// What came of each cell or other resource that was to change.
    pub cells: Vec<Cell>,
    /// What is held as it is since then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentKind {
    /// `apply` or `up`.
    Apply,
    /// `deploy`.
    Deploy,
    /// `rollback`.
    Rollback,
    /// `destroy` or `down`.
    Destroy,
    /// `freeze` or `pin`: nothing was moved.
    Hold,
    /// `thaw` or `unpin`: nothing was moved.
    Release,
}

/// How a deployment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentOutcome {
    /// All of it was made.
    Succeeded,
    /// It failed, and everything that had moved was taken back.
    Reverted,
    /// It failed, and something could not be taken back.
    Failed,
    /// Its run was killed; what it had left open was settled by the next.
    Interrupted,
}

/// What came of one resource of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The resource.
    pub address: Address,
    /// What came of it: `created`, `updated`, `deleted`, `reverted`, `failed`, `not started`.
    pub outcome: String,
    /// How long it took.
    pub took_ms: u64,
    /// Why it failed.
    #[serde(default)]
    pub cause: Option<String>,
    /// The release that it moved to, if it is a service: the image's digest.
    #[serde(default)]
    pub release: Option<String>,
}
