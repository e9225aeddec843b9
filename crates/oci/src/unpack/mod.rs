//! Turns layers into folders: a whole image as one root file system, or one layer alone for overlayfs.
//!
//! Layers are made by strangers. Nothing is written outside the target, and what is refused, or killed on the way, leaves
//! nothing behind under the target's name: all of it happens in a folder beside the target, which is renamed when it is
//! complete and on the disk. It mounts nothing.

mod apply;
mod beneath;
mod cache;
mod name;
mod removal;
mod staging;
mod stream;

use std::path::Path;

use apply::Applier;
pub use cache::{ensure_layer, prune_layers};
pub(crate) use name::{LayerName, parse as parse_name};
use staging::Staging;
pub(crate) use stream::LayerStream;

use crate::{Digest, ImageConfig, Layer, Layout, Result};

/// What becomes of the removals that a layer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhiteoutForm {
    /// As overlayfs wants them in a lower folder: a character device 0:0 for what was removed, and
    /// `trusted.overlay.opaque=y` for a folder whose lower content was. Needs root.
    Overlay,
    /// They are done: what they name is removed from what lower layers have put there.
    Apply,
}

/// Whom unpacked files belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// To whom the layer says, with its extended attributes `security.capability` and `user.*`. Needs root.
    Keep,
    /// To the user who unpacks. Folders are made writable for him, so that he can remove them; attributes are dropped.
    Drop,
}

/// How much a layer may hold before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all its files together.
    pub bytes: u64,
    /// Its entries.
    pub entries: u64,
}

impl Default for Limits {
    /// 16 GiB and a million entries: twice what the largest images in common use (machine learning with CUDA) have.
    fn default() -> Self {
        Self { bytes: 16 * 1024 * 1024 * 1024, entries: 1_000_000 }
    }
}

/// How layers are unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpackOptions {
    /// Whom the files belong to.
    pub ownership: Ownership,
    /// Whether device nodes are made. By default a layer that has one is refused.
    pub devices: bool,
    /// Whether setuid and setgid bits are kept, as they are by default.
    pub setuid: bool,
    /// How much may be unpacked; for an image, from all of its layers together.
    pub limits: Limits,
}

impl Default for UnpackOptions {
    /// Ownership is kept if this process is root's, and dropped otherwise.
    fn default() -> Self {
        let root = nix::unistd::geteuid().is_root();
        let ownership = if root { Ownership::Keep } else { Ownership::Drop };
        Self { ownership, devices: false, setuid: true, limits: Limits::default() }
    }
}

/// Unpacks all layers of an image, one over the other, as a plain root file system. The target must be absent or an empty
/// folder; its parent must exist. Returns how the image is run. What a killed process leaves beside the target begins with
/// `.partial-`; [`ensure_layer`] also removes it.
///
/// # Errors
/// [`Error::Layer`](crate::Error::Layer) or [`Error::WrongBlob`](crate::Error::WrongBlob) for a layer that is refused,
/// what [`Layout::image`] returns, or [`Error::Io`](crate::Error::Io). The target is then as it was.
pub fn unpack(
    layout: &Layout,
    image: &Digest,
    target: &Path,
    options: &UnpackOptions,
) -> Result<ImageConfig> {
    let image = layout.image(image)?;
    let staging = Staging::beside(target)?;
    let mut used = Limits { bytes: 0, entries: 0 };
    for layer in image.layers() {
        used = apply_layer(layout, &layer, &staging, WhiteoutForm::Apply, options, used)?;
    }
    staging.complete(target)?;
    Ok(image.config)
}

/// Unpacks one layer alone. The target must be absent or an empty folder; its parent must exist.
///
/// # Errors
/// As [`unpack`].
pub fn unpack_layer(
    layout: &Layout,
    layer: &Layer,
    target: &Path,
    form: WhiteoutForm,
    options: &UnpackOptions,
) -> Result<()> {
    let staging = Staging::beside(target)?;
    let unused = Limits { bytes: 0, entries: 0 };
    apply_layer(layout, layer, &staging, form, options, unused)?;
    staging.complete(target)
}

fn apply_layer(
    layout: &Layout,
    layer: &Layer,
    staging: &Staging,
    form: WhiteoutForm,
    options: &UnpackOptions,
    used: Limits,
) -> Result<Limits> {
    let mut stream = LayerStream::open(layout, &layer.descriptor, &options.limits)?;
    let mut applier = Applier::new(staging.path(), layer.descriptor.digest, form, *options, used)?;
    while let Some(entry) = stream.next()? {
        applier.apply(&entry, &mut stream)?;
    }
    let used = applier.finish()?;
    stream.finish(Some(&layer.diff_id))?;
    Ok(used)
}
