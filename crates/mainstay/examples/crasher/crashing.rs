//! The store that kills: it counts the moments around its writes, and otherwise does what the store below it does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use engine::{
    Deployment, Edit, EnvironmentName, HeldLock, History, Intent, Lease, LeaseHolder, Leases, Ledger,
    OpenOperation, OperationId, Release, Revision, Snapshot, StateEditing, StateRow, StateStore,
    StateVersion, Store, StoreError, Workspaces,
};
use value::Value;

pub struct Crashing {
    below: Arc<dyn Store>,
    /// The moment at which the process ends; 0: never.
    at: u64,
    moments: AtomicU64,
}

impl Crashing {
    pub fn new(below: Arc<dyn Store>, at: u64) -> Self {
        Self { below, at, moments: AtomicU64::new(0) }
    }

    fn moment(&self) {
        let moment = self.moments.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(file) = std::env::var_os("CRASH_COUNT") {
            // For tests, which notice if there is no number.
            let _ = std::fs::write(file, moment.to_string());
        }
        if moment == self.at {
            // SIGKILL lets nothing be put in order, as a lost machine would not.
            let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
        }
    }

    async fn around<T>(&self, write: impl Future<Output = T>) -> T {
        self.moment();
        let written = write.await;
        self.moment();
        written
    }
}

#[async_trait]
impl StateStore for Crashing {
    async fn snapshot(&self, environment: &EnvironmentName) -> Result<Snapshot, StoreError> {
        self.below.snapshot(environment).await
    }

    async fn begin(&self, intent: &Intent) -> Result<OperationId, StoreError> {
        self.around(self.below.begin(intent)).await
    }

    async fn finish(
        &self,
        operation: &OperationId,
        state: Option<&StateRow>,
        outcome: &str,
    ) -> Result<u64, StoreError> {
        self.around(self.below.finish(operation, state, outcome)).await
    }

    async fn open_operations(&self, environment: &EnvironmentName) -> Result<Vec<OpenOperation>, StoreError> {
        self.below.open_operations(environment).await
    }

    async fn put_outputs(
        &self,
        environment: &EnvironmentName,
        outputs: &[(String, Value)],
    ) -> Result<(), StoreError> {
        self.around(self.below.put_outputs(environment, outputs)).await
    }
}

#[async_trait]
impl StateEditing for Crashing {
    async fn edit(
        &self,
        environment: &EnvironmentName,
        base_serial: Option<u64>,
        edits: Vec<Edit>,
    ) -> Result<u64, StoreError> {
        self.around(self.below.edit(environment, base_serial, edits)).await
    }
}

#[async_trait]
impl Ledger for Crashing {
    async fn put_revision(
        &self,
        environment: &EnvironmentName,
        revision: &Revision,
    ) -> Result<(), StoreError> {
        self.around(self.below.put_revision(environment, revision)).await
    }

    async fn revision(
        &self,
        environment: &EnvironmentName,
        id: &str,
    ) -> Result<Option<Revision>, StoreError> {
        self.below.revision(environment, id).await
    }

    async fn put_deployment(
        &self,
        environment: &EnvironmentName,
        deployment: &Deployment,
    ) -> Result<(), StoreError> {
        self.around(self.below.put_deployment(environment, deployment)).await
    }

    async fn deployments(
        &self,
        environment: &EnvironmentName,
        limit: u32,
    ) -> Result<Vec<Deployment>, StoreError> {
        self.below.deployments(environment, limit).await
    }

    async fn releases(&self, environment: &EnvironmentName) -> Result<BTreeMap<String, Release>, StoreError> {
        self.below.releases(environment).await
    }

    async fn put_releases(
        &self,
        environment: &EnvironmentName,
        releases: &BTreeMap<String, Release>,
    ) -> Result<(), StoreError> {
        self.around(self.below.put_releases(environment, releases)).await
    }
}

#[async_trait]
impl Leases for Crashing {
    async fn acquire(
        &self,
        environment: &EnvironmentName,
        holder: &LeaseHolder,
        duration_ms: u64,
    ) -> Result<Lease, StoreError> {
        self.below.acquire(environment, holder, duration_ms).await
    }

    async fn renew(&self, lease: &Lease, duration_ms: u64) -> Result<(), StoreError> {
        self.below.renew(lease, duration_ms).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        self.below.release(lease).await
    }

    async fn lock(&self, environment: &EnvironmentName) -> Result<Option<HeldLock>, StoreError> {
        self.below.lock(environment).await
    }
}

#[async_trait]
impl Workspaces for Crashing {
    async fn list(&self) -> Result<Vec<EnvironmentName>, StoreError> {
        self.below.list().await
    }

    async fn create(&self, environment: &EnvironmentName) -> Result<(), StoreError> {
        self.below.create(environment).await
    }

    async fn delete(&self, environment: &EnvironmentName) -> Result<(), StoreError> {
        self.below.delete(environment).await
    }
}

#[async_trait]
impl History for Crashing {
    async fn versions(&self, environment: &EnvironmentName) -> Result<Vec<StateVersion>, StoreError> {
        self.below.versions(environment).await
    }

    async fn at(&self, environment: &EnvironmentName, serial: u64) -> Result<Option<Snapshot>, StoreError> {
        self.below.at(environment, serial).await
    }
}
