//! Unpacked layers, kept for overlayfs, each once: a folder for each diff id. It does not know which are mounted.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::staging::PARTIAL;
use super::{UnpackOptions, WhiteoutForm, unpack_layer};
use crate::layout::{lock_file, private_folder};
use crate::{Digest, Error, Layer, Layout, Result};

/// The folder of a layer in overlayfs form, which is unpacked if it is not there yet. Any number of processes may ask at
/// once; one unpacks and the others wait. `options` matter only to the one that does.
///
/// # Errors
/// As [`unpack_layer`]. Nothing is left of a layer that was refused.
pub fn ensure_layer(
    cache: &Path,
    layout: &Layout,
    layer: &Layer,
    options: &UnpackOptions,
) -> Result<PathBuf> {
    let folder = cache.join(layer.diff_id.hex());
    // A folder under this name is complete, because it got the name when it was.
    if folder.is_dir() {
        return Ok(folder);
    }
    private_folder(cache)?;
    let _lock = Lock::take(cache, &layer.diff_id)?;
    if folder.is_dir() {
        return Ok(folder);
    }
    remove_partial(cache, &layer.diff_id)?;
    tracing::debug!(layer = %layer.diff_id, "unpacking a layer");
    unpack_layer(layout, layer, &folder, WhiteoutForm::Overlay, options)?;
    Ok(folder)
}

/// Removes the folders of all layers but those to keep, and what killed processes left. Returns how many layers it
/// removed. Whoever calls it knows what is mounted, and keeps others from asking for a layer that is about to go.
///
/// # Errors
/// [`Error::Io`].
pub fn prune_layers(cache: &Path, keep: &BTreeSet<Digest>) -> Result<usize> {
    let entries = match fs::read_dir(cache) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other.and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(Error::io("list", cache))?,
    };
    let mut removed = 0;
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let hex = name.strip_prefix(PARTIAL).and_then(|rest| rest.split('-').next()).unwrap_or(&name);
        let Ok(diff_id) = format!("sha256:{hex}").parse::<Digest>() else { continue };
        if name.starts_with(PARTIAL) {
            let _lock = Lock::take(cache, &diff_id)?;
            remove_partial(cache, &diff_id)?;
        } else if !keep.contains(&diff_id) {
            let _lock = Lock::take(cache, &diff_id)?;
            // Renamed first: a kill in between must not leave half a layer under the name of a whole one.
            let leaving = cache.join(format!("{PARTIAL}{hex}-removed"));
            remove_partial(cache, &diff_id)?;
            fs::rename(entry.path(), &leaving).map_err(Error::io("rename", entry.path()))?;
            fs::remove_dir_all(&leaving).map_err(Error::io("remove", &leaving))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// What a killed process left of a layer. Under the layer's lock nobody else works on it.
fn remove_partial(cache: &Path, diff_id: &Digest) -> Result<()> {
    let prefix = format!("{PARTIAL}{}-", diff_id.hex());
    let entries = fs::read_dir(cache).map_err(Error::io("list", cache))?;
    for entry in entries.filter_map(io::Result::ok) {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            fs::remove_dir_all(entry.path()).map_err(Error::io("remove", entry.path()))?;
        }
    }
    Ok(())
}

/// Held by who makes or removes a layer's folder.
struct Lock(#[expect(dead_code, reason = "held for its lock")] fs::File);

impl Lock {
    /// There are 256 locks, by the first byte of the diff id. A lock file can never be removed safely, so that one for each
    /// layer would stay for ever; two layers that share one only wait for each other.
    fn take(cache: &Path, diff_id: &Digest) -> Result<Self> {
        let path = cache.join(format!(".lock-{}", &diff_id.hex()[..2]));
        let file = lock_file(&path)?;
        file.lock().map_err(Error::io("lock", path))?;
        Ok(Self(file))
    }
}
