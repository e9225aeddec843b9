//! Readiness: one task for each running program that has a check. It asks, judges, and tells the table of instances; it
//! neither restarts nor routes.

pub(crate) mod judgement;
mod probe;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use agent_api::{CheckAnswer, InstanceId, Probe, Sandbox};

use crate::Agent;
use crate::exec::ExecOrder;
use crate::instances::Entry;
use crate::record::{Readiness, RunState, now_ms};
use judgement::Judgement;
use probe::{Question, ask};

/// How often a program that has not passed yet is asked: it is ready as soon as it can be seen to be.
const STARTING_INTERVAL_MS: u64 = 100;

/// Checks one run of an instance's program until that run is over. A program without a check needs none.
pub(crate) async fn watch_run(agent: Arc<Agent>, id: InstanceId, running_since_ms: u64) {
    let Some((question, check, known)) = agent.instances.read(&id, |entry| prepare(&agent, entry)).flatten()
    else {
        return;
    };
    let of_this_run = known.running_since_ms == Some(running_since_ms);
    let ready = of_this_run && known.ready_since_ms.is_some();
    let mut judgement = Judgement::new(check.passes, check.failures, ready);
    loop {
        let answer = ask(&question, Duration::from_millis(check.timeout_ms), &agent.options.binary).await;
        let passed = answer.passed;
        let ready = judgement.take(passed);
        let at_ms = now_ms();
        let going_on = agent.instances.judge(&id, running_since_ms, |before| Readiness {
            running_since_ms: Some(running_since_ms),
            ready_since_ms: if ready { before.ready_since_ms.or(Some(at_ms)) } else { None },
            was_ready: before.was_ready || ready,
            last_check: Some(CheckAnswer { passed, message: answer.message.clone(), at_ms }),
        });
        if !going_on {
            return;
        }
        // A check that keeps failing is asked at its own pace once it has been ready.
        let starting = !ready && !passed_before(&agent, &id);
        let wait_ms = if starting { STARTING_INTERVAL_MS.min(check.interval_ms) } else { check.interval_ms };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
            () = agent.ending.cancelled() => return,
        }
    }
}

fn passed_before(agent: &Agent, id: &InstanceId) -> bool {
    agent
        .instances
        .read(id, |entry| {
            entry.readiness.was_ready || entry.readiness.last_check.as_ref().is_some_and(|check| check.passed)
        })
        .unwrap_or(false)
}

fn prepare(agent: &Agent, entry: &Entry) -> Option<(Question, agent_api::HealthCheck, Readiness)> {
    let check = entry.kept.spec.health.clone()?;
    if entry.record.state != RunState::Running {
        return None;
    }
    let address = entry.kept.address.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let question = match &check.probe {
        Probe::Http { port, path } => {
            Question::Http { address, port: *entry.kept.ports.get(port)?, path: path.clone() }
        }
        Probe::Tcp { port } => Question::Tcp { address, port: *entry.kept.ports.get(port)? },
        Probe::Command { command } => {
            let container = matches!(entry.kept.spec.sandbox, Sandbox::Container { .. });
            Question::Command(Box::new(ExecOrder {
                pid: entry.record.pid?,
                command: command.clone(),
                directory: entry.kept.directory.clone(),
                container,
                rootless: agent.rootless,
                cgroup: agent
                    .hierarchy
                    .as_ref()
                    .map(|hierarchy| hierarchy.of_instance(&entry.kept.spec.id.0)),
            }))
        }
    };
    Some((question, check, entry.readiness.clone()))
}
