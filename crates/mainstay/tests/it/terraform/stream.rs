//! What a command with `-json` streams, as it is recorded: its diagnostics, and every other message in a line of text.

use serde_json::{Value as Json, json};

use super::normal::{self, Normaliser};

/// The diagnostics and the lines. Diagnostics are sorted by place, lines by text.
///
/// # Errors
/// If a line that should be JSON is none.
pub fn parts(text: &str, normaliser: &mut Normaliser) -> Result<(Vec<Json>, Vec<String>), String> {
    let (mut faults, mut lines) = (Vec::new(), Vec::new());
    for line in text.lines().filter(|line| line.starts_with('{')) {
        let message =
            normal::read(line).map_err(|e| format!("a line of the stream is no JSON: {e}: {line}"))?;
        match message["type"].as_str().unwrap_or_default() {
            "diagnostic" => faults.push(message["diagnostic"].clone()),
            kind @ ("planned_change" | "resource_drift") => lines.push(changed(kind, &message["change"])),
            kind @ "change_summary" => {
                let counts = message["changes"].as_object().into_iter().flatten();
                let words = counts.map(|(key, value)| format!("{key}={}", word(value)));
                lines.push(std::iter::once(kind.to_owned()).chain(words).collect::<Vec<_>>().join(" "));
            }
            "outputs" => lines.extend(message["outputs"].as_object().into_iter().flatten().map(output)),
            kind => {
                lines.extend(hooked(kind, &message).map(|line| normaliser.line(&line).trim_end().to_owned()))
            }
        }
    }
    lines.sort();
    Ok((diagnostics(&faults, normaliser), lines))
}

fn output((name, output): (&String, &Json)) -> String {
    let action = output.get("action").map_or("set".to_owned(), word);
    let secret = if output["sensitive"] == true { " sensitive" } else { "" };
    format!("output {name} {action}{secret}")
}

fn changed(kind: &str, change: &Json) -> String {
    let mut words = vec![kind.to_owned(), word(&change["resource"]["addr"]), word(&change["action"])];
    words.extend(change.get("reason").map(word));
    words.extend(change.get("previous_resource").map(|it| format!("from {}", word(&it["addr"]))));
    words.extend(change.get("importing").map(|_| "importing".to_owned()));
    words.join(" ")
}

/// What is done to a resource. How often progress is told depends on the time, so that only what a provisioner printed is kept.
fn hooked(kind: &str, message: &Json) -> Option<String> {
    let hook = message.get("hook")?;
    if kind.ends_with("_progress") && hook.get("output").is_none() {
        return None;
    }
    let mut words = vec![kind.to_owned(), word(&hook["resource"]["addr"])];
    words.extend(["action", "provisioner", "output"].into_iter().filter_map(|key| hook.get(key)).map(word));
    Some(words.join(" "))
}

fn word(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Of each diagnostic its severity, summary and place.
pub fn diagnostics(found: &[Json], normaliser: &mut Normaliser) -> Vec<Json> {
    let mut kept: Vec<Json> = found
        .iter()
        .map(|fault| {
            let mut text = |value: &Json| normaliser.text(&word(value));
            let mut kept =
                json!({ "severity": text(&fault["severity"]), "summary": text(&fault["summary"]) });
            if let Some(range) = fault.get("range").filter(|range| range.is_object()) {
                kept["file"] = json!(text(&range["filename"]));
                kept["line"] = range["start"]["line"].clone();
            }
            kept
        })
        .collect();
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    kept.sort_by_key(|it| {
        (text(&it["file"]), it["line"].as_u64().unwrap_or(0), text(&it["severity"]), text(&it["summary"]))
    });
    kept
}

/// Each fault once, and without what a program says about itself or in any order: see `record.py`.
pub fn distinct(faults: Vec<Json>) -> Vec<Json> {
    let mut kept: Vec<Json> = Vec::new();
    for mut fault in faults {
        let summary = fault["summary"].as_str().unwrap_or_default().to_owned();
        if summary.starts_with("Cycle: ") {
            fault["summary"] = json!("Cycle");
        }
        let is_heading = summary.starts_with("Terraform encountered problems during initialisation");
        if !is_heading && !kept.contains(&fault) {
            kept.push(fault);
        }
    }
    kept
}
