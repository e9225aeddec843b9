//! `mainstay` with a store that kills the process with SIGKILL before or after the n-th write to the journal, n from the variable
//! `CRASH_AT_WRITE`: odd numbers are before a write, even ones after it. For the benchmark and the tests of what a kill leaves.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use engine::{
    EnvironmentName, Intent, OpenOperation, OperationId, Snapshot, StateRow, StateStore, StoreError,
};
use value::Value;

struct Crashing {
    store: Arc<dyn StateStore>,
    at: u64,
    points: AtomicU64,
}

impl Crashing {
    fn point(&self) {
        if self.points.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
            // SIGKILL lets nothing be put in order, as a lost machine would not.
            let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
        }
    }
}

#[async_trait]
impl StateStore for Crashing {
    async fn snapshot(&self, environment: &EnvironmentName) -> Result<Snapshot, StoreError> {
        self.store.snapshot(environment).await
    }

    async fn begin(&self, intent: &Intent) -> Result<OperationId, StoreError> {
        self.point();
        let id = self.store.begin(intent).await;
        self.point();
        id
    }

    async fn finish(
        &self,
        operation: &OperationId,
        state: Option<&StateRow>,
        outcome: &str,
    ) -> Result<u64, StoreError> {
        self.point();
        let serial = self.store.finish(operation, state, outcome).await;
        self.point();
        serial
    }

    async fn open_operations(&self, environment: &EnvironmentName) -> Result<Vec<OpenOperation>, StoreError> {
        self.store.open_operations(environment).await
    }

    async fn put_outputs(
        &self,
        environment: &EnvironmentName,
        outputs: &[(String, Value)],
    ) -> Result<(), StoreError> {
        self.store.put_outputs(environment, outputs).await
    }
}

fn main() -> ExitCode {
    let mut wiring = cli::Wiring::of_process();
    wiring.wrap_store = |store| {
        let at = std::env::var("CRASH_AT_WRITE").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
        Arc::new(Crashing { store, at, points: AtomicU64::new(0) })
    };
    cli::run(std::env::args_os().collect(), wiring)
}
