//! What services print.

use std::pin::Pin;

use agent_api::LogLine;
use diag::closest;
use futures_util::{Stream, StreamExt};

use crate::{Fault, Session, clock};

/// Which lines.
#[derive(Debug, Clone, Default)]
pub struct LogRequest {
    /// Of these services; none: of all.
    pub services: Vec<String>,
    /// Of this instance only.
    pub instance: Option<String>,
    /// The last lines of each instance.
    pub tail: Option<u64>,
    /// Nothing that is older: a length of time before now (`10m`), or a time (`2026-11-27T18:00:00Z`).
    pub since: Option<String>,
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
    let since_ms = request.since.as_deref().map(|text| since(text, clock::now_ms())).transpose()?;
    let fleet = session.fleet().await?;
    let lines = fleet
        .logs(&request.services, request.instance.as_deref(), (request.tail, since_ms), request.follow)
        .await
        .map_err(Fault::Failed)?;
    Ok(Box::pin(lines.map(|line| line.map_err(|fault| Fault::failed(*fault)))))
}

/// Unix milliseconds of a time that a person writes.
fn since(text: &str, now_ms: u64) -> Result<u64, Fault> {
    if let Some(ago_ms) = lang::schema::duration_ms(text) {
        return Ok(now_ms.saturating_sub(ago_ms));
    }
    let time = text.parse::<jiff::Timestamp>().ok();
    time.and_then(|time| u64::try_from(time.as_millisecond()).ok()).ok_or_else(|| {
        Fault::usage(
            format!("`{text}` is no time"),
            "write how long ago it was, as in `10m` or `2h`, or when, as in `2026-11-27T18:00:00Z`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_length_before_now_or_a_moment() {
        assert_eq!(since("10s", 60_000).ok(), Some(50_000));
        assert_eq!(since("2h", 60_000).ok(), Some(0));
        assert_eq!(since("1970-01-01T00:01:00+00:00", 0).ok(), Some(60_000));
        assert!(
            since("yesterday", 0)
                .is_err_and(|fault| fault.diagnostics().to_string().contains("`yesterday` is no time"))
        );
    }
}
