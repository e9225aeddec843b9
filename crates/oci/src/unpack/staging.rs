//! A folder beside a target, which becomes the target when it is complete. Dropped before that it is removed.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::layout::sync_folder;
use crate::{Error, Result};

/// Folders under this prefix are incomplete: in use by a process that holds their lock, or left by a killed one.
pub(super) const PARTIAL: &str = ".partial-";

pub(super) struct Staging {
    folder: TempDir,
    parent: PathBuf,
}

impl Staging {
    /// Begins a folder beside a target that is absent or an empty folder.
    pub(super) fn beside(target: &Path) -> Result<Self> {
        if let Ok(mut entries) = fs::read_dir(target)
            && entries.next().is_some()
        {
            let fault = std::io::Error::other("the folder is not empty");
            return Err(Error::io("unpack to", target)(fault));
        }
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let parent = match target.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let folder = tempfile::Builder::new()
            .prefix(&format!("{PARTIAL}{name}-"))
            .tempdir_in(&parent)
            .map_err(Error::io("create a folder beside", target))?;
        Ok(Self { folder, parent })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Waits until all of it is on the disk, and gives it the target's name.
    pub(super) fn complete(self, target: &Path) -> Result<()> {
        let path = self.folder.path();
        let flush = Error::io("flush", path);
        // One call for the whole file system: an `fsync` for each of ten thousand small files takes minutes on a disk that
        // turns, and commits the same journal again and again on any.
        let folder = fs::File::open(path).map_err(Error::io("open", path))?;
        nix::unistd::syncfs(&folder).map_err(|errno| flush(errno.into()))?;
        fs::rename(path, target).map_err(Error::io("rename an unpacked folder to", target))?;
        // It has another name now: there is nothing left to remove.
        let _renamed = self.folder.keep();
        sync_folder(&self.parent)
    }
}
