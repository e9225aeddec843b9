//! The manifest of installed modules, `modules.json`, in the form that Terraform reads and writes.
//!
//! It says what is installed. What is to be installed is the configuration's to say, and which content is right is the lock's.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::{Source, Version};

/// The manifest's file, in the folder of installed modules.
pub const MANIFEST_FILE: &str = "modules.json";

/// The modules that are installed, by the path of their call; the root module is not among them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    /// By path, such as `network.subnets`.
    pub modules: BTreeMap<String, ManifestEntry>,
}

/// An installed module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestEntry {
    /// The text of its source, as [`Source::address`] writes it.
    pub source: String,
    /// Its version, if it is a registry's.
    pub version: Option<Version>,
    /// Its folder, from that of the root module.
    pub folder: PathBuf,
    /// The commit or digest of its package as it was installed. Terraform passes over it, and leaves it out when it writes.
    pub pin: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    modules: Vec<WrittenModule>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WrittenModule {
    key: String,
    #[serde(default)]
    source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default)]
    dir: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
}

impl Manifest {
    /// Reads the manifest of a folder of modules; one that does not exist is empty.
    ///
    /// # Errors
    /// A diagnostic when it cannot be read or understood.
    pub fn read(modules: &Path) -> Result<Self, diag::Diagnostics> {
        Self::read_file(modules).map_err(|e| e.diagnostic().into())
    }

    pub(crate) fn read_file(modules: &Path) -> Result<Self> {
        let path = modules.join(MANIFEST_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(Error::io("reading", path)(e)),
        };
        let damaged = |cause: String| Error::Unreadable { path: path.clone(), cause };
        let written: Written = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
        let mut modules = BTreeMap::new();
        for module in written.modules {
            // The root module stands for itself.
            if module.key.is_empty() {
                continue;
            }
            let version = module.version.filter(|version| !version.is_empty());
            let version =
                version.map(|v| Version::parse(&v)).transpose().map_err(|e| damaged(e.to_string()))?;
            let folder = PathBuf::from(module.dir);
            let entry = ManifestEntry { source: module.source, version, folder, pin: module.pin };
            modules.insert(module.key, entry);
        }
        Ok(Self { modules })
    }

    /// Writes the manifest into a folder of modules, as a whole or not at all.
    ///
    /// # Errors
    /// A diagnostic when it cannot be written.
    pub fn write(&self, modules: &Path) -> Result<(), diag::Diagnostics> {
        self.write_file(modules).map_err(|e| e.diagnostic().into())
    }

    pub(crate) fn write_file(&self, modules: &Path) -> Result<()> {
        let path = modules.join(MANIFEST_FILE);
        let root = WrittenModule {
            key: String::new(),
            source: String::new(),
            version: None,
            dir: ".".to_owned(),
            pin: None,
        };
        let others = self.modules.iter().map(|(key, entry)| WrittenModule {
            key: key.clone(),
            source: entry.source.clone(),
            version: entry.version.as_ref().map(ToString::to_string),
            dir: entry.folder.to_string_lossy().into_owned(),
            pin: entry.pin.clone(),
        });
        let written = Written { modules: std::iter::once(root).chain(others).collect() };
        let text = serde_json::to_string(&written)
            .map_err(|e| Error::Unreadable { path: path.clone(), cause: e.to_string() })?;
        // Terraform escapes what HTML gives a meaning; these signs stand in texts only.
        let text = text.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
        write_whole(&path, &text)
    }

    /// Whether an entry is of this source, however it was written.
    pub(crate) fn is_of(entry: &ManifestEntry, source: &Source) -> bool {
        entry.source == source.address() || Source::parse(&entry.source).is_ok_and(|read| read == *source)
    }
}

/// Writes a file so that a reader finds the old or the new one, never a part.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let mut file = tempfile::Builder::new()
            .prefix(".mainstay-")
            .permissions(fs::Permissions::from_mode(0o644))
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(Error::io("writing", path))
}
