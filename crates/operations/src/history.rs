//! What was deployed, when, by whom, and how it ended.

use engine::Deployment;

use crate::{Fault, Session};

/// The latest deployments of the environment, newest first.
///
/// # Errors
/// If the ledger cannot be read.
pub async fn history(session: &Session, limit: u32) -> Result<Vec<Deployment>, Fault> {
    Ok(session.store.deployments(&session.environment, limit).await?)
}
