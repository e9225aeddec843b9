//! `up` and `down`: a project on this machine.

use engine::DeploymentKind;

use crate::agents::{AgentStart, ensure_agents};
use crate::applying::{Locked, Report};
use crate::planning::{PlanOptions, Planned, Watch};
use crate::seeds::{SeedReport, load_seeds};
use crate::{BuiltImage, Fault, Session, build_images, clock, images};

/// What `up` did.
#[derive(Debug, Clone)]
pub struct UpReport {
    /// The agents that were found or started.
    pub agents: Vec<AgentStart>,
    /// The images that were built or reused.
    pub images: Vec<BuiltImage>,
    /// What came of the apply.
    pub report: Report,
    /// The seed data that was loaded.
    pub seeds: Vec<SeedReport>,
}

/// Brings the project up: agents, images, services, seed data. `confirm` sees the plan; `None` is answered if it refuses.
///
/// # Errors
/// If nothing could be tried. What was tried and failed is in the report.
pub async fn up(
    session: &Session,
    unpins: bool,
    watch: &Watch,
    confirm: impl FnOnce(&Planned) -> Result<bool, Fault>,
) -> Result<Option<UpReport>, Fault> {
    let agents = ensure_agents(session).await?;
    let images = build_images(session, &[], false, watch).await?;
    let locked = Locked::enter(session, "up", watch).await?.unpinning(unpins);
    let result = async {
        let mut releases = session.store.releases(&session.environment).await?;
        releases.extend(images::releases(&images, clock::now_ms()));
        let planned = locked.plan(session.description.clone(), releases, &PlanOptions::default()).await?;
        let Some(report) = locked.execute(planned, DeploymentKind::Apply, confirm).await? else {
            return Ok(None);
        };
        let seeds = if report.succeeded() { load_seeds(session, watch).await? } else { Vec::new() };
        Ok(Some((report, seeds)))
    }
    .await;
    let done = locked.leave(result).await?;
    Ok(done.map(|(report, seeds)| UpReport { agents, images, report, seeds }))
}

/// Stops everything that `up` started; images and history stay.
///
/// # Errors
/// If nothing could be tried. What was tried and failed is in the report.
pub async fn down(session: &Session, watch: &Watch) -> Result<Report, Fault> {
    if session.is_protected() {
        return Err(Fault::usage(
            format!("`{}` is protected", session.environment),
            "`down` is for environments of one's own; `mainstay destroy` asks first",
        ));
    }
    let report = crate::destroy(session, Vec::new(), watch, |_| Ok(true)).await?;
    report.ok_or_else(|| Fault::usage("nothing was done", "run it again"))
}
