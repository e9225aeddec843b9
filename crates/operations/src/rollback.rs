//! Rollback: an earlier revision becomes the desired one again, configuration, values and releases together.

use std::sync::Arc;

use diag::Diagnostic;
use engine::{Deployment, DeploymentKind, DeploymentOutcome, RevisionId};

use crate::applying::{Locked, Report};
use crate::planning::{PlanOptions, Planned, Watch};
use crate::{Fault, Session};

/// How far back the revision before the present one is looked for.
const HISTORY: u32 = 500;

/// Where to go back to.
#[derive(Debug, Clone)]
pub enum RollbackTarget {
    /// The revision before the present one.
    Previous,
    /// This revision, or the one whose name begins so.
    Revision(String),
}

/// Makes an earlier revision real again.
///
/// # Errors
/// If there is none, or nothing could be tried. What was tried and failed is in the report.
pub async fn rollback(
    session: &Session,
    target: RollbackTarget,
    watch: &Watch,
    confirm: impl FnOnce(&Planned) -> Result<bool, Fault>,
) -> Result<Option<Report>, Fault> {
    let locked = Locked::enter(session, "rollback", watch).await?;
    let result = async {
        let id = match target {
            RollbackTarget::Revision(id) => id,
            RollbackTarget::Previous => {
                let deployments = session.store.deployments(&session.environment, HISTORY).await?;
                previous(&deployments).map(ToString::to_string).ok_or_else(no_previous)?
            }
        };
        let revision =
            session.store.revision(&session.environment, &id).await?.ok_or_else(|| no_revision(&id))?;
        let description = Arc::new(session.earlier(&revision)?);
        let planned = locked.plan(description, revision.releases.clone(), &PlanOptions::default()).await?;
        // The plan's own revision would have the same content; the one that was asked for keeps its name.
        let planned = Planned { revision, ..planned };
        locked.execute(planned, DeploymentKind::Rollback, confirm).await
    }
    .await;
    locked.leave(result).await
}

/// The revision that stood before the one that stands now. Going back twice goes back two: what a rollback left is skipped.
fn previous(deployments: &[Deployment]) -> Option<&RevisionId> {
    let moves = |d: &&Deployment| !matches!(d.kind, DeploymentKind::Hold | DeploymentKind::Release);
    let mut stood =
        deployments.iter().filter(moves).filter(|d| d.outcome == Some(DeploymentOutcome::Succeeded));
    let Some(present) = stood.next()?.revision.as_ref() else {
        // It was destroyed: what stood before that is what is missed.
        return stood.find_map(|d| d.revision.as_ref());
    };
    // Everything deployed after the present revision first stood was left on purpose.
    let after_first = stood.clone().collect::<Vec<_>>();
    let first = after_first.iter().rposition(|d| d.revision.as_ref() == Some(present)).map_or(0, |at| at + 1);
    after_first.get(first..)?.iter().filter_map(|d| d.revision.as_ref()).find(|r| *r != present)
}

fn no_previous() -> Fault {
    Fault::failed(
        Diagnostic::error("no-earlier-revision", "there is no earlier revision to go back to")
            .hint("`mainstay history` shows what was deployed"),
    )
}

fn no_revision(id: &str) -> Fault {
    Fault::Usage(
        Diagnostic::error("no-revision", format!("there is no revision `{id}`, or several begin so"))
            .hint("`mainstay history` names them")
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::DeploymentId;

    fn history(newest_first: &[&str]) -> Vec<Deployment> {
        let deployment = |name: &&str| Deployment {
            id: DeploymentId::new(*name),
            kind: DeploymentKind::Apply,
            revision: (*name != "destroyed").then(|| RevisionId::new(name.trim_end_matches('!'))),
            who: String::new(),
            started_at_ms: 0,
            finished_at_ms: None,
            outcome: Some(if name.ends_with('!') {
                DeploymentOutcome::Reverted
            } else {
                DeploymentOutcome::Succeeded
            }),
            cells: Vec::new(),
            holds: Vec::new(),
        };
        newest_first.iter().map(deployment).collect()
    }

    #[test]
    fn what_was_reverted_never_stood_and_going_back_twice_goes_back_two() {
        let check = |newest_first: &[&str], expect: Option<&str>| {
            let history = history(newest_first);
            assert_eq!(previous(&history).map(RevisionId::as_str), expect, "{newest_first:?}");
        };
        check(&["b", "a"], Some("a"));
        check(&["c!", "b", "a"], Some("a"));
        check(&["b", "c", "b", "a"], Some("a"));
        check(&["destroyed", "b", "a"], Some("b"));
        check(&["a"], None);
        check(&[], None);
    }
}
