//! Files over those of the folder: those of a saved plan, so that what was read for it is read again as it was, or one more.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use lang::{Entry, EntryKind, FileError, ProjectFiles, normalize};

/// Saved files over the folder's own.
pub(super) struct Overlay {
    saved: BTreeMap<String, Vec<u8>>,
    below: Arc<dyn ProjectFiles>,
}

impl Overlay {
    pub(super) fn new(saved: BTreeMap<String, Vec<u8>>, below: Arc<dyn ProjectFiles>) -> Self {
        Self { saved, below }
    }

    fn key(&self, path: &str) -> String {
        normalize(path, self.below.root()).unwrap_or_else(|| path.to_owned())
    }
}

/// The folder's files and one more in it.
pub(super) struct OneMore {
    pub(super) name: &'static str,
    pub(super) text: String,
    pub(super) below: Arc<dyn ProjectFiles>,
}

impl ProjectFiles for OneMore {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        if path == self.name { Ok(self.text.clone().into_bytes()) } else { self.below.read(path) }
    }

    fn list(&self, folder: &str) -> Result<Vec<Entry>, FileError> {
        let mut entries = self.below.list(folder)?;
        if matches!(folder, "" | ".") {
            entries.push(Entry { name: self.name.to_owned(), kind: EntryKind::File });
            entries.sort();
        }
        Ok(entries)
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, FileError> {
        if path == self.name { Ok(Some(EntryKind::File)) } else { self.below.kind(path) }
    }

    fn root(&self) -> &Path {
        self.below.root()
    }

    fn home(&self) -> Option<&Path> {
        self.below.home()
    }
}

impl ProjectFiles for Overlay {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        match self.saved.get(&self.key(path)) {
            Some(content) => Ok(content.clone()),
            None => self.below.read(path),
        }
    }

    /// Configuration files are those that were read for the plan: one that came later is not among them.
    fn list(&self, folder: &str) -> Result<Vec<Entry>, FileError> {
        let key = self.key(folder);
        let prefix = if key.is_empty() || key == "." { String::new() } else { format!("{key}/") };
        let is_read = |name: &str| self.saved.contains_key(&format!("{prefix}{name}"));
        let is_configuration = |name: &str| {
            [".tf", ".tf.json", ".tfvars", ".tfvars.json", ".hcl"].iter().any(|end| name.ends_with(end))
        };
        let mut entries = self.below.list(folder).unwrap_or_default();
        entries.retain(|entry| {
            entry.kind == EntryKind::Folder || is_read(&entry.name) || !is_configuration(&entry.name)
        });
        for name in self.saved.keys().filter_map(|path| path.strip_prefix(&prefix)) {
            if !name.contains('/') && !entries.iter().any(|entry| entry.name == name) {
                entries.push(Entry { name: name.to_owned(), kind: EntryKind::File });
            }
        }
        entries.sort();
        Ok(entries)
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, FileError> {
        if self.saved.contains_key(&self.key(path)) {
            return Ok(Some(EntryKind::File));
        }
        self.below.kind(path)
    }

    fn root(&self) -> &Path {
        self.below.root()
    }

    fn home(&self) -> Option<&Path> {
        self.below.home()
    }
}
