//! `providers mirror`: copies of packages, packed as they are published, into a folder that is a mirror on this machine and, with the
//! JSON files beside them, on a server. They come from the registries, whatever the configuration of the command line says of mirrors.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use lang::ProviderAddress;
use serde::Serialize;

use super::error::{Doing, Error, Result};
use super::events::{ProviderEvent, ProviderProgress, Told, Trust};
use super::lock_file::{ProviderLock, ProviderLocks};
use super::locking::could_not;
use super::requirements::ProviderRequirements;
use super::selection::select;
use super::sources::Sources;
use super::{Platform, hash, layout};
use crate::fetch::checksum::blocking;
use crate::fetch::http::Http;
use crate::manifest::write_whole;
use crate::registry::{InstallationMethod, MethodKind};
use crate::settings::{Limits, Patience};
use crate::{CliConfiguration, Place, Version};

/// What is to be copied.
#[derive(Debug, Clone)]
pub struct MirrorRequest {
    /// The folder.
    pub folder: PathBuf,
    /// For these platforms.
    pub platforms: Vec<Platform>,
    /// Whether versions that are locked are taken.
    pub heeds_lock: bool,
    /// Waiting for servers.
    pub patience: Patience,
}

/// What a mirroring tells besides what an installation does.
#[derive(Debug, Clone)]
pub enum MirrorEvent {
    /// A provider is begun with.
    Mirroring(ProviderAddress),
    /// Its version has been chosen.
    Selected {
        /// The version.
        version: Version,
        /// Whether it is the one that is locked.
        is_locked: bool,
        /// What is asked for in the normal form; empty where nothing is.
        constraints: String,
    },
    /// A package is fetched.
    Downloading(Platform),
    /// It is there.
    Downloaded(Trust),
    /// What the HTTP client and registries tell.
    Other(ProviderEvent),
}

/// Who is told.
pub type MirrorProgress = Arc<dyn Fn(MirrorEvent) + Send + Sync>;

/// Copies packages into a folder, and writes the files that make it a mirror on a server.
///
/// # Errors
/// Everything that could not be had; what could is in the folder.
pub async fn mirror_providers(
    place: &Place,
    requirements: &ProviderRequirements,
    request: MirrorRequest,
    cli: &CliConfiguration,
    progress: MirrorProgress,
) -> Result<(), Diagnostics> {
    let locks = if request.heeds_lock { Some(ProviderLocks::read(&place.root)?) } else { None };
    if let Some(locks) = locks.as_ref().filter(|it| it.exists()) {
        check_locks(requirements, locks)?;
    }
    let other = progress.clone();
    let told: ProviderProgress = Arc::new(move |event| other(MirrorEvent::Other(event)));
    let http = Arc::new(Http::new(Limits::of_providers(), request.patience, Arc::new(Told(told))));
    let direct = vec![InstallationMethod::for_all(MethodKind::Direct)];
    let work = Mirroring { requirements, sources: Sources::new(direct, cli, http), request, progress };
    let mut faults = Diagnostics::default();
    for provider in requirements.programs() {
        work.mirror(provider, locks.as_ref().and_then(|it| it.get(provider)), &mut faults).await;
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// A lock that there is has to have everything: a mirror of half of it would be no mirror for this configuration.
fn check_locks(requirements: &ProviderRequirements, locks: &ProviderLocks) -> Result<(), Diagnostics> {
    let missing = requirements.programs().into_iter().filter(|it| locks.get(it).is_none());
    let missing: Vec<String> = missing
        .map(|it| format!("  - provider {it}: required by this configuration but no version is selected"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Diagnostic::error("provider-not-locked", "the lock file does not fit the configuration")
        .summary("Inconsistent dependency lock file")
        .because(missing.join("\n"))
        .hint("run `terraform init -upgrade`, or pass `-lock-file=false`")
        .into())
}

struct Mirroring<'a> {
    requirements: &'a ProviderRequirements,
    sources: Sources,
    request: MirrorRequest,
    progress: MirrorProgress,
}

impl Mirroring<'_> {
    fn tell(&self, event: MirrorEvent) {
        (self.progress)(event);
    }

    async fn mirror(
        &self,
        provider: &ProviderAddress,
        lock: Option<&ProviderLock>,
        faults: &mut Diagnostics,
    ) {
        self.tell(MirrorEvent::Mirroring(provider.clone()));
        let version = match self.choose(provider, lock).await {
            Ok(version) => version,
            Err(error) => {
                faults.push(
                    error
                        .diagnostic(provider, Doing::Looking, self.requirements)
                        .summary("Provider not available"),
                );
                return;
            }
        };
        self.tell(MirrorEvent::Selected {
            version: version.clone(),
            is_locked: lock.is_some(),
            constraints: self.requirements.constraints(provider).normal_text(),
        });
        for platform in &self.request.platforms {
            if let Err(error) = self.copy(provider, &version, platform).await {
                let fault = could_not(&error, provider, &version, platform, self.requirements);
                faults.push(fault.summary("Provider release not available"));
            }
        }
        let (folder, name) = (self.request.folder.clone(), provider.clone());
        let written = blocking(move || write_indexes(&folder, &name)).await;
        if let Err(error) = written.map_err(Error::from).and_then(|it| it) {
            faults.push(error.plain().summary("Failed to update indexes"));
        }
    }

    async fn choose(&self, provider: &ProviderAddress, lock: Option<&ProviderLock>) -> Result<Version> {
        let offered = self.sources.versions(provider).await?;
        for warning in offered.warnings {
            self.tell(MirrorEvent::Other(ProviderEvent::Warning(warning)));
        }
        select(self.requirements, provider, lock, &offered.versions)
    }

    async fn copy(&self, provider: &ProviderAddress, version: &Version, platform: &Platform) -> Result<()> {
        self.tell(MirrorEvent::Downloading(platform.clone()));
        let package = self.sources.package(provider, version, platform).await?;
        let (_, file) = package.checked_hash(&self.sources.http, Limits::of_providers()).await?;
        let folder = layout::of_provider(&self.request.folder, provider);
        let target = folder.join(layout::archive_name(provider, version, platform));
        blocking(move || {
            fs::create_dir_all(&folder).map_err(Error::io("making", &folder))?;
            keep(&file, &folder, &target).map_err(Error::io("writing", &target))
        })
        .await??;
        self.tell(MirrorEvent::Downloaded(package.trust));
        Ok(())
    }
}

/// A file's content at its place, as a whole or not at all.
fn keep(mut file: &fs::File, folder: &Path, target: &Path) -> io::Result<()> {
    let mut copy = tempfile::Builder::new()
        .prefix(".mainstay-")
        .permissions(fs::Permissions::from_mode(0o644))
        .tempfile_in(folder)?;
    io::Seek::rewind(&mut file)?;
    io::copy(&mut file, copy.as_file_mut())?;
    copy.persist(target)?;
    Ok(())
}

#[derive(Serialize)]
struct Index {
    versions: BTreeMap<String, Nothing>,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct OfVersion {
    archives: BTreeMap<String, Archive>,
}

#[derive(Serialize)]
struct Archive {
    hashes: [String; 1],
    url: String,
}

/// `index.json` and `VERSION.json` of everything that a provider's folder has now.
fn write_indexes(root: &Path, provider: &ProviderAddress) -> Result<()> {
    let folder = layout::of_provider(root, provider);
    let found = layout::packages(root, provider).map_err(Error::io("reading", &folder))?;
    let packed: Vec<_> = found.into_iter().filter(|it| it.is_packed).collect();
    let versions: BTreeSet<&Version> = packed.iter().map(|it| &it.version).collect();
    if versions.is_empty() {
        return Ok(());
    }
    for version in &versions {
        let mut archives = BTreeMap::new();
        for package in packed.iter().filter(|it| it.version == **version) {
            let name = layout::archive_name(provider, version, &package.platform);
            let file = fs::File::open(&package.path).map_err(Error::io("reading", &package.path))?;
            let h1 = hash::of_archive(&file, &name, Limits::of_providers().unpacked_bytes_max)?;
            archives.insert(package.platform.to_string(), Archive { hashes: [h1], url: name });
        }
        write_json(&folder.join(format!("{version}.json")), &OfVersion { archives })?;
    }
    let versions = versions.iter().map(|version| (version.to_string(), Nothing {})).collect();
    write_json(&folder.join("index.json"), &Index { versions })
}

fn write_json(path: &Path, content: &impl Serialize) -> Result<()> {
    let damaged = |e: serde_json::Error| Error::io("writing", path)(io::Error::from(e));
    Ok(write_whole(path, &serde_json::to_string_pretty(content).map_err(damaged)?)?)
}
