//! State in memory: rows and journal that outlive a run, and a run that can be stopped at any write.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use engine::{
    Address, EnvironmentName, Intent, OpenOperation, OperationId, Snapshot, StateRow, StateStore, StoreError,
};
use tokio::sync::Notify;
use value::Value;

/// At which write of the journal a run is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Before the write.
    Before(usize),
    /// Directly after it.
    After(usize),
}

#[derive(Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
    /// Told when a run has come to its stop.
    pub stopped: Notify,
}

#[derive(Default)]
struct Inner {
    rows: BTreeMap<Address, StateRow>,
    serial: u64,
    outputs: Vec<(String, Value)>,
    open: BTreeMap<u64, Intent>,
    begun: u64,
    writes: usize,
    stop: Option<Stop>,
}

impl MemoryStore {
    pub fn stop_at(&self, stop: Option<Stop>) {
        let mut inner = self.inner.lock().unwrap();
        inner.stop = stop;
        inner.writes = 0;
    }

    async fn write<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let (answer, stopped) = {
            let mut inner = self.inner.lock().unwrap();
            let at = inner.writes;
            inner.writes += 1;
            // Once stopped, nothing is written any more, whoever comes.
            let (before, after) = match inner.stop {
                Some(Stop::Before(stop)) => (at >= stop, false),
                Some(Stop::After(stop)) => (at > stop, at == stop),
                None => (false, false),
            };
            let answer = (!before).then(|| change(&mut inner));
            (answer, before || after)
        };
        if stopped {
            self.stopped.notify_one();
            std::future::pending::<()>().await;
        }
        answer.unwrap()
    }
}

#[async_trait]
impl StateStore for MemoryStore {
    async fn snapshot(&self, _: &EnvironmentName) -> Result<Snapshot, StoreError> {
        let inner = self.inner.lock().unwrap();
        let rows = inner.rows.values().cloned().collect();
        Ok(Snapshot {
            serial: inner.serial,
            lineage: String::new(),
            rows,
            outputs: inner.outputs.clone(),
            checks: None,
        })
    }

    async fn begin(&self, intent: &Intent) -> Result<OperationId, StoreError> {
        let begun = self.write(|inner| {
            inner.begun += 1;
            inner.open.insert(inner.begun, intent.clone());
            inner.begun
        });
        Ok(OperationId(begun.await.to_string()))
    }

    async fn finish(
        &self,
        operation: &OperationId,
        state: Option<&StateRow>,
        _: &str,
    ) -> Result<u64, StoreError> {
        let serial = self.write(|inner| {
            let intent = inner.open.remove(&operation.0.parse().unwrap()).expect("finished once");
            match state {
                Some(row) => inner.rows.insert(intent.address, row.clone()),
                None => inner.rows.remove(&intent.address),
            };
            inner.serial += 1;
            inner.serial
        });
        Ok(serial.await)
    }

    async fn open_operations(&self, _: &EnvironmentName) -> Result<Vec<OpenOperation>, StoreError> {
        let inner = self.inner.lock().unwrap();
        let open = inner.open.iter().map(|(id, intent)| OpenOperation {
            id: OperationId(id.to_string()),
            intent: intent.clone(),
            begun_at_ms: 0,
        });
        Ok(open.collect())
    }

    async fn put_outputs(&self, _: &EnvironmentName, outputs: &[(String, Value)]) -> Result<(), StoreError> {
        self.inner.lock().unwrap().outputs = outputs.to_vec();
        Ok(())
    }
}
