//! What has been installed, without any network and without a change to it.

use std::path::PathBuf;

use diag::{Diagnostic, Diagnostics};

use super::Place;
use crate::error::{Error, Result};
use crate::manifest::{Manifest, ManifestEntry};
use crate::source::without_password;
use crate::{Constraints, ModuleRequest, Version};

/// A module on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Its folder, from that of the root module.
    pub folder: PathBuf,
    /// Its version, if it is a registry's.
    pub version: Option<Version>,
}

/// The modules that are installed for a configuration: what plans and validations work with.
#[derive(Debug)]
pub struct InstalledModules {
    place: Place,
    manifest: Manifest,
}

impl InstalledModules {
    /// Reads which modules are installed.
    ///
    /// # Errors
    /// When the manifest cannot be read.
    pub fn read(place: Place) -> Result<Self, Diagnostics> {
        let manifest = Manifest::read(&place.modules())?;
        Ok(Self { place, manifest })
    }

    /// A module's folder.
    ///
    /// # Errors
    /// When it is not installed, or another than the one that is asked for is: the hint is to run `init`.
    pub fn find(&self, request: &ModuleRequest) -> Result<Installed, Diagnostics> {
        self.look(request).map_err(|e| at(&e, request).into())
    }

    fn look(&self, request: &ModuleRequest) -> Result<Installed> {
        let entry = self.manifest.modules.get(&request.key).ok_or(Error::NotInstalled)?;
        if !is_asked_for(entry, request) {
            let version = entry.version.as_ref().map_or(String::new(), |version| format!(" {version}"));
            return Err(Error::Changed {
                installed: format!("{}{version}", without_password(&entry.source)),
            });
        }
        if !self.place.root.join(&entry.folder).is_dir() {
            return Err(Error::NotInstalled);
        }
        Ok(Installed { folder: entry.folder.clone(), version: entry.version.clone() })
    }
}

/// Whether an installed module is of the source and a version that are asked for.
pub(super) fn is_asked_for(entry: &ManifestEntry, request: &ModuleRequest) -> bool {
    let meets = |constraints: &Constraints| entry.version.as_ref().is_some_and(|v| constraints.allow(v));
    Manifest::is_of(entry, &request.source) && request.constraints.as_ref().is_none_or(meets)
}

/// A fault of a module, at its block.
pub(super) fn at(error: &Error, request: &ModuleRequest) -> Diagnostic {
    let diagnostic = error.diagnostic().about(format!("module {}", request.key));
    match request.places.block.or(request.places.source) {
        Some(place) => diagnostic.at(place).label(format!("from {}", request.source)),
        None => diagnostic,
    }
}
