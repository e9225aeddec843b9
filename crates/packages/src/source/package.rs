//! Packages that are fetched, by the way in which they are: data only.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use super::{ArchiveKind, Checksum};

/// A package, and a folder inside of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RemoteSource {
    /// What is fetched.
    pub package: Package,
    /// The package's text without the folder and without what follows `?`.
    pub(super) base: String,
    /// What follows `?`, as written.
    pub(super) query: Option<String>,
    /// The folder, with `/` between its parts. A part may be `*` where exactly one folder is meant.
    pub subfolder: Option<String>,
}

/// What is fetched, and how.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Package {
    /// A git repository.
    Git(GitPackage),
    /// An archive, or a page that tells where one is.
    Http(HttpPackage),
    /// A folder of this machine, or an archive if a kind is given.
    File {
        /// Absolute.
        path: PathBuf,
        /// Of which kind, if it is an archive.
        archive: Option<ArchiveKind>,
        /// What its digest has to be.
        checksum: Option<Checksum>,
    },
    /// A way that is known by name, and not supported: `s3`, `gcs`, `hg` and others.
    Unsupported {
        /// Its name.
        kind: String,
    },
}

/// A git repository at a commit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GitPackage {
    /// As `git` takes it.
    pub url: String,
    /// A branch, a tag or a commit; the repository's own choice if none is named.
    pub reference: Option<String>,
    /// How many commits are fetched at most; at least 1.
    pub depth: Option<u32>,
}

/// What an HTTP server has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpPackage {
    /// Without the arguments that are meant for us.
    pub url: Url,
    /// Of which kind it is; without one the server is asked where the package is.
    pub archive: Option<ArchiveKind>,
    /// What its digest has to be.
    pub checksum: Option<Checksum>,
}

impl RemoteSource {
    /// The whole text, secrets included.
    pub(super) fn address(&self) -> String {
        self.compose(&self.base, true)
    }

    /// The package's text without the folder, secrets included: the same package has the same text.
    #[must_use]
    pub fn package_address(&self) -> String {
        self.compose(&self.base, false)
    }

    /// The package's text as people may see it and as it may be written into a repository: a URL's user and password are left
    /// out, since the same package has other users elsewhere.
    #[must_use]
    pub fn package_name(&self) -> String {
        self.compose(&without_user(&self.base), false)
    }

    fn compose(&self, base: &str, with_folder: bool) -> String {
        let mut text = base.to_owned();
        if with_folder && let Some(folder) = &self.subfolder {
            text.push_str("//");
            text.push_str(folder);
        }
        if let Some(query) = &self.query {
            text.push('?');
            text.push_str(query);
        }
        text
    }
}

/// As people may see it: without a password.
impl fmt::Display for RemoteSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.compose(&without_password(&self.base), true))
    }
}

/// A URL without its password; the user remains, as `git@host` is a part of the address.
#[must_use]
pub(crate) fn without_password(text: &str) -> String {
    replace_user(text, |user| match user.split_once(':') {
        Some((name, _)) => format!("{name}:***@"),
        // A token can stand where the user does; names of users are short.
        None if user.len() > 20 => "***@".to_owned(),
        None => format!("{user}@"),
    })
}

fn without_user(text: &str) -> String {
    replace_user(text, |user| if user == "git" { "git@".to_owned() } else { String::new() })
}

fn replace_user(text: &str, replaced: impl Fn(&str) -> String) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((user, host)) => format!("{scheme}://{}{host}{path}", replaced(user)),
        None => text.to_owned(),
    }
}
