//! The installer of providers: chooses a version of each, has its package placed, and writes the lock.
//!
//! What is installed and locked already needs no network. One process at a time installs into a folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use lang::ProviderAddress;

use super::error::{Doing, Error, Result};
use super::events::{ProviderEvent, ProviderProgress, Told, Trust};
use super::lock_file::{ProviderLock, ProviderLocks};
use super::memo::Memo;
use super::placing::{Placing, Wanted, remove_leftovers};
use super::requirements::ProviderRequirements;
use super::selection::{check_locked, select};
use super::sources::{Package, Sources};
use super::{Platform, hash, layout};
use crate::fetch::http::Http;
use crate::registry::{InstallationMethod, MethodKind};
use crate::settings::{Limits, LockMode, Patience};
use crate::{CliConfiguration, Place, Version, guard};

/// How providers are installed.
#[derive(Debug, Clone)]
pub struct ProviderSetup {
    /// Whether versions are chosen anew.
    pub upgrade: bool,
    /// What is done with the lock: [`LockMode::Off`] writes none, and heeds the one that there is.
    pub lock: LockMode,
    /// Folders that are the only mirrors (`-plugin-dir`).
    pub plugin_folders: Vec<PathBuf>,
    /// What a package may take.
    pub limits: Limits,
    /// Waiting for servers and other processes.
    pub patience: Patience,
}

impl Default for ProviderSetup {
    fn default() -> Self {
        Self {
            upgrade: false,
            lock: LockMode::Write,
            plugin_folders: Vec::new(),
            limits: Limits::of_providers(),
            patience: Patience::default(),
        }
    }
}

/// What an installation came to.
#[derive(Debug)]
pub struct ProvidersInstalled {
    /// What is locked now.
    pub locks: ProviderLocks,
    /// What was done with the lock's file.
    pub change: LockChange,
    /// Providers whose hashes are known of this machine's platform only.
    pub incomplete: Vec<ProviderAddress>,
    /// Whether a package was signed by someone other than HashiCorp.
    pub is_signed_by_others: bool,
}

/// What was done with the lock's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockChange {
    /// It is as it was.
    None,
    /// It was written for the first time.
    Created,
    /// It was changed.
    Changed,
    /// It would have been changed, and may not be.
    NotSaved,
}

/// Installs what is required for the root module of a place.
///
/// # Errors
/// Everything that stood against it; the lock is as it was then.
pub async fn install_providers(
    place: &Place,
    requirements: &ProviderRequirements,
    setup: ProviderSetup,
    cli: &CliConfiguration,
    progress: ProviderProgress,
) -> Result<ProvidersInstalled, Diagnostics> {
    let locks = ProviderLocks::read(&place.root)?;
    let work = Work::new(place, requirements, setup, cli, progress);
    let guard = work.open().await.map_err(|e| e.plain())?;
    let done = work.run(locks).await;
    drop(guard);
    done
}

struct Work<'a> {
    place: &'a Place,
    requirements: &'a ProviderRequirements,
    setup: ProviderSetup,
    cli: &'a CliConfiguration,
    progress: ProviderProgress,
    sources: Sources,
    placing: Placing,
    platform: Platform,
}

/// What has been placed of a provider.
struct Placed {
    h1: String,
    signed: Vec<String>,
    /// Whether it was there before. What is locked of it stays as it is then, as with Terraform.
    is_present: bool,
}

impl<'a> Work<'a> {
    fn new(
        place: &'a Place,
        requirements: &'a ProviderRequirements,
        setup: ProviderSetup,
        cli: &'a CliConfiguration,
        progress: ProviderProgress,
    ) -> Self {
        let told = Arc::new(Told(progress.clone()));
        let http = Arc::new(Http::new(setup.limits, setup.patience, told));
        let methods = if setup.plugin_folders.is_empty() {
            cli.providers().methods(&place.root, &requirements.programs())
        } else {
            let kinds =
                setup.plugin_folders.iter().map(|it| MethodKind::FilesystemMirror(place.root.join(it)));
            kinds.map(InstallationMethod::for_all).collect()
        };
        let memo = Memo::new(|name| cli.variable(name), &place.root.join(&place.data));
        let placing = Placing { memo, limits: setup.limits };
        let sources = Sources::new(methods, cli, http);
        Self { place, requirements, setup, cli, progress, sources, placing, platform: Platform::current() }
    }

    fn tell(&self, event: ProviderEvent) {
        (self.progress)(event);
    }

    async fn hold(&self, folder: &Path) -> Result<File> {
        std::fs::create_dir_all(folder).map_err(Error::io("making", folder))?;
        let waiting = || self.tell(ProviderEvent::Waiting { folder: folder.to_owned() });
        Ok(guard::hold(folder, self.setup.patience.others, waiting).await?)
    }

    /// Waits until nobody else installs here; nothing to install needs no folder.
    async fn open(&self) -> Result<Option<File>> {
        if self.requirements.programs().is_empty() {
            return Ok(None);
        }
        let root = self.place.providers();
        let guard = self.hold(&root).await?;
        remove_leftovers(&root)?;
        Ok(Some(guard))
    }

    async fn run(&self, before: ProviderLocks) -> Result<ProvidersInstalled, Diagnostics> {
        let mut faults = Diagnostics::default();
        let mut chosen = BTreeMap::new();
        for address in self.requirements.addresses().filter(|it| super::address::is_builtin(it)) {
            self.tell(ProviderEvent::BuiltIn(address.clone()));
        }
        for provider in self.requirements.programs() {
            match self.choose(provider, before.get(provider)).await {
                Ok(version) => {
                    chosen.insert(provider, version);
                }
                Err(error) => faults.push(error.diagnostic(provider, Doing::Looking, self.requirements)),
            }
        }
        let mut installed = ProvidersInstalled {
            locks: before.clone(),
            change: LockChange::None,
            incomplete: Vec::new(),
            is_signed_by_others: false,
        };
        for provider in self.requirements.programs() {
            let Some(version) = chosen.remove(provider) else { continue };
            // Hashes of another version say nothing of this one.
            let lock = before.get(provider).filter(|lock| lock.version == version);
            match self.install(provider, &version, lock, &mut installed).await {
                Ok(placed) => self.note(provider, version, lock, placed, &mut installed),
                Err(error) => {
                    let doing = Doing::Installing(&version);
                    faults.push(error.diagnostic(provider, doing, self.requirements));
                }
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        self.finish(&before, installed)
    }

    /// The version to use.
    async fn choose(&self, provider: &ProviderAddress, lock: Option<&ProviderLock>) -> Result<Version> {
        let lock = lock.filter(|_| !self.setup.upgrade);
        if let Some(lock) = lock {
            self.tell(ProviderEvent::Reusing(provider.clone()));
            check_locked(self.requirements, provider, lock)?;
            if self.present(provider, &lock.version, Some(lock)).await?.is_some() {
                return Ok(lock.version.clone());
            }
        } else {
            let constraints = self.requirements.constraints(provider).normal_text();
            self.tell(ProviderEvent::Finding { provider: provider.clone(), constraints });
        }
        let offered = self.sources.versions(provider).await?;
        for warning in offered.warnings {
            self.tell(ProviderEvent::Warning(warning));
        }
        select(self.requirements, provider, lock, &offered.versions)
    }

    /// The hash of what is installed, if it is what is locked.
    async fn present(
        &self,
        provider: &ProviderAddress,
        version: &Version,
        lock: Option<&ProviderLock>,
    ) -> Result<Option<String>> {
        let folder = layout::of_package(&self.place.providers(), provider, version, &self.platform);
        self.accepted(&folder, provider, lock).await
    }

    /// The hash of an unpacked package with a program in it, if it is what is locked.
    async fn accepted(
        &self,
        folder: &Path,
        provider: &ProviderAddress,
        lock: Option<&ProviderLock>,
    ) -> Result<Option<String>> {
        let Some(lock) = lock.filter(|lock| lock.is_checked()).cloned() else { return Ok(None) };
        let (memo, folder, provider) = (self.placing.memo.clone(), folder.to_owned(), provider.clone());
        let accepted = crate::fetch::checksum::blocking(move || {
            // What cannot be read is installed again.
            layout::program(&folder, &provider).ok().flatten()?;
            let h1 = memo.hash(&folder).ok()?;
            lock.accepts([h1.as_str()]).then_some(h1)
        });
        Ok(accepted.await?)
    }

    async fn install(
        &self,
        provider: &ProviderAddress,
        version: &Version,
        lock: Option<&ProviderLock>,
        installed: &mut ProvidersInstalled,
    ) -> Result<Placed> {
        if let Some(h1) = self.present(provider, version, lock).await? {
            self.tell(ProviderEvent::Present { provider: provider.clone(), version: version.clone() });
            return Ok(Placed { h1, signed: Vec::new(), is_present: true });
        }
        let root = self.place.providers();
        let target = layout::of_package(&root, provider, version, &self.platform);
        let wanted = Wanted { provider: provider.clone(), version: version.clone(), lock: lock.cloned() };
        let Some(cache) = self.cli.providers().cache.clone() else {
            let package = self.sources.package(provider, version, &self.platform).await?;
            self.begin(provider, version);
            let h1 = self.placing.place(&package, &wanted, &self.sources.http, &root, &target).await?;
            return Ok(self.end(provider, version, package, h1, installed));
        };
        // Who comes second finds what the first one has put there.
        let guard = self.hold(&cache).await?;
        let kept = layout::of_package(&cache, provider, version, &self.platform);
        if self.may_take(&kept, provider, lock).await? {
            let h1 = self.placing.link(&wanted, Vec::new(), &kept, &root, &target).await?;
            self.tell(ProviderEvent::Cached { provider: provider.clone(), version: version.clone() });
            return Ok(Placed { h1, signed: Vec::new(), is_present: false });
        }
        let package = self.sources.package(provider, version, &self.platform).await?;
        self.begin(provider, version);
        let h1 = self.placing.place(&package, &wanted, &self.sources.http, &cache, &kept).await?;
        drop(guard);
        self.placing.link(&wanted, Vec::new(), &kept, &root, &target).await?;
        Ok(self.end(provider, version, package, h1, installed))
    }

    /// Whether a package of the cache may be taken: if it is locked, or if it may break the lock.
    async fn may_take(
        &self,
        kept: &Path,
        provider: &ProviderAddress,
        lock: Option<&ProviderLock>,
    ) -> Result<bool> {
        if self.accepted(kept, provider, lock).await?.is_some() {
            return Ok(true);
        }
        let is_unchecked = lock.is_none_or(|lock| !lock.is_checked());
        let is_there = || layout::program(kept, provider).ok().flatten().is_some();
        Ok(self.cli.providers().cache_may_break_lock && is_unchecked && is_there())
    }

    fn begin(&self, provider: &ProviderAddress, version: &Version) {
        let (provider, version) = (provider.clone(), version.clone());
        self.tell(ProviderEvent::Installing { provider, version, platform: None });
    }

    fn end(
        &self,
        provider: &ProviderAddress,
        version: &Version,
        package: Package,
        h1: String,
        installed: &mut ProvidersInstalled,
    ) -> Placed {
        let trust = package.trust;
        installed.is_signed_by_others |= matches!(trust, Trust::Signed { .. });
        let (provider, version) = (provider.clone(), version.clone());
        self.tell(ProviderEvent::Installed { provider, version, platform: None, trust });
        Placed { h1, signed: package.signed, is_present: false }
    }

    /// Locks what has been placed.
    fn note(
        &self,
        provider: &ProviderAddress,
        version: Version,
        lock: Option<&ProviderLock>,
        placed: Placed,
        installed: &mut ProvidersInstalled,
    ) {
        if placed.is_present {
            return;
        }
        let prior = lock.into_iter().flat_map(|lock| lock.hashes.iter().cloned());
        let mut hashes: std::collections::BTreeSet<String> =
            prior.filter(|it| matches!(hash::scheme(it), Some("h1" | "zh"))).collect();
        if hashes.is_empty() && placed.signed.is_empty() {
            installed.incomplete.push(provider.clone());
        }
        hashes.insert(placed.h1);
        hashes.extend(placed.signed);
        let constraints = self.requirements.constraints(provider);
        installed.locks.set(provider.clone(), ProviderLock { version, constraints, hashes });
    }

    fn finish(
        &self,
        before: &ProviderLocks,
        mut installed: ProvidersInstalled,
    ) -> Result<ProvidersInstalled, Diagnostics> {
        installed.locks.retain(|address| self.requirements.contains(address));
        let is_same = installed.locks.is_written_by(before);
        match self.setup.lock {
            LockMode::ReadOnly if !installed.locks.has_same_providers(before) => {
                return Err(Diagnostic::error("provider-not-locked", "the required providers are not those that are locked")
                    .summary("Provider dependency changes detected")
                    .because("changes to the required provider dependencies were detected, but the lock file is read-only")
                    .hint("run `init` without `-lockfile=readonly` and commit .terraform.lock.hcl")
                    .into());
            }
            _ if is_same => {}
            LockMode::ReadOnly | LockMode::Off => installed.change = LockChange::NotSaved,
            LockMode::Write => {
                installed.change = if before.exists() { LockChange::Changed } else { LockChange::Created };
                installed.locks.write().map_err(|e| e.diagnostic())?;
            }
        }
        Ok(installed)
    }
}
