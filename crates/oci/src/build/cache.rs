//! Layers that were built before, by what they were built of. Notes are files under the layout's `cache/`; one that is
//! lost or cannot be read costs a layer's time and nothing else.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::collect::{Nodes, What};
use crate::layout::{from_json, private_folder, replace_file, to_json};
use crate::{Descriptor, Digest, Error, Hasher, Layer, Layout, Result};

/// Changes with how layers are written, so that a layer which an older version wrote is not taken for the same.
const VERSION: &[u8] = b"mainstay layer 1\0";

/// Coarser than the clock of any file system on Linux, whose ticks are 1 to 10 ms.
const TICK: Duration = Duration::from_millis(20);

#[derive(Serialize, Deserialize)]
struct Note {
    layer: Descriptor,
    diff_id: Digest,
}

/// Stands for all that decides what a layer's bytes are, without reading any of the files.
pub(super) fn key(nodes: &Nodes) -> Digest {
    let mut hasher = Hasher::default();
    hasher.update(VERSION);
    // Lengths first, so that no two lists of fields run together to the same bytes.
    let mut field = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    for (path, node) in nodes {
        field(path.as_os_str().as_bytes());
        field(&node.mode.to_le_bytes());
        field(&node.owner.0.to_le_bytes());
        field(&node.owner.1.to_le_bytes());
        match &node.what {
            What::Folder { .. } => field(b"folder"),
            What::Symlink(target) => {
                field(b"link");
                field(target.as_os_str().as_bytes());
            }
            What::File(file) => {
                field(b"file");
                field(file.path.as_os_str().as_bytes());
                let stamp = file.stamp;
                for number in [stamp.size, stamp.device, stamp.inode] {
                    field(&number.to_le_bytes());
                }
                for number in [stamp.mtime.0, stamp.mtime.1, stamp.ctime.0, stamp.ctime.1] {
                    field(&number.to_le_bytes());
                }
            }
        }
    }
    hasher.finish()
}

/// Waits until the clock of the file system has moved on from the newest change, by [`TICK`] at most. A file that changes
/// again within the tick in which it was collected would keep its time, and the cache would never see it.
pub(super) fn wait_until_settled(nodes: &Nodes) {
    let newest = nodes.values().filter_map(|node| match &node.what {
        What::File(file) => Some(file.stamp.ctime),
        _ => None,
    });
    let Some((seconds, nanos)) = newest.max() else { return };
    let (Ok(seconds), Ok(nanos)) = (u64::try_from(seconds), u32::try_from(nanos)) else { return };
    let settled = UNIX_EPOCH + Duration::new(seconds, nanos) + TICK;
    // A time in the future is that of another machine's clock; waiting for it would help nobody.
    if let Ok(left) = settled.duration_since(SystemTime::now()) {
        thread::sleep(left.min(TICK));
    }
}

impl Layout {
    /// The layer that was built of the same, if its blob is still there.
    pub(super) fn cached_layer(&self, key: &Digest) -> Option<Layer> {
        let bytes = fs::read(self.root().join("cache").join(format!("layer-{}.json", key.hex()))).ok()?;
        let note: Note = from_json(&bytes, String::new).ok()?;
        let whole = self.blob_size(&note.layer.digest).ok()? == note.layer.size;
        whole.then_some(Layer { descriptor: note.layer, diff_id: note.diff_id })
    }

    pub(super) fn cache_layer(&self, key: &Digest, layer: &Layer) -> Result<()> {
        let folder = self.root().join("cache");
        private_folder(&folder)?;
        let note = Note { layer: layer.descriptor.clone(), diff_id: layer.diff_id };
        replace_file(&folder, &format!("layer-{}.json", key.hex()), &to_json(&note)?)
    }

    /// Removes notes about layers and images whose blobs are gone.
    pub(crate) fn forget_collected_layers(&self) -> Result<()> {
        let folder = self.root().join("cache");
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(()) };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let Some(name) = path.file_name().and_then(|it| it.to_str()) else { continue };
            let top =
                name.strip_prefix("tree-").and_then(|rest| rest.strip_suffix(".json")?.split('-').nth(1));
            // What is noted of a blob, or of an image by its topmost layer, goes with the blob.
            let of_blob = name.strip_prefix("origin-").and_then(|rest| rest.strip_suffix(".json"));
            let stale = match top.or(of_blob) {
                Some(hex) => !format!("sha256:{hex}").parse().is_ok_and(|digest| self.has_blob(&digest)),
                None if name.starts_with("layer-") => {
                    let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
                    !from_json::<Note>(&bytes, String::new)
                        .is_ok_and(|note| self.has_blob(&note.layer.digest))
                }
                None if name.starts_with("archive-") => {
                    let bytes = fs::read(&path).map_err(Error::io("read", &path))?;
                    !from_json::<Digest>(&bytes, String::new).is_ok_and(|image| self.has_blob(&image))
                }
                // What a killed process left while it wrote a note.
                None => name.starts_with(".partial-"),
            };
            if stale {
                fs::remove_file(&path).map_err(Error::io("remove", &path))?;
            }
        }
        Ok(())
    }
}
