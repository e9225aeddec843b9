//! Destroying an environment, or some of it.

use engine::{DeploymentKind, Target};

use crate::applying::{Locked, Report};
use crate::planning::{PlanOptions, Planned, Watch};
use crate::{Fault, Session};

/// Removes everything that the environment has, or the targets and what depends on them.
///
/// # Errors
/// If nothing could be tried. What was tried and failed is in the report.
pub async fn destroy(
    session: &Session,
    targets: Vec<Target>,
    watch: &Watch,
    confirm: impl FnOnce(&Planned) -> Result<bool, Fault>,
) -> Result<Option<Report>, Fault> {
    let locked = Locked::enter(session, "destroy", watch).await?;
    let result = async {
        let releases = session.store.releases(&session.environment).await?;
        let options = PlanOptions { destroy: true, targets, ..PlanOptions::default() };
        let planned = locked.plan(session.description.clone(), releases, &options).await?;
        locked.execute(planned, DeploymentKind::Destroy, confirm).await
    }
    .await;
    locked.leave(result).await
}
