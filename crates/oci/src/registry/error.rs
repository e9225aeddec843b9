//! Why a registry did not give or take an image, and what to do about it.

use std::path::PathBuf;

use crate::{Digest, Reference};

/// Why an image could not be pulled or pushed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A text is no reference.
    #[error("{text:?} is no reference to an image: {cause}")]
    BadReference {
        /// The text.
        text: String,
        /// What is wrong.
        cause: String,
    },
    /// A registry's setting is wrong.
    #[error("the setting of the registry {registry} is wrong: {cause}")]
    BadSetting {
        /// The registry.
        registry: String,
        /// What is wrong.
        cause: String,
    },
    /// The file with Docker's credentials cannot be used.
    #[error("the credentials in {path} cannot be read: {cause}", path = path.display())]
    CredentialsFile {
        /// The file.
        path: PathBuf,
        /// Why. No text of the file.
        cause: String,
    },
    /// The program that keeps credentials did not give them.
    #[error("`{program}`, which keeps the credentials for {registry}, did not give them: {cause}")]
    CredentialsProgram {
        /// The program.
        program: String,
        /// The registry.
        registry: String,
        /// Why.
        cause: String,
    },
    /// No TLS can be spoken.
    #[error("no connection can be made safe: {0}")]
    NoTls(String),
    /// A server cannot be reached, was silent for too long, or closed in the middle.
    #[error("{url} cannot be reached: {cause}")]
    Connection {
        /// Where to.
        url: String,
        /// What happened.
        cause: String,
    },
    /// A server answered that it cannot now, or something that has no meaning of its own here.
    #[error("{url} answered {status}{}", said(.message))]
    Status {
        /// Where to.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// A registry wants other credentials.
    #[error("{registry} does not let us {action} {repository}{}", said(.message))]
    Denied {
        /// The registry.
        registry: String,
        /// `pull from` or `push to`.
        action: &'static str,
        /// The repository.
        repository: String,
        /// Whether credentials were shown.
        had_credentials: bool,
        /// What it said.
        message: String,
    },
    /// There is no such image.
    #[error("there is no image {reference}{}", said(.message))]
    NotFound {
        /// The image.
        reference: Box<Reference>,
        /// What the registry said.
        message: String,
    },
    /// A blob is not there, although the manifest names it.
    #[error("{registry} does not have the blob {digest}, which its manifest names")]
    BlobNotFound {
        /// The registry or mirror.
        registry: String,
        /// The blob.
        digest: Digest,
    },
    /// A server's answer is not what the protocol says.
    #[error("{url} answered something strange: {cause}")]
    Protocol {
        /// Where to.
        url: String,
        /// What.
        cause: String,
    },
    /// A reference stands for something that is no image, or none that runs here.
    #[error("{reference} cannot be used: {cause}")]
    NotAnImage {
        /// The reference.
        reference: Box<Reference>,
        /// Why.
        cause: String,
    },
    /// An image to be pushed is not here as a whole.
    #[error("the image {digest} cannot be pushed: {cause}")]
    Incomplete {
        /// The image.
        digest: Digest,
        /// What is missing.
        cause: String,
    },
    /// The layout refused something: bytes that are not what was promised, a full disk.
    #[error(transparent)]
    Store(#[from] crate::Error),
    /// A task ended early.
    #[error("the work was broken off")]
    Interrupted(#[from] tokio::task::JoinError),
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

impl RegistryError {
    /// Whether the same may well succeed a little later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Connection { .. } => true,
            Self::Status { status, .. } => *status >= 500 || matches!(status, 408 | 425 | 429),
            _ => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::BadReference { .. } => "write it as `HOST/NAME:TAG` or `HOST/NAME@sha256:…`".into(),
            Self::BadSetting { .. } => "mend the `registry` block of the project, or set what it names".into(),
            Self::CredentialsFile { .. } => "mend the file, or write it anew with `docker login`".into(),
            Self::CredentialsProgram { registry, .. } => {
                format!("log in again, or give `username` and `password_env` in `registry \"{registry}\"`")
            }
            Self::NoTls(_) => "install the certificates of the authorities (`ca-certificates`)".into(),
            Self::Connection { .. } => "nothing was changed, and what was transferred is kept: run it again when the registry is back".into(),
            Self::Status { status: 429, .. } => "the registry limits how often it is asked: wait, log in, or name a mirror".into(),
            Self::Status { status, .. } if *status >= 500 => {
                "the registry is in trouble; nothing was changed: run it again later".into()
            }
            Self::Status { .. } => "see the registry's log for why".into(),
            Self::Denied { registry, had_credentials: false, .. } => format!(
                "log in with `docker login {registry}`, or give `username` and `password_env` in `registry \"{registry}\"`"
            ),
            Self::Denied { .. } => {
                "check the user, its password and what it may do there; some registries answer so for what does not exist".into()
            }
            Self::NotFound { .. } => "check name and tag; a tag may have been removed from the registry".into(),
            Self::BlobNotFound { .. } | Self::Protocol { .. } => {
                "the registry or a proxy before it is broken; push the image again, or take another mirror".into()
            }
            Self::NotAnImage { .. } => "name another tag or digest".into(),
            Self::Incomplete { .. } => "pull or build it as a whole first".into(),
            Self::Store(crate::Error::WrongBlob { .. }) => {
                "nothing of it was kept; the registry or a proxy before it is broken or dishonest".into()
            }
            Self::Store(crate::Error::Io { .. }) => "nothing was changed; see to the disk and run it again".into(),
            Self::Store(_) => "nothing was changed".into(),
            Self::Interrupted(_) => "nothing was changed; run it again".into(),
        }
    }
}
