//! What an apply writes at its end: the outputs of the root module and what the checks said. No provider is asked.

use std::collections::{BTreeMap, HashMap};

use lang::configuration::NodeId;
use serde_json::{Value as Json, json};
use value::{Marks, Value};

use crate::stack::plan::{CheckKind, CheckResult, CheckStatus, StackMode, StackPlan};
use crate::stack::world::World;
use crate::{Edit, Snapshot};

/// The outputs that now are, ordered by name: those that could be evaluated, and for the others what they were.
pub(super) fn outputs(plan: &StackPlan, world: &World, snapshot: &Snapshot) -> Vec<(String, Value)> {
    let mut outputs: BTreeMap<String, Value> = snapshot.outputs.iter().cloned().collect();
    let declared = world.configuration(NodeId::ROOT).map_or(&[][..], |root| &root.outputs);
    let places: HashMap<&str, usize> =
        declared.iter().enumerate().map(|(at, output)| (output.name.name.as_ref(), at)).collect();
    for output in &plan.outputs {
        let Some(after) = output.after.as_ref().filter(|after| !after.is_null()) else {
            outputs.remove(output.name.as_ref());
            continue;
        };
        let now = places.get(output.name.as_ref()).and_then(|at| world.root_output(*at));
        let known = [now, Some(after)].into_iter().flatten().find(|value| value.is_wholly_known());
        let Some(value) = known else { continue };
        if value.is_null() {
            outputs.remove(output.name.as_ref());
            continue;
        }
        let evaluated = now.is_some() || plan.mode == StackMode::Destroy;
        // What was known when it was planned is not kept where a step that it comes after has failed.
        if evaluated && !value.marks_deep().contains(Marks::EPHEMERAL) {
            outputs.insert(output.name.to_string(), value.clone());
        }
    }
    outputs.into_iter().collect()
}

/// What the checks say now: everything that the plan knew of, unknown where the apply did not come to it.
pub(super) fn checks(plan: &StackPlan, world: &World) -> Vec<CheckResult> {
    if plan.mode == StackMode::Destroy {
        return Vec::new();
    }
    let mut now: HashMap<(CheckKind, String), CheckResult> = world
        .checks
        .results()
        .into_iter()
        .map(|result| ((result.kind, result.object.clone()), result))
        .collect();
    let mut results: Vec<CheckResult> = plan
        .checks
        .iter()
        .map(|planned| {
            let Some(result) = now.remove(&(planned.kind, planned.object.clone())) else {
                return unknown(planned);
            };
            merged(planned, result)
        })
        .collect();
    let mut new: Vec<CheckResult> = now.into_values().collect();
    new.sort_by(|a, b| (a.kind, &a.object).cmp(&(b.kind, &b.object)));
    results.extend(new);
    results
}

fn unknown(planned: &CheckResult) -> CheckResult {
    let mut result = planned.clone();
    result.status = CheckStatus::Unknown;
    for instance in &mut result.instances {
        instance.status = CheckStatus::Unknown;
        instance.problems.clear();
    }
    result
}

/// What the apply said, with the instances that it did not come to.
fn merged(planned: &CheckResult, mut now: CheckResult) -> CheckResult {
    let seen: Vec<String> = now.instances.iter().map(|instance| instance.address.clone()).collect();
    let mut missing = unknown(planned).instances;
    missing.retain(|instance| seen.binary_search(&instance.address).is_err());
    if !missing.is_empty() {
        if now.status == CheckStatus::Pass {
            now.status = CheckStatus::Unknown;
        }
        now.instances.extend(missing);
        now.instances.sort_by(|a, b| a.address.cmp(&b.address));
    }
    now
}

/// The results as version 4 of the state has them; null where there are none.
fn as_state(checks: &[CheckResult]) -> Json {
    if checks.is_empty() {
        return Json::Null;
    }
    let status = |status| match status {
        CheckStatus::Unknown => "unknown",
        CheckStatus::Pass => "pass",
        CheckStatus::Fail => "fail",
        CheckStatus::Error => "error",
    };
    let result = |check: &CheckResult| {
        let objects: Vec<Json> = check
            .instances
            .iter()
            .map(|instance| {
                let mut object =
                    json!({ "object_addr": instance.address, "status": status(instance.status) });
                if !instance.problems.is_empty() {
                    object["failure_messages"] = json!(instance.problems);
                }
                object
            })
            .collect();
        json!({
            "object_kind": match check.kind {
                CheckKind::Resource => "resource",
                CheckKind::OutputValue => "output",
                CheckKind::Check => "check",
                CheckKind::InputVariable => "var",
            },
            "config_addr": check.object,
            "status": status(check.status),
            "objects": if objects.is_empty() { Json::Null } else { Json::Array(objects) },
        })
    };
    Json::Array(checks.iter().map(result).collect())
}

/// The edits that write both; empty where nothing is new.
pub(super) fn edits(
    outputs: &[(String, Value)],
    checks: &[CheckResult],
    plan: &StackPlan,
    snapshot: &Snapshot,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    if outputs != snapshot.outputs {
        edits.push(Edit::Outputs(outputs.to_vec()));
    }
    if !checks.is_empty() || !plan.checks.is_empty() {
        edits.push(Edit::Checks(as_state(checks)));
    }
    edits
}
