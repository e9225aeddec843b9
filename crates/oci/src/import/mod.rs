//! Makes images of a layout out of what other tools write: the archives of `docker save`, and the tar of a root file system.
//!
//! What is imported is named in no list: whoever builds on it names what comes of it. It runs nothing, and changes no layer but
//! that it is compressed.

mod docker_archive;
mod root;

use std::collections::BTreeMap;

pub use docker_archive::docker_archive;
pub use root::root;

use crate::layout::to_json;
use crate::{Descriptor, Digest, Layer, Layout, Manifest, MediaType, Result};

/// Stores a configuration and the manifest that brings it together with its layers.
fn put_image(layout: &Layout, config: &[u8], layers: &[Layer], name: Option<&str>) -> Result<Digest> {
    let config = Descriptor::new(MediaType::CONFIG, layout.put_bytes(config)?, config.len() as u64);
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(MediaType::MANIFEST.into()),
        config,
        layers: layers.iter().map(|layer| layer.descriptor.clone()).collect(),
        annotations: BTreeMap::new(),
    };
    let bytes = to_json(&manifest)?;
    match name {
        Some(_) => layout.put_manifest(&bytes, name),
        None => layout.put_bytes(&bytes),
    }
}
