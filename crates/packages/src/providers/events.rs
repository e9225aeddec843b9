//! What an installation of providers tells while it works. Who listens decides what is shown.

use std::path::PathBuf;
use std::sync::Arc;

use diag::Diagnostic;
use lang::ProviderAddress;

use super::Platform;
use crate::{Event, Progress, Version};

/// Something that happened. Texts are fit to be shown: no passwords, no tokens.
#[derive(Debug, Clone)]
pub enum ProviderEvent {
    /// Another process is installing into the same folder, and this one waits for it.
    Waiting {
        /// The folder.
        folder: PathBuf,
    },
    /// A request failed and is sent again.
    Retrying {
        /// Where to.
        url: String,
        /// Why.
        cause: String,
    },
    /// It is part of this program.
    BuiltIn(ProviderAddress),
    /// The version that is locked is used again.
    Reusing(ProviderAddress),
    /// A version is looked for.
    Finding {
        /// The provider.
        provider: ProviderAddress,
        /// What is asked for in the normal form; empty where nothing is.
        constraints: String,
    },
    /// It is installed and what is locked.
    Present {
        /// The provider.
        provider: ProviderAddress,
        /// Its version.
        version: Version,
    },
    /// It is taken from the shared cache.
    Cached {
        /// The provider.
        provider: ProviderAddress,
        /// Its version.
        version: Version,
    },
    /// Its package is fetched: to be installed, or for a platform.
    Installing {
        /// The provider.
        provider: ProviderAddress,
        /// Its version.
        version: Version,
        /// For which platform, where it is not for this machine's sake.
        platform: Option<Platform>,
    },
    /// Its package is there.
    Installed {
        /// The provider.
        provider: ProviderAddress,
        /// Its version.
        version: Version,
        /// For which platform, where it is not for this machine's sake.
        platform: Option<Platform>,
        /// What is known of where it comes from.
        trust: Trust,
    },
    /// Something that is no fault, and should be known.
    Warning(Diagnostic),
}

/// What is known of where a package comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Nothing: it was found in a mirror.
    Unknown,
    /// It is what its server promises.
    Checksum,
    /// Its registry's list of checksums is signed by HashiCorp's own key.
    Official {
        /// The key.
        key: String,
    },
    /// Its registry's list of checksums is signed by a key that the registry names.
    Signed {
        /// The key.
        key: String,
    },
}

impl Trust {
    /// Whether the checksums are signed.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        matches!(self, Self::Official { .. } | Self::Signed { .. })
    }

    /// As Terraform names it.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Unknown => "unauthenticated",
            Self::Checksum => "verified checksum",
            Self::Official { .. } => "signed by HashiCorp",
            Self::Signed { .. } => "self-signed",
        }
    }

    /// The key of who is not HashiCorp.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Signed { key } => Some(key),
            _ => None,
        }
    }
}

/// Who is told.
pub type ProviderProgress = Arc<dyn Fn(ProviderEvent) + Send + Sync>;

/// What the HTTP client tells, told as of providers.
pub(super) struct Told(pub ProviderProgress);

impl Progress for Told {
    fn event(&self, event: Event) {
        match event {
            Event::Retrying { url, cause } => (self.0)(ProviderEvent::Retrying { url, cause }),
            Event::Warning(warning) => (self.0)(ProviderEvent::Warning(warning)),
            Event::Waiting { folder } => (self.0)(ProviderEvent::Waiting { folder }),
            // Of modules.
            Event::Fetching { .. } | Event::Installed { .. } => {}
        }
    }
}
