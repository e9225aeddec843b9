//! Where a module comes from: the `source` of a `module` block, read and written.
//!
//! It looks at the text only; whether the folder, the repository or the registry exists is found out by the installer.

mod archive_kind;
mod checksum;
mod package;
mod parse;
mod registry_address;

use std::fmt;

use thiserror::Error;

pub use archive_kind::ArchiveKind;
pub use checksum::{Algorithm, Checksum};
pub(crate) use package::without_password;
pub use package::{GitPackage, HttpPackage, Package, RemoteSource};
pub(crate) use parse::remote;
pub use registry_address::{DEFAULT_HOST, RegistryAddress, RegistrySource};

/// Where a module comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// A folder beside the calling module.
    Local(LocalSource),
    /// A module of a registry.
    Registry(RegistrySource),
    /// A package that is fetched: a repository, an archive, a folder elsewhere.
    Remote(RemoteSource),
}

/// A folder, from that of the calling module: `./x` or `../x`, without needless steps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LocalSource(String);

impl LocalSource {
    /// The path, with `/` between its parts; it starts with `./` or `../`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0
    }
}

impl Source {
    /// Reads the text of a `source` argument.
    ///
    /// # Errors
    /// When it is none of the forms that a source can have, or leads out of its package.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        parse::source(text)
    }

    /// The text under which the source is written into the manifest, secrets of its URL included: the same place has the same
    /// text, however it was written.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Local(local) => local.0.clone(),
            Self::Registry(registry) => registry.to_string(),
            Self::Remote(remote) => remote.address(),
        }
    }
}

/// As people may see it: a password in a URL is left out.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(local) => f.write_str(&local.0),
            Self::Registry(registry) => registry.fmt(f),
            Self::Remote(remote) => remote.fmt(f),
        }
    }
}

/// A text that is no source.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SourceError {
    /// Nothing is written.
    #[error("the source is empty")]
    Empty,
    /// It is none of the forms.
    #[error("`{0}` is not a source that a module can come from")]
    Undetermined(String),
    /// `//sub` leads out of the package.
    #[error("`{0}` leads outside of the module's package")]
    SubfolderEscapes(String),
    /// A hosting service's short form lacks the repository.
    #[error("a source of {0} names an owner and a repository")]
    Hosting(&'static str),
    /// A URL that cannot be read.
    #[error("the URL cannot be read: {0}")]
    Url(String),
    /// An argument of the URL has no meaning.
    #[error("`{name}={value}` is not understood: {reason}")]
    Argument {
        /// Its name.
        name: &'static str,
        /// What was given.
        value: String,
        /// Why it cannot be.
        reason: String,
    },
    /// `version` is given for something that has none.
    #[error("`{0}` is not in a registry, and only modules of a registry have versions")]
    NoVersions(String),
}

impl SourceError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Empty => {
                "name a folder (`./network`), a registry's module (`namespace/name/provider`) or a \
                            package (`git::https://…`)"
                    .to_owned()
            }
            Self::Undetermined(text) if text.contains("::") || text.contains("://") => {
                "known are `git::`, `http://`, `https://`, `file://`, `s3::`, `gcs::` and `hg::`".to_owned()
            }
            Self::Undetermined(text) => format!(
                "a folder beside this module is written `./{}`; a registry's module has three or four parts, \
                 `[host/]namespace/name/provider`",
                text.trim().trim_start_matches('/')
            ),
            Self::SubfolderEscapes(_) => {
                "after `//` stands a folder inside of the package, without `..` that leave it".to_owned()
            }
            Self::Hosting(host) => format!("write `{host}/owner/repository`"),
            Self::Url(_) => "write it as `https://host/path` or `git::ssh://user@host/path`".to_owned(),
            Self::Argument { name: "archive", .. } => format!("known are {}", ArchiveKind::NAMES.join(", ")),
            Self::Argument { name: "checksum", .. } => {
                "write `checksum=sha256:` and the digest in hexadecimal digits".to_owned()
            }
            Self::Argument { name: "depth", .. } => "write a number of commits, 1 or more".to_owned(),
            Self::Argument { .. } => "name a branch, a tag or a commit".to_owned(),
            Self::NoVersions(_) => "remove `version`; a git source names its version with `?ref=`".to_owned(),
        }
    }
}
