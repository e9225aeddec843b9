//! Pushes an image out of a layout: only the blobs that the repository does not have, then the manifest, and its tag last, so
//! that nobody ever sees a tag whose image is not there.

use std::collections::HashSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::{Method, StatusCode};

use super::auth::Access;
use super::client::{Ask, Content, Registries};
use super::download::{Tally, tally};
use super::endpoint::Endpoint;
use super::http::{header, is_denied, refusal, strange};
use super::progress::{Event, Progress};
use super::upload::Put;
use super::{RegistryError, Result};
use crate::layout::Document;
use crate::{Descriptor, Digest, Layout, MediaType, Reference};

const UPLOADS_AT_ONCE: usize = 4;

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The digest that the registry has it under.
    pub digest: Digest,
    /// Blobs that were sent.
    pub blobs_sent: usize,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Blobs that the registry took over from another of its repositories.
    pub blobs_mounted: usize,
    /// Blobs that were there already.
    pub blobs_present: usize,
}

/// An image that is to be pushed.
struct Outgoing {
    /// Manifests and indexes, those that others refer to first.
    documents: Vec<(Digest, MediaType, Vec<u8>)>,
    /// Configurations and layers, each once.
    blobs: Vec<Descriptor>,
}

impl Registries {
    /// Sends an image of a layout to where a reference says; without a tag it becomes `latest`.
    ///
    /// # Errors
    /// If it is not here as a whole, or the registry does not take it. The tag then stands for what it stood for.
    pub async fn push(
        &self,
        layout: &Layout,
        image: &Digest,
        reference: &Reference,
        progress: &dyn Progress,
    ) -> Result<Pushed> {
        if let Some(digest) = reference.digest().filter(|digest| digest != image) {
            let cause = format!("{reference} names another digest, {digest}");
            return Err(RegistryError::Incomplete { digest: *image, cause });
        }
        let place = Endpoint::origin(reference, &self.settings)?;
        let writing = layout.clone();
        // What is being sent must not be collected as garbage meanwhile.
        let _writing = tokio::task::spawn_blocking(move || writing.writing()).await??;
        let (reading, image) = (layout.clone(), *image);
        let outgoing = tokio::task::spawn_blocking(move || outgoing(&reading, image)).await??;
        let mut absent = Vec::new();
        let mut looked_up = stream::iter(&outgoing.blobs)
            .map(async |blob| Ok::<_, RegistryError>((blob, self.has(&place, &blob.digest, progress).await?)))
            .buffered(UPLOADS_AT_ONCE);
        while let Some((blob, is_there)) = looked_up.try_next().await? {
            if !is_there {
                absent.push(blob);
            }
        }
        let total = absent.iter().map(|blob| blob.size).sum();
        let present = outgoing.blobs.len() - absent.len();
        progress.event(Event::Begun { present, wanted: absent.len(), bytes: total });
        let counts = tally(total, progress);
        let puts: Vec<Put> = stream::iter(absent.iter().copied())
            .map(|blob| self.put(&place, layout, blob, &counts))
            .buffer_unordered(UPLOADS_AT_ONCE)
            .try_collect()
            .await?;
        let sent = puts.iter().filter_map(|put| match put {
            Put::Sent(bytes) => Some(*bytes),
            Put::Mounted => None,
        });
        let (blobs_sent, bytes_sent) = sent.fold((0, 0), |(count, sum), bytes| (count + 1, sum + bytes));
        for (at, (digest, kind, bytes)) in outgoing.documents.iter().enumerate() {
            let is_last = at + 1 == outgoing.documents.len();
            let under = if is_last { reference.pushed_tag().to_owned() } else { digest.to_string() };
            self.put_document(&place, &under, digest, kind, bytes, &counts).await?;
        }
        let (noting, repository) = (layout.clone(), format!("{}/{}", place.authority(), place.repository));
        let blobs: Vec<Digest> = outgoing.blobs.iter().map(|blob| blob.digest).collect();
        tokio::task::spawn_blocking(move || {
            blobs.iter().try_for_each(|blob| noting.note_origin(blob, &repository))
        })
        .await??;
        let blobs_mounted = puts.len() - blobs_sent;
        Ok(Pushed { digest: image, blobs_sent, bytes_sent, blobs_mounted, blobs_present: present })
    }

    /// Whether a repository has a blob.
    async fn has(&self, place: &Endpoint, blob: &Digest, progress: &dyn Progress) -> Result<bool> {
        let url = place.blob(blob);
        let access = Access::Push { from: None };
        let ask = Ask { method: Method::HEAD, ..Ask::get(url.clone()) };
        let mut attempts = self.attempts(&url, progress);
        loop {
            let failure = match self.send(place, &access, &ask).await {
                Ok(response) if response.status().is_success() => return Ok(true),
                Ok(response) if response.status() == StatusCode::NOT_FOUND => return Ok(false),
                Ok(response) if is_denied(response.status()) => {
                    return Err(self.denied(place, &access, response).await);
                }
                Ok(response) => refusal(response).await,
                Err(error) => error,
            };
            attempts.after(failure).await?;
        }
    }

    async fn put_document(
        &self,
        place: &Endpoint,
        under: &str,
        digest: &Digest,
        kind: &MediaType,
        bytes: &[u8],
        tally: &Tally<'_>,
    ) -> Result<()> {
        let url = place.manifest(under);
        let access = Access::Push { from: None };
        let ask = Ask {
            method: Method::PUT,
            url: url.clone(),
            headers: vec![("content-type", kind.0.clone())],
            content: Content::Bytes(bytes.to_vec()),
        };
        let mut attempts = self.attempts(&url, tally.progress);
        loop {
            let failure = match self.send(place, &access, &ask).await {
                Ok(response) if response.status().is_success() => {
                    let kept =
                        header(&response, "docker-content-digest").and_then(|it| it.parse::<Digest>().ok());
                    return match kept.filter(|kept| kept != digest) {
                        Some(kept) => {
                            Err(strange(&url, format!("it was sent {digest}, and has kept {kept}")))
                        }
                        None => Ok(()),
                    };
                }
                Ok(response) if is_denied(response.status()) => {
                    return Err(self.denied(place, &access, response).await);
                }
                Ok(response) => refusal(response).await,
                Err(error) => error,
            };
            attempts.after(failure).await?;
        }
    }
}

/// Gathers an image: every document and blob of it, which must all be here.
fn outgoing(layout: &Layout, image: Digest) -> Result<Outgoing> {
    let mut outgoing = Outgoing { documents: Vec::new(), blobs: Vec::new() };
    let (mut open, mut seen) = (vec![image], HashSet::from([image]));
    while let Some(digest) = open.pop() {
        if !layout.has_blob(&digest) {
            let cause = format!("its manifest {digest}, for another platform, is not here");
            return Err(RegistryError::Incomplete { digest: image, cause });
        }
        let bytes = layout.document(&digest)?;
        let document = Document::read(digest, &bytes)?;
        match &document {
            Document::Index(index) => {
                open.extend(index.manifests.iter().map(|it| it.digest).filter(|it| seen.insert(*it)));
            }
            Document::Manifest(manifest) => {
                for blob in
                    manifest.layers.iter().chain([&manifest.config]).filter(|it| seen.insert(it.digest))
                {
                    if layout.blob_size(&blob.digest).ok() != Some(blob.size) {
                        let cause = format!("its blob {} is not here as a whole", blob.digest);
                        return Err(RegistryError::Incomplete { digest: image, cause });
                    }
                    outgoing.blobs.push(blob.clone());
                }
            }
        }
        outgoing.documents.push((digest, document.media_type(), bytes));
    }
    // A document was put on the list before those that it refers to.
    outgoing.documents.reverse();
    Ok(outgoing)
}
