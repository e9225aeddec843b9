//! Files as a configuration reads them, remembered: a revision holds what was read, and a rollback reads it again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use lang::{Entry, EntryKind, FileError, ProjectFiles};

/// Passes every question on, and remembers each file that was read.
pub struct RecordingFiles {
    files: Arc<dyn ProjectFiles>,
    read: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl RecordingFiles {
    pub fn new(files: Arc<dyn ProjectFiles>) -> Self {
        Self { files, read: Mutex::default() }
    }

    /// What was read so far, by path inside the project.
    pub fn recorded(&self) -> BTreeMap<String, Vec<u8>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ProjectFiles for RecordingFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let content = self.files.read(path)?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(path.to_owned()).or_insert_with(|| content.clone());
        Ok(content)
    }

    fn list(&self, folder: &str) -> Result<Vec<Entry>, FileError> {
        self.files.list(folder)
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, FileError> {
        self.files.kind(path)
    }

    fn root(&self) -> &Path {
        self.files.root()
    }
}

impl std::fmt::Debug for RecordingFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecordingFiles({})", self.files.root().display())
    }
}
