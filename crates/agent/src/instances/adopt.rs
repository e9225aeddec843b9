//! What an agent finds when it starts: instances of an earlier one, whose supervisors may have gone on without it.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agent_api::InstanceId;
use nix::unistd::Pid;
use tracing::warn;

use super::{Entry, follow_supervisor, watch};
use crate::record::{self, Kept, Readiness, Record, RunState};
use crate::supervisor::{holder, place};
use crate::{Agent, admission, kernel};

/// A supervisor writes its first record within a moment of taking the lock; this is a hundred times that.
const TAKE_OVER_STEPS: u32 = 100;
const TAKE_OVER_STEP_MS: u64 = 10;

/// Takes every instance of the data folder into the table.
pub(crate) async fn adopt(agent: &Arc<Agent>) -> io::Result<()> {
    for found in fs::read_dir(agent.dir.instances())? {
        let found = found?;
        let Ok(name) = found.file_name().into_string() else { continue };
        let id = InstanceId(name);
        if admission::instance_id(&id).is_err() {
            continue;
        }
        match read_settled(&found.path()).await {
            Ok(Some((kept, record, readiness))) => take(agent, id, kept, record, readiness).await,
            // It was being made when the agent was killed: the supervisor never took over.
            Ok(None) => crate::data_dir::wipe(&found.path())?,
            Err(fault) => warn!(instance = %id, "it cannot be read and is left alone: {fault}"),
        }
    }
    Ok(())
}

/// Reads an instance; of one that a supervisor is just taking over, as soon as that has written its first record.
async fn read_settled(folder: &Path) -> io::Result<Option<(Kept, Record, Readiness)>> {
    for _ in 0..TAKE_OVER_STEPS {
        let found = read(folder)?;
        if found.is_some() || holder(folder).is_none() {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(TAKE_OVER_STEP_MS)).await;
    }
    Err(io::Error::other("a supervisor holds it and says nothing"))
}

fn read(folder: &Path) -> io::Result<Option<(Kept, Record, Readiness)>> {
    let Some(kept) = record::read_json(&place::spec(folder))? else { return Ok(None) };
    let Some(record) = record::read_json(&place::status(folder))? else { return Ok(None) };
    // A judgement that is lost is made again.
    let readiness = record::read_json(&place::ready(folder)).ok().flatten().unwrap_or_default();
    Ok(Some((kept, record, readiness)))
}

async fn take(agent: &Arc<Agent>, id: InstanceId, kept: Kept, record: Record, readiness: Readiness) {
    if let Some(network) = &agent.network {
        network.keep(&kept.address);
    }
    let supervisor = living(&agent.dir.instance(&id)).map(Arc::new);
    let running_since_ms = record.running_since_ms.filter(|_| supervisor.is_some());
    let stop_asked = record.state == RunState::Stopping;
    agent.instances.insert(Entry { kept, record, readiness, supervisor: supervisor.clone(), stop_asked });
    match supervisor {
        Some(supervisor) => {
            tokio::spawn(follow_supervisor(agent.clone(), id.clone(), supervisor, None));
            if let Some(running_since_ms) = running_since_ms {
                tokio::spawn(crate::health::watch_run(agent.clone(), id.clone(), running_since_ms));
            }
            // It may have spoken while nobody listened, after its record was read above.
            watch::refresh(agent, &id);
        }
        None => watch::settle(agent, &id).await,
    }
}

/// A descriptor of the supervisor that holds a folder's lock.
fn living(folder: &Path) -> Option<OwnedFd> {
    let pid = holder(folder)?;
    let pidfd = kernel::pidfd_open(Pid::from_raw(i32::try_from(pid).ok()?)).ok()?;
    // Still the same holder: the descriptor is of the process that holds the lock, not of a later one with its number.
    (holder(folder) == Some(pid)).then_some(pidfd)
}
