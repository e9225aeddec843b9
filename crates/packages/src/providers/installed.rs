//! What has been installed of providers, without any network and without a change to it: what plans and applies work with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use diag::{Diagnostic, Diagnostics};
use lang::ProviderAddress;

use super::lock_file::ProviderLocks;
use super::memo::Memo;
use super::reattach::{self, Reattach};
use super::requirements::ProviderRequirements;
use super::{Platform, layout};
use crate::registry::ProviderSettings;
use crate::{CliConfiguration, Place, Version};

/// The providers that are installed for a configuration. Looking for one reads files, and the first time all of a package: call it where
/// blocking is allowed.
#[derive(Debug, Clone)]
pub struct InstalledProviders {
    place: Place,
    locks: ProviderLocks,
    settings: ProviderSettings,
    running: BTreeMap<ProviderAddress, Reattach>,
    memo: Memo,
    platform: Platform,
}

/// How a provider is had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstalledProvider {
    /// A program to be started.
    Program {
        /// The program.
        path: PathBuf,
        /// Its version.
        version: Version,
        /// `h1:` of its package.
        hash: String,
    },
    /// A program that is being developed, by `dev_overrides`: it has no version, and its content may be another at each run.
    Development {
        /// The program.
        path: PathBuf,
    },
    /// A process that runs already, by `TF_REATTACH_PROVIDERS`.
    Running(Reattach),
}

/// Why a provider cannot be used.
enum Lack {
    NoLock,
    LockedOut { version: Version, constraints: String },
    NotInstalled { version: Version },
    Other { version: Version },
    Broken { cause: String },
}

impl InstalledProviders {
    /// Reads what is locked for a root module, and what the environment says of providers.
    ///
    /// # Errors
    /// If the lock file or `TF_REATTACH_PROVIDERS` cannot be understood.
    pub fn read(place: &Place, cli: &CliConfiguration) -> Result<Self, Diagnostics> {
        let running = cli.variable(reattach::VARIABLE).map(reattach::read).transpose()?.unwrap_or_default();
        Ok(Self {
            locks: ProviderLocks::read(&place.root)?,
            settings: cli.providers().clone(),
            running,
            memo: Memo::new(|name| cli.variable(name), &place.root.join(&place.data)),
            platform: Platform::current(),
            place: place.clone(),
        })
    }

    /// What is locked.
    #[must_use]
    pub fn locks(&self) -> &ProviderLocks {
        &self.locks
    }

    /// The providers that are being developed, with their folders: people are warned of them.
    pub fn in_development(&self) -> impl Iterator<Item = (&ProviderAddress, &std::path::Path)> {
        let installation = self.settings.installation.iter();
        installation
            .flat_map(|it| it.dev_overrides.iter().map(|(address, folder)| (address, folder.as_path())))
    }

    /// How a provider is had.
    ///
    /// # Errors
    /// If it is not installed, not locked, or not what is locked: the hint is to run `init`.
    pub fn find(&self, provider: &ProviderAddress) -> Result<InstalledProvider, Diagnostics> {
        self.look(provider, None).map_err(|lack| told(&[(provider, lack)]))
    }

    /// Whether all that is required is there and what is locked. Everything that is wrong is told at once.
    ///
    /// # Errors
    /// What [`InstalledProviders::find`] has, and versions that the configuration does not allow any more.
    pub fn check(&self, requirements: &ProviderRequirements) -> Result<(), Diagnostics> {
        let programs = requirements.programs();
        let lacks: Vec<_> = programs
            .into_iter()
            .filter_map(|provider| Some((provider, self.look(provider, Some(requirements)).err()?)))
            .collect();
        if lacks.is_empty() { Ok(()) } else { Err(told(&lacks)) }
    }

    fn look(
        &self,
        provider: &ProviderAddress,
        requirements: Option<&ProviderRequirements>,
    ) -> Result<InstalledProvider, Lack> {
        if let Some(running) = self.running.get(provider) {
            return Ok(InstalledProvider::Running(running.clone()));
        }
        let broken = |cause: String| Lack::Broken { cause };
        let unreadable =
            |path: &std::path::Path, e: std::io::Error| broken(format!("{}: {e}", path.display()));
        let no_program = |folder: &std::path::Path| {
            broken(format!("there is no terraform-provider-{} in {}", provider.name(), folder.display()))
        };
        if let Some(folder) = self.settings.dev_override(provider) {
            // It may name the program as well as its folder.
            if folder.is_file() {
                return Ok(InstalledProvider::Development { path: folder.to_owned() });
            }
            let path = layout::program(folder, provider).map_err(|e| unreadable(folder, e))?;
            let path = path.ok_or_else(|| no_program(folder))?;
            return Ok(InstalledProvider::Development { path });
        }
        let lock = self.locks.get(provider).ok_or(Lack::NoLock)?;
        if let Some(requirements) = requirements {
            let constraints = requirements.constraints(provider);
            if !constraints.allow_provider(&lock.version) {
                let constraints = constraints.normal_text();
                return Err(Lack::LockedOut { version: lock.version.clone(), constraints });
            }
        }
        let version = || lock.version.clone();
        super::check_address(provider).map_err(broken)?;
        let folder = layout::of_package(&self.place.providers(), provider, &lock.version, &self.platform);
        if !folder.is_dir() {
            return Err(Lack::NotInstalled { version: version() });
        }
        let path = layout::program(&folder, provider).map_err(|e| unreadable(&folder, e))?;
        let path = path.ok_or_else(|| no_program(&folder))?;
        let hash = self.memo.hash(&folder).map_err(|e| unreadable(&folder, e))?;
        if !lock.accepts([hash.as_str()]) {
            return Err(Lack::Other { version: version() });
        }
        Ok(InstalledProvider::Program { path, version: version(), hash })
    }
}

/// One fault for what the lock lacks, as that has to be mended first; else one for what the folder lacks.
fn told(lacks: &[(&ProviderAddress, Lack)]) -> Diagnostics {
    let of_lock = lacks.iter().any(|(_, lack)| matches!(lack, Lack::NoLock | Lack::LockedOut { .. }));
    let lines: Vec<String> =
        lacks.iter().filter_map(|(provider, lack)| line(provider, lack, of_lock)).collect();
    let lines = lines.join("\n");
    let fault = if of_lock {
        let hint = if lacks.iter().any(|(_, lack)| matches!(lack, Lack::LockedOut { .. })) {
            "to update the locked dependency selections to match a changed configuration, run `terraform init -upgrade`"
        } else {
            "to make the initial dependency selections that will initialize the dependency lock file, run `terraform init`"
        };
        Diagnostic::error("provider-not-locked", "the lock file does not fit the configuration")
            .summary("Inconsistent dependency lock file")
            .because(lines)
            .hint(hint)
    } else {
        Diagnostic::error("provider-not-installed", "the required providers are not installed")
            .summary("Required plugins are not installed")
            .because(lines)
            .hint("to install the providers of this configuration, run `terraform init`")
    };
    fault.into()
}

fn line(provider: &ProviderAddress, lack: &Lack, of_lock: bool) -> Option<String> {
    let text = match lack {
        Lack::NoLock => {
            format!("provider {provider}: required by this configuration but no version is selected")
        }
        Lack::LockedOut { version, constraints } => format!(
            "provider {provider}: locked version selection {version} doesn't match the updated version constraints \"{constraints}\""
        ),
        _ if of_lock => return None,
        Lack::NotInstalled { version } => {
            format!("{provider}: there is no package for version {version} installed")
        }
        Lack::Other { version } => format!(
            "{provider}: the installed package of version {version} does not match any of the checksums recorded in the dependency lock file"
        ),
        Lack::Broken { cause } => format!("{provider}: {cause}"),
    };
    Some(format!("  - {text}"))
}
