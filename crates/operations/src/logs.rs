//! What services print.

use std::pin::Pin;

use agent_api::LogLine;
use diag::closest;
use futures_util::{Stream, StreamExt};

use crate::{Fault, Session};

/// Which lines.
#[derive(Debug, Clone, Default)]
pub struct LogRequest {
    /// Of these services; none: of all.
    pub services: Vec<String>,
    /// Of this instance only.
    pub instance: Option<String>,
    /// The last lines of each instance.
    pub tail: Option<u64>,
    /// Go on with what is printed from now on.
    pub follow: bool,
}

/// Lines as they come.
pub type Lines = Pin<Box<dyn Stream<Item = Result<LogLine, Fault>> + Send>>;

/// The lines that services printed, of all clusters of the environment.
///
/// # Errors
/// If a service is not known or a cluster cannot be reached.
pub async fn logs(session: &Session, request: &LogRequest) -> Result<Lines, Fault> {
    let declared = session.description.service_images();
    if let Some(unknown) = request.services.iter().find(|s| !declared.contains_key(*s)) {
        let near = closest(unknown, declared.keys().map(String::as_str));
        let hint = near
            .map_or_else(|| "`mainstay status` names them".to_owned(), |n| format!("did you mean `{n}`?"));
        return Err(Fault::usage(format!("there is no service `{unknown}`"), hint));
    }
    let fleet = session.fleet().await?;
    let lines = fleet
        .logs(&request.services, request.instance.as_deref(), request.tail, request.follow)
        .await
        .map_err(Fault::Failed)?;
    Ok(Box::pin(lines.map(|line| line.map_err(|fault| Fault::failed(*fault)))))
}
