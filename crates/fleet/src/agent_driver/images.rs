//! Puts images into an agent: the blobs that it lacks, out of the project's layout. It starts nothing.

use std::path::Path;

use agent_api::{ClientError, CollectedImages, KeptImages};
use oci::Layout;

use super::Cluster;

/// An image that could not be put into a cluster.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PullError {
    /// The reference has no digest.
    #[error("`{0}` is no digest of an image")]
    NotADigest(String),
    /// Neither the layout nor the agent has it.
    #[error("the image is not in the project's layout")]
    Layout(#[source] oci::Error),
    /// The agent did not take it.
    #[error("the agent did not take the image")]
    Agent(#[from] ClientError),
    /// A blob could not be read.
    #[error("the reading of an image's blob was broken off")]
    Interrupted(#[source] tokio::task::JoinError),
}

struct Blob {
    digest: String,
    size: u64,
    file: std::fs::File,
}

impl Cluster {
    /// Sees to it that instances of an image can be started. What the agent has already is not sent again.
    pub(crate) async fn pull(
        &self,
        layout: &Path,
        digest: &str,
        (project, environment): (&str, &str),
    ) -> Result<(), PullError> {
        // Said first: from here on nobody else's garbage collection takes it.
        let kept = KeptImages { images: vec![digest.to_owned()], is_all: false };
        match self.client.keep_images(project, environment, &kept).await {
            // An agent of an earlier version removes nothing, and need not be told.
            Err(error) if error.status() == Some(404) => {}
            told => told?,
        }
        if self.client.has_image(digest).await? {
            return Ok(());
        }
        let wanted: oci::Digest = digest.parse().map_err(|_| PullError::NotADigest(digest.to_owned()))?;
        let root = layout.to_owned();
        let opened = tokio::task::spawn_blocking(move || blobs(&root, &wanted)).await;
        for blob in opened.map_err(PullError::Interrupted)?.map_err(PullError::Layout)? {
            if !self.client.has_blob(&blob.digest).await? {
                let content = tokio::fs::File::from_std(blob.file);
                self.client.put_blob(&blob.digest, blob.size, content).await?;
            }
        }
        Ok(self.client.put_image(digest).await?)
    }
}

impl Cluster {
    /// Removes images that no environment of any project needs. `needed` are those of this one.
    pub(crate) async fn collect_images(
        &self,
        needed: Vec<String>,
        (project, environment): (&str, &str),
    ) -> Result<CollectedImages, ClientError> {
        let kept = KeptImages { images: needed, is_all: true };
        self.client.keep_images(project, environment, &kept).await?;
        self.client.collect_images().await
    }
}

/// The blobs of an image: layers, configuration, manifest, and the index that led to it if there was one.
fn blobs(root: &Path, digest: &oci::Digest) -> Result<Vec<Blob>, oci::Error> {
    let layout = Layout::open(root)?;
    let image = layout.image(digest)?;
    let mut digests: Vec<oci::Digest> = image.layers().map(|layer| layer.descriptor.digest).collect();
    digests.extend([image.manifest.config.digest, image.digest]);
    if image.digest != *digest {
        digests.push(*digest);
    }
    let open = |digest: oci::Digest| {
        let (size, file) = (layout.blob_size(&digest)?, layout.open_blob(&digest)?);
        Ok(Blob { digest: digest.to_string(), size, file })
    };
    digests.into_iter().map(open).collect()
}
