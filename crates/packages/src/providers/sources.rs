//! The ways to a provider, together: which versions can be had by any of them, and where a version's package is. The first way that has
//! a version is the one that it is taken by. Nothing is written here.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::Diagnostic;
use lang::ProviderAddress;
use url::Url;

use super::error::{Error, Result};
use super::events::Trust;
use super::network::NetworkMirrors;
use super::registry::Registry;
use super::{Platform, address, layout};
use crate::Version;
use crate::fetch::http::Http;
use crate::registry::{CliConfiguration, InstallationMethod, MethodKind, Services};

/// The ways that are open.
pub(crate) struct Sources {
    methods: Vec<InstallationMethod>,
    registry: Registry,
    mirrors: NetworkMirrors,
    pub(super) http: Arc<Http>,
}

/// The versions that can be had.
#[derive(Debug, Default)]
pub(crate) struct Offered {
    pub versions: Vec<Version>,
    pub warnings: Vec<Diagnostic>,
}

/// A package of a version for a platform.
#[derive(Debug)]
pub(crate) struct Package {
    pub place: PackagePlace,
    /// The archive's name.
    pub name: String,
    /// Hashes that its server promises, one of which it has to have; none where nothing is promised.
    pub promised: Vec<String>,
    /// Hashes of this version on every platform that a signature vouches for.
    pub signed: Vec<String>,
    pub trust: Trust,
}

#[derive(Debug)]
pub(crate) enum PackagePlace {
    /// A folder with its files.
    Folder(PathBuf),
    /// An archive of this machine.
    Archive(PathBuf),
    /// An archive to be fetched.
    Url(Url),
}

impl Sources {
    pub fn new(methods: Vec<InstallationMethod>, cli: &CliConfiguration, http: Arc<Http>) -> Self {
        let registry = Registry::new(Services::new(cli.clone(), http.clone()), http.clone());
        Self { methods, registry, mirrors: NetworkMirrors::new(cli.clone(), http.clone()), http }
    }

    /// The ways for a provider.
    fn of<'a>(&'a self, provider: &ProviderAddress) -> Vec<&'a InstallationMethod> {
        self.methods.iter().filter(|method| method.is_for(provider)).collect()
    }

    /// The versions of a provider that can be had by any way.
    pub async fn versions(&self, provider: &ProviderAddress) -> Result<Offered> {
        address::check(provider).map_err(Error::Address)?;
        let mut offered = Offered::default();
        let (mut is_found, mut places, mut absent) = (false, Vec::new(), None);
        for method in self.of(provider) {
            let found = match &method.kind {
                MethodKind::FilesystemMirror(folder) => {
                    places.push(folder.display().to_string());
                    of_folder(folder, provider)?
                }
                MethodKind::NetworkMirror(base) => {
                    places.push(base.to_string());
                    self.mirrors.versions(base, provider).await?
                }
                MethodKind::Direct => match self.registry.versions(provider).await {
                    Ok(found) => Some(found),
                    Err(error @ Error::NoProvider { .. }) => {
                        absent = Some(error);
                        None
                    }
                    Err(other) => return Err(other),
                },
            };
            if let Some(found) = found {
                is_found = true;
                offered.versions.extend(found.versions);
                offered.warnings.extend(found.warnings);
            }
        }
        match absent {
            _ if is_found => Ok(offered),
            Some(error) if places.is_empty() => Err(error),
            _ => Err(Error::NotFound { provider: provider.clone(), places }),
        }
    }

    /// The package of a version for a platform.
    pub async fn package(
        &self,
        provider: &ProviderAddress,
        version: &Version,
        platform: &Platform,
    ) -> Result<Package> {
        for method in self.of(provider) {
            let found = match &method.kind {
                MethodKind::FilesystemMirror(folder) => in_folder(folder, provider, version, platform)?,
                MethodKind::NetworkMirror(base) => {
                    self.mirrors.package(base, provider, version, platform).await?
                }
                MethodKind::Direct => self.registry.package(provider, version, platform).await?,
            };
            if let Some(package) = found {
                return Ok(package);
            }
        }
        Err(Error::NoPackage {
            provider: provider.clone(),
            version: version.to_string(),
            platform: platform.clone(),
        })
    }
}

/// What a mirror on this machine has; `None` if nothing.
fn of_folder(folder: &Path, provider: &ProviderAddress) -> Result<Option<Offered>> {
    let found = layout::packages(folder, provider).map_err(Error::io("reading", folder))?;
    let mut versions: Vec<Version> = found.into_iter().map(|it| it.version).collect();
    versions.sort();
    versions.dedup();
    Ok((!versions.is_empty()).then_some(Offered { versions, warnings: Vec::new() }))
}

fn in_folder(
    folder: &Path,
    provider: &ProviderAddress,
    version: &Version,
    platform: &Platform,
) -> Result<Option<Package>> {
    let found = layout::packages(folder, provider).map_err(Error::io("reading", folder))?;
    let found = found.into_iter().find(|it| it.version == *version && it.platform == *platform);
    Ok(found.map(|found| Package {
        name: layout::archive_name(provider, version, platform),
        place: if found.is_packed {
            PackagePlace::Archive(found.path)
        } else {
            PackagePlace::Folder(found.path)
        },
        promised: Vec::new(),
        signed: Vec::new(),
        trust: Trust::Unknown,
    }))
}

impl Package {
    /// The packed package as a file: opened, or fetched. `None` for an unpacked one.
    pub async fn archive(&self, http: &Http) -> Result<Option<File>> {
        Ok(match &self.place {
            PackagePlace::Folder(_) => None,
            PackagePlace::Archive(path) => Some(File::open(path).map_err(Error::io("reading", path))?),
            PackagePlace::Url(url) => {
                let file = tempfile::tempfile().map_err(Error::io("making", std::env::temp_dir()))?;
                http.download(url, &file).await?;
                Some(file)
            }
        })
    }
}
