//! A folder of images, laid out as the OCI image specification 1.1 says: `oci-layout`, `index.json`, `blobs/sha256/…`.
//!
//! Several processes may use one folder at once. Blobs appear whole or not at all; `index.json` is replaced atomically
//! under a lock; whoever adds an image in several steps holds [`Layout::writing`] so that the garbage collection waits.
//! Besides the specification's files a layout of ours has `.lock`, `.index.lock` and `cache/`, which other tools ignore.
//!
//! Reading never writes: a layout that somebody else made, on a read-only disk, is opened as it is.

mod blob;
mod catalogue;
mod garbage;
mod origins;
mod partial;

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use blob::BlobWriter;
pub(crate) use blob::{VerifiedReader, copy};
pub use catalogue::ImageSummary;
pub use garbage::Collected;
pub(crate) use partial::PartialBlob;

use crate::{Descriptor, Digest, Error, Image, ImageConfig, Index, Manifest, MediaType, Platform, Result};

const MARKER: &str = "oci-layout";
const INDEX: &str = "index.json";
const VERSION: &str = "1.0.0";
/// Registries refuse manifests above 4 MiB; what is larger is no document of an image but an attempt on our memory.
pub(crate) const DOCUMENT_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Indexes of indexes exist, but deeper ones only where somebody wants a reader to run in circles.
pub(crate) const INDEX_DEPTH_MAX: usize = 4;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    image_layout_version: String,
}

/// A folder of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

/// Held while an image is added in several steps: nothing is collected as garbage until it is dropped.
#[derive(Debug)]
#[must_use = "the garbage collection waits only as long as this is held"]
pub struct Writing {
    _lock: File,
}

impl Layout {
    /// Opens a layout that is there, without changing anything.
    ///
    /// # Errors
    /// [`Error::NotALayout`] if the folder has no `oci-layout` of version 1.0.0.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        let not_one = |cause: String| Error::NotALayout { path: root.clone(), cause };
        let text = match fs::read(root.join(MARKER)) {
            Ok(text) => text,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
                return Err(not_one("it has no file `oci-layout`".into()));
            }
            Err(fault) => return Err(Error::io("read", root.join(MARKER))(fault)),
        };
        let marker: Marker =
            serde_json::from_slice(&text).map_err(|fault| not_one(format!("`oci-layout`: {fault}")))?;
        if marker.image_layout_version != VERSION {
            let version = marker.image_layout_version;
            return Err(not_one(format!("its version is {version:?}, and only {VERSION} is known")));
        }
        Ok(Self { root })
    }

    /// Opens a layout, or makes an empty one with folders of mode 0700 where there is none.
    ///
    /// # Errors
    /// [`Error::NotALayout`] if the folder holds something else, or [`Error::Io`].
    pub fn create(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        private_folder(&root)?;
        if !root.join(MARKER).exists() {
            let lock = lock_file(&root.join(".index.lock"))?;
            lock.lock().map_err(Error::io("lock", root.join(".index.lock")))?;
            // Somebody else may have made it while we waited for the lock; writing the same again does no harm, but the
            // index is only written where there is none.
            let foreign = fs::read_dir(&root)
                .map_err(Error::io("list", &root))?
                .filter_map(io::Result::ok)
                .any(|entry| !is_own(&entry.file_name().to_string_lossy()));
            if foreign && !root.join(MARKER).exists() {
                let cause = "it is not empty, and has no file `oci-layout`".into();
                return Err(Error::NotALayout { path: root, cause });
            }
            private_folder(&root.join("blobs/sha256"))?;
            if !root.join(INDEX).exists() {
                replace_file(&root, INDEX, &to_json(&Index::empty())?)?;
            }
            // The marker comes last: a folder that has it is complete.
            replace_file(&root, MARKER, &to_json(&Marker { image_layout_version: VERSION.into() })?)?;
        }
        Self::open(root)
    }

    /// The layout's folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Announces that blobs are being added which nothing refers to yet. [`Layout::collect_garbage`] waits until all of
    /// these are dropped; holding one while calling it in the same thread is a deadlock.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn writing(&self) -> Result<Writing> {
        let path = self.root.join(".lock");
        let lock = lock_file(&path)?;
        lock.lock_shared().map_err(Error::io("lock", path))?;
        Ok(Writing { _lock: lock })
    }

    /// The image that a name or digest stands for. Without a reference it is the only image of the layout. Of an image
    /// for several platforms it is the one for `platform`.
    ///
    /// # Errors
    /// [`Error::UnknownImage`], or what [`Layout::image`] returns.
    pub fn resolve(&self, reference: Option<&str>, platform: &Platform) -> Result<Image> {
        let index = self.index()?;
        let named = match reference {
            Some(reference) => {
                let digest = reference.parse::<Digest>().ok();
                // A digest may also be that of a manifest that only an index of the layout refers to.
                if let Some(digest) = digest.filter(|digest| self.has_blob(digest)) {
                    return self.select(&digest, platform, 0);
                }
                index.manifests.iter().find(|entry| entry.name() == Some(reference))
            }
            None => {
                let first = index.manifests.first();
                first.filter(|first| index.manifests.iter().all(|entry| entry.digest == first.digest))
            }
        };
        let Some(named) = named else {
            let reference =
                reference.map_or("without being told which".to_owned(), |name| format!("{name:?}"));
            return Err(Error::UnknownImage { reference, layout: self.root.clone(), known: known(&index) });
        };
        self.select(&named.digest, platform, 0)
    }

    /// Reads an image by the digest of its manifest, or of an index that has one for this machine.
    ///
    /// # Errors
    /// [`Error::MissingBlob`], [`Error::WrongBlob`], [`Error::Malformed`] or [`Error::Unusable`]. Layers are not looked at.
    pub fn image(&self, digest: &Digest) -> Result<Image> {
        self.select(digest, &Platform::host(), 0)
    }

    fn select(&self, digest: &Digest, platform: &Platform, depth: usize) -> Result<Image> {
        let digest = *digest;
        let bytes = self.document(&digest)?;
        match Document::read(digest, &bytes)? {
            Document::Manifest(manifest) => {
                let config: ImageConfig = from_json(&self.document(&manifest.config.digest)?, || {
                    format!("the configuration {}", manifest.config.digest)
                })?;
                Image::new(digest, manifest, config)
            }
            Document::Index(_) if depth == INDEX_DEPTH_MAX => {
                let cause = format!("its indexes are nested more than {INDEX_DEPTH_MAX} deep");
                Err(Error::Unusable { digest, cause })
            }
            Document::Index(index) => {
                let Some(entry) = index.entry_for(platform) else {
                    let cause = format!("it is for {}, and not for {platform}", index.platforms());
                    return Err(Error::Unusable { digest, cause });
                };
                self.select(&entry.digest, platform, depth + 1)
            }
        }
    }

    pub(crate) fn index(&self) -> Result<Index> {
        let path = self.root.join(INDEX);
        let text = fs::read(&path).map_err(Error::io("read", &path))?;
        from_json(&text, || path.display().to_string())
    }

    /// Reads a small blob whole, and checks that it is what its digest says.
    pub(crate) fn document(&self, digest: &Digest) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = self.open_blob(digest)?;
        file.take(DOCUMENT_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(Error::io("read", self.blob_path(digest)))?;
        if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
            let cause = format!("it has more than the {DOCUMENT_BYTES_MAX} bytes that a document may have");
            return Err(Error::Unusable { digest: *digest, cause });
        }
        let found = Digest::of(&bytes);
        if found != *digest {
            return Err(Error::WrongBlob { promised: *digest, cause: format!("their digest is {found}") });
        }
        Ok(bytes)
    }
}

/// A manifest or an index, told apart by what is in it: the media type inside is optional.
pub(crate) enum Document {
    Manifest(Manifest),
    Index(Index),
}

impl Document {
    pub(crate) fn read(digest: Digest, bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Head {
            schema_version: Option<u32>,
            media_type: Option<MediaType>,
            config: Option<serde::de::IgnoredAny>,
            manifests: Option<serde::de::IgnoredAny>,
        }
        let head: Head = from_json(bytes, || format!("the manifest {digest}"))?;
        let unusable = |cause: String| Error::Unusable { digest, cause };
        if head.schema_version != Some(2) {
            return Err(unusable("its schema version is not 2".into()));
        }
        match (head.config, head.manifests, head.media_type) {
            (Some(_), None, kind) if kind.as_ref().is_none_or(MediaType::is_manifest) => {
                Ok(Self::Manifest(from_json(bytes, || format!("the manifest {digest}"))?))
            }
            (None, Some(_), kind) if kind.as_ref().is_none_or(MediaType::is_index) => {
                Ok(Self::Index(from_json(bytes, || format!("the index {digest}"))?))
            }
            (_, _, Some(kind)) => Err(unusable(format!("it is a {:?}, not an image", kind.0))),
            (_, _, None) => Err(unusable("it is neither a manifest nor an index".into())),
        }
    }

    pub(crate) fn media_type(&self) -> MediaType {
        match self {
            Self::Manifest(it) => it.media_type.clone().unwrap_or_else(|| MediaType::MANIFEST.into()),
            Self::Index(it) => it.media_type.clone().unwrap_or_else(|| MediaType::INDEX.into()),
        }
    }
}

/// Whether a layout that is being made, or whose making was killed, may have an entry of this name.
fn is_own(name: &str) -> bool {
    [".index.lock", MARKER, INDEX, "blobs"].contains(&name) || name.starts_with(blob::PARTIAL)
}

fn known(index: &Index) -> String {
    /// Enough to find a typing error by; a layout may have thousands.
    const NAMES_MAX: usize = 10;
    let names: Vec<_> = index.manifests.iter().filter_map(Descriptor::name).collect();
    match names.len() {
        0 if index.manifests.is_empty() => "none".into(),
        0 => format!("{} without names", index.manifests.len()),
        count if count > NAMES_MAX => {
            format!("{}, and {} more", names[..NAMES_MAX].join(", "), count - NAMES_MAX)
        }
        _ => names.join(", "),
    }
}

pub(crate) fn from_json<T: DeserializeOwned>(bytes: &[u8], what: impl FnOnce() -> String) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|fault| Error::malformed(what())(fault))
}

pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(Error::malformed("a document that was to be written"))
}

/// Makes a folder and its parents, those it makes with mode 0700.
pub(crate) fn private_folder(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Error::io("create", path))
}

pub(crate) fn lock_file(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(Error::io("open", path))
}

/// Replaces a file of a folder, so that a reader, or a power cut, finds either the old or the new one. Mode 0600.
pub(crate) fn replace_file(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(name);
    let mut file = tempfile::Builder::new()
        .prefix(blob::PARTIAL)
        .tempfile_in(folder)
        .map_err(Error::io("create a file in", folder))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(Error::io("write", &path))?;
    file.persist(&path).map_err(|fault| Error::io("replace", &path)(fault.error))?;
    sync_folder(folder)
}

pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|it| it.sync_all()).map_err(Error::io("flush", folder))
}
