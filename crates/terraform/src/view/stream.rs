//! The machine-readable stream: one JSON object a line, version 1.2 of Terraform's.

use std::io::Write;

use diag::{Diagnostic, Severity, Sources};
use engine::stack::StackPlan;
use engine::stack::plan::{Action, Reason, ResourceChange};
use engine::{Address, Happened, Mode, Work};
use serde_json::{Map, Value as Json, json};
use value::Value;

use super::{known, seconds, words};
use crate::json::{self, diagnostics, resource, summaries, values};
use crate::text::plan::Counts;

/// One line: what all have, and what this one has besides.
pub(super) fn line(level: &str, message: &str, data: Json) {
    let mut out = Map::new();
    out.insert("@level".into(), json!(level));
    out.insert("@message".into(), json!(message));
    out.insert("@module".into(), json!("terraform.ui"));
    out.insert(
        "@timestamp".into(),
        json!(jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()),
    );
    if let Json::Object(data) = data {
        out.extend(data);
    }
    if let Ok(text) = json::text(&out) {
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
}

pub(super) fn diagnostic(diagnostic: &Diagnostic, sources: &Sources) {
    let (level, word) = match diagnostic.severity {
        Severity::Error => ("error", "Error"),
        Severity::Warning => ("warn", "Warning"),
    };
    let data = json!({ "type": "diagnostic", "diagnostic": diagnostics::diagnostic(diagnostic, sources) });
    line(level, &format!("{word}: {}", summaries::summary(diagnostic).0), data);
}

/// Changes of a plan that was shown before.
pub(super) fn changes(plan: &StackPlan) {
    for change in &plan.changes {
        if change.action != Action::NoOp && is_shown(change) {
            planned(change, "planned_change", "Plan to");
        }
    }
}

/// Whether people are told of a change: what is only read goes without a word.
fn is_shown(change: &ResourceChange) -> bool {
    match change.address.mode {
        Mode::Managed => true,
        Mode::Data => change.action == Action::Read,
        Mode::Ephemeral => false,
    }
}

/// Drift and changes of a plan.
fn all_changes(plan: &StackPlan) {
    for change in &plan.drift {
        planned(change, "resource_drift", "Drift detected");
    }
    for change in &plan.changes {
        let is_told =
            change.action != Action::NoOp || change.previous.is_some() || change.importing.is_some();
        if is_told && is_shown(change) {
            planned(change, "planned_change", "Plan to");
        }
    }
}

/// A plan with its summary.
pub(super) fn plan(plan: &StackPlan) {
    all_changes(plan);
    if plan.is_errored {
        return;
    }
    summary(Counts::of(plan), "plan");
    let mut outputs = Map::new();
    for output in &plan.outputs {
        let action = match output.action() {
            Action::Create => "create",
            Action::Delete => "delete",
            Action::NoOp => "noop",
            _ => "update",
        };
        outputs
            .insert(output.name.to_string(), json!({ "sensitive": output.is_sensitive, "action": action }));
    }
    if !outputs.is_empty() {
        let message = format!("Outputs: {}", outputs.len());
        line("info", &message, json!({ "type": "outputs", "outputs": outputs }));
    }
}

fn planned(change: &ResourceChange, kind: &str, verb: &str) {
    let action = match change.action {
        _ if kind == "resource_drift" && change.after.is_null() => "delete",
        Action::NoOp if change.importing.is_some() => "import",
        Action::NoOp if change.previous.is_some() => "move",
        Action::NoOp => "noop",
        Action::Create => "create",
        Action::Read => "read",
        Action::Update => "update",
        Action::DeleteThenCreate | Action::CreateThenDelete => "replace",
        Action::Delete => "delete",
        Action::Forget => "remove",
    };
    let mut data = Map::new();
    data.insert("resource".into(), resource_of(&change.address));
    data.insert("action".into(), json!(action));
    if let Some(previous) = &change.previous {
        data.insert("previous_resource".into(), resource_of(previous));
    }
    if let Some(reason) = change.reason {
        data.insert("reason".into(), json!(reason_word(reason)));
    }
    if let Some(id) = &change.importing {
        data.insert("importing".into(), json!({ "id": id }));
    }
    let message = if kind == "resource_drift" {
        format!("{}: {verb} ({action})", change.address)
    } else {
        format!("{}: {verb} {action}", change.address)
    };
    line("info", &message, json!({ "type": kind, "change": data }));
}

fn reason_word(reason: Reason) -> String {
    match reason {
        Reason::ReplaceBecauseTainted => "tainted".into(),
        Reason::ReplaceBecauseCannotUpdate => "cannot_update".into(),
        Reason::ReplaceByRequest => "requested".into(),
        Reason::ReplaceByTriggers => "replace_triggered_by".into(),
        other => {
            serde_json::to_value(other).ok().and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default()
        }
    }
}

pub(super) fn summary(counts: Counts, operation: &str) {
    let imported = if counts.import > 0 { format!("{} to import, ", counts.import) } else { String::new() };
    let message = match operation {
        "plan" => format!(
            "Plan: {imported}{} to add, {} to change, {} to destroy.",
            counts.add, counts.change, counts.remove
        ),
        "destroy" => format!("Destroy complete! Resources: {} destroyed.", counts.remove),
        _ => format!(
            "Apply complete! Resources: {} added, {} changed, {} destroyed.",
            counts.add, counts.change, counts.remove
        ),
    };
    let changes = json!({
        "add": counts.add, "change": counts.change, "import": counts.import, "remove": counts.remove, "operation": operation,
    });
    line("info", &message, json!({ "type": "change_summary", "changes": changes }));
}

pub(super) fn outputs(outputs: &[(String, Value)]) {
    let one = |value: &Value| {
        let sensitive = values::is_any_sensitive(value);
        let mut data = Map::new();
        data.insert("sensitive".into(), json!(sensitive));
        data.insert("type".into(), value::type_to_json(&value.ty()));
        if !sensitive {
            data.insert("value".into(), values::known(value).unwrap_or(Json::Null));
        }
        Json::Object(data)
    };
    let all: Map<String, Json> = outputs.iter().map(|(name, value)| (name.clone(), one(value))).collect();
    line("info", &format!("Outputs: {}", all.len()), json!({ "type": "outputs", "outputs": all }));
}

fn resource_of(address: &Address) -> Json {
    let kind = address.kind.as_str();
    json!({
        "addr": address.to_string(),
        "module": address.module.to_string(),
        "resource": address.in_module().to_string(),
        "implied_provider": kind.split_once('_').map_or(kind, |(first, _)| first),
        "resource_type": kind,
        "resource_name": address.name,
        "resource_key": resource::index(address),
    })
}

/// The text of something that happened.
pub(super) fn message(name: &str, happened: &Happened) -> Option<String> {
    Some(match happened {
        Happened::RefreshStarted { known_by } => {
            format!("{name}: Refreshing state...{}", known(known_by.as_ref()))
        }
        Happened::RefreshFinished { .. } | Happened::Skipped { .. } => return None,
        Happened::ApplyStarted { work, known_by } => {
            format!("{name}: {}...{}", words(*work).0, known(known_by.as_ref()))
        }
        Happened::ApplyProgress { work, known_by, elapsed_ms } => {
            let doing = words(*work).0.to_lowercase();
            let known = known_by.as_ref().map_or_else(String::new, |by| format!("{}={}, ", by.key, by.value));
            format!("{name}: Still {doing}... [{known}{} elapsed]", seconds(*elapsed_ms))
        }
        Happened::ApplyFinished { work, known_by, took_ms } => {
            format!(
                "{name}: {} complete after {}{}",
                words(*work).1,
                seconds(*took_ms),
                known(known_by.as_ref())
            )
        }
        Happened::ApplyFailed { work, took_ms } => {
            format!("{name}: {} errored after {}", words(*work).1, seconds(*took_ms))
        }
        Happened::ProvisionStarted { provisioner } => format!("{name}: Provisioning with '{provisioner}'..."),
        Happened::ProvisionOutput { provisioner, output } => format!("{name} ({provisioner}): {output}"),
        Happened::ProvisionFinished { .. } | Happened::ProvisionFailed { .. } => return None,
        Happened::EphemeralStarted { work } => format!("{name}: {}...", words(*work).0),
        Happened::EphemeralFinished { work, took_ms } => {
            format!("{name}: {} complete after {}", words(*work).1, seconds(*took_ms))
        }
        Happened::EphemeralFailed { work, took_ms } => {
            format!("{name}: {} errored after {}", words(*work).1, seconds(*took_ms))
        }
    })
}

/// One thing that happened to an object.
pub(super) fn happened(address: &Address, happened: &Happened) {
    let mut hook = Map::new();
    hook.insert("resource".into(), resource_of(address));
    let action = |work: Work| serde_json::to_value(work).unwrap_or_default();
    let mut known_by = |by: &Option<engine::KnownBy>| {
        if let Some(by) = by {
            hook.insert("id_key".into(), json!(by.key));
            hook.insert("id_value".into(), json!(by.value));
        }
    };
    let kind = match happened {
        Happened::RefreshStarted { known_by: by } => {
            known_by(by);
            "refresh_start"
        }
        Happened::RefreshFinished { known_by: by } => {
            known_by(by);
            "refresh_complete"
        }
        Happened::ApplyStarted { work, known_by: by } => {
            known_by(by);
            hook.insert("action".into(), action(*work));
            "apply_start"
        }
        Happened::ApplyProgress { work, elapsed_ms, .. } => {
            hook.insert("action".into(), action(*work));
            hook.insert("elapsed_seconds".into(), json!(elapsed_ms / 1000));
            "apply_progress"
        }
        Happened::ApplyFinished { work, known_by: by, took_ms } => {
            known_by(by);
            hook.insert("action".into(), action(*work));
            hook.insert("elapsed_seconds".into(), json!(took_ms / 1000));
            "apply_complete"
        }
        Happened::ApplyFailed { work, took_ms } => {
            hook.insert("action".into(), action(*work));
            hook.insert("elapsed_seconds".into(), json!(took_ms / 1000));
            "apply_errored"
        }
        Happened::Skipped { .. } => return,
        Happened::ProvisionStarted { provisioner } => {
            hook.insert("provisioner".into(), json!(provisioner));
            "provision_start"
        }
        Happened::ProvisionOutput { provisioner, output } => {
            hook.insert("provisioner".into(), json!(provisioner));
            hook.insert("output".into(), json!(output));
            "provision_progress"
        }
        Happened::ProvisionFinished { provisioner } => {
            hook.insert("provisioner".into(), json!(provisioner));
            "provision_complete"
        }
        Happened::ProvisionFailed { provisioner } => {
            hook.insert("provisioner".into(), json!(provisioner));
            "provision_errored"
        }
        Happened::EphemeralStarted { work } => {
            hook.insert("action".into(), action(*work));
            "ephemeral_op_start"
        }
        Happened::EphemeralFinished { work, took_ms } => {
            hook.insert("action".into(), action(*work));
            hook.insert("elapsed_seconds".into(), json!(took_ms / 1000));
            "ephemeral_op_complete"
        }
        Happened::EphemeralFailed { work, took_ms } => {
            hook.insert("action".into(), action(*work));
            hook.insert("elapsed_seconds".into(), json!(took_ms / 1000));
            "ephemeral_op_errored"
        }
    };
    // A data source is refreshed here, and read for people.
    let text = match happened {
        Happened::ApplyStarted { work: Work::Read, .. } => Some(format!("{address}: Refreshing...")),
        Happened::ApplyFinished { work: Work::Read, took_ms, known_by: by } => {
            Some(format!("{address}: Refresh complete after {}{}", seconds(*took_ms), known(by.as_ref())))
        }
        _ => message(&address.to_string(), happened),
    };
    let text = text.unwrap_or_else(|| match happened {
        Happened::RefreshFinished { known_by } => {
            format!("{address}: Refresh complete{}", known(known_by.as_ref()))
        }
        Happened::ProvisionFinished { provisioner } => {
            format!("{address}: ({provisioner}) Provisioning complete")
        }
        Happened::ProvisionFailed { provisioner } => {
            format!("{address}: ({provisioner}) Provisioning errored")
        }
        _ => address.to_string(),
    });
    line("info", &text, json!({ "type": kind, "hook": hook }));
}
