//! What can go wrong with a provider's process, apart from what the provider itself reports.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::wire::Method;

/// A provider's process did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    /// The program could not be executed.
    #[error("{} cannot be executed", program.display())]
    Execute {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It ended before it said where it listens.
    #[error("{} ended before it was ready ({ended}){}", program.display(), last_words(log))]
    Ended {
        /// The program.
        program: PathBuf,
        /// How.
        ended: String,
        /// The last it wrote.
        log: Vec<String>,
    },
    /// It did not say in time where it listens.
    #[error("{} said nothing for {} s{}", program.display(), patience.as_secs(), last_words(log))]
    Silent {
        /// The program.
        program: PathBuf,
        /// How long it was waited for.
        patience: Duration,
        /// The last it wrote.
        log: Vec<String>,
    },
    /// What it said is not what a provider says.
    #[error("{} is no provider that is understood here: {why}", program.display())]
    Greeting {
        /// The program.
        program: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// It does not answer where it said that it listens.
    #[error("{} does not answer at {address}{}", program.display(), last_words(log))]
    Connect {
        /// The program.
        program: PathBuf,
        /// Where it listens.
        address: String,
        /// The last it wrote.
        log: Vec<String>,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No certificate could be made.
    #[error("no certificate for the provider could be made")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A call did not come to an answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallFailure {
    /// The provider does not know the call.
    #[error("the provider does not know the call {0}")]
    Unknown(Method),
    /// The process ended meanwhile.
    #[error("the provider ended in the middle of {method} ({ended}){}", last_words(log))]
    Ended {
        /// The call.
        method: Method,
        /// How.
        ended: String,
        /// The last it wrote.
        log: Vec<String>,
    },
    /// The call failed, and the process still runs.
    #[error("the provider failed at {method}: {why}")]
    Failed {
        /// The call.
        method: Method,
        /// What it said.
        why: String,
    },
    /// The answer cannot be read.
    #[error("the provider's answer to {method} cannot be read: {why}")]
    Answer {
        /// The call.
        method: Method,
        /// Why.
        why: String,
    },
    /// The process could not be started.
    #[error("{0}")]
    Start(String),
}

impl CallFailure {
    /// Whether the provider may have done what it was asked to.
    #[must_use]
    pub fn may_have_acted(&self) -> bool {
        match self {
            Self::Ended { .. } | Self::Failed { .. } | Self::Answer { .. } => true,
            Self::Unknown(_) | Self::Start(_) => false,
        }
    }
}

/// How a process ended, in words.
pub(crate) fn how_it_ended(status: Option<ExitStatus>) -> String {
    match status {
        Some(status) => status.to_string(),
        None => "it was not started by this run".to_owned(),
    }
}

fn last_words(log: &[String]) -> String {
    if log.is_empty() { String::new() } else { format!("; the last it wrote:\n{}", log.join("\n")) }
}

/// A failure with its causes, in one text.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
