//! Blobs of a layout: written as a stream into a file beside the others, hashed on the way, and renamed when complete.
//! It does not know what is in them.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use tempfile::NamedTempFile;

use super::{Layout, sync_folder};
use crate::{Descriptor, Digest, Error, Hasher, Result};

/// Files under this prefix are blobs that are being written, or what a killed process left of one.
pub(super) const PARTIAL: &str = ".partial-";
/// Large enough that the cost of a system call is not felt, small enough for a stack of threads.
const CHUNK_BYTES: usize = 64 * 1024;

/// A blob that is being written. Dropped without [`BlobWriter::finish`] it leaves nothing.
pub struct BlobWriter {
    layout: Layout,
    file: NamedTempFile,
    hasher: Hasher,
    size: u64,
}

impl Layout {
    /// Starts a blob.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn blob_writer(&self) -> Result<BlobWriter> {
        let folder = self.blob_folder();
        let file = tempfile::Builder::new()
            .prefix(PARTIAL)
            .tempfile_in(&folder)
            .map_err(Error::io("create a blob in", folder))?;
        Ok(BlobWriter { layout: self.clone(), file, hasher: Hasher::default(), size: 0 })
    }

    /// Stores a stream of which digest and size are known. A stream that differs is refused and leaves nothing; it is
    /// read no further than one byte past its size. A blob that is there already is not read again.
    ///
    /// # Errors
    /// [`Error::WrongBlob`] or [`Error::Io`].
    pub fn put_blob(&self, content: impl Read, expected: &Descriptor) -> Result<()> {
        if self.has_blob(&expected.digest) && self.blob_size(&expected.digest)? == expected.size {
            return self.refresh(&expected.digest);
        }
        let mut writer = self.blob_writer()?;
        copy(content.take(expected.size.saturating_add(1)), &mut writer)
            .map_err(Error::io("store", self.blob_path(&expected.digest)))?;
        writer.finish(Some((expected.digest, expected.size))).map(drop)
    }

    /// Stores bytes in memory, and returns their digest.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        self.put_blob(bytes, &Descriptor::new("application/octet-stream", digest, bytes.len() as u64))?;
        Ok(digest)
    }

    /// Whether a blob is there.
    #[must_use]
    pub fn has_blob(&self, digest: &Digest) -> bool {
        self.blob_path(digest).is_file()
    }

    /// The size of a blob in bytes.
    ///
    /// # Errors
    /// [`Error::MissingBlob`] or [`Error::Io`].
    pub fn blob_size(&self, digest: &Digest) -> Result<u64> {
        let path = self.blob_path(digest);
        fs::metadata(&path).map(|it| it.len()).map_err(|fault| self.missing(digest, "read", fault))
    }

    /// Opens a blob for reading. Whoever trusts it checks its digest.
    ///
    /// # Errors
    /// [`Error::MissingBlob`] or [`Error::Io`].
    pub fn open_blob(&self, digest: &Digest) -> Result<File> {
        File::open(self.blob_path(digest)).map_err(|fault| self.missing(digest, "open", fault))
    }

    fn missing(&self, digest: &Digest, action: &'static str, fault: io::Error) -> Error {
        if fault.kind() == io::ErrorKind::NotFound {
            return Error::MissingBlob { digest: *digest, layout: self.root.clone() };
        }
        Error::io(action, self.blob_path(digest))(fault)
    }

    /// Makes a blob look new, so that a garbage collection that spares new blobs spares it although nothing refers to
    /// it yet.
    pub(super) fn refresh(&self, digest: &Digest) -> Result<()> {
        let path = self.blob_path(digest);
        let file = File::options().write(true).open(&path).map_err(Error::io("open", &path))?;
        file.set_modified(SystemTime::now()).map_err(Error::io("touch", &path))
    }

    pub(super) fn blob_folder(&self) -> PathBuf {
        self.root.join("blobs/sha256")
    }

    pub(crate) fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.blob_folder().join(digest.hex())
    }
}

impl BlobWriter {
    /// Flushes the blob to the disk and gives it its name. Returns digest and size.
    ///
    /// # Errors
    /// [`Error::WrongBlob`] if it is not what was expected, then nothing is left of it; [`Error::Io`].
    pub fn finish(self, expected: Option<(Digest, u64)>) -> Result<(Digest, u64)> {
        let digest = self.hasher.finish();
        if let Some((promised, size)) = expected {
            if self.size != size {
                let cause = match self.size < size {
                    true => format!("they end after {} of {size}", self.size),
                    false => format!("they go on after {size}"),
                };
                return Err(Error::WrongBlob { promised, cause });
            }
            if digest != promised {
                return Err(Error::WrongBlob { promised, cause: format!("their digest is {digest}") });
            }
        }
        let path = self.layout.blob_path(&digest);
        self.file.as_file().sync_all().map_err(Error::io("flush", &path))?;
        self.file.persist(&path).map_err(|fault| Error::io("rename a blob to", &path)(fault.error))?;
        sync_folder(&self.layout.blob_folder())?;
        Ok((digest, self.size))
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Reads a blob and hashes it; the answer is known once it has been read to its end.
pub(crate) struct VerifiedReader<R> {
    inner: R,
    hasher: Hasher,
    size: u64,
}

impl<R: Read> VerifiedReader<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, hasher: Hasher::default(), size: 0 }
    }

    /// The digest of what has been read so far, and the reader.
    pub(crate) fn into_parts(self) -> (Digest, R) {
        (self.hasher.finish(), self.inner)
    }

    /// Reads what is left, and returns the digest and the size of all that was read.
    pub(crate) fn finish(mut self) -> io::Result<(Digest, u64)> {
        let mut buffer = vec![0; CHUNK_BYTES];
        while read_some(&mut self, &mut buffer)? > 0 {}
        Ok((self.hasher.finish(), self.size))
    }
}

impl<R: Read> Read for VerifiedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }
}

/// Reads until something came, the end, or a fault other than an interruption.
fn read_some(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// `io::copy` with a larger buffer.
pub(crate) fn copy(mut from: impl Read, to: &mut impl Write) -> io::Result<u64> {
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut total = 0;
    loop {
        let count = read_some(&mut from, &mut buffer)?;
        if count == 0 {
            return Ok(total);
        }
        to.write_all(&buffer[..count])?;
        total += count as u64;
    }
}
