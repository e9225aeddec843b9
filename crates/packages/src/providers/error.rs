//! What can go wrong between a provider's address and its program, and what a person is told about it.

use std::path::PathBuf;

use diag::Diagnostic;
use lang::ProviderAddress;
use thiserror::Error;

use super::requirements::ProviderRequirements;
use super::{Platform, address};
use crate::Version;
use crate::error::Error as Fetching;

/// Where Terraform explains checksums of the lock file.
const ABOUT_CHECKSUMS: &str =
    "https://developer.hashicorp.com/terraform/language/files/dependency-lock#checksum-verification";

/// Why a provider could not be had.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Fetching(#[from] Fetching),
    #[error("{0}")]
    Address(String),
    #[error("provider {provider} was not found in any of the search locations")]
    NotFound { provider: ProviderAddress, places: Vec<String> },
    #[error("{server} does not have a provider named {provider}")]
    NoProvider { server: String, provider: ProviderAddress },
    #[error("no available releases match the given constraints {constraints}")]
    NoVersion { constraints: String, newest: Option<String>, place: Option<diag::Span> },
    #[error("there are no available releases")]
    NoReleases { only_pre_releases: bool },
    #[error("the previously-selected version {0} is no longer available")]
    Gone(String),
    #[error(
        "locked provider {provider} {version} does not match configured version constraint {constraints}"
    )]
    LockedOut { provider: ProviderAddress, version: String, constraints: String, place: Option<diag::Span> },
    #[error("provider {provider} {version} is not available for {platform}")]
    NoPackage { provider: ProviderAddress, version: String, platform: Platform },
    #[error("the package of {provider} {version} doesn't match any of the checksums of the lock file")]
    NotLocked { provider: ProviderAddress, version: String, found: Vec<String> },
    #[error("the checksum of {of} is not the one that was promised")]
    Checksum { of: String, expected: Vec<String>, found: String },
    #[error("the checksums of {of} are not signed as they should be")]
    Signature { of: String, cause: String },
    #[error("the package has no program terraform-provider-{name}")]
    NoProgram { name: String, folder: PathBuf },
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// What was being done for a provider.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Doing<'a> {
    /// Looking which versions there are.
    Looking,
    /// Installing one.
    Installing(&'a Version),
}

impl Error {
    pub fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let fault = Fetching::io(doing, path);
        move |source| Self::Fetching(fault(source))
    }

    /// What a person is told: at a place that asks for the provider, if one does.
    pub fn diagnostic(
        &self,
        provider: &ProviderAddress,
        doing: Doing<'_>,
        requirements: &ProviderRequirements,
    ) -> Diagnostic {
        let shown = address::shown(provider);
        let diagnostic = match doing {
            Doing::Looking => Diagnostic::error(
                self.code("provider-versions"),
                format!("Could not retrieve the list of available versions for provider {shown}"),
            )
            .summary("Failed to query available provider packages"),
            Doing::Installing(version) => Diagnostic::error(
                self.code("provider-install"),
                format!("Error while installing {shown} v{version}"),
            )
            .summary("Failed to install provider"),
        };
        let mut diagnostic = diagnostic.because(self.cause());
        diagnostic.hint = self.hint(shown);
        let place = match self {
            Self::NoVersion { place, .. } | Self::LockedOut { place, .. } => *place,
            _ => None,
        };
        match place.or_else(|| requirements.places(provider).next().map(|(span, _)| span)) {
            Some(place) => diagnostic.at(place),
            None => diagnostic,
        }
    }

    /// A fault that is of no provider alone.
    pub fn plain(&self) -> Diagnostic {
        match self {
            Self::Fetching(error) => error.diagnostic(),
            other => Diagnostic::error("provider-install", other.to_string()),
        }
    }

    fn code(&self, usual: &'static str) -> &'static str {
        match self {
            Self::NotLocked { .. } => "provider-not-locked",
            Self::Checksum { .. } => "provider-checksum",
            Self::Signature { .. } => "provider-signature",
            _ => usual,
        }
    }

    /// In words, with everything that is known.
    pub fn cause(&self) -> String {
        let lines = |texts: &[String]| texts.iter().map(|text| format!("\n  - {text}")).collect::<String>();
        match self {
            Self::Fetching(error) => error.diagnostic().to_string(),
            Self::NotFound { places, .. } if places.is_empty() => {
                format!("{self}: no method of provider_installation is for it")
            }
            Self::NotFound { places, .. } => format!("{self}\n{}", lines(places)),
            Self::NoVersion { newest: Some(newest), .. } => format!("{self}; the newest version is {newest}"),
            Self::NoReleases { only_pre_releases: true } => format!("{self}, only pre-releases"),
            Self::NotLocked { found, .. } => format!("{self}\nfound:{}", lines(found)),
            Self::Checksum { expected, found, .. } => {
                format!("{self}\nexpected {}\nfound    {found}", expected.join(", "))
            }
            Self::Signature { cause, .. } => format!("{self}: {cause}"),
            _ => self.to_string(),
        }
    }

    fn hint(&self, shown: &str) -> Option<String> {
        Some(match self {
            Self::Fetching(error) => return error.diagnostic().hint,
            Self::Address(_) => "correct the provider's `source`".to_owned(),
            Self::NotFound { .. } => {
                "put it there, or allow another way in provider_installation of the CLI configuration"
                    .to_owned()
            }
            Self::NoProvider { .. } => {
                format!(
                    "check `source` in required_providers of every module that depends on {shown}; `terraform providers` lists them"
                )
            }
            Self::NoVersion { .. } => {
                format!(
                    "change the constraints; `terraform providers` lists the modules that depend on {shown}"
                )
            }
            Self::NoReleases { .. } => "name the version exactly to use a pre-release".to_owned(),
            Self::Gone(_) => "`init -upgrade` selects another version".to_owned(),
            Self::LockedOut { .. } => {
                "must use `terraform init -upgrade` to allow selection of new versions".to_owned()
            }
            Self::NoPackage { platform, .. } => {
                format!("choose a version that is made for {platform}, or another mirror")
            }
            Self::NotLocked { .. } => format!(
                "this might be because the available checksums are for packages targeting different platforms; `terraform providers lock` adds them: {ABOUT_CHECKSUMS}"
            ),
            Self::Checksum { .. } | Self::Signature { .. } => {
                "do not use the package before its maker has explained the difference".to_owned()
            }
            Self::NoProgram { .. } => "ask who made the package".to_owned(),
        })
    }
}
