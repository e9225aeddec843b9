//! Instances that are kept warm: they run and serve nobody, until a time comes or somebody lets them serve again. The agent stops and
//! removes them at that time, whether or not a client is there.

use std::sync::Arc;
use std::time::Duration;

use agent_api::{InstanceId, InstanceStatus};
use tracing::{info, warn};

use crate::error::Refused;
use crate::record::{self, now_ms};
use crate::supervisor::place;
use crate::{Agent, admission};

/// How often the clock is looked at where no time is near: it may be set meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Notes when an instance is to end; `None`: it stays.
pub(crate) fn retire(agent: &Agent, id: &InstanceId, at_ms: Option<u64>) -> Result<InstanceStatus, Refused> {
    admission::instance_id(id)?;
    let unknown = || Refused::unknown(format!("there is no instance {id}"));
    {
        // What is on disk is what is known here, in whichever order clients and the agent itself come.
        let _writing = agent.instances.writing();
        let kept = agent.instances.set_retirement(id, at_ms).ok_or_else(unknown)?;
        record::write_json(&place::spec(&agent.dir.instance(id)), &kept)
            .map_err(|fault| Refused::failed(&format!("the time of {id} could not be kept"), &fault))?;
    }
    agent.instances.status(id).ok_or_else(unknown)
}

/// Ends instances when their time has come, as long as the agent runs.
pub(crate) async fn end_retired(agent: Arc<Agent>) {
    loop {
        let version = *agent.instances.changes().borrow();
        let next_ms = end_due(&agent).await;
        let wait = next_ms.map_or(LOOK_AGAIN, |at| Duration::from_millis(at.saturating_sub(now_ms())));
        tokio::select! {
            () = agent.instances.newer_than(version) => {}
            () = tokio::time::sleep(wait.min(LOOK_AGAIN)) => {}
            () = agent.ending.cancelled() => return,
        }
    }
}

/// Ends those whose time has come. The time of the next one.
async fn end_due(agent: &Arc<Agent>) -> Option<u64> {
    let mut all: Vec<(u64, InstanceId, bool)> = agent.instances.read_all(|entries| {
        let retired = entries.iter().filter_map(|(id, entry)| {
            Some((entry.kept.retires_at_ms?, id.clone(), entry.record.state.is_over()))
        });
        retired.collect()
    });
    all.sort();
    let now = now_ms();
    for (at_ms, id, is_over) in all {
        if at_ms > now {
            return Some(at_ms);
        }
        if is_over {
            if let Err(refused) = super::remove(agent.clone(), id.clone()).await {
                warn!(instance = %id, "it cannot be removed: {}", refused.refusal.message);
            }
        } else if serves(agent, &id) {
            // Whoever let it serve again did not come to say that it stays.
            if let Err(refused) = retire(agent, &id, None) {
                warn!(instance = %id, "it cannot be kept: {}", refused.refusal.message);
            }
        } else {
            info!(instance = %id, "it was kept warm long enough");
            // One that is gone meanwhile is what was wanted.
            let _ = super::stop(agent, &id);
        }
    }
    None
}

fn serves(agent: &Agent, id: &InstanceId) -> bool {
    let Some(key) = agent.instances.read(id, |entry| entry.kept.spec.service.clone()) else { return false };
    agent.services.read_all(|services| {
        services.get(&key).is_some_and(|known| known.spec.serving.get(id).is_some_and(|weight| *weight > 0))
    })
}
