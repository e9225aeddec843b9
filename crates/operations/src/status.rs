//! What runs.

use engine::EnvironmentName;
use fleet::CellStatus;

use crate::{Fault, Session};

/// What runs in an environment.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Status {
    /// The environment.
    pub environment: EnvironmentName,
    /// The revision that stands, if anything was deployed.
    pub revision: Option<engine::RevisionId>,
    /// What is held as it is.
    pub holds: Vec<engine::Hold>,
    /// Every service in every cluster.
    pub cells: Vec<CellStatus>,
}

/// What runs in the environment, as its clusters tell.
///
/// # Errors
/// If a cluster cannot be reached.
pub async fn status(session: &Session) -> Result<Status, Fault> {
    let fleet = session.fleet().await?;
    let cells = fleet.status().await.map_err(Fault::Failed)?;
    let deployments = session.store.deployments(&session.environment, 50).await?;
    let holds = deployments.first().map(|deployment| deployment.holds.clone()).unwrap_or_default();
    let stands = deployments.iter().find(|d| d.outcome == Some(engine::DeploymentOutcome::Succeeded));
    Ok(Status {
        environment: session.environment.clone(),
        revision: stands.and_then(|d| d.revision.clone()),
        holds,
        cells,
    })
}
