//! The lock file: one proxy for each. The lock belongs to an open file, so that it goes to another process with its
//! descriptor, and ends when nobody has that open any more, however they end.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::StartError;
use crate::process::make_parent;

/// A lock file that is locked, with the process id of its holder in it.
#[derive(Debug, Clone)]
pub(crate) struct Lock(Arc<Mutex<Option<File>>>);

impl Lock {
    /// Locks a file, which is made where it is not there.
    pub(crate) fn take(path: &Path) -> Result<Self, StartError> {
        let fault = |source| StartError::File { path: path.to_owned(), source };
        make_parent(path).map_err(fault)?;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(fault)?;
        match file.try_lock() {
            Ok(()) => Self::signed(file).map_err(fault),
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // The holder's id only helps the reader of the message.
                let _ = file.read_to_string(&mut pid);
                let pid = if pid.trim().is_empty() { "unknown".to_owned() } else { pid.trim().to_owned() };
                Err(StartError::AlreadyRunning { lock: path.to_owned(), pid })
            }
            Err(TryLockError::Error(source)) => Err(fault(source)),
        }
    }

    /// Goes on with a lock that came, with its open file, from its holder.
    pub(crate) fn inherit(file: File, path: &Path) -> Result<Self, StartError> {
        Self::signed(file).map_err(|source| StartError::File { path: path.to_owned(), source })
    }

    fn signed(mut file: File) -> io::Result<Self> {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self(Arc::new(Mutex::new(Some(file)))))
    }

    /// The open file, once more.
    pub(crate) fn file(&self) -> io::Result<File> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().ok_or(io::Error::from(io::ErrorKind::NotFound))?.try_clone()
    }

    /// Lets go of it, for the sake of whoever has it too.
    pub(crate) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
