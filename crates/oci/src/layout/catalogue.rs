//! The images that a layout names: put, remove, list. Only `index.json` is written here, and always under its lock.

use std::collections::HashSet;
use std::fs;
use std::time::SystemTime;

use super::{Document, INDEX, Layout, lock_file, replace_file, to_json};
use crate::image::REF_NAME;
use crate::{Descriptor, Digest, Error, Index, Platform, Result};

/// The specification's grammar is wider than registries accept, and this is wider than the grammar: it only keeps out what
/// breaks a terminal or a table.
const NAME_BYTES_MAX: usize = 255;

/// One line of a list of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSummary {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// The digest of its manifest or index.
    pub digest: Digest,
    /// Bytes of the configuration and the compressed layers of all of its platforms that are in the layout. Layers that
    /// images share count for each of them, and once in one image.
    pub size: u64,
    /// What it runs on.
    pub platforms: Vec<Platform>,
    /// When its maker says that it was made, RFC 3339; none for images built here, whose inputs alone decide what they are.
    pub created: Option<String>,
    /// When it was last put into this layout.
    pub stored_at: SystemTime,
}

impl Layout {
    /// Stores a manifest or an index, and makes it an image of the layout, under a name if one is given. The name is
    /// taken from the image that had it; an image without a name stays listed by its digest.
    ///
    /// # Errors
    /// [`Error::MissingBlob`] if a configuration or layer that it refers to is not there yet, [`Error::Malformed`],
    /// [`Error::Unusable`], [`Error::BadName`] or [`Error::Io`].
    pub fn put_manifest(&self, bytes: &[u8], name: Option<&str>) -> Result<Digest> {
        name.map_or(Ok(()), check_name)?;
        let digest = Digest::of(bytes);
        let document = Document::read(digest, bytes)?;
        // The collection takes the same lock, so that nothing found here is gone when the index names it.
        let _writing = self.writing()?;
        match &document {
            Document::Manifest(manifest) => {
                let blobs = manifest.layers.iter().chain([&manifest.config]);
                self.require(blobs.map(|blob| blob.digest))?;
            }
            // Of an image for several platforms only some may be wanted here, but one at least.
            Document::Index(index) => {
                if !index.manifests.iter().any(|entry| self.has_blob(&entry.digest)) {
                    self.require(index.manifests.iter().map(|entry| entry.digest))?;
                }
            }
        }
        self.put_bytes(bytes)?;
        let mut entry = Descriptor::new(&document.media_type().0, digest, bytes.len() as u64);
        if let Some(name) = name {
            entry.annotations.insert(REF_NAME.into(), name.into());
        }
        self.change_index(|index| {
            index
                .manifests
                .retain(|other| other.name() != name || (name.is_none() && other.digest != digest));
            index.manifests.push(entry);
            true
        })?;
        Ok(digest)
    }

    /// Gives one more name to an image that is there.
    ///
    /// # Errors
    /// As [`Layout::put_manifest`].
    pub fn tag(&self, digest: &Digest, name: &str) -> Result<()> {
        let bytes = self.document(digest)?;
        self.put_manifest(&bytes, Some(name)).map(drop)
    }

    /// Takes a name away, or every entry of a digest. Returns whether there was one. Blobs stay until they are collected.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Malformed`].
    pub fn remove(&self, reference: &str) -> Result<bool> {
        let digest = reference.parse::<Digest>().ok();
        let mut found = false;
        self.change_index(|index| {
            let before = index.manifests.len();
            index.manifests.retain(|entry| entry.name() != Some(reference) && Some(entry.digest) != digest);
            found = index.manifests.len() < before;
            found
        })?;
        Ok(found)
    }

    /// The images, in the order of their names, those without a name last.
    ///
    /// # Errors
    /// As [`Layout::image`].
    pub fn list(&self) -> Result<Vec<ImageSummary>> {
        let mut summaries = Vec::new();
        for entry in self.index()?.manifests {
            summaries.push(self.summary(&entry)?);
        }
        summaries.sort_by(|a, b| {
            (a.name.is_none(), &a.name, a.digest).cmp(&(b.name.is_none(), &b.name, b.digest))
        });
        Ok(summaries)
    }

    fn summary(&self, entry: &Descriptor) -> Result<ImageSummary> {
        let path = self.blob_path(&entry.digest);
        let stored_at = fs::metadata(&path).and_then(|it| it.modified()).map_err(Error::io("read", &path))?;
        let mut summary = ImageSummary {
            name: entry.name().map(str::to_owned),
            digest: entry.digest,
            size: 0,
            platforms: Vec::new(),
            created: None,
            stored_at,
        };
        let mut counted = HashSet::new();
        for digest in self.manifests_of(&entry.digest)? {
            let image = self.image(&digest)?;
            let blobs = image.manifest.layers.iter().chain([&image.manifest.config]);
            summary.size += blobs.filter(|it| counted.insert(it.digest)).map(|it| it.size).sum::<u64>();
            summary.platforms.push(image.config.platform);
            summary.created = summary.created.or(image.config.created);
        }
        Ok(summary)
    }

    /// The image manifests below a manifest or index that are in the layout, each once.
    pub(super) fn manifests_of(&self, root: &Digest) -> Result<Vec<Digest>> {
        let (mut open, mut seen, mut found) = (vec![*root], HashSet::from([*root]), Vec::new());
        while let Some(digest) = open.pop() {
            match Document::read(digest, &self.document(&digest)?)? {
                Document::Manifest(_) => found.push(digest),
                Document::Index(index) => {
                    let present = index.manifests.iter().map(|it| it.digest).filter(|it| self.has_blob(it));
                    open.extend(present.filter(|it| seen.insert(*it)));
                }
            }
        }
        Ok(found)
    }

    fn require(&self, blobs: impl IntoIterator<Item = Digest>) -> Result<()> {
        match blobs.into_iter().find(|digest| !self.has_blob(digest)) {
            Some(digest) => Err(Error::MissingBlob { digest, layout: self.root.clone() }),
            None => Ok(()),
        }
    }

    fn change_index(&self, change: impl FnOnce(&mut Index) -> bool) -> Result<()> {
        let path = self.root.join(".index.lock");
        let lock = lock_file(&path)?;
        lock.lock().map_err(Error::io("lock", path))?;
        let mut index = self.index()?;
        if change(&mut index) {
            replace_file(&self.root, INDEX, &to_json(&index)?)?;
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<()> {
    let bad = |cause| Err(Error::BadName { name: name.chars().take(NAME_BYTES_MAX).collect(), cause });
    if name.is_empty() {
        return bad("it is empty");
    }
    if name.len() > NAME_BYTES_MAX {
        return bad("it is longer than 255 bytes");
    }
    if name.parse::<Digest>().is_ok() {
        return bad("it is a digest");
    }
    match name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:@+/".contains(&byte)) {
        true => Ok(()),
        false => bad("only letters, digits and - . _ : @ + / are allowed"),
    }
}
