//! A blob that comes from elsewhere and may take several attempts, in one process or in several: what was received is kept in a
//! file that is named after the blob, and the next attempt goes on behind it. It knows no network.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use super::blob::PARTIAL;
use super::{Layout, lock_file, sync_folder};
use crate::{Descriptor, Digest, Error, Hasher, Result};

const CHUNK_BYTES: usize = 256 * 1024;

/// What there is of a blob so far. It is locked: whoever else wants the same blob waits until this is dropped, and then finds it
/// complete or goes on with it. Dropped, it stays for that.
pub(crate) struct PartialBlob {
    layout: Layout,
    path: PathBuf,
    file: File,
    hasher: Hasher,
    expected: Digest,
    size: u64,
    received: u64,
    /// Bytes that were there when it was opened: nobody knows where they came from.
    inherited: u64,
}

impl Layout {
    /// Goes on with a blob; none if it is there already. Waits for who else is at it.
    pub(crate) fn partial_blob(&self, expected: &Descriptor) -> Result<Option<PartialBlob>> {
        let path = self.blob_folder().join(format!("{PARTIAL}{}", expected.digest.hex()));
        loop {
            if self.has_blob(&expected.digest) && self.blob_size(&expected.digest)? == expected.size {
                self.refresh(&expected.digest)?;
                return Ok(None);
            }
            let file = lock_file(&path)?;
            file.lock().map_err(Error::io("lock", &path))?;
            // While we waited it may have been completed, or removed: then this is a file without a name.
            let named = fs::metadata(&path).is_ok_and(|named| {
                file.metadata().is_ok_and(|ours| (named.dev(), named.ino()) == (ours.dev(), ours.ino()))
            });
            if named {
                return PartialBlob::of(self, path, file, expected).map(Some);
            }
        }
    }
}

impl PartialBlob {
    fn of(layout: &Layout, path: PathBuf, file: File, expected: &Descriptor) -> Result<Self> {
        let mut blob = Self {
            layout: layout.clone(),
            path,
            file,
            hasher: Hasher::default(),
            expected: expected.digest,
            size: expected.size,
            received: 0,
            inherited: 0,
        };
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let count = blob.file.read(&mut buffer).map_err(Error::io("read", &blob.path))?;
            if count == 0 {
                break;
            }
            blob.hasher.update(&buffer[..count]);
            blob.received += count as u64;
        }
        blob.inherited = blob.received;
        // Of another size than it should have: nothing to go on with.
        if blob.received > blob.size {
            blob.restart()?;
        }
        Ok(blob)
    }

    /// Bytes that are there.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Bytes that are missing.
    pub(crate) fn missing(&self) -> u64 {
        self.size - self.received
    }

    /// Whether some of it came from an earlier process.
    pub(crate) fn is_inherited(&self) -> bool {
        self.inherited > 0
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Error::WrongBlob`] if they go on beyond its size; then nothing is kept of it. [`Error::Io`].
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() as u64 > self.missing() {
            let cause = format!("they go on after {}", self.size);
            self.remove();
            return Err(Error::WrongBlob { promised: self.expected, cause });
        }
        self.file.write_all(bytes).map_err(Error::io("write", &self.path))?;
        self.hasher.update(bytes);
        self.received += bytes.len() as u64;
        Ok(())
    }

    /// Forgets what there is.
    pub(crate) fn restart(&mut self) -> Result<()> {
        use std::io::Seek;
        let empty = self.file.set_len(0).and_then(|()| self.file.rewind());
        empty.map_err(Error::io("empty", &self.path))?;
        self.hasher = Hasher::default();
        (self.received, self.inherited) = (0, 0);
        Ok(())
    }

    /// Whether all of it is there and is what its digest says.
    pub(crate) fn is_right(&self) -> bool {
        self.missing() == 0 && self.hasher.clone().finish() == self.expected
    }

    /// Flushes it to the disk and gives it its name.
    ///
    /// # Errors
    /// [`Error::WrongBlob`] if it is not what it should be: then nothing is kept of it. [`Error::Io`].
    pub(crate) fn finish(self) -> Result<()> {
        let promised = self.expected;
        if self.missing() > 0 {
            let cause = format!("they end after {} of {}", self.received, self.size);
            return Err(Error::WrongBlob { promised, cause });
        }
        let found = self.hasher.clone().finish();
        if found != promised {
            self.remove();
            return Err(Error::WrongBlob { promised, cause: format!("their digest is {found}") });
        }
        let path = self.layout.blob_path(&promised);
        self.file.sync_all().map_err(Error::io("flush", &self.path))?;
        fs::rename(&self.path, &path).map_err(Error::io("rename a blob to", &path))?;
        sync_folder(&self.layout.blob_folder())
    }

    /// A wrong part is of no use to anybody.
    fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }
}
