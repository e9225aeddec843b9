//! What can go wrong: the agent as a whole, and one request.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use agent_api::Refusal;
use http::StatusCode;

/// The agent could not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The data folder cannot be used.
    #[error("the agent's folder {path} cannot be used; check that it belongs to this user", path = path.display())]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Another agent works in the data folder.
    #[error("another agent (process {pid}) works in {path}; use that one, stop it, or give this one another folder", path = path.display())]
    AlreadyRunning {
        /// The folder.
        path: PathBuf,
        /// Process id of the other agent.
        pid: String,
    },
    /// A socket could not be opened.
    #[error("cannot listen at {path}; the path of a socket has at most 107 bytes, and its folder must be this user's", path = path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The image store cannot be used.
    #[error("the image store cannot be used")]
    Images(#[source] oci::Error),
    /// The proxy did not start.
    #[error("the proxy did not start: {0}")]
    Proxy(String),
    /// A file or the runtime failed.
    #[error("{what}")]
    Io {
        /// What was being done.
        what: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

/// A request that is refused: a status and words for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) refusal: Refusal,
}

impl Refused {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, refusal: Refusal { message: message.into(), hint: None } }
    }

    /// What was sent is not valid.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// It is not here.
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// It does not go with what is here.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// It cannot be done now.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// Something of the machine failed.
    pub(crate) fn failed(what: &str, cause: &dyn Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{what}: {cause}"))
    }

    /// Says what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.refusal.hint = Some(hint.into());
        self
    }
}
