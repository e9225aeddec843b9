//! The instances that the agent knows: what was asked for, what their supervisors record, and how ready they are. It
//! starts and stops nothing itself; [`start`] and [`stop`] do.

mod adopt;
mod folder;
pub(crate) mod ports;
mod retire;
mod start;
mod stop;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent_api::{InstanceId, InstanceList, InstanceStatus, Phase, Sandbox};
use tokio::sync::{OwnedMutexGuard, watch as channel};

use crate::record::{self, Kept, Readiness, Record, RunState, now_ms};
use crate::supervisor::place;

pub(crate) use adopt::adopt;
pub(crate) use retire::{end_retired, retire};
pub(crate) use start::start;
pub(crate) use stop::{remove, stop, stop_all};
pub(crate) use watch::{ended, follow_supervisor, listen, refresh};

/// One instance.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kept: Kept,
    pub(crate) record: Record,
    pub(crate) readiness: Readiness,
    /// The supervisor, while it lives.
    pub(crate) supervisor: Option<Arc<OwnedFd>>,
    /// Somebody asked it to stop; its supervisor will say so as well.
    pub(crate) stop_asked: bool,
}

/// Which instances are meant.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) project: String,
    pub(crate) environment: String,
    pub(crate) service: Option<String>,
}

/// All instances of the agent.
#[derive(Debug)]
pub(crate) struct Instances {
    folder: PathBuf,
    entries: Mutex<BTreeMap<InstanceId, Entry>>,
    /// Grows with each change. It begins with the time, so that it also grows over restarts of the agent.
    version: channel::Sender<u64>,
    /// Held while what is kept of an instance is changed in memory and on disk.
    writing: Mutex<()>,
    /// One lock for each id that is being started or removed.
    busy: Mutex<BTreeMap<InstanceId, Arc<tokio::sync::Mutex<()>>>>,
}

impl Instances {
    pub(crate) fn new(folder: PathBuf) -> Self {
        let (version, _) = channel::channel(now_ms());
        Self { folder, entries: Mutex::default(), version, writing: Mutex::default(), busy: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<InstanceId, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of every change.
    pub(crate) fn changes(&self) -> channel::Receiver<u64> {
        self.version.subscribe()
    }

    fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    /// Makes starting and removing one id wait for each other.
    async fn claim(&self, id: &InstanceId) -> OwnedMutexGuard<()> {
        let lock = {
            let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
            busy.retain(|_, lock| Arc::strong_count(lock) > 1);
            busy.entry(id.clone()).or_default().clone()
        };
        lock.lock_owned().await
    }

    /// Looks at one instance; none if it is not known.
    pub(crate) fn read<T>(&self, id: &InstanceId, look: impl FnOnce(&Entry) -> T) -> Option<T> {
        self.lock().get(id).map(look)
    }

    /// Looks at all.
    pub(crate) fn read_all<T>(&self, look: impl FnOnce(&BTreeMap<InstanceId, Entry>) -> T) -> T {
        look(&self.lock())
    }

    pub(crate) fn status(&self, id: &InstanceId) -> Option<InstanceStatus> {
        self.read(id, status)
    }

    pub(crate) fn list(&self, scope: &Scope) -> InstanceList {
        // The version is read first: a change in between is then seen once more instead of never.
        let version = *self.version.borrow();
        let entries = self.lock();
        let instances = entries.values().filter(|entry| scope.covers(entry)).map(status).collect();
        InstanceList { version, instances }
    }

    /// Waits for a version greater than `after`.
    pub(crate) async fn newer_than(&self, after: u64) {
        // The sender lives as long as this table.
        let _ = self.changes().wait_for(|version| *version > after).await;
    }

    fn insert(&self, entry: Entry) {
        self.lock().insert(entry.kept.spec.id.clone(), entry);
        self.changed();
    }

    fn forget(&self, id: &InstanceId) -> Option<Entry> {
        let gone = self.lock().remove(id);
        if gone.is_some() {
            self.changed();
        }
        gone
    }

    /// Takes a supervisor's record. Returns the start of a run that has just begun.
    fn apply(&self, id: &InstanceId, record: Record) -> Option<u64> {
        let mut entries = self.lock();
        let entry = entries.get_mut(id)?;
        if entry.record == record {
            return None;
        }
        let begun = record.running_since_ms.filter(|since| entry.record.running_since_ms != Some(*since));
        entry.record = record;
        drop(entries);
        self.changed();
        begun
    }

    /// Takes a judgement of one run. Whether that run still goes on.
    pub(crate) fn judge(
        &self,
        id: &InstanceId,
        running_since_ms: u64,
        judged: impl FnOnce(&Readiness) -> Readiness,
    ) -> bool {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(id) else { return false };
        if entry.record.running_since_ms != Some(running_since_ms) {
            return false;
        }
        let fresh = Readiness::default();
        let of_this_run = entry.readiness.running_since_ms == Some(running_since_ms);
        let before = if of_this_run { &entry.readiness } else { &fresh };
        let after = judged(before);
        let turned = before.ready_since_ms != after.ready_since_ms || before.was_ready != after.was_ready;
        let said = |readiness: &Readiness| {
            readiness.last_check.as_ref().map(|check| (check.passed, check.message.clone()))
        };
        let news = turned || said(before) != said(&after);
        entry.readiness = after.clone();
        drop(entries);
        if turned {
            // Lost, it costs an agent that restarts a few checks.
            let _ = record::write_json(&place::ready(&self.folder.join(&id.0)), &after);
        }
        if news {
            self.changed();
        }
        true
    }

    /// Sets when an instance is to end. What is to be kept of it now.
    fn set_retirement(&self, id: &InstanceId, at_ms: Option<u64>) -> Option<Kept> {
        let mut entries = self.lock();
        let entry = entries.get_mut(id)?;
        let is_new = entry.kept.retires_at_ms != at_ms;
        entry.kept.retires_at_ms = at_ms;
        let kept = entry.kept.clone();
        drop(entries);
        if is_new {
            self.changed();
        }
        Some(kept)
    }

    /// Ports that instances of this agent have on the machine's own addresses.
    pub(crate) fn host_ports(&self) -> BTreeSet<u16> {
        let entries = self.lock();
        let on_host = entries.values().filter(|entry| entry.kept.address == ports::LOOPBACK);
        on_host.flat_map(|entry| entry.kept.ports.values().copied()).collect()
    }
}

impl Scope {
    pub(crate) fn covers(&self, entry: &Entry) -> bool {
        let key = &entry.kept.spec.service;
        key.project == self.project
            && key.environment == self.environment
            && self.service.as_ref().is_none_or(|service| *service == key.service)
    }
}

/// What clients see of an instance.
pub(crate) fn status(entry: &Entry) -> InstanceStatus {
    let (kept, record) = (&entry.kept, &entry.record);
    let of_this_run =
        record.running_since_ms.is_some() && entry.readiness.running_since_ms == record.running_since_ms;
    let phase = phase(entry);
    InstanceStatus {
        id: kept.spec.id.clone(),
        service: kept.spec.service.clone(),
        spec_hash: kept.spec.spec_hash.clone(),
        image: match &kept.spec.sandbox {
            Sandbox::Container { image } => Some(image.clone()),
            Sandbox::Process { .. } => None,
        },
        phase,
        pid: record.pid,
        address: kept.address.clone(),
        ports: kept.ports.clone(),
        started_at_ms: kept.started_at_ms,
        ready_since_ms: match (phase, &kept.spec.health) {
            (Phase::Ready, None) => record.running_since_ms,
            (Phase::Ready, Some(_)) if of_this_run => entry.readiness.ready_since_ms,
            _ => None,
        },
        restarts: record.restarts,
        last_exit: record.last_exit.clone(),
        // The last answer of a run that has ended is worth keeping: it may say why it ended.
        last_check: entry.readiness.last_check.clone(),
        reason: record.reason.clone(),
        missing_isolation: kept.missing_isolation.clone(),
        retires_at_ms: kept.retires_at_ms,
    }
}

/// Where an instance stands, of the supervisor's record and the agent's judgement.
pub(crate) fn phase(entry: &Entry) -> Phase {
    let record = &entry.record;
    if entry.stop_asked && !record.state.is_over() {
        return Phase::Stopping;
    }
    match record.state {
        RunState::Starting => Phase::Starting,
        RunState::Running if entry.kept.spec.health.is_none() => Phase::Ready,
        RunState::Running if entry.readiness.running_since_ms != record.running_since_ms => Phase::Starting,
        RunState::Running if entry.readiness.ready_since_ms.is_some() => Phase::Ready,
        RunState::Running if entry.readiness.was_ready => Phase::Unready,
        RunState::Running => Phase::Starting,
        RunState::BackingOff => Phase::BackingOff,
        RunState::Stopping => Phase::Stopping,
        RunState::Exited => Phase::Exited,
        RunState::Failed => Phase::Failed,
    }
}
