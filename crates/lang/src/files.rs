//! The files of a project, behind a trait: from disk, or from memory as a rollback and the tests have them.
//!
//! Paths are relative to the project's root, with `/`. Nothing outside of the root is ever read: neither by `..`, nor by an
//! absolute path, nor through a symbolic link. A stack of Terraform is the exception: [`DiskFiles::unconfined`]. It writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Read access to one project's files.
pub trait ProjectFiles: Send + Sync {
    /// The content of a file.
    ///
    /// # Errors
    /// If there is none, it is outside of the project, or it cannot be read.
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError>;

    /// What a folder holds, ordered by name; `""` and `"."` are the root.
    ///
    /// # Errors
    /// If there is no such folder, it is outside of the project, or it cannot be read.
    fn list(&self, folder: &str) -> Result<Vec<Entry>, FileError>;

    /// What is at a path; `None` if nothing is.
    ///
    /// # Errors
    /// If the path is outside of the project.
    fn kind(&self, path: &str) -> Result<Option<EntryKind>, FileError>;

    /// The root as `path.cwd` and `abspath` give it: absolute.
    fn root(&self) -> &Path;

    /// The home folder of whoever reads the project, as `pathexpand` gives it; `None` where it is not known.
    fn home(&self) -> Option<&Path> {
        None
    }
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name, without the folder.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A file.
    File,
    /// A folder.
    Folder,
}

/// A file of the project that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Nothing is there.
    #[error("there is no file `{path}` in the project")]
    NotFound {
        /// The path that was asked for.
        path: String,
    },
    /// The path leads out of the project.
    #[error("`{path}` leads out of the project; only files inside it can be read")]
    Outside {
        /// The path that was asked for.
        path: String,
    },
    /// The operating system refused.
    #[error("`{path}` cannot be read: {source}")]
    Read {
        /// The path that was asked for.
        path: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// The path without `.` and `..`, relative to the root; `None` if it leads out.
///
/// An absolute path is accepted where it lies under `root`, because `path.cwd` is absolute.
#[must_use]
pub fn normalize(path: &str, root: &Path) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    let relative = Path::new(path);
    let relative = if relative.is_absolute() { relative.strip_prefix(root).ok()? } else { relative };
    for component in relative.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

/// The path without `.` and without `..` where these can be taken out, as it reads from the root. `..` at its start and an absolute path
/// stay as they are.
#[must_use]
pub fn tidy(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let is_absolute = path.starts_with('/');
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(last) if *last != ".." => {
                    parts.pop();
                }
                _ if is_absolute => {}
                _ => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    let start = if is_absolute { "/" } else { "" };
    format!("{start}{}", parts.join("/"))
}

/// A project on disk.
#[derive(Debug, Clone)]
pub struct DiskFiles {
    root: PathBuf,
    home: Option<PathBuf>,
    /// Whether paths may lead out of the root.
    is_unconfined: bool,
}

impl DiskFiles {
    /// The project at this folder.
    ///
    /// # Errors
    /// If there is no such folder.
    pub fn new(root: impl AsRef<Path>) -> Result<Self, FileError> {
        let root = root.as_ref();
        let named = || root.display().to_string();
        let canonical = fs::canonicalize(root).map_err(|source| FileError::Read { path: named(), source })?;
        if !canonical.is_dir() {
            return Err(FileError::Read { path: named(), source: io::ErrorKind::NotADirectory.into() });
        }
        Ok(Self { root: canonical, home: None, is_unconfined: false })
    }

    /// The folder of a stack as Terraform reads it: modules and files may also be beside or above it, and links lead where they lead.
    /// Only for a folder that the user runs as their own Terraform configuration.
    ///
    /// # Errors
    /// If there is no such folder.
    pub fn unconfined(root: impl AsRef<Path>) -> Result<Self, FileError> {
        Ok(Self { is_unconfined: true, ..Self::new(root)? })
    }

    /// The same, with the home folder of whoever reads it.
    #[must_use]
    pub fn with_home(self, home: Option<PathBuf>) -> Self {
        Self { home, ..self }
    }

    /// The real place of a path; `None` if nothing is there.
    fn locate(&self, path: &str) -> Result<Option<PathBuf>, FileError> {
        let outside = || FileError::Outside { path: path.to_owned() };
        if self.is_unconfined {
            return self.locate_anywhere(path);
        }
        let inside = normalize(path, &self.root).ok_or_else(outside)?;
        match fs::canonicalize(self.root.join(inside)) {
            Ok(real) if real.starts_with(&self.root) => Ok(Some(real)),
            Ok(_) => Err(outside()),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(source) => Err(FileError::Read { path: path.to_owned(), source }),
        }
    }

    fn locate_anywhere(&self, path: &str) -> Result<Option<PathBuf>, FileError> {
        match fs::canonicalize(self.root.join(path)) {
            Ok(real) => Ok(Some(real)),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(source) => Err(FileError::Read { path: path.to_owned(), source }),
        }
    }

    fn existing(&self, path: &str) -> Result<PathBuf, FileError> {
        self.locate(path)?.ok_or_else(|| FileError::NotFound { path: path.to_owned() })
    }
}

impl ProjectFiles for DiskFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let real = self.existing(path)?;
        fs::read(real).map_err(|source| FileError::Read { path: path.to_owned(), source })
    }

    fn list(&self, folder: &str) -> Result<Vec<Entry>, FileError> {
        let real = self.existing(folder)?;
        let fault = |source| FileError::Read { path: folder.to_owned(), source };
        let mut entries = Vec::new();
        for entry in fs::read_dir(real).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            // A name that is not UTF-8 cannot be written in a configuration.
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            // A link that dangles or leads out is not an entry of the project.
            if let Ok(Some(kind)) = self.kind(&path) {
                entries.push(Entry { name, kind });
            }
        }
        entries.sort();
        Ok(entries)
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, FileError> {
        Ok(self.locate(path)?.and_then(|real| {
            let metadata = fs::metadata(real).ok()?;
            match (metadata.is_dir(), metadata.is_file()) {
                (true, _) => Some(EntryKind::Folder),
                (_, true) => Some(EntryKind::File),
                _ => None,
            }
        }))
    }

    fn root(&self) -> &Path {
        &self.root
    }

    fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }
}

/// A project in memory: content by path.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles(pub BTreeMap<String, Vec<u8>>);

impl MemoryFiles {
    fn inside(&self, path: &str) -> Result<String, FileError> {
        normalize(path, self.root()).ok_or_else(|| FileError::Outside { path: path.to_owned() })
    }
}

impl ProjectFiles for MemoryFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let inside = self.inside(path)?;
        self.0.get(&inside).cloned().ok_or_else(|| FileError::NotFound { path: path.to_owned() })
    }

    fn list(&self, folder: &str) -> Result<Vec<Entry>, FileError> {
        let inside = self.inside(folder)?;
        let prefix = if inside.is_empty() { String::new() } else { format!("{inside}/") };
        let entries: BTreeSet<Entry> = self
            .0
            .range(prefix.clone()..)
            .map_while(|(path, _)| path.strip_prefix(&prefix))
            .map(|rest| match rest.split_once('/') {
                Some((name, _)) => Entry { name: name.to_owned(), kind: EntryKind::Folder },
                None => Entry { name: rest.to_owned(), kind: EntryKind::File },
            })
            .collect();
        if entries.is_empty() && !inside.is_empty() {
            return Err(FileError::NotFound { path: folder.to_owned() });
        }
        Ok(entries.into_iter().collect())
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, FileError> {
        let inside = self.inside(path)?;
        if self.0.contains_key(&inside) {
            return Ok(Some(EntryKind::File));
        }
        let prefix = format!("{inside}/");
        let is_folder = inside.is_empty()
            || self.0.range(prefix.clone()..).next().is_some_and(|(p, _)| p.starts_with(&prefix));
        Ok(is_folder.then_some(EntryKind::Folder))
    }

    fn root(&self) -> &Path {
        Path::new("/project")
    }
}
