//! Files as a configuration reads them, remembered: a revision holds what was read, and a rollback reads it again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use lang::{Entry, EntryKind, FileError, MemoryFiles, ProjectFiles, normalize};

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
        // `path.cwd` and `abspath` give absolute paths, and a revision is no place on a disk.
        let inside = normalize(path, self.root()).unwrap_or_else(|| path.to_owned());
        read.entry(inside).or_insert_with(|| content.clone());
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

    fn home(&self) -> Option<&Path> {
        self.files.home()
    }
}

/// The files of an earlier revision, at the place of the project: paths come out as they did then.
#[derive(Debug)]
pub struct RevisionFiles {
    files: MemoryFiles,
    root: PathBuf,
    home: Option<PathBuf>,
}

impl RevisionFiles {
    pub fn new(files: BTreeMap<String, Vec<u8>>, root: &Path, home: Option<&Path>) -> Self {
        Self { files: MemoryFiles(files), root: root.to_owned(), home: home.map(Path::to_owned) }
    }

    fn inside(&self, path: &str) -> Result<String, FileError> {
        normalize(path, &self.root).ok_or_else(|| FileError::Outside { path: path.to_owned() })
    }
}

impl ProjectFiles for RevisionFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        self.files.read(&self.inside(path)?)
    }

    fn list(&self, folder: &str) -> Result<Vec<Entry>, FileError> {
        self.files.list(&self.inside(folder)?)
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, FileError> {
        self.files.kind(&self.inside(path)?)
    }

    fn root(&self) -> &Path {
        &self.root
    }

    fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }
}

impl std::fmt::Debug for RecordingFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecordingFiles({})", self.files.root().display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_reads_by_absolute_paths_what_was_read_by_them() {
        let files = BTreeMap::from([("d/a.txt".to_owned(), b"a".to_vec())]);
        let recording = RecordingFiles::new(Arc::new(MemoryFiles(files.clone())));
        let absolute = recording.root().join("d/../d/a.txt");
        assert!(recording.read(absolute.to_str().unwrap()).is_ok());
        assert_eq!(recording.recorded(), files);
        let (root, home) = (Path::new("/srv/shop"), Path::new("/home/ada"));
        let revision = RevisionFiles::new(recording.recorded(), root, Some(home));
        assert_eq!(revision.read("/srv/shop/d/a.txt").unwrap(), b"a");
        assert_eq!(revision.kind("d").unwrap(), Some(EntryKind::Folder));
        assert!(matches!(revision.read("/project/d/a.txt"), Err(FileError::Outside { .. })));
        assert_eq!((revision.root(), revision.home()), (root, Some(home)));
    }
}
