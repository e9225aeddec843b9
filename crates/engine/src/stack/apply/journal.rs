//! What an apply writes down: the intent of each operation before it, its result after it, and rows that no provider touched.
//!
//! Rows that are edited at the same time go into one edit together, as the stores do with the journal: an edit is a version of the
//! state, and waits for the disk. Nothing here asks a provider.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use diag::Diagnostic;
use tokio::sync::oneshot;
use value::Value;

use crate::stack::plan::ResourceChange;
use crate::{Action, DeploymentId, Edit, EnvironmentName, Intent, OperationId, Record, StateRow, Store};

/// What is written for one operation before it begins.
pub(super) struct Operation<'a> {
    pub(super) change: &'a ResourceChange,
    pub(super) action: Action,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
    pub(super) record: Record,
}

/// The writing side of one apply.
pub(super) struct Journal<'a> {
    store: &'a dyn Store,
    environment: EnvironmentName,
    deployment: DeploymentId,
    serial: AtomicU64,
    /// Whether something could not be written. Then nothing new may begin.
    broken: AtomicBool,
    waiting: Mutex<Vec<Waiting>>,
    writing: tokio::sync::Mutex<()>,
}

struct Waiting {
    edits: Vec<Edit>,
    answer: oneshot::Sender<Result<(), Diagnostic>>,
}

impl<'a> Journal<'a> {
    pub(super) fn new(
        store: &'a dyn Store,
        environment: EnvironmentName,
        deployment: DeploymentId,
        serial: u64,
    ) -> Self {
        Self {
            store,
            environment,
            deployment,
            serial: AtomicU64::new(serial),
            broken: AtomicBool::new(false),
            waiting: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
        }
    }

    /// The state's serial as it was written last.
    pub(super) fn serial(&self) -> u64 {
        self.serial.load(Ordering::Relaxed)
    }

    /// Whether something could not be written.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Writes down what will be done.
    pub(super) async fn begin(&self, operation: Operation<'_>) -> Result<OperationId, Diagnostic> {
        let Operation { change, action, before, after, record } = operation;
        let intent = Intent {
            environment: self.environment.clone(),
            deployment: self.deployment.clone(),
            address: change.address.clone(),
            action,
            before,
            after,
            depends_on: change.depends_on.to_vec(),
            record,
            taking_back: false,
        };
        self.store.begin(&intent).await.map_err(|fault| {
            self.broken.store(true, Ordering::Relaxed);
            fault.diagnostic().about(change.address.to_string()).hint("nothing was done to it")
        })
    }

    /// Writes down what came of it, and what is there now.
    pub(super) async fn finish(
        &self,
        id: &OperationId,
        change: &ResourceChange,
        row: Option<&StateRow>,
        outcome: &str,
    ) -> Result<(), Diagnostic> {
        match self.store.finish(id, row, outcome).await {
            Ok(serial) => {
                self.serial.fetch_max(serial, Ordering::Relaxed);
                Ok(())
            }
            Err(fault) => {
                self.broken.store(true, Ordering::Relaxed);
                let hint =
                    "what was done to it could not be written down; the next run finds out what is true";
                Err(fault.diagnostic().about(change.address.to_string()).hint(hint))
            }
        }
    }

    /// Writes rows that no operation wrote. Edits that come while others are being written go into the next one together.
    pub(super) async fn edit(&self, edits: Vec<Edit>) -> Result<(), Diagnostic> {
        let (answer, mut answered) = oneshot::channel();
        self.lock().push(Waiting { edits, answer });
        let _writing = self.writing.lock().await;
        // Whoever wrote before may have taken these along.
        if let Ok(result) = answered.try_recv() {
            return result;
        }
        let batch = std::mem::take(&mut *self.lock());
        let mut edits = Vec::new();
        let mut answers = Vec::with_capacity(batch.len());
        for waiting in batch {
            edits.extend(waiting.edits);
            answers.push(waiting.answer);
        }
        let result = self.edit_now(None, edits).await;
        for answer in answers {
            // Whoever asked may be gone; what was written stays written.
            let _ = answer.send(result.clone());
        }
        result
    }

    /// Writes edits as a version of their own; refused if the state is not at `base_serial` any more.
    pub(super) async fn edit_now(
        &self,
        base_serial: Option<u64>,
        edits: Vec<Edit>,
    ) -> Result<(), Diagnostic> {
        match self.store.edit(&self.environment, base_serial, edits).await {
            Ok(serial) => {
                self.serial.fetch_max(serial, Ordering::Relaxed);
                Ok(())
            }
            Err(fault) => {
                self.broken.store(true, Ordering::Relaxed);
                Err(fault.diagnostic())
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A key for an object that is deposed: eight hexadecimal digits that no other object of the instance has.
pub(super) fn deposed_key(
    deployment: &DeploymentId,
    change: &ResourceChange,
    is_taken: impl Fn(&str) -> bool,
) -> Arc<str> {
    // FNV-1a: the key only has to tell few objects apart, and the same apply has to give the same one.
    let text = format!("{deployment} {}", change.address);
    let hash =
        text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut number = hash;
    loop {
        let key = format!("{number:08x}");
        if !is_taken(&key) {
            return key.into();
        }
        number = number.wrapping_add(1);
    }
}
