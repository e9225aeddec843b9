//! Pulls an image into a layout: the documents first, then what is missing of its blobs, several at once. The image is named in
//! the layout when it is complete; what a pull that failed has received is kept for the next.

use std::collections::HashSet;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::client::Registries;
use super::download::tally;
use super::endpoint::Endpoint;
use super::manifest::{Found, check};
use super::progress::{Event, Progress};
use super::{RegistryError, Result};
use crate::layout::{DOCUMENT_BYTES_MAX, Document, INDEX_DEPTH_MAX};
use crate::{Descriptor, Digest, Image, ImageConfig, Layout, Limits, Manifest, Platform, Reference};

/// More connections share the same line, and registries count them.
const DOWNLOADS_AT_ONCE: usize = 4;

/// What a pull did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// What the reference stands for: the digest of a manifest, or of an index that has one for the platform.
    pub digest: Digest,
    /// Blobs of the image that were not there before.
    pub blobs_received: usize,
    /// Bytes that came over the network for them.
    pub bytes_received: u64,
}

/// The documents of an image for one platform.
struct Documents {
    /// Indexes and the manifest, the topmost first.
    chain: Vec<Found>,
    manifest: Manifest,
}

impl Registries {
    /// Brings an image into a layout, under a name if one is given. One that is named by digest and complete there is not asked
    /// for. Of an image for several platforms only the one for `platform` is fetched, and named by the index.
    ///
    /// # Errors
    /// If no place gives it, or what is given is not what was promised. The layout names no new image then.
    pub async fn pull(
        &self,
        reference: &Reference,
        layout: &Layout,
        platform: &Platform,
        name: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<Pulled> {
        if let Some(digest) = reference.digest() {
            let (layout, platform, name) = (layout.clone(), platform.clone(), name.map(str::to_owned));
            let there = move || complete(&layout, &digest, &platform, name.as_deref());
            if tokio::task::spawn_blocking(there).await?? {
                return Ok(Pulled { digest, blobs_received: 0, bytes_received: 0 });
            }
        }
        let (found, places) = self.find(reference, platform, progress).await?;
        let documents = self.documents(found, &places, reference, platform, progress).await?;
        let writing = layout.clone();
        // The garbage collection may hold the layout for a while.
        let _writing = tokio::task::spawn_blocking(move || writing.writing()).await??;
        let manifest = &documents.manifest;
        let config = std::slice::from_ref(&manifest.config);
        let (mut blobs_received, mut bytes_received) =
            self.fetch(&places, config, layout, &super::Silent).await?;
        // A configuration that contradicts the manifest is refused before gigabytes are fetched for it.
        let digest = documents.chain.last().map_or(manifest.config.digest, |it| it.digest);
        let (reading, platform, manifest) = (layout.clone(), platform.clone(), manifest.clone());
        let manifest =
            tokio::task::spawn_blocking(move || agree(&reading, digest, manifest, &platform)).await??;
        let (blobs, bytes) = self.fetch(&places, &manifest.layers, layout, progress).await?;
        blobs_received += blobs;
        bytes_received += bytes;
        let (layout, name) = (layout.clone(), name.map(str::to_owned));
        let named = move || name_it(&layout, &documents.chain, name.as_deref());
        let digest = tokio::task::spawn_blocking(named).await??;
        Ok(Pulled { digest, blobs_received, bytes_received })
    }

    /// Follows indexes to the manifest for the platform.
    async fn documents(
        &self,
        top: Found,
        places: &[Endpoint],
        reference: &Reference,
        platform: &Platform,
        progress: &dyn Progress,
    ) -> Result<Documents> {
        let mut chain = vec![top];
        loop {
            let refuse =
                |cause: String| RegistryError::NotAnImage { reference: Box::new(reference.clone()), cause };
            let entry = match chain.last().map(|it| &it.document) {
                Some(Document::Manifest(manifest)) => {
                    let manifest = manifest.clone();
                    return bounded(&manifest).map_err(refuse).map(|()| Documents { chain, manifest });
                }
                Some(Document::Index(index)) => index.entry_for(platform).map(|it| it.digest),
                None => None,
            };
            let Some(digest) = entry.filter(|_| chain.len() <= INDEX_DEPTH_MAX) else {
                return Err(refuse("its indexes lead to no image".into()));
            };
            let mut found = None;
            let mut failure = None;
            for place in places {
                match self.document(place, reference, &digest.to_string(), progress).await {
                    Ok(document) => {
                        found = Some(document);
                        break;
                    }
                    Err(error) => failure = Some(error),
                }
            }
            let found = match (found, failure) {
                (Some(found), _) => found,
                (None, Some(error)) => return Err(error),
                (None, None) => return Err(refuse("there is no place to have it from".into())),
            };
            check(&found, reference, platform)?;
            chain.push(found);
        }
    }

    /// Downloads what is missing of some blobs. Returns how many were, and the bytes that came.
    async fn fetch(
        &self,
        places: &[Endpoint],
        blobs: &[Descriptor],
        layout: &Layout,
        progress: &dyn Progress,
    ) -> Result<(usize, u64)> {
        let (looking, all) = (layout.clone(), blobs.to_vec());
        let missing = tokio::task::spawn_blocking(move || missing(&looking, all)).await?;
        let total = missing.iter().fold(0_u64, |sum, blob| sum.saturating_add(blob.size));
        progress.event(Event::Begun {
            present: blobs.len() - missing.len(),
            wanted: missing.len(),
            bytes: total,
        });
        let tally = tally(total, progress);
        let received = stream::iter(&missing)
            .map(|blob| self.download(places, blob, layout, &tally))
            .buffer_unordered(DOWNLOADS_AT_ONCE)
            .try_fold(0_u64, async |sum, bytes| Ok(sum + bytes))
            .await?;
        Ok((missing.len(), received))
    }
}

/// The blobs that are not there, each once.
fn missing(layout: &Layout, blobs: Vec<Descriptor>) -> Vec<Descriptor> {
    let mut seen = HashSet::new();
    let there = |blob: &Descriptor| layout.blob_size(&blob.digest).is_ok_and(|size| size == blob.size);
    blobs.into_iter().filter(|blob| seen.insert(blob.digest) && !there(blob)).collect()
}

/// Whether an image is in the layout with all that it needs; then it is given the name.
fn complete(
    layout: &Layout,
    digest: &Digest,
    platform: &Platform,
    name: Option<&str>,
) -> crate::Result<bool> {
    let Ok(image) = layout.resolve(Some(&digest.to_string()), platform) else { return Ok(false) };
    if !missing(layout, image.manifest.layers.clone()).is_empty() {
        return Ok(false);
    }
    if let Some(name) = name {
        layout.tag(digest, name)?;
    }
    Ok(true)
}

/// Refuses what would fill the disk, before any of it is fetched.
fn bounded(manifest: &Manifest) -> Result<(), String> {
    let limit = Limits::default().bytes;
    if manifest.config.size > DOCUMENT_BYTES_MAX {
        let size = manifest.config.size;
        return Err(format!(
            "its configuration is said to have {size} bytes, more than {DOCUMENT_BYTES_MAX}"
        ));
    }
    let total = manifest.layers.iter().fold(0_u64, |sum, layer| sum.saturating_add(layer.size));
    if total > limit {
        return Err(format!("its layers are said to have {total} bytes, more than the limit of {limit}"));
    }
    Ok(())
}

/// Reads the configuration, and refuses one that is not the manifest's or not for the platform.
fn agree(
    layout: &Layout,
    digest: Digest,
    manifest: Manifest,
    platform: &Platform,
) -> crate::Result<Manifest> {
    let bytes = layout.document(&manifest.config.digest)?;
    let config: ImageConfig =
        crate::layout::from_json(&bytes, || format!("the configuration {}", manifest.config.digest))?;
    if !platform.runs(&config.platform) {
        let cause = format!("it is for {}, and not for {platform}", config.platform);
        return Err(crate::Error::Unusable { digest, cause });
    }
    Image::new(digest, manifest, config).map(|image| image.manifest)
}

/// Makes an image of blobs that are there. The topmost document comes last: with its name the image is there.
fn name_it(layout: &Layout, chain: &[Found], name: Option<&str>) -> Result<Digest> {
    let [top, lower @ ..] = chain else {
        return Err(RegistryError::Protocol { url: String::new(), cause: "there is no manifest".into() });
    };
    for document in lower.iter().rev() {
        layout.put_bytes(&document.bytes)?;
    }
    Ok(layout.put_manifest(&top.bytes, name)?)
}
