//! What can go wrong between a source and its folder, and what a person is told about it.
//!
//! Faults of the text of a source are [`crate::SourceError`]; they are found without touching anything.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use diag::Diagnostic;
use thiserror::Error;

use crate::source::SourceError;

/// Why a module could not be installed. URLs in it hold no passwords.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("{doing} `{}`", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("no answer from {url}")]
    Connection { url: String, cause: String },
    #[error("{url} answered {status}")]
    Status { url: String, status: u16, body: String },
    #[error("{url} sent what a server of modules does not send")]
    Protocol { url: String, cause: String },
    #[error("{what} is larger than the {limit} that are allowed")]
    TooLarge { what: String, limit: String },
    #[error("the archive {0} is damaged")]
    Archive(String, #[source] io::Error),
    #[error("the package has {0}, which is not taken")]
    Forbidden(String),
    #[error("the digest of {of} is not the one that was promised")]
    Digest { of: String, expected: String, found: String },
    #[error("the content of {package} is not the one that is locked")]
    Locked { package: String, expected: String, found: String },
    #[error("{0} is not locked, and the lock may not be changed")]
    NotLocked(String),
    #[error("`git` could not be started")]
    NoGit(#[source] io::Error),
    #[error("`git {command}` failed for {url}")]
    Git { command: &'static str, url: String, output: String },
    #[error("`git {command}` for {url} did not end within {} s", within.as_secs())]
    GitSlow { command: &'static str, url: String, within: Duration },
    #[error("`{reference}` is no branch, tag or commit of {url}")]
    NoReference { reference: String, url: String },
    #[error("{host} is not a registry of {}", what_is_served(service))]
    NoService { host: String, service: String },
    #[error("the registry at {host} has no module {module}")]
    NoModule { host: String, module: String },
    #[error("no version of {module} meets `{constraints}`")]
    NoVersion { module: String, constraints: String, newest: Option<String> },
    #[error("the registry at {host} refuses access")]
    Refused { host: String, status: u16 },
    #[error("modules cannot be fetched with `{kind}`")]
    Unsupported { kind: String },
    #[error("{url} names `{found}` as the place of the package, which it may not")]
    Misled { url: String, found: String },
    #[error("{url} names `{found}` as the place of the package")]
    Answered {
        url: String,
        found: String,
        #[source]
        source: SourceError,
    },
    #[error("the package has no folder `{0}`")]
    NoSubfolder(String),
    #[error("`{pattern}` is not exactly one folder of the package: {found} match")]
    Ambiguous { pattern: String, found: usize },
    #[error("the folder `{0}` cannot be read")]
    NoFolder(String, #[source] io::Error),
    #[error("`{path}` leads outside of the package that the calling module is in")]
    LeavesPackage { path: String },
    #[error("the module is not installed")]
    NotInstalled,
    #[error("the installed module is another than the configuration names")]
    Changed { installed: String },
    #[error("`{}` cannot be understood", path.display())]
    Unreadable { path: PathBuf, cause: String },
    #[error("another process has been installing into `{}` for {} s", folder.display(), waited.as_secs())]
    Busy { folder: PathBuf, waited: Duration },
    #[error("HTTPS cannot be used on this machine")]
    NoTls(String),
    #[error("the module's path is longer than a folder's name can be")]
    DeepPath,
    #[error("the work was broken off")]
    BrokenOff(String),
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }

    /// Whether the same request may well succeed in a moment.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Connection { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }

    /// Without a place: the caller knows the block.
    pub(crate) fn diagnostic(&self) -> Diagnostic {
        let mut diagnostic = Diagnostic::error(self.code(), self.to_string());
        diagnostic.detail = self.detail();
        diagnostic.hint = self.hint();
        diagnostic
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } | Self::NoFolder(..) => "module-files",
            Self::Connection { .. } | Self::Status { .. } | Self::NoTls(_) | Self::BrokenOff(_) => {
                "module-fetch"
            }
            Self::Protocol { .. } | Self::NoService { .. } | Self::Misled { .. } | Self::Answered { .. } => {
                "module-server"
            }
            Self::TooLarge { .. } | Self::Archive(..) | Self::Forbidden(_) => "module-package",
            Self::Digest { .. } | Self::Locked { .. } | Self::NotLocked(_) => "module-digest",
            Self::NoGit(_) | Self::Git { .. } | Self::GitSlow { .. } | Self::NoReference { .. } => {
                "module-git"
            }
            Self::NoModule { .. } | Self::NoVersion { .. } => "module-version",
            Self::Refused { .. } => "module-access",
            Self::Unsupported { .. } => "module-source-unsupported",
            Self::NoSubfolder(_) | Self::Ambiguous { .. } | Self::LeavesPackage { .. } | Self::DeepPath => {
                "module-folder"
            }
            Self::NotInstalled | Self::Changed { .. } => "module-not-installed",
            Self::Unreadable { .. } => "module-manifest",
            Self::Busy { .. } => "module-busy",
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Self::Connection { cause, .. }
            | Self::Protocol { cause, .. }
            | Self::Unreadable { cause, .. } => Some(cause.clone()),
            Self::NoTls(cause) | Self::BrokenOff(cause) => Some(cause.clone()),
            Self::Status { body, .. } if !body.is_empty() => Some(body.clone()),
            Self::Digest { expected, found, .. } | Self::Locked { expected, found, .. } => {
                Some(format!("expected {expected}\nfound    {found}"))
            }
            Self::Git { output, .. } if !output.is_empty() => Some(output.clone()),
            Self::NoVersion { newest: Some(newest), .. } => Some(format!("the newest version is {newest}")),
            Self::NoVersion { newest: None, .. } => Some("the registry has no versions of it".to_owned()),
            Self::Refused { status, .. } => Some(format!("it answered {status}")),
            Self::Changed { installed } => Some(format!("installed is {installed}")),
            other => std::error::Error::source(other).map(diag::with_causes),
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Connection { .. } => {
                "check the address and the network; what is installed needs neither".to_owned()
            }
            Self::Status { status: 401 | 403, .. } => "the server wants to know who asks: give it credentials".to_owned(),
            Self::Status { status: 404, .. } => "check the address".to_owned(),
            Self::TooLarge { .. } => "a package of modules is small; check that the address is the right one".to_owned(),
            Self::Archive(..) => "check that the address is that of the archive, and `?archive=` its kind".to_owned(),
            Self::Forbidden(_) => "ask who made the package to leave it out".to_owned(),
            Self::Digest { .. } => {
                "do not use the package before its maker has explained the difference; then change `?checksum=`"
                    .to_owned()
            }
            Self::Locked { .. } => {
                "a published version does not change: ask its maker; `init -upgrade` locks what is there now".to_owned()
            }
            Self::NotLocked(_) => "install once without `-lockfile=readonly` and commit `mainstay.lock.hcl`".to_owned(),
            Self::NoGit(_) => "install git and see that it is on the PATH".to_owned(),
            Self::Git { .. } => "check the address, and that `git` itself can fetch it here without a question".to_owned(),
            Self::GitSlow { .. } => "check the network; a git that asks for a password waits for ever".to_owned(),
            Self::NoReference { .. } => "`?ref=` names a branch, a tag or a whole commit".to_owned(),
            Self::NoService { service, .. } if service != "modules.v1" => "check the host".to_owned(),
            Self::NoService { .. } => {
                "check the host; a git repository is written `git::https://…`".to_owned()
            }
            Self::NoModule { .. } => "check namespace, name and provider, and that the registry lets you see it".to_owned(),
            Self::NoVersion { .. } => "change the constraint; a pre-release has to be named exactly".to_owned(),
            Self::Refused { host, .. } => format!(
                "give a token in {} or in a `credentials \"{host}\"` block of ~/.terraformrc",
                crate::registry::token_variable(host)
            ),
            Self::Unsupported { .. } => {
                "publish the package over HTTPS, in a git repository, or in a registry".to_owned()
            }
            Self::Misled { .. } | Self::Answered { .. } | Self::Protocol { .. } => {
                "ask who runs the server; it is no fault of the configuration".to_owned()
            }
            Self::NoSubfolder(_) | Self::Ambiguous { .. } => "check what stands after `//`".to_owned(),
            Self::NoFolder(..) => "check the path; it starts at the folder of the calling module".to_owned(),
            Self::LeavesPackage { .. } => {
                "a packaged module reaches only what is packaged with it: name the other one by its own source".to_owned()
            }
            Self::NotInstalled | Self::Changed { .. } => "run `init`".to_owned(),
            Self::Unreadable { .. } => "restore the file, or remove it and run `init`".to_owned(),
            Self::Busy { .. } => "wait for it, or end it".to_owned(),
            Self::NoTls(_) => "install the certificates of the authorities (package ca-certificates)".to_owned(),
            Self::DeepPath => "check whether a module calls itself".to_owned(),
            Self::Io { .. } | Self::Status { .. } | Self::BrokenOff(_) => return None,
        };
        Some(hint)
    }
}

/// What a host has that has a service.
fn what_is_served(service: &str) -> &str {
    match service {
        "modules.v1" => "modules",
        "providers.v1" => "providers",
        other => other,
    }
}
