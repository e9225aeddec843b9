//! The installer: one module after another into its folder, the manifest and the lock at the end.
//!
//! What is installed already and still what is asked for needs no network. One process at a time installs into a folder.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use diag::{Diagnostic, Diagnostics};

use super::folders::subfolder;
use super::installed::{Installed, at, is_asked_for};
use super::packages::{Fetched, Packages, digest, join};
use super::{InstalledModules, Place};
use crate::error::{Error, Result};
use crate::fetch::http::Http;
use crate::guard;
use crate::lock::{Lock, Pin, is_commit};
use crate::manifest::{Manifest, ManifestEntry};
use crate::registry::{Registry, Services};
use crate::version::newest_release;
use crate::{
    CliConfiguration, Event, LocalSource, LockMode, ModuleRequest, Package, Progress, RegistrySource,
    RemoteSource, Settings, Source, Version,
};

/// Whether an installer has been asked for every module of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// It has: modules that nobody asked for are gone from the configuration, so from manifest and lock too.
    Whole,
    /// A fault came between: what was known of other modules stays.
    Part,
}

/// Installs modules. Dropped without [`Installer::finish`], it leaves packages behind that no manifest names.
pub struct Installer {
    place: Place,
    settings: Settings,
    progress: Arc<dyn Progress>,
    registry: Registry,
    packages: Packages,
    state: Mutex<State>,
    /// Held until the installer is dropped.
    _guard: File,
}

struct State {
    before: Manifest,
    now: Manifest,
    lock: Lock,
    /// Registries' modules whose invalid versions have been told.
    warned: Vec<String>,
}

/// What a package is called in the lock, and what it is as a registry's.
struct Wanted<'a> {
    name: String,
    version: Option<Version>,
    source: &'a Source,
}

impl Installer {
    /// Makes ready to install modules for the root module of a place; waits while another process does so.
    ///
    /// # Errors
    /// When manifest or lock cannot be read, or the other process takes too long.
    pub async fn open(
        place: Place,
        settings: Settings,
        configuration: CliConfiguration,
        progress: Arc<dyn Progress>,
    ) -> Result<Self, Diagnostics> {
        Self::open_inner(place, settings, configuration, progress).await.map_err(|e| e.diagnostic().into())
    }

    async fn open_inner(
        place: Place,
        settings: Settings,
        configuration: CliConfiguration,
        progress: Arc<dyn Progress>,
    ) -> Result<Self> {
        let folder = place.modules();
        std::fs::create_dir_all(&folder).map_err(Error::io("making", &folder))?;
        let waiting = || progress.event(Event::Waiting { folder: folder.clone() });
        let guard = guard::hold(&folder, settings.patience.others, waiting).await?;
        remove_leftovers(&folder)?;
        let before = Manifest::read_file(&folder)?;
        let lock = match settings.lock {
            LockMode::Off => Lock::default(),
            LockMode::Write | LockMode::ReadOnly => Lock::read(&place.root)?,
        };
        let http = Arc::new(Http::new(settings.limits, settings.patience, progress.clone()));
        let registry = Registry::new(Services::new(configuration, http.clone()), http.clone());
        let packages = Packages::new(http, settings.patience, settings.limits, settings.parallel_max);
        let state = Mutex::new(State { before, now: Manifest::default(), lock, warned: Vec::new() });
        Ok(Self { place, settings, progress, registry, packages, state, _guard: guard })
    }

    /// Installs a module, or finds that it is installed. The calling module has to be installed first; modules that do not call
    /// each other may be asked for at the same time.
    ///
    /// # Errors
    /// A diagnostic at the block, when the module cannot be had or is not what the lock says.
    pub async fn install(&self, request: &ModuleRequest) -> Result<Installed, Diagnostics> {
        let (entry, is_new) = match &request.source {
            Source::Local(source) => self.local(request, source),
            Source::Registry(source) => self.of_registry(request, source).await,
            Source::Remote(source) => self.of_elsewhere(request, source).await,
        }
        .map_err(|e| at(&e, request))?;
        if is_new {
            self.progress.event(Event::Installed { key: request.key.clone(), folder: entry.folder.clone() });
        }
        let installed = Installed { folder: entry.folder.clone(), version: entry.version.clone() };
        self.state().now.modules.insert(request.key.clone(), entry);
        Ok(installed)
    }

    /// Writes manifest and lock, and hands over what is installed.
    ///
    /// # Errors
    /// When one of them cannot be written.
    pub fn finish(self, completeness: Completeness) -> Result<InstalledModules, Diagnostics> {
        let is_whole = completeness == Completeness::Whole;
        let written = {
            let mut state = self.state();
            let State { before, now, lock, .. } = &mut *state;
            if !is_whole {
                for (key, entry) in &before.modules {
                    now.modules.entry(key.clone()).or_insert_with(|| entry.clone());
                }
            }
            let manifest = now.write_file(&self.place.modules());
            match self.settings.lock {
                LockMode::Write => manifest.and_then(|()| lock.write(is_whole)),
                LockMode::ReadOnly | LockMode::Off => manifest,
            }
        };
        written.map_err(|e| e.diagnostic())?;
        InstalledModules::read(self.place.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn local(&self, request: &ModuleRequest, source: &LocalSource) -> Result<(ManifestEntry, bool)> {
        let folder = self.place.local(&request.caller, source)?;
        let state = self.state();
        self.place.check_reach(&state.now, request.caller_key(), &folder)?;
        let entry = ManifestEntry { source: request.source.address(), version: None, folder, pin: None };
        let is_new = self.settings.upgrade || state.before.modules.get(&request.key) != Some(&entry);
        Ok((entry, is_new))
    }

    async fn of_registry(
        &self,
        request: &ModuleRequest,
        source: &RegistrySource,
    ) -> Result<(ManifestEntry, bool)> {
        let name = source.address.to_string();
        if let Some(entry) = self.reusable(request, &name).await? {
            return Ok((entry, false));
        }
        let version = self.choose(request, source).await?;
        let wanted = Wanted { name, version: Some(version.clone()), source: &request.source };
        self.announce(request, source.address.to_string(), Some(version.clone()));
        let identity = format!("{}@{version}", wanted.name);
        let target = self.place.root.join(self.place.package(&request.key)?);
        let fetched = self
            .packages
            .once(&identity, &target, async |folder: &Path| {
                let (place, base) = self.registry.place(&source.address, &version).await?;
                let fetched = self.packages.fetch_named(&place, &base, folder).await?;
                self.check(&wanted, fetched)
            })
            .await?;
        let inside = join(fetched.inside.clone(), source.subfolder.clone());
        Ok((self.entry(request, &wanted, fetched, inside)?, true))
    }

    async fn of_elsewhere(
        &self,
        request: &ModuleRequest,
        source: &RemoteSource,
    ) -> Result<(ManifestEntry, bool)> {
        let name = source.package_name();
        if let Some(entry) = self.reusable(request, &name).await? {
            return Ok((entry, false));
        }
        let wanted = Wanted { name, version: None, source: &request.source };
        self.announce(request, source.to_string(), None);
        let target = self.place.root.join(self.place.package(&request.key)?);
        let locked = match self.settings.upgrade {
            true => None,
            false => self.state().lock.pin(&wanted.name, None).cloned(),
        };
        let fetched = self
            .packages
            .once(&source.package_address(), &target, async |folder: &Path| {
                let fetched = self.packages.fetch(source, locked.as_ref(), folder).await?;
                self.check(&wanted, fetched)
            })
            .await?;
        let inside = join(fetched.inside.clone(), source.subfolder.clone());
        Ok((self.entry(request, &wanted, fetched, inside)?, true))
    }

    fn announce(&self, request: &ModuleRequest, source: String, version: Option<Version>) {
        self.progress.event(Event::Fetching { key: request.key.clone(), source, version });
    }

    /// What is installed, if it is what is asked for and what is locked.
    async fn reusable(&self, request: &ModuleRequest, name: &str) -> Result<Option<ManifestEntry>> {
        let Some(entry) = self.state().before.modules.get(&request.key).cloned() else { return Ok(None) };
        let package = self.place.root.join(self.place.package(&request.key)?);
        let is_there = self.place.root.join(&entry.folder).is_dir() && package.is_dir();
        if !is_there || !is_asked_for(&entry, request) {
            return Ok(None);
        }
        if self.settings.upgrade && !self.is_still_newest(request, &entry).await? {
            return Ok(None);
        }
        if self.settings.lock == LockMode::Off || is_unlocked_kind(&request.source) {
            return Ok(Some(entry));
        }
        let locked = self.state().lock.pin(name, entry.version.as_ref()).cloned();
        let has_other_versions = || self.state().lock.version(name, request.constraints.as_ref()).is_some();
        let found = match (&entry.pin, &request.source) {
            (Some(pin), _) if is_commit(pin) => Pin::Commit(pin.clone()),
            (Some(pin), _) => Pin::Digest(pin.clone()),
            // Terraform has installed it, and says nothing about a commit.
            (None, Source::Remote(RemoteSource { package: Package::Git(_), .. })) => {
                return Ok(locked.is_none().then_some(entry));
            }
            (None, _) => Pin::Digest(digest(&package).await?),
        };
        match locked {
            Some(locked) if locked != found && !self.settings.upgrade => return Ok(None),
            // The lock wants another version than the one that is here.
            None if entry.version.is_some() && !self.settings.upgrade && has_other_versions() => {
                return Ok(None);
            }
            None if self.settings.lock == LockMode::ReadOnly => {
                return Err(Error::NotLocked(name.to_owned()));
            }
            Some(_) | None => {}
        }
        self.state().lock.set(name, entry.version.as_ref(), found.clone());
        Ok(Some(ManifestEntry { pin: Some(found.text().to_owned()), ..entry }))
    }

    /// Whether an upgrade would bring the same: the newest version, or the commit at which a reference points.
    async fn is_still_newest(&self, request: &ModuleRequest, entry: &ManifestEntry) -> Result<bool> {
        match (&request.source, &entry.pin) {
            (Source::Registry(source), _) => Ok(Some(self.choose(request, source).await?) == entry.version),
            (Source::Remote(source), Some(commit)) if is_commit(commit) => {
                let folder = self.place.modules();
                self.packages.is_current(source, commit, &folder).await
            }
            _ => Ok(false),
        }
    }

    /// The version to install: the locked one if it may be, else the newest that is allowed.
    async fn choose(&self, request: &ModuleRequest, source: &RegistrySource) -> Result<Version> {
        let name = source.address.to_string();
        let constraints = request.constraints.as_ref();
        if !self.settings.upgrade
            && let Some(version) = self.state().lock.version(&name, constraints)
        {
            return Ok(version);
        }
        let versions = self.registry.versions(&source.address).await?;
        if !versions.invalid.is_empty() {
            self.warn_of_versions(&name, &source.address.host, &versions.invalid);
        }
        let newest = match constraints {
            Some(constraints) => constraints.newest(&versions.all),
            None => newest_release(&versions.all),
        };
        newest.cloned().ok_or_else(|| Error::NoVersion {
            module: source.address.to_string(),
            constraints: constraints.map_or_else(|| "no pre-release".to_owned(), ToString::to_string),
            newest: newest_release(&versions.all).map(ToString::to_string),
        })
    }

    fn warn_of_versions(&self, name: &str, host: &str, invalid: &[String]) {
        let mut state = self.state();
        if state.warned.iter().any(|warned| warned == name) {
            return;
        }
        state.warned.push(name.to_owned());
        drop(state);
        let message = format!("the registry at {host} lists versions of {name} that are none");
        let listed: Vec<String> =
            invalid.iter().take(5).map(|text| format!("`{}`", text.escape_default())).collect();
        let warning = Diagnostic::warning("module-version", message);
        self.progress.event(Event::Warning(warning.because(format!("passed over: {}", listed.join(", ")))));
    }

    /// Whether a package that has just been fetched is the one that is locked.
    fn check(&self, wanted: &Wanted<'_>, fetched: Fetched) -> Result<Fetched> {
        let Some(pin) = &fetched.pin else { return Ok(fetched) };
        let mut state = self.state();
        let package = match &wanted.version {
            Some(version) => format!("{} {version}", wanted.name),
            None => wanted.name.clone(),
        };
        // A version is the same for ever; what a branch or a URL stands for may be another after an upgrade.
        let is_fixed = wanted.version.is_some() || !self.settings.upgrade;
        match state.lock.pin(&wanted.name, wanted.version.as_ref()) {
            Some(locked) if is_fixed && locked != pin && self.settings.lock != LockMode::Off => {
                let (expected, found) = (locked.text().to_owned(), pin.text().to_owned());
                return Err(Error::Locked { package, expected, found });
            }
            None if self.settings.lock == LockMode::ReadOnly => return Err(Error::NotLocked(package)),
            _ => {}
        }
        if !is_unlocked_kind(wanted.source) {
            state.lock.set(&wanted.name, wanted.version.as_ref(), pin.clone());
        }
        Ok(fetched)
    }

    fn entry(
        &self,
        request: &ModuleRequest,
        wanted: &Wanted<'_>,
        fetched: Fetched,
        inside: Option<String>,
    ) -> Result<ManifestEntry> {
        let mut folder: PathBuf = self.place.package(&request.key)?;
        if let Some(inside) = inside {
            folder.push(subfolder(&fetched.folder, &inside)?);
        }
        Ok(ManifestEntry {
            source: request.source.address(),
            version: wanted.version.clone(),
            folder,
            // Without a lock the manifest is the one that Terraform would write.
            pin: fetched.pin.filter(|_| self.settings.lock != LockMode::Off).map(|pin| pin.text().to_owned()),
        })
    }
}

/// A folder or an archive of this machine is nobody else's: it is not locked.
fn is_unlocked_kind(source: &Source) -> bool {
    matches!(
        source,
        Source::Local(_)
            | Source::Remote(RemoteSource {
                package: Package::File { .. } | Package::Unsupported { .. },
                ..
            })
    )
}

/// What a killed process had begun. Nobody else works here now.
fn remove_leftovers(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(Error::io("reading", folder))? {
        let entry = entry.map_err(Error::io("reading", folder))?;
        if entry.file_name().to_string_lossy().starts_with(".staging-") {
            crate::fetch::tree::remove(&entry.path()).map_err(Error::io("removing", entry.path()))?;
        }
    }
    Ok(())
}
