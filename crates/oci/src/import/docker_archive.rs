//! Archives as `docker save`, `podman save` and `skopeo copy docker-archive:` write them: a tar with a `manifest.json` that names a
//! configuration and the layers. <https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md>
//!
//! The archive is read in place; only one that is compressed as a whole is unpacked beside the layout first.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::Deserialize;
use tar::EntryType;

use super::put_image;
use crate::build::write::compress;
use crate::layout::{DOCUMENT_BYTES_MAX, copy, from_json, private_folder, replace_file, to_json};
use crate::{Descriptor, Digest, Error, Hasher, ImageConfig, Layer, Layout, Limits, MediaType, Result};

/// More than any image has layers; what has more entries is no such archive.
const ENTRIES_MAX: usize = 100_000;
/// Links to links exist where a layer occurs several times; a circle does not end.
const LINKS_MAX: usize = 8;

/// One image of an archive, as `manifest.json` has it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// Where an entry's content is.
enum Place {
    At { offset: u64, size: u64 },
    Link(String),
}

struct Archive<'a> {
    path: &'a Path,
    file: File,
    entries: HashMap<String, Place>,
}

/// Imports the one image of an archive, and returns the digest of its manifest. An archive that was imported before and has not
/// changed since is not read again.
///
/// # Errors
/// [`Error::Archive`] if it is no such archive or has several images, [`Error::WrongBlob`] if a layer is not what the
/// configuration says, [`Error::Io`].
pub fn docker_archive(path: &Path, layout: &Layout) -> Result<Digest> {
    let bad = |cause: String| Error::Archive { path: path.to_owned(), cause };
    let file = File::open(path).map_err(Error::io("open", path))?;
    let note = note_name(path, &file)?;
    if let Some(known) = known(layout, &note) {
        return Ok(known);
    }
    let _writing = layout.writing()?;
    let archive = Archive::open(path, file, layout)?;
    let listed = archive.document("manifest.json")?;
    let listed: Vec<Listed> =
        serde_json::from_slice(&listed).map_err(|fault| bad(format!("its `manifest.json`: {fault}")))?;
    let image = match listed.as_slice() {
        [one] => one,
        several => {
            let tags: Vec<_> = several.iter().flat_map(|it| it.repo_tags.iter().flatten()).cloned().collect();
            let cause = format!("it has {} images ({}), and one is needed", several.len(), tags.join(", "));
            return Err(bad(cause));
        }
    };
    let bytes = archive.document(&image.config)?;
    let config: ImageConfig = from_json(&bytes, || format!("the configuration in {}", path.display()))?;
    let (blobs, contents) = (image.layers.len(), &config.rootfs.diff_ids);
    if blobs != contents.len() {
        return Err(bad(format!("it has {blobs} layers, and its configuration names {}", contents.len())));
    }
    let layers =
        image.layers.iter().zip(contents).map(|(name, diff_id)| archive.layer(layout, name, *diff_id));
    let digest = put_image(layout, &bytes, &layers.collect::<Result<Vec<_>>>()?, None)?;
    let folder = layout.root().join("cache");
    private_folder(&folder)?;
    replace_file(&folder, &note, &to_json(&digest)?)?;
    Ok(digest)
}

/// Stands for an archive by all that changes when it does.
fn note_name(path: &Path, file: &File) -> Result<String> {
    let stat = file.metadata().map_err(Error::io("read", path))?;
    let mut hasher = Hasher::default();
    hasher.update(path.as_os_str().as_encoded_bytes());
    for number in [stat.dev(), stat.ino(), stat.size()] {
        hasher.update(&number.to_le_bytes());
    }
    for number in [stat.mtime(), stat.mtime_nsec(), stat.ctime(), stat.ctime_nsec()] {
        hasher.update(&number.to_le_bytes());
    }
    Ok(format!("archive-{}.json", hasher.finish().hex()))
}

/// What an archive was imported as, if all of it is still there.
fn known(layout: &Layout, note: &str) -> Option<Digest> {
    let bytes = fs::read(layout.root().join("cache").join(note)).ok()?;
    let digest: Digest = from_json(&bytes, String::new).ok()?;
    let image = layout.image(&digest).ok()?;
    let whole = |layer: Layer| layout.blob_size(&layer.descriptor.digest).ok() == Some(layer.descriptor.size);
    image.layers().all(whole).then_some(digest)
}

impl<'a> Archive<'a> {
    fn open(path: &'a Path, mut file: File, layout: &Layout) -> Result<Self> {
        let read = || Error::io("read", path);
        let mut start = [0; 2];
        let count = file.read(&mut start).map_err(read())?;
        file.rewind().map_err(read())?;
        if count == 2 && start == [0x1f, 0x8b] {
            file = inflated(path, file, layout)?;
        }
        let mut entries = HashMap::new();
        let mut tar = tar::Archive::new(file.try_clone().map_err(read())?);
        let bad = |cause: String| Error::Archive { path: path.to_owned(), cause };
        let broken = |fault: io::Error| bad(format!("it is no tar, or damaged: {fault}"));
        for entry in tar.entries_with_seek().map_err(broken)? {
            let entry = entry.map_err(broken)?;
            let name = normal(&String::from_utf8_lossy(&entry.path_bytes()));
            let place = match entry.header().entry_type() {
                EntryType::Regular | EntryType::Continuous => {
                    Place::At { offset: entry.raw_file_position(), size: entry.size() }
                }
                EntryType::Symlink | EntryType::Link => {
                    let target = entry.link_name_bytes().unwrap_or_default();
                    let target = String::from_utf8_lossy(&target).into_owned();
                    // A symbolic link leads from where it stands, a hard link from the root.
                    let folder = match entry.header().entry_type() {
                        EntryType::Symlink => name.rsplit_once('/').map_or("", |(folder, _)| folder),
                        _ => "",
                    };
                    Place::Link(normal(&format!("{folder}/{target}")))
                }
                _ => continue,
            };
            entries.insert(name, place);
            if entries.len() > ENTRIES_MAX {
                return Err(bad(format!("it has more than {ENTRIES_MAX} entries")));
            }
        }
        Ok(Self { path, file, entries })
    }

    /// The content of an entry, with its size.
    fn content(&self, name: &str) -> Result<(u64, impl Read + use<>)> {
        let mut at = normal(name);
        for _ in 0..LINKS_MAX {
            match self.entries.get(&at) {
                Some(Place::Link(target)) => at.clone_from(target),
                Some(Place::At { offset, size }) => {
                    let read = || Error::io("read", self.path);
                    let mut file =
                        File::open(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&self.file)))
                            .map_err(read())?;
                    file.seek(SeekFrom::Start(*offset)).map_err(read())?;
                    return Ok((*size, file.take(*size)));
                }
                None => break,
            }
        }
        Err(Error::Archive { path: self.path.to_owned(), cause: format!("it has no `{name}`") })
    }

    fn document(&self, name: &str) -> Result<Vec<u8>> {
        let (size, mut content) = self.content(name)?;
        if size > DOCUMENT_BYTES_MAX {
            let cause = format!("its `{name}` has {size} bytes, more than {DOCUMENT_BYTES_MAX}");
            return Err(Error::Archive { path: self.path.to_owned(), cause });
        }
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(Error::io("read", self.path))?;
        Ok(bytes)
    }

    /// Stores a layer: as it is where it is compressed, and compressed where it is not.
    fn layer(&self, layout: &Layout, name: &str, diff_id: Digest) -> Result<Layer> {
        let read = || Error::io("read", self.path);
        let (size, mut content) = self.content(name)?;
        let mut start = Vec::new();
        content.by_ref().take(4).read_to_end(&mut start).map_err(read())?;
        let kind = match start.as_slice() {
            [0x1f, 0x8b, ..] => Some(MediaType::LAYER_GZIP),
            [0x28, 0xb5, 0x2f, 0xfd] => Some(MediaType::LAYER_ZSTD),
            _ => None,
        };
        let whole = io::Cursor::new(start).chain(content);
        let Some(kind) = kind else {
            let layer = compress(layout, whole)?;
            if layer.diff_id != diff_id {
                let cause = format!("`{name}` of {} has the digest {}", self.path.display(), layer.diff_id);
                return Err(Error::WrongBlob { promised: diff_id, cause });
            }
            return Ok(layer);
        };
        let mut blob = layout.blob_writer()?;
        copy(whole, &mut blob).map_err(read())?;
        let (digest, _) = blob.finish(None)?;
        // Its content is held against the configuration when it is unpacked, as that of any layer.
        Ok(Layer { descriptor: Descriptor::new(kind, digest, size), diff_id })
    }
}

/// The tar inside of a compressed archive, in a file that has no name.
fn inflated(path: &Path, file: File, layout: &Layout) -> Result<File> {
    let mut whole =
        tempfile::tempfile_in(layout.root()).map_err(Error::io("create a file in", layout.root()))?;
    let limit = Limits::default().bytes;
    let content = flate2::read::MultiGzDecoder::new(file).take(limit + 1);
    let bad = |cause: String| Error::Archive { path: path.to_owned(), cause };
    let size =
        copy(content, &mut whole).map_err(|fault| bad(format!("it cannot be decompressed: {fault}")))?;
    if size > limit {
        return Err(bad(format!("it is more than {limit} bytes when it is decompressed")));
    }
    whole.flush().and_then(|()| whole.rewind()).map_err(Error::io("write", layout.root()))?;
    Ok(whole)
}

/// `./a/../b` is `b`; what leads out of the archive stays in it, and so leads to nothing.
fn normal(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
