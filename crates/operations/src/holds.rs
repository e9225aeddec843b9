//! Freezing an environment and pinning services: nothing but a way back moves them until a person lets them go. A rollback pins what it
//! has moved, so that nothing automatic brings back what was taken back.
//!
//! What is held is written into the ledger with every deployment, so that the newest entry says it, and the history who did it.

use diag::Diagnostic;
use engine::{Action, Address, Cell, Deployment, DeploymentKind, DeploymentOutcome, Hold, Plan};

use crate::applying::Locked;
use crate::planning::Watch;
use crate::{Fault, Session, clock, lease};

/// The kind of address that services have.
const SERVICE: &str = "service";

/// What a person wants of holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldRequest {
    /// Nothing in the environment moves.
    Freeze {
        /// For whoever comes to it.
        why: String,
    },
    /// What was frozen moves again; pins stay.
    Thaw,
    /// These services do not move.
    Pin {
        /// Their names.
        services: Vec<String>,
        /// For whoever comes to it.
        why: String,
    },
    /// These services move again; none named: all.
    Unpin {
        /// Their names.
        services: Vec<String>,
    },
}

/// What is held in the environment now.
///
/// # Errors
/// If the ledger cannot be read.
pub async fn holds(session: &Session) -> Result<Vec<Hold>, Fault> {
    Ok(newest(session).await?.map(|deployment| deployment.holds).unwrap_or_default())
}

async fn newest(session: &Session) -> Result<Option<Deployment>, Fault> {
    Ok(session.store.deployments(&session.environment, 1).await?.pop())
}

/// Holds, or lets go. What is held then.
///
/// # Errors
/// If a service is not known, or there is nothing to let go.
pub async fn change_holds(
    session: &Session,
    request: HoldRequest,
    watch: &Watch,
) -> Result<Vec<Hold>, Fault> {
    let locked = Locked::enter(session, "hold", watch).await?;
    let result = async {
        let newest = newest(session).await?;
        let before = newest.as_ref().map(|deployment| deployment.holds.clone()).unwrap_or_default();
        let (kind, holds) = changed(session, before, request)?;
        let now_ms = clock::now_ms();
        let entry = Deployment {
            id: clock::deployment_id(now_ms),
            kind,
            // What stands stays what it is.
            revision: newest.and_then(|deployment| deployment.revision),
            who: lease::who(),
            started_at_ms: now_ms,
            finished_at_ms: Some(now_ms),
            outcome: Some(DeploymentOutcome::Succeeded),
            cells: Vec::new(),
            holds,
        };
        session.store.put_deployment(&session.environment, &entry).await?;
        Ok(entry.holds)
    }
    .await;
    locked.leave(result).await
}

fn changed(
    session: &Session,
    mut holds: Vec<Hold>,
    request: HoldRequest,
) -> Result<(DeploymentKind, Vec<Hold>), Fault> {
    let hold = |service: Option<Address>, why: &str| Hold {
        service,
        why: why.to_owned(),
        who: lease::who(),
        since_ms: clock::now_ms(),
    };
    match request {
        HoldRequest::Freeze { why } => {
            holds.retain(|it| it.service.is_some());
            holds.push(hold(None, &why));
            Ok((DeploymentKind::Hold, holds))
        }
        HoldRequest::Thaw => {
            let before = holds.len();
            holds.retain(|it| it.service.is_some());
            if holds.len() == before {
                let message = format!("the environment {} is not frozen", session.environment);
                return Err(Fault::usage(message, "`mainstay history` says what is held"));
            }
            Ok((DeploymentKind::Release, holds))
        }
        HoldRequest::Pin { services, why } => {
            for service in services {
                let address = Address::new(SERVICE, service.as_str());
                // A pin on what there is not would be forgotten in silence.
                if let Some(fault) = session.description.unknown_service(&service) {
                    return Err(Fault::Usage(fault.into()));
                }
                holds.retain(|it| it.service.as_ref() != Some(&address));
                holds.push(hold(Some(address), &why));
            }
            Ok((DeploymentKind::Hold, holds))
        }
        HoldRequest::Unpin { services } => {
            let named: Vec<Address> =
                services.iter().map(|name| Address::new(SERVICE, name.as_str())).collect();
            for (name, address) in services.iter().zip(&named) {
                if !holds.iter().any(|it| it.service.as_ref() == Some(address)) {
                    let pinned: Vec<String> =
                        holds.iter().filter_map(|it| Some(it.service.as_ref()?.name.to_string())).collect();
                    let hint = if pinned.is_empty() {
                        "no service is".to_owned()
                    } else {
                        format!("pinned are: {}", pinned.join(", "))
                    };
                    return Err(Fault::usage(format!("the service `{name}` is not pinned"), hint));
                }
            }
            holds.retain(|it| match &it.service {
                Some(service) => !(named.is_empty() || named.contains(service)),
                None => true,
            });
            Ok((DeploymentKind::Release, holds))
        }
    }
}

/// What of a plan is held. A way back is never held: it is what one does in need. What is destroyed takes its pins with it.
///
/// `unpins`: pins of what changes are let go. What is held afterwards.
pub(crate) fn heed(
    plan: &Plan,
    changes_more: bool,
    kind: DeploymentKind,
    unpins: bool,
    mut holds: Vec<Hold>,
) -> Result<Vec<Hold>, Fault> {
    if kind == DeploymentKind::Rollback {
        return Ok(holds);
    }
    let changes = || plan.changes.iter().filter(|change| change.action != Action::None);
    if let Some(frozen) = holds.iter().find(|it| it.service.is_none())
        && (changes_more || changes().next().is_some())
    {
        let fault = Diagnostic::error("frozen", frozen.to_string())
            .about(format!("environment {}", plan.environment))
            .hint("`mainstay thaw` lets it move again; `mainstay rollback` works all the same");
        return Err(Fault::failed(fault));
    }
    let is_moved = |hold: &Hold| hold.service.is_some() && changes().any(|it| hold.covers(&it.address));
    if unpins || kind == DeploymentKind::Destroy {
        holds.retain(|hold| !is_moved(hold));
        return Ok(holds);
    }
    let held: Vec<&Hold> = holds.iter().filter(|hold| is_moved(hold)).collect();
    if held.is_empty() {
        return Ok(holds);
    }
    let names: Vec<&str> =
        held.iter().filter_map(|hold| hold.service.as_ref()).map(|it| it.name.as_ref()).collect();
    let faults = held.iter().map(|hold| {
        Diagnostic::error("pinned", hold.to_string()).hint(format!(
            "`mainstay unpin {}` lets it move again, and so does `--unpin` here; leave it out with `--target` to change the rest",
            names.join(" ")
        ))
    });
    Err(Fault::Failed(diag::Diagnostics(faults.collect())))
}

/// What a rollback has moved stays there.
pub(crate) fn pinned_by_rollback(deployment: &Deployment, cells: &[Cell]) -> Vec<Hold> {
    let mut holds = deployment.holds.clone();
    let is_moved = |cell: &&Cell| matches!(cell.outcome.as_str(), "created" | "updated");
    let services = cells.iter().filter(|cell| cell.address.kind.as_str() == SERVICE);
    for cell in services.filter(is_moved) {
        let service = Address::new(SERVICE, cell.address.name.clone());
        holds.retain(|it| it.service.as_ref() != Some(&service));
        holds.push(Hold {
            service: Some(service),
            why: match &deployment.revision {
                Some(revision) => format!("it was rolled back to {revision}"),
                None => "it was rolled back".into(),
            },
            who: deployment.who.clone(),
            since_ms: deployment.started_at_ms,
        });
    }
    holds
}
