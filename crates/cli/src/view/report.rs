//! What came of a deployment, of `up`, of a build; and the history.

use diag::Sources;
use engine::{Deployment, DeploymentKind, DeploymentOutcome};
use operations::{BuiltImage, ImageRow, PulledImage, PushedImage, Report, UpReport};
use serde_json::json;

use super::{Paint, Screen, Table, ago, duration};
use crate::exit;

/// Shows a report; answers the exit code.
pub fn report(screen: &Screen, report: &Report) -> u8 {
    let code = if report.succeeded() { exit::DONE } else { exit::FAILED };
    if screen.json {
        screen.data(&data(report));
        return code;
    }
    if !report.faults.is_empty() {
        eprintln!("\n{}\n", diag::render_all(&report.faults, &Sources::default(), screen.style()));
    }
    let Some(deployment) = &report.deployment else {
        outputs(screen, report);
        return code;
    };
    let took =
        duration(deployment.finished_at_ms.unwrap_or(deployment.started_at_ms) - deployment.started_at_ms);
    let revision = deployment.revision.as_ref().map(|r| format!(" Revision {r}.")).unwrap_or_default();
    let changed = deployment.cells.len();
    if let Some(counts) = &report.infrastructure {
        screen.line(&format!(
            "Infrastructure: {} added, {} changed, {} destroyed.",
            counts.added, counts.changed, counts.removed
        ));
    }
    screen.line(&match deployment.outcome {
        Some(DeploymentOutcome::Succeeded) => {
            match (&report.infrastructure, changed) {
                // There may be no service at all.
                (Some(_), 0) => format!("{} in {took}.{revision}", screen.paint(Paint::Good, "Done")),
                _ => format!("{} {changed} changed in {took}.{revision}", screen.paint(Paint::Good, "Done:")),
            }
        }
        Some(DeploymentOutcome::Reverted) => {
            format!(
                "{} everything that had moved was taken back after {took}.",
                screen.paint(Paint::Change, "Reverted:")
            )
        }
        Some(DeploymentOutcome::Failed | DeploymentOutcome::Interrupted) | None => {
            let left =
                deployment.cells.iter().filter(|c| c.outcome == "failed").map(|c| c.address.to_string());
            let left: Vec<String> = left.collect();
            let failed = screen.paint(Paint::Bad, "Failed");
            if left.is_empty() {
                format!("{failed} after {took}; what was done stays done, apply again to go on.")
            } else {
                format!("{failed} after {took}; look at {}.", left.join(", "))
            }
        }
    });
    outputs(screen, report);
    code
}

fn outputs(screen: &Screen, report: &Report) {
    for (name, value) in &report.outputs {
        screen.line(&format!("{} = {value}", screen.paint(Paint::Strong, name)));
    }
}

fn data(report: &Report) -> serde_json::Value {
    let faults: Vec<_> = report.faults.0.iter().map(|d| diag::to_json(d, &Sources::default())).collect();
    let hidden = value::Value::string("(sensitive value)");
    let outputs: serde_json::Map<_, _> = report
        .outputs
        .iter()
        .map(|(name, v)| (name.clone(), value::to_json(&v.redact(&hidden)).unwrap_or_default()))
        .collect();
    json!({
        "event": "result", "succeeded": report.succeeded(), "deployment": report.deployment,
        "infrastructure": report.infrastructure.map(|counts| json!({
            "added": counts.added, "changed": counts.changed, "removed": counts.removed,
            "imported": counts.imported, "forgotten": counts.forgotten,
        })),
        "faults": faults, "outputs": outputs,
    })
}

/// Shows what `up` did; answers the exit code.
pub fn up(screen: &Screen, up: &UpReport) -> u8 {
    if screen.json {
        let mut all = data(&up.report);
        if let Some(map) = all.as_object_mut() {
            map.insert("agents".into(), json!(up.agents));
            map.insert("images".into(), json!(up.images));
            map.insert("seeds".into(), json!(up.seeds));
        }
        screen.data(&all);
        return if up.report.succeeded() { exit::DONE } else { exit::FAILED };
    }
    for agent in &up.agents {
        if agent.started {
            screen.line(&format!("agent    started, entry on http://{}", agent.info.http_entry));
        }
        for missing in &agent.info.missing_isolation {
            screen.line(&format!("without  {missing}"));
        }
    }
    built(screen, &up.images);
    let code = report(screen, &up.report);
    for seed in &up.seeds {
        screen.line(&format!("seed     {}: {} entries in {}", seed.name, seed.entries, seed.service));
    }
    code
}

/// Shows what was built.
pub fn built(screen: &Screen, images: &[BuiltImage]) {
    for image in images {
        let how = if image.changed { "built" } else { "unchanged" };
        screen.line(&format!(
            "image    {} {how} {} ({})",
            image.name,
            short(&image.digest),
            bytes(image.size_bytes)
        ));
    }
}

/// Shows what was pushed.
pub fn pushed(screen: &Screen, image: &PushedImage) {
    if screen.json {
        screen.data(image);
        return;
    }
    let there = image.blobs_present + image.blobs_mounted;
    screen.line(&format!("pushed   {}@{}", image.reference, image.digest));
    screen.line(&format!(
        "         {} blobs sent ({}), {there} were there already",
        image.blobs_sent,
        bytes(image.bytes_sent)
    ));
}

/// Shows what was pulled.
pub fn pulled(screen: &Screen, image: &PulledImage) {
    if screen.json {
        screen.data(image);
        return;
    }
    screen.line(&format!("pulled   {} {}", image.reference, image.digest));
    screen.line(&format!(
        "         {} blobs fetched ({})",
        image.blobs_received,
        bytes(image.bytes_received)
    ));
}

/// Shows the images of the project.
pub fn images(screen: &Screen, rows: &[ImageRow]) {
    if screen.json {
        screen.data(&rows);
        return;
    }
    let mut table = Table::new(&["IMAGE", "DIGEST", "SIZE", "PINNED IN"]);
    for row in rows {
        table.row(vec![
            row.name.clone(),
            short(&row.digest),
            bytes(row.size_bytes),
            row.pinned_in.join(", "),
        ]);
    }
    if table.is_empty() {
        screen.line("No image was built here yet: `mainstay image build`.");
    } else {
        table.lines().iter().for_each(|l| screen.line(l));
    }
}

/// Shows what was removed.
pub fn pruned(screen: &Screen, removed: &operations::Pruned) {
    if screen.json {
        screen.data(removed);
    } else {
        screen.line(&format!("Removed {} images, {} freed.", removed.images, bytes(removed.bytes)));
        for it in &removed.clusters {
            let place = format!("cluster {} of {}", it.cluster, it.environment);
            match &it.fault {
                Some(fault) => screen.line(&format!("{place}: not asked: {fault}")),
                None => screen.line(&format!("{place}: {} images, {} freed", it.images, bytes(it.bytes))),
            }
        }
    }
}

/// Shows the deployments.
pub fn history(screen: &Screen, deployments: &[Deployment]) {
    if screen.json {
        screen.data(&deployments);
        return;
    }
    if deployments.is_empty() {
        screen.line("Nothing was deployed yet.");
        return;
    }
    let now = now_ms();
    let mut table = Table::new(&["WHEN", "WHAT", "REVISION", "OUTCOME", "TOOK", "WHO", "CHANGED"]);
    for d in deployments {
        let what = match d.kind {
            DeploymentKind::Apply => "apply",
            DeploymentKind::Deploy => "deploy",
            DeploymentKind::Rollback => "rollback",
            DeploymentKind::Destroy => "destroy",
            DeploymentKind::Hold => "hold",
            DeploymentKind::Release => "release",
        };
        let outcome = match d.outcome {
            Some(DeploymentOutcome::Succeeded) => screen.paint(Paint::Good, "succeeded"),
            Some(DeploymentOutcome::Reverted) => screen.paint(Paint::Change, "reverted"),
            Some(DeploymentOutcome::Failed) => screen.paint(Paint::Bad, "failed"),
            Some(DeploymentOutcome::Interrupted) => screen.paint(Paint::Change, "interrupted"),
            None => screen.paint(Paint::Change, "under way"),
        };
        let names: Vec<String> = d.cells.iter().map(|c| c.address.to_string()).collect();
        let more = if names.len() > 3 { format!(" and {} more", names.len() - 3) } else { String::new() };
        let took =
            d.finished_at_ms.map(|end| duration(end.saturating_sub(d.started_at_ms))).unwrap_or_default();
        table.row(vec![
            format!("{} ago", ago(d.started_at_ms, now)),
            what.into(),
            d.revision.as_ref().map(ToString::to_string).unwrap_or_else(|| "-".into()),
            outcome,
            took,
            d.who.clone(),
            format!("{}{more}", names.iter().take(3).cloned().collect::<Vec<_>>().join(", ")),
        ]);
    }
    table.lines().iter().for_each(|l| screen.line(l));
    for d in deployments {
        for cell in d.cells.iter().filter_map(|c| Some((c, c.cause.as_ref()?))) {
            let first = cell.1.lines().next().unwrap_or_default();
            screen.line(&format!(
                "{}  {}: {first}",
                screen.paint(Paint::Faint, d.id.as_str()),
                cell.0.address
            ));
        }
    }
}

/// A digest as people compare it.
pub fn short(digest: &str) -> String {
    let hex = digest.rsplit_once("sha256:").map_or(digest, |(_, hex)| hex);
    hex.chars().take(12).collect()
}

/// A size as people say it.
pub fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KiB", bytes / 1_024),
        _ => format!("{}.{} MiB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

pub fn now_ms() -> u64 {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
