//! What the tags of registries stand for: asked once for each reference, and kept as a release like any other. Nothing is fetched.

use std::collections::{BTreeMap, BTreeSet};

use diag::Diagnostic;
use engine::{Address, ClusterName};
use oci::{Platform, Reference};

use crate::fleet::Fleet;
use crate::releases;

/// Which services' tags are asked for although they are pinned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TagsAnew {
    /// None: a tag that is pinned stays what it was.
    #[default]
    None,
    /// Those of these services.
    Of(BTreeSet<String>),
    /// All.
    All,
}

impl TagsAnew {
    fn of(&self, service: &str) -> bool {
        match self {
            Self::None => false,
            Self::Of(services) => services.contains(service),
            Self::All => true,
        }
    }
}

impl Fleet {
    /// The reference with the digest that it has now, if it is one into a registry that has to be asked for.
    pub(crate) async fn resolve_tag(
        &self,
        address: &Address,
        reference: &str,
    ) -> Result<Option<String>, Box<Diagnostic>> {
        // What the project builds is the project's, whatever it is called.
        if self.options.built.contains(reference) || !Reference::names_registry(reference) {
            return Ok(None);
        }
        if let Some(digest) = self.options.releases.get(reference)
            && !self.options.tags_anew.of(&address.name)
        {
            self.note_release(reference, digest);
            return Ok(None);
        }
        let fault = |error: oci::registry::RegistryError| {
            Diagnostic::error("image-unresolved", "the image cannot be told by its digest")
                .about(address.to_string())
                .because(diag::with_causes(&error))
                .hint(error.hint())
        };
        let parsed: Reference = reference.parse().map_err(fault)?;
        // A reference that has its digest is only noted, so that what it stands for is kept as long as any release.
        let digest = match parsed.digest() {
            Some(digest) => digest,
            None => {
                let mut tags = self.tags.lock().await;
                match tags.get(reference) {
                    Some(digest) => *digest,
                    None => {
                        let (platform, progress) = (Platform::host(), oci::registry::Silent);
                        let asked = self.options.registries.resolve(&parsed, &platform, &progress);
                        let digest = asked.await.map_err(fault)?;
                        tags.insert(reference.to_owned(), digest);
                        digest
                    }
                }
            }
        };
        self.note_release(reference, &digest.to_string());
        // As it is written, so that it stays the same once it is pinned.
        Ok(Some(match parsed.digest() {
            Some(_) => reference.to_owned(),
            None => format!("{reference}@{digest}"),
        }))
    }

    /// The releases of all references into registries that planning came across, by reference.
    #[must_use]
    pub fn found_releases(&self) -> BTreeMap<String, String> {
        self.found().clone()
    }

    /// Of images in registries that are to run in clusters, those that neither the project's layout nor the cluster has.
    pub async fn absent(&self, wanted: &BTreeSet<(ClusterName, String)>) -> BTreeSet<String> {
        let digests = wanted.iter().filter_map(|(_, image)| releases::digest_of(image).map(str::to_owned));
        let clusters = wanted.iter().map(|(cluster, _)| cluster).collect();
        self.find_images(digests.collect(), &clusters).await;
        let is_absent = |cluster: &ClusterName, image: &str| {
            releases::digest_of(image).is_some_and(|digest| !self.has_image(cluster, digest))
        };
        let absent = wanted.iter().filter(|(cluster, image)| is_absent(cluster, image));
        absent.map(|(_, image)| image.clone()).collect()
    }
}
