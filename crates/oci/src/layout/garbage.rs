//! Removes blobs that no image needs. What an image needs is what its documents say; nothing is opened beyond those.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::blob::PARTIAL;
use super::{Document, Layout, lock_file};
use crate::{Digest, Error, Result};

/// What a garbage collection removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Layout {
    /// Removes every blob that no image of the layout and none of `extra_roots` (manifests or indexes, which may be
    /// missing) needs, and that was stored before `older_than`. Waits until nobody holds [`Layout::writing`].
    ///
    /// A client that stores the blobs of an image one by one, without holding that, is safe as long as it takes no longer
    /// than `older_than` lies back; if it does, [`Layout::put_manifest`] refuses with [`Error::MissingBlob`].
    ///
    /// # Errors
    /// [`Error::Io`], or what makes a document of a needed image unreadable: then nothing is removed.
    pub fn collect_garbage(
        &self,
        extra_roots: impl IntoIterator<Item = Digest>,
        older_than: SystemTime,
    ) -> Result<Collected> {
        let path = self.root.join(".lock");
        let lock = lock_file(&path)?;
        lock.lock().map_err(Error::io("lock", path))?;
        let needed = self.needed(extra_roots)?;
        let mut collected = Collected::default();
        for entry in list(&self.blob_folder())? {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let digest = format!("sha256:{name}").parse::<Digest>().ok();
            let size = match digest {
                Some(digest) if needed.contains(&digest) => continue,
                // Nobody writes while we hold the lock, unless without having announced it: age decides for both.
                Some(_) => older(&entry.path(), older_than)?,
                None if name.starts_with(PARTIAL) => older(&entry.path(), older_than)?,
                None => continue,
            };
            if let Some(size) = size {
                fs::remove_file(entry.path()).map_err(Error::io("remove", entry.path()))?;
                collected.blobs += 1;
                collected.bytes += size;
            }
        }
        self.forget_collected_layers()?;
        Ok(collected)
    }

    fn needed(&self, extra_roots: impl IntoIterator<Item = Digest>) -> Result<HashSet<Digest>> {
        let index = self.index()?;
        let extra = extra_roots.into_iter().filter(|digest| self.has_blob(digest));
        let mut needed: HashSet<_> = index.manifests.iter().map(|entry| entry.digest).chain(extra).collect();
        let mut open: Vec<_> = needed.iter().copied().collect();
        while let Some(digest) = open.pop() {
            match Document::read(digest, &self.document(&digest)?)? {
                Document::Manifest(manifest) => {
                    needed.extend(manifest.layers.iter().chain([&manifest.config]).map(|it| it.digest));
                }
                Document::Index(index) => {
                    for entry in index.manifests.iter().filter(|it| self.has_blob(&it.digest)) {
                        if needed.insert(entry.digest) {
                            open.push(entry.digest);
                        }
                    }
                }
            }
        }
        Ok(needed)
    }
}

/// The size of a file if it was last written before a time.
fn older(path: &Path, than: SystemTime) -> Result<Option<u64>> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        // A partial blob was finished or given up just now.
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(Error::io("read", path)(fault)),
    };
    let modified = metadata.modified().map_err(Error::io("read", path))?;
    Ok((modified < than).then_some(metadata.len()))
}

fn list(folder: &Path) -> Result<Vec<fs::DirEntry>> {
    fs::read_dir(folder).and_then(Iterator::collect).map_err(Error::io("list", folder))
}
