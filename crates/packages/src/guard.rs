//! One process at a time installs into a folder. It knows nothing of what is installed.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How often another process's end is looked for.
const POLL: Duration = Duration::from_millis(100);
/// The file that a process holds while it installs.
pub(crate) const GUARD_FILE: &str = ".mainstay-installing";

/// Holds a file that one process at a time can hold, until it is dropped; a process that is killed lets go of it. `waiting` is called
/// once if another one holds it.
pub(crate) async fn hold(folder: &Path, patience: Duration, waiting: impl Fn()) -> Result<File> {
    let path = folder.join(GUARD_FILE);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(Error::io("making", &path))?;
    let start = Instant::now();
    let mut is_told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(e)) => return Err(Error::io("holding", path)(e)),
            Err(TryLockError::WouldBlock) if start.elapsed() >= patience => {
                return Err(Error::Busy { folder: folder.to_owned(), waited: patience });
            }
            Err(TryLockError::WouldBlock) => {
                if !is_told {
                    waiting();
                    is_told = true;
                }
                tokio::time::sleep(POLL).await;
            }
        }
    }
}
