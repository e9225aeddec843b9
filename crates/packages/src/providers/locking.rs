//! `providers lock`: the hashes of packages on several platforms into the lock file, without an installation. Packages come from where
//! one says, or from the registries, whatever the configuration of the command line says of mirrors.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use lang::ProviderAddress;
use url::Url;

use super::error::{Doing, Error, Result};
use super::events::{ProviderEvent, ProviderProgress, Told};
use super::lock_file::{ProviderLock, ProviderLocks};
use super::memo::Memo;
use super::placing::check_promise;
use super::requirements::ProviderRequirements;
use super::selection::select;
use super::sources::{Package, PackagePlace, Sources};
use super::{Platform, hash, layout};
use crate::fetch::checksum::blocking;
use crate::fetch::http::Http;
use crate::registry::{InstallationMethod, MethodKind};
use crate::settings::{Limits, Patience};
use crate::{CliConfiguration, Place, Version};

/// Where packages are looked for.
#[derive(Debug, Clone)]
pub enum LockSource {
    /// In the registries that the addresses name.
    Registries,
    /// In a folder.
    Folder(PathBuf),
    /// On a server.
    Server(Url),
}

impl LockSource {
    /// The server at a URL.
    ///
    /// # Errors
    /// A sentence that says why it cannot be one.
    pub fn server(url: &str) -> Result<Self, String> {
        crate::registry::mirror_url(url).map(Self::Server)
    }
}

/// What is to be locked.
#[derive(Debug, Clone)]
pub struct LockRequest {
    /// Only these providers, or all that are required.
    pub only: Vec<ProviderAddress>,
    /// For these platforms.
    pub platforms: Vec<Platform>,
    /// Where packages are looked for.
    pub source: LockSource,
    /// Whether what the shared cache has is believed, and not fetched.
    pub uses_cache: bool,
    /// Waiting for servers.
    pub patience: Patience,
}

/// What has come of it for a provider on a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformLocked {
    /// The provider.
    pub provider: ProviderAddress,
    /// The platform.
    pub platform: Platform,
    /// What is new about it.
    pub news: LockNews,
}

/// What is new in the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockNews {
    /// The provider.
    Provider,
    /// Hashes.
    Hashes,
    /// Nothing.
    Nothing,
}

/// What the lock has now.
#[derive(Debug)]
pub struct ProvidersLocked {
    /// By provider, then as the platforms were asked for.
    pub platforms: Vec<PlatformLocked>,
    /// Whether the file was written.
    pub is_changed: bool,
}

/// Locks the hashes of packages.
///
/// # Errors
/// Everything that could not be had; the lock is as it was then.
pub async fn lock_providers(
    place: &Place,
    requirements: &ProviderRequirements,
    request: LockRequest,
    cli: &CliConfiguration,
    progress: ProviderProgress,
) -> Result<ProvidersLocked, Diagnostics> {
    let before = ProviderLocks::read(&place.root)?;
    let limits = Limits::of_providers();
    let http = Arc::new(Http::new(limits, request.patience, Arc::new(Told(progress.clone()))));
    let kind = match &request.source {
        LockSource::Registries => MethodKind::Direct,
        LockSource::Folder(folder) => MethodKind::FilesystemMirror(place.root.join(folder)),
        LockSource::Server(url) => MethodKind::NetworkMirror(url.clone()),
    };
    let work = Locking {
        requirements,
        cache: cli.providers().cache.clone().filter(|_| request.uses_cache),
        sources: Sources::new(vec![InstallationMethod::for_all(kind)], cli, http),
        memo: Memo::new(|name| cli.variable(name), &place.root.join(&place.data)),
        limits,
        progress,
    };
    work.run(&before, &request).await
}

struct Locking<'a> {
    requirements: &'a ProviderRequirements,
    cache: Option<PathBuf>,
    sources: Sources,
    memo: Memo,
    limits: Limits,
    progress: ProviderProgress,
}

impl Locking<'_> {
    async fn run(
        &self,
        before: &ProviderLocks,
        request: &LockRequest,
    ) -> Result<ProvidersLocked, Diagnostics> {
        let all = self.requirements.programs();
        let wanted: Vec<&ProviderAddress> =
            if request.only.is_empty() { all } else { request.only.iter().collect() };
        let mut faults = Diagnostics::default();
        let mut chosen = Vec::new();
        for provider in wanted {
            match self.choose(provider, before.get(provider)).await {
                Ok(version) => chosen.push((provider, version)),
                Err(error) => faults.push(error.diagnostic(provider, Doing::Looking, self.requirements)),
            }
        }
        let mut now = before.clone();
        let mut locked = Vec::new();
        for platform in &request.platforms {
            for (provider, version) in &chosen {
                match self.hashes(provider, version, platform).await {
                    Ok(hashes) => {
                        let news = self.note(provider, version, hashes, before, &mut now);
                        let (provider, platform) = ((*provider).clone(), platform.clone());
                        locked.push(PlatformLocked { provider, platform, news });
                    }
                    Err(error) => {
                        faults.push(could_not(&error, provider, version, platform, self.requirements))
                    }
                }
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        locked.sort_by(|a, b| super::address::in_order(&a.provider, &b.provider));
        let is_changed = !now.is_written_by(before);
        if is_changed {
            now.write().map_err(|e| e.diagnostic())?;
        }
        Ok(ProvidersLocked { platforms: locked, is_changed })
    }

    async fn choose(&self, provider: &ProviderAddress, lock: Option<&ProviderLock>) -> Result<Version> {
        let offered = self.sources.versions(provider).await?;
        offered.warnings.into_iter().for_each(|warning| (self.progress)(ProviderEvent::Warning(warning)));
        select(self.requirements, provider, lock, &offered.versions)
    }

    /// All hashes that are known of a version by its package for a platform.
    async fn hashes(
        &self,
        provider: &ProviderAddress,
        version: &Version,
        platform: &Platform,
    ) -> Result<Vec<String>> {
        if let Some(cache) = &self.cache {
            let kept = layout::of_package(cache, provider, version, platform);
            if kept.is_dir() {
                let (provider, version) = (provider.clone(), version.clone());
                (self.progress)(ProviderEvent::Cached { provider, version });
                return Ok(vec![self.of_folder(kept).await?]);
            }
        }
        let package = self.sources.package(provider, version, platform).await?;
        let names = || (provider.clone(), version.clone(), Some(platform.clone()));
        let (name, its_version, its_platform) = names();
        (self.progress)(ProviderEvent::Installing {
            provider: name,
            version: its_version,
            platform: its_platform,
        });
        let mut hashes = vec![self.of_package(&package).await?];
        hashes.extend(package.signed);
        let (provider, version, platform) = names();
        (self.progress)(ProviderEvent::Installed { provider, version, platform, trust: package.trust });
        Ok(hashes)
    }

    async fn of_folder(&self, folder: PathBuf) -> Result<String> {
        let memo = self.memo.clone();
        blocking(move || memo.hash(&folder).map_err(Error::io("reading", folder))).await?
    }

    async fn of_package(&self, package: &Package) -> Result<String> {
        if let PackagePlace::Folder(folder) = &package.place {
            return self.of_folder(folder.clone()).await;
        }
        package.checked_hash(&self.sources.http, self.limits).await.map(|(h1, _)| h1)
    }

    fn note(
        &self,
        provider: &ProviderAddress,
        version: &Version,
        hashes: Vec<String>,
        before: &ProviderLocks,
        now: &mut ProviderLocks,
    ) -> LockNews {
        let prior = now.get(provider).filter(|lock| lock.version == *version);
        let known: BTreeSet<String> = prior.map(|lock| lock.hashes.clone()).unwrap_or_default();
        let adds = hashes.iter().any(|hash| !known.contains(hash));
        let news = match before.get(provider) {
            None => LockNews::Provider,
            Some(_) if adds => LockNews::Hashes,
            Some(_) => LockNews::Nothing,
        };
        let hashes = known.into_iter().chain(hashes).collect();
        let constraints = self.requirements.constraints(provider);
        now.set(provider.clone(), ProviderLock { version: version.clone(), constraints, hashes });
        news
    }
}

impl Package {
    /// `h1:` of a packed package that its server's promise has been held against, and the archive.
    pub(super) async fn checked_hash(&self, http: &Http, limits: Limits) -> Result<(String, std::fs::File)> {
        let Some(file) = self.archive(http).await? else {
            let unpacked = std::io::Error::other("the package is not packed");
            return Err(Error::Fetching(crate::error::Error::Archive(self.name.clone(), unpacked)));
        };
        let (name, promised) = (self.name.clone(), self.promised.clone());
        blocking(move || {
            let zh = hash::of_zip(&file).map_err(Error::io("reading", &name))?;
            let h1 = hash::of_archive(&file, &name, limits.unpacked_bytes_max)?;
            check_promise(&promised, &[&zh, &h1], || name.clone())?;
            Ok((h1, file))
        })
        .await?
    }
}

/// A fault of a package for a platform.
pub(super) fn could_not(
    error: &Error,
    provider: &ProviderAddress,
    version: &Version,
    platform: &Platform,
    requirements: &ProviderRequirements,
) -> Diagnostic {
    let mut diagnostic = error.diagnostic(provider, Doing::Installing(version), requirements);
    diagnostic.message =
        format!("{} v{version} could not be had for {platform}", super::shown_provider(provider));
    diagnostic.summary = Some("Could not retrieve providers for locking".into());
    diagnostic
}
