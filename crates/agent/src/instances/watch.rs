//! News of instances: what supervisors say, and that they are gone.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::Child;
use std::sync::{Arc, PoisonError};

use agent_api::InstanceId;
use tokio::net::UnixDatagram;
use tracing::warn;

use crate::record::{self, Record, RunState};
use crate::supervisor::place;
use crate::{Agent, kernel};

/// Said when a supervisor ended without having said how its instance ended.
const GONE: &str = "its supervisor is gone";

/// Takes the supervisors' words until the agent ends.
pub(crate) async fn listen(agent: Arc<Agent>, socket: UnixDatagram) {
    // An id has at most 63 bytes; what is longer is not one.
    let mut bytes = [0; 64];
    loop {
        let length = tokio::select! {
            received = socket.recv(&mut bytes) => match received {
                Ok(length) => length,
                Err(fault) => {
                    warn!("the supervisors' socket: {fault}");
                    return;
                }
            },
            () = agent.ending.cancelled() => return,
        };
        if let Ok(id) = std::str::from_utf8(&bytes[..length]) {
            // Only ids of the table are looked at, so that no word leads to another file.
            refresh(&agent, &InstanceId(id.to_owned()));
        }
    }
}

/// Reads the record of an instance of the table, and starts to check a run that has begun.
pub(crate) fn refresh(agent: &Arc<Agent>, id: &InstanceId) {
    if agent.instances.read(id, |_| ()).is_none() {
        return;
    }
    // Two who read at the same time could take what they read in the other order, and the older record would stand for ever.
    let _reading = agent.reading_records.lock().unwrap_or_else(PoisonError::into_inner);
    match record::read_json::<Record>(&place::status(&agent.dir.instance(id))) {
        Ok(Some(record)) => take(agent, id, record),
        Ok(None) => {}
        Err(fault) => warn!(instance = %id, "its status cannot be read: {fault}"),
    }
}

fn take(agent: &Arc<Agent>, id: &InstanceId, record: Record) {
    if let Some(running_since_ms) = agent.instances.apply(id, record) {
        tokio::spawn(crate::health::watch_run(agent.clone(), id.clone(), running_since_ms));
    }
}

/// Waits for the end of a supervisor, and settles what it left.
pub(crate) async fn follow_supervisor(
    agent: Arc<Agent>,
    id: InstanceId,
    supervisor: Arc<OwnedFd>,
    child: Option<Child>,
) {
    if let Err(fault) = ended(&supervisor).await {
        warn!(instance = %id, "its supervisor cannot be watched: {fault}");
        return;
    }
    if let Some(mut child) = child {
        // It has ended; this only takes its code away.
        let _ = child.wait();
    }
    let of_this_life = agent.instances.read(&id, |entry| {
        entry
            .supervisor
            .as_ref()
            .is_some_and(|known| known.as_fd().as_raw_fd() == supervisor.as_fd().as_raw_fd())
    });
    if of_this_life != Some(true) {
        return;
    }
    refresh(&agent, &id);
    settle(&agent, &id).await;
}

/// Resolves when the process of a descriptor has ended.
pub(crate) async fn ended(pidfd: &OwnedFd) -> io::Result<()> {
    // A copy of its own: one descriptor cannot be waited for twice at the same time.
    kernel::readable(pidfd.try_clone()?)?.readable().await.map(|_| ())
}

/// An instance without a supervisor: if it was not over, it has failed, and nothing of it goes on.
pub(super) async fn settle(agent: &Arc<Agent>, id: &InstanceId) {
    let Some(record) = agent.instances.read(id, |entry| entry.record.clone()) else { return };
    agent.instances.leave(id);
    if record.state.is_over() {
        return;
    }
    let cgroup = agent.hierarchy.as_ref().map(|hierarchy| hierarchy.of_instance(&id.0));
    let cleared = tokio::task::spawn_blocking(move || {
        let Some(cgroup) = cgroup else { return Ok(()) };
        cgroup.kill_all();
        cgroup.remove()
    })
    .await;
    if let Ok(Err(fault)) = cleared {
        warn!(instance = %id, "its control groups are left: {fault}");
    }
    let record = Record {
        state: RunState::Failed,
        pid: None,
        running_since_ms: None,
        reason: Some(GONE.to_owned()),
        ..record
    };
    if let Err(fault) = record::write_json(&place::status(&agent.dir.instance(id)), &record) {
        warn!(instance = %id, "its status cannot be written: {fault}");
    }
    take(agent, id, record);
}

impl super::Instances {
    /// Its supervisor is no more.
    fn leave(&self, id: &InstanceId) {
        if let Some(entry) = self.lock().get_mut(id) {
            entry.supervisor = None;
        }
        self.changed();
    }
}
