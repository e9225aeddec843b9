//! The database file of SQLite: making it so that it is nobody else's to read, telling a lost one from a new one, and the copy
//! beside it.
//!
//! It opens no database.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use engine::StoreError;

/// Makes the file, so that it is nobody else's to read from its first byte on; SQLite gives the files beside it the same mode.
pub(crate) fn prepare(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// The file as a connection's address, with every byte that means something there escaped.
pub(crate) fn url(path: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt;
    let mut url = "sqlite://".to_owned();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            url.push(char::from(*byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url.push_str("?mode=rw");
    url
}

/// A state that is missing or empty beside its copy was lost, and is not a new project's: beginning anew would write over the
/// copy.
pub(crate) fn lost(path: &Path) -> Result<(), StoreError> {
    let empty = fs::metadata(path).map_or(true, |found| found.len() == 0);
    if !empty || !backup_path(path).exists() {
        return Ok(());
    }
    let what = format!("the state {}", path.display());
    Err(StoreError::Unreadable { what, why: format!("it is missing or empty; {}", way_out(path)) })
}

/// Where the copy is.
pub(crate) fn backup_path(path: &Path) -> PathBuf {
    beside(path, "backup")
}

/// An empty file for a copy to be written to; made here, it is nobody else's to read from its first byte on.
pub(crate) fn draft(path: &Path) -> std::io::Result<PathBuf> {
    let draft = beside(path, &format!("backup.{}", std::process::id()));
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    Ok(draft)
}

/// What a person can do about a broken file.
pub(crate) fn way_out(path: &Path) -> String {
    let backup = backup_path(path);
    if backup.exists() {
        format!(
            "move it and the files {0}-wal and {0}-shm away, and copy {1} to {0}: it is the state after the last deployment that ended",
            path.display(),
            backup.display()
        )
    } else {
        format!("there is no copy {}; restore the file from your own backup", backup.display())
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}
