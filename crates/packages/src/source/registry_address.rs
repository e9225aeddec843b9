//! The address of a module in a registry. How a registry is asked is in `registry`.

use std::fmt;

use url::Host;

use super::SourceError;
use super::parse::split_subfolder;

/// The registry of an address that names none.
pub const DEFAULT_HOST: &str = "registry.terraform.io";

/// These hosts are short forms of git repositories, never registries.
const NO_REGISTRIES: [&str; 2] = ["github.com", "bitbucket.org"];

/// A registry's names have at most this many letters.
const NAME_LENGTH_MAX: usize = 64;

/// A module in a registry, and a folder inside of its package.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RegistrySource {
    /// The module.
    pub address: RegistryAddress,
    /// The folder, with `/` between its parts.
    pub subfolder: Option<String>,
}

/// `host/namespace/name/provider`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistryAddress {
    /// In lower case, with its port if it has one.
    pub host: String,
    /// Whose module it is.
    pub namespace: String,
    /// What it is called.
    pub name: String,
    /// The system that it is for.
    pub provider: String,
}

impl RegistrySource {
    /// Reads `[host/]namespace/name/provider[//folder]`; `None` when the text is another kind of source.
    pub(super) fn parse(text: &str) -> Option<Result<Self, SourceError>> {
        let (package, subfolder) = split_subfolder(text);
        let address = RegistryAddress::parse(package)?;
        // An argument is not a part of a folder's name: such a text is meant for something else.
        if subfolder.is_some_and(|folder| folder.contains('?')) {
            return None;
        }
        let subfolder = match subfolder.map(super::parse::subfolder).transpose() {
            Ok(folder) => folder.flatten(),
            Err(fault) => return Some(Err(fault)),
        };
        Some(Ok(Self { address, subfolder }))
    }
}

impl RegistryAddress {
    /// Reads `[host/]namespace/name/provider`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let (host, namespace, name, provider) = match parts[..] {
            [namespace, name, provider] => (DEFAULT_HOST.to_owned(), namespace, name, provider),
            [host, namespace, name, provider] => (registry_host(host)?, namespace, name, provider),
            _ => return None,
        };
        let is_provider = !provider.is_empty()
            && provider.len() <= NAME_LENGTH_MAX
            && provider.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        (is_name(namespace) && is_name(name) && is_provider).then(|| Self {
            host,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            provider: provider.to_owned(),
        })
    }
}

/// Letters and digits, with `-` and `_` between them.
fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    text.len() <= NAME_LENGTH_MAX
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// A host's name in the form in which hosts are compared; it has a point, so that a folder's name is not taken for one.
fn registry_host(text: &str) -> Option<String> {
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, Some(port.parse::<u16>().ok()?)),
        None => (text, None),
    };
    if !name.contains('.') || name.starts_with('.') || name.ends_with('.') {
        return None;
    }
    let host = Host::parse(name).ok()?.to_string();
    if NO_REGISTRIES.contains(&host.as_str()) {
        return None;
    }
    Some(match port {
        // The port that HTTPS has anyway names the same registry.
        None | Some(443) => host,
        Some(port) => format!("{host}:{port}"),
    })
}

impl fmt::Display for RegistryAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.host, self.namespace, self.name, self.provider)
    }
}

impl fmt::Display for RegistrySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)?;
        self.subfolder.iter().try_for_each(|folder| write!(f, "//{folder}"))
    }
}
