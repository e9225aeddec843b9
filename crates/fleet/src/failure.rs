//! Why a rollout failed, for people: the last check's answer, the exit, the memory limit, and the end of the log.
//!
//! It asks the agent for the log; it changes nothing.

use std::fmt::Write as _;

use agent_api::{InstanceId, InstanceStatus, LogLine};
use diag::Diagnostic;
use engine::{Address, ClusterName};

use crate::agent_driver::{self, Cluster};
use crate::execution::{Halt, Target};
use crate::rollout::{Cause, in_seconds};

/// Lines of a failed instance's log that a report has: enough for an exception with its message, and still one screen.
const LOG_LINES: u64 = 20;

/// Shorter secrets are not looked for in a log: they are in every other word.
const SECRET_CHARS_MIN: usize = 4;

/// The report of a rollout that failed.
pub(crate) async fn report(
    halt: &Halt,
    cluster: &Cluster,
    name: &ClusterName,
    address: &Address,
    target: &Target,
) -> Box<Diagnostic> {
    let report = match halt {
        Halt::Agent { doing, error } => agent_driver::fault(name, doing, error).about(address.to_string()),
        Halt::Record(error) => Diagnostic::error("record-unwritable", error.to_string())
            .about(address.to_string())
            .because(std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()),
        Halt::Failed { cause, instances } => {
            let (message, culprits) = told(cause, instances);
            let mut detail = String::new();
            let mut logs = Vec::new();
            if let Some(culprit) = culprits.first() {
                detail = facts(culprit, target);
                // The log is asked for now: taking the rollout back removes the instance.
                logs = cluster.client().tail(&culprit.id, LOG_LINES).await.unwrap_or_default();
            }
            append_log(&mut detail, &logs, &secrets(target));
            Diagnostic::error("rollout-failed", message)
                .about(address.to_string())
                .because(detail.trim_end())
                .hint("mend it and run it again; nothing of the failed copy is left, and what ran before goes on")
        }
    };
    Box::new(report)
}

/// What happened in a sentence, and to which instances, the one that says most first.
fn told<'a>(cause: &Cause, instances: &'a [InstanceStatus]) -> (String, Vec<&'a InstanceStatus>) {
    let of = |ids: &[InstanceId]| -> Vec<&'a InstanceStatus> {
        let mut found: Vec<_> = instances.iter().filter(|it| ids.contains(&it.id)).collect();
        found.sort_by_key(|it| (it.last_exit.is_none(), it.last_check.is_none()));
        found
    };
    match cause {
        Cause::InstanceFailed(id) => {
            let culprits = of(std::slice::from_ref(id));
            let why = culprits.first().map_or_else(|| "failed".into(), |it| ended(it));
            (format!("the new instance {id} {why}"), culprits)
        }
        Cause::Deadline { waiting, deadline_ms } => {
            let who = match waiting.as_slice() {
                [id] => format!("the new instance {id} did not become ready"),
                _ => format!("{} new instances did not become ready", waiting.len()),
            };
            (format!("{who} within {}", in_seconds(*deadline_ms)), of(waiting))
        }
        Cause::NotStopping(ids) => {
            let ids: Vec<_> = ids.iter().map(|id| id.0.as_str()).collect();
            (format!("told to stop and still there: {}", ids.join(", ")), Vec::new())
        }
    }
}

/// How an instance that is over ended.
fn ended(it: &InstanceStatus) -> String {
    let times = match it.restarts {
        0 => String::new(),
        1 => ", also after 1 restart".into(),
        n => format!(", also after {n} restarts"),
    };
    match &it.last_exit {
        Some(exit) if exit.out_of_memory => format!("was killed: it reached its memory limit{times}"),
        Some(exit) if exit.signal.is_some() => format!("was {exit}{times}"),
        Some(exit) => format!("{exit}{times}"),
        None => "could not be started".into(),
    }
}

fn facts(it: &InstanceStatus, target: &Target) -> String {
    let mut text = String::new();
    if let Some(reason) = &it.reason {
        let _ = writeln!(text, "reason: {reason}");
    }
    if let Some(exit) = &it.last_exit {
        let _ = writeln!(text, "last exit: {exit}");
        let limit = target.description.as_ref().and_then(|it| it.resources.memory_bytes);
        if let Some(limit) = limit.filter(|_| exit.out_of_memory) {
            let _ = writeln!(text, "memory limit: {limit} bytes ({} MiB)", limit >> 20);
        }
    }
    match &it.last_check {
        Some(check) => {
            let answer = if check.passed { "passed" } else { "failed" };
            let _ = writeln!(text, "last check: {answer}: {}", check.message);
        }
        None if it.last_exit.is_none() => {
            let _ = writeln!(text, "last check: none was made yet");
        }
        None => {}
    }
    text
}

fn append_log(text: &mut String, lines: &[LogLine], secrets: &[&str]) {
    let said: Vec<_> = lines.iter().filter(|line| !line.text.is_empty()).collect();
    if said.is_empty() {
        text.push_str("its log is empty");
        return;
    }
    text.push_str("the end of its log:\n");
    for line in said {
        let mut shown = line.text.clone();
        for secret in secrets {
            if shown.contains(secret) {
                shown = shown.replace(secret, "(sensitive value)");
            }
        }
        let _ = writeln!(text, "  {shown}");
    }
}

/// Secrets of the description: a program may print what it was given, and a report is kept and mailed around.
fn secrets(target: &Target) -> Vec<&str> {
    let env = target.description.iter().flat_map(|it| it.env.values());
    env.filter(|value| value.is_sensitive())
        .filter_map(value::Value::as_str)
        .filter(|secret| secret.chars().count() >= SECRET_CHARS_MIN)
        .collect()
}
