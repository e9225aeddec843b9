//! Images as the sandbox wants them: layers unpacked into folders. Building and storing is `oci`'s.

use std::path::{Path, PathBuf};

use oci::{Digest, Layout, RunConfig, UnpackOptions, ensure_layer, unpack};

/// Makes an image of blobs that are there: everything is there, and its layers are unpacked. Idempotent.
pub(crate) fn put(layout: &Layout, layers: &Path, digest: &Digest, rootless: bool) -> oci::Result<()> {
    let mut manifest = Vec::new();
    let mut blob = layout.open_blob(digest)?;
    std::io::Read::read_to_end(&mut std::io::Read::take(&mut blob, MANIFEST_BYTES_MAX), &mut manifest)
        .map_err(|source| oci::Error::Io { action: "read", path: layout.root().to_path_buf(), source })?;
    layout.put_manifest(&manifest, None)?;
    unpacked(layout, layers, digest, rootless).map(drop)
}

/// A manifest's largest size, as registries have it.
const MANIFEST_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How an image is run, and its unpacked layers, the lowest first. Unpacks what is not unpacked yet.
///
/// Without root there are no whiteouts that the kernel understands: then the whole image is unpacked as one folder.
pub(crate) fn unpacked(
    layout: &Layout,
    layers: &Path,
    digest: &Digest,
    rootless: bool,
) -> oci::Result<(RunConfig, Vec<PathBuf>)> {
    let image = layout.image(digest)?;
    let options = UnpackOptions::default();
    let mut folders = Vec::new();
    if rootless {
        let folder = whole(layers, digest);
        // The folder gets its name when it is complete. Two that unpack at once make the same, and one comes first.
        if !folder.is_dir()
            && let Err(fault) = unpack(layout, digest, &folder, &options)
            && !folder.is_dir()
        {
            return Err(fault);
        }
        folders.push(folder);
    } else {
        for layer in image.layers() {
            folders.push(ensure_layer(layers, layout, &layer, &options)?);
        }
    }
    Ok((image.config.config.clone(), folders))
}

/// Whether an image was put: its description is there, and all of its layers are unpacked.
pub(crate) fn is_there(layout: &Layout, layers: &Path, digest: &Digest, rootless: bool) -> bool {
    let Ok(image) = layout.image(digest) else { return false };
    if rootless {
        return whole(layers, digest).is_dir();
    }
    image.layers().all(|layer| layers.join(layer.diff_id.hex()).is_dir())
}

/// What the folders of whole images begin with.
pub(crate) const WHOLE: &str = "whole-";

/// Where a whole image is unpacked without root.
fn whole(layers: &Path, digest: &Digest) -> PathBuf {
    layers.join(format!("{WHOLE}{}", digest.hex()))
}
