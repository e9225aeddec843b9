//! Manifests and indexes out of a registry: what a tag stands for, and the document of a digest, checked.

use reqwest::{StatusCode, Url};

use super::auth::Access;
use super::client::{Ask, Registries};
use super::endpoint::Endpoint;
use super::http::{body, header, is_denied, refusal, strange, words};
use super::progress::{Event, Progress};
use super::{RegistryError, Result};
use crate::layout::{DOCUMENT_BYTES_MAX, Document};
use crate::{Digest, MediaType, Platform, Reference};

/// What is understood.
const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// A manifest or index as it was found.
pub(super) struct Found {
    pub digest: Digest,
    pub bytes: Vec<u8>,
    pub document: Document,
}

impl Registries {
    /// The digest that a reference stands for now. A mirror is asked first where there is one, and an image that does not run on
    /// this platform is refused.
    ///
    /// # Errors
    /// If no place has it, or it is no image for the platform.
    pub async fn resolve(
        &self,
        reference: &Reference,
        platform: &Platform,
        progress: &dyn Progress,
    ) -> Result<Digest> {
        self.find(reference, platform, progress).await.map(|(found, _)| found.digest)
    }

    /// The document that a reference stands for, with the places that its image can be had from: where it was found first.
    pub(super) async fn find(
        &self,
        reference: &Reference,
        platform: &Platform,
        progress: &dyn Progress,
    ) -> Result<(Found, Vec<Endpoint>)> {
        let origin = Endpoint::origin(reference, &self.settings)?;
        let mut places = Endpoint::mirrors(reference, &self.settings)?;
        while !places.is_empty() {
            let mirror = places.remove(0);
            // Asked once: there is another place to go to.
            let url = mirror.manifest(&reference.wanted());
            match self.fetch_document(&mirror, reference, &reference.wanted(), url).await {
                Ok(found) => {
                    check(&found, reference, platform)?;
                    let others = [vec![mirror], places, vec![origin]].concat();
                    return Ok((found, others));
                }
                Err(error) => {
                    let cause = diag::with_causes(&error);
                    progress.event(Event::MirrorFailed { mirror: mirror.name.clone(), cause });
                }
            }
        }
        let found = self.document(&origin, reference, &reference.wanted(), progress).await?;
        check(&found, reference, platform)?;
        Ok((found, vec![origin]))
    }

    /// One document from one place.
    pub(super) async fn document(
        &self,
        place: &Endpoint,
        reference: &Reference,
        wanted: &str,
        progress: &dyn Progress,
    ) -> Result<Found> {
        let url = place.manifest(wanted);
        let mut attempts = self.attempts(&url, progress);
        loop {
            match self.fetch_document(place, reference, wanted, url.clone()).await {
                Err(error) => attempts.after(error).await?,
                found => return found,
            }
        }
    }

    async fn fetch_document(
        &self,
        place: &Endpoint,
        reference: &Reference,
        wanted: &str,
        url: Url,
    ) -> Result<Found> {
        let ask = Ask::get(url.clone()).with("accept", ACCEPTED);
        let response = self.send(place, &Access::Pull, &ask).await?;
        match response.status() {
            status if status.is_success() => {}
            StatusCode::NOT_FOUND => {
                let message = words(response).await;
                return Err(RegistryError::NotFound { reference: Box::new(reference.clone()), message });
            }
            status if is_denied(status) => return Err(self.denied(place, &Access::Pull, response).await),
            _ => return Err(refusal(response).await),
        }
        let announced = header(&response, "docker-content-digest").map(str::to_owned);
        let bytes = body(response, usize::try_from(DOCUMENT_BYTES_MAX).unwrap_or(usize::MAX)).await?;
        let digest = Digest::of(&bytes);
        // Of what was asked for by tag the registry's word is all there is; it must at least agree with itself.
        let promised = wanted.parse::<Digest>().ok();
        let announced = announced.and_then(|text| text.parse::<Digest>().ok());
        if let Some(promised) = promised.filter(|promised| *promised != digest) {
            let cause = format!("their digest is {digest}");
            return Err(crate::Error::WrongBlob { promised, cause }.into());
        }
        if let Some(announced) = announced.filter(|announced| *announced != digest) {
            let cause = format!("it announces the manifest {announced}, and sends {digest}");
            return Err(strange(&url, cause));
        }
        let not_an_image = |error: crate::Error| RegistryError::NotAnImage {
            reference: Box::new(reference.clone()),
            cause: diag::with_causes(&error),
        };
        let document = Document::read(digest, &bytes).map_err(not_an_image)?;
        Ok(Found { digest, bytes, document })
    }
}

/// Refuses what is no image, or none for the platform, as far as the document tells.
pub(super) fn check(found: &Found, reference: &Reference, platform: &Platform) -> Result<()> {
    let refuse = |cause: String| RegistryError::NotAnImage { reference: Box::new(reference.clone()), cause };
    match &found.document {
        Document::Manifest(manifest) if !manifest.config.media_type.is_config() => {
            Err(refuse(format!("it is a {:?}, and no image", manifest.config.media_type.0)))
        }
        Document::Manifest(manifest) => {
            match manifest.layers.iter().find(|layer| !layer.media_type.is_layer()) {
                Some(layer) => {
                    let kind = &layer.media_type.0;
                    Err(refuse(format!("its layer {} is a {kind:?}, which is not supported", layer.digest)))
                }
                None => Ok(()),
            }
        }
        Document::Index(index) => match index.entry_for(platform) {
            Some(_) => Ok(()),
            None => Err(refuse(format!("it is for {}, and not for {platform}", index.platforms()))),
        },
    }
}

impl MediaType {
    /// Whether it is an image's configuration.
    pub(crate) fn is_config(&self) -> bool {
        matches!(self.0.as_str(), Self::CONFIG | "application/vnd.docker.container.image.v1+json")
    }

    /// Whether it is a layer that anybody may have. Foreign layers are told apart by their licences and are not in registries.
    pub(crate) fn is_layer(&self) -> bool {
        const KINDS: [&str; 5] = [
            MediaType::LAYER,
            MediaType::LAYER_GZIP,
            MediaType::LAYER_ZSTD,
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "application/vnd.docker.image.rootfs.diff.tar",
        ];
        KINDS.contains(&self.0.as_str())
    }
}
