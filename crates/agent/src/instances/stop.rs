//! Stopping and removing instances.

use std::os::fd::AsFd;
use std::sync::Arc;

use agent_api::{InstanceId, InstanceStatus};
use nix::sys::signal::Signal;
use tracing::warn;

use crate::data_dir::wipe;
use crate::error::Refused;
use crate::{Agent, admission, kernel};

/// Tells an instance to stop.
pub(crate) fn stop(agent: &Agent, id: &InstanceId) -> Result<InstanceStatus, Refused> {
    admission::instance_id(id)?;
    let unknown = || Refused::unknown(format!("there is no instance {id}"));
    let (over, supervisor) = agent
        .instances
        .read(id, |entry| (entry.record.state.is_over(), entry.supervisor.clone()))
        .ok_or_else(unknown)?;
    if !over && let Some(supervisor) = supervisor {
        // It may be ending at this moment; then that is what was wanted.
        if let Err(fault) = kernel::pidfd_signal(supervisor.as_fd(), Signal::SIGTERM) {
            warn!(instance = %id, "its supervisor cannot be told to stop: {fault}");
        }
        agent.instances.mark_stopping(id);
    }
    agent.instances.status(id).ok_or_else(unknown)
}

/// Removes what is left of an instance.
pub(crate) async fn remove(agent: Arc<Agent>, id: InstanceId) -> Result<(), Refused> {
    admission::instance_id(&id)?;
    let _claim = agent.instances.claim(&id).await;
    let Some((over, supervisor)) =
        agent.instances.read(&id, |entry| (entry.record.state.is_over(), entry.supervisor.clone()))
    else {
        return Ok(());
    };
    if !over {
        return Err(Refused::conflict(format!("instance {id} is not over")).hint("stop it first"));
    }
    if let Some(supervisor) = supervisor {
        // It has written its last word and is about to end; its lock and network go with it.
        super::watch::ended(&supervisor)
            .await
            .map_err(|fault| Refused::failed("watch a supervisor", &fault))?;
    }
    let (folder, cgroup) =
        (agent.dir.instance(&id), agent.hierarchy.as_ref().map(|hierarchy| hierarchy.of_instance(&id.0)));
    let removed = tokio::task::spawn_blocking(move || {
        if let Some(cgroup) = cgroup {
            cgroup.kill_all();
            cgroup.remove()?;
        }
        wipe(&folder)
    })
    .await;
    match removed {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => {
            return Err(Refused::failed(&format!("instance {id} could not be removed"), &fault));
        }
        Err(fault) => return Err(Refused::failed("a task of the agent ended early", &fault)),
    }
    if let Some(entry) = agent.instances.forget(&id) {
        agent.release(&entry);
    }
    Ok(())
}

/// Stops every instance and waits until all are over. Each has its own grace, after which its supervisor kills it.
pub(crate) async fn stop_all(agent: &Agent) {
    loop {
        let version = *agent.instances.changes().borrow();
        let running: Vec<InstanceId> = agent.instances.read_all(|entries| {
            let running = entries.iter().filter(|(_, entry)| entry.supervisor.is_some());
            running.map(|(id, _)| id.clone()).collect()
        });
        if running.is_empty() {
            return;
        }
        for id in &running {
            // Telling again costs nothing; one that is gone meanwhile is not in the next round.
            let _ = stop(agent, id);
        }
        agent.instances.newer_than(version).await;
    }
}

impl super::Instances {
    fn mark_stopping(&self, id: &InstanceId) {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(id).filter(|entry| !entry.stop_asked) else { return };
        entry.stop_asked = true;
        drop(entries);
        self.changed();
    }
}
