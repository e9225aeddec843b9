//! What can go wrong between a client and its agent. It says what happened; it does not decide what to do about it.

use std::io;
use std::path::PathBuf;

use crate::Refusal;

/// A request to an agent that did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No agent answers at the socket: it does not run, or this user may not reach it.
    #[error("no agent answers at {socket}; start one with `mainstay agent`, or check who may open the socket", socket = socket.display())]
    Unreachable {
        /// The socket that was tried.
        socket: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The agent understood the request and refused it.
    #[error("{}", refusal_text(refusal))]
    Refused {
        /// HTTP status, such as 409.
        status: u16,
        /// The agent's words.
        refusal: Refusal,
    },
    /// The connection broke off, or the answer was not one that this client understands.
    #[error("the agent at {socket} gave no whole answer to {request}: {cause}", socket = socket.display())]
    Broken {
        /// The socket of the agent.
        socket: PathBuf,
        /// Method and path of the request.
        request: String,
        /// What was wrong.
        cause: String,
    },
}

impl ClientError {
    /// The HTTP status of a refusal; none for any other error.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Unreachable { .. } | Self::Broken { .. } => None,
        }
    }
}

fn refusal_text(refusal: &Refusal) -> String {
    match &refusal.hint {
        Some(hint) => format!("{}; {hint}", refusal.message),
        None => refusal.message.clone(),
    }
}
