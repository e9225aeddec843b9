//! A root file system as an image of one layer.

use std::collections::BTreeMap;
use std::io::Read;

use super::put_image;
use crate::build::write::compress;
use crate::layout::to_json;
use crate::{Digest, ImageConfig, Layout, Platform, Result, RootFs, RunConfig};

/// Stores a tar as an image with one layer, and a name if one is given. `labels` say what it was made of. The same tar gives the same image.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io), also for a tar that cannot be read to its end, or
/// [`Error::BadName`](crate::Error::BadName). What is in the tar is judged when it is unpacked.
pub fn root(
    layout: &Layout,
    tar: impl Read,
    platform: &Platform,
    labels: BTreeMap<String, String>,
    name: Option<&str>,
) -> Result<Digest> {
    let _writing = layout.writing()?;
    let layer = compress(layout, tar)?;
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let config = ImageConfig {
        created: None,
        platform: platform.clone(),
        config: RunConfig { env: vec![path.into()], labels, ..RunConfig::default() },
        rootfs: RootFs { kind: "layers".into(), diff_ids: vec![layer.diff_id] },
        history: Vec::new(),
        other: BTreeMap::new(),
    };
    put_image(layout, &to_json(&config)?, &[layer], name)
}
