//! What runs.

use agent_api::{InstanceStatus, Phase};
use engine::Hold;
use fleet::CellStatus;
use operations::Status;

use super::report::{now_ms, short};
use super::{Paint, Screen, Table, ago};

/// Shows every service in every cluster.
pub fn status(screen: &Screen, status: &Status, instances: bool) {
    if screen.json {
        screen.data(status);
        return;
    }
    if status.cells.is_empty() {
        screen.line(&format!(
            "Nothing runs in {}: `mainstay up` or `mainstay apply` starts what is described.",
            status.environment
        ));
        return;
    }
    let revision = status.revision.as_ref().map(|r| format!(", revision {r}")).unwrap_or_default();
    screen.line(&format!("{}{revision}", screen.paint(Paint::Strong, status.environment.as_str())));
    holds(screen, &status.holds);
    let mut table = Table::new(&["SERVICE", "CLUSTER", "RELEASE", "READY", "RESTARTS", "ADDRESS", "URL"]);
    for cell in &status.cells {
        table.row(row(screen, cell));
    }
    table.lines().iter().for_each(|l| screen.line(l));
    if instances {
        screen.line("");
        let now = now_ms();
        let mut table = Table::new(&["INSTANCE", "PHASE", "SINCE", "RESTARTS", "LAST CHECK"]);
        for instance in status.cells.iter().flat_map(|c| &c.instances) {
            let check = instance.last_check.as_ref().map(|c| c.message.clone()).unwrap_or_default();
            table.row(vec![
                instance.id.to_string(),
                phase(instance, now),
                ago(instance.started_at_ms, now),
                instance.restarts.to_string(),
                instance.reason.clone().unwrap_or(check),
            ]);
        }
        table.lines().iter().for_each(|l| screen.line(l));
    }
}

/// What is held, a line each.
pub fn holds(screen: &Screen, holds: &[Hold]) {
    let now = now_ms();
    for hold in holds {
        screen.line(&format!(
            "{} ({} ago)",
            screen.paint(Paint::Change, &hold.to_string()),
            ago(hold.since_ms, now)
        ));
    }
}

/// Where it stands; of one that is kept warm, for how long.
fn phase(instance: &InstanceStatus, now_ms: u64) -> String {
    match instance.retires_at_ms {
        Some(at_ms) if instance.phase == Phase::Ready => {
            format!("warm, {}s left", at_ms.saturating_sub(now_ms) / 1000)
        }
        _ => format!("{:?}", instance.phase).to_lowercase(),
    }
}

fn row(screen: &Screen, cell: &CellStatus) -> Vec<String> {
    let ready = format!("{}/{}", cell.ready, cell.desired);
    let paint = if cell.ready >= cell.desired { Paint::Good } else { Paint::Bad };
    let restarts: u32 = cell.instances.iter().map(|i| i.restarts).sum();
    vec![
        cell.service.clone(),
        cell.cluster.to_string(),
        cell.release.as_deref().map_or_else(|| "-".into(), short),
        screen.paint(paint, &ready),
        restarts.to_string(),
        cell.addresses.values().next().cloned().unwrap_or_else(|| "-".into()),
        cell.urls.first().cloned().unwrap_or_else(|| "-".into()),
    ]
}
