//! The documents of an image, as the OCI image specification 1.1 has them: descriptor, index, manifest, configuration.
//!
//! Fields that Mainstay has no use for are kept where an image is derived from another (`other`), and dropped elsewhere.
//! Docker's own media types of the same documents are understood; schema 1 and artifacts are not.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Digest, Error, Result};

/// Annotation of an index entry that names the image.
pub(crate) const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The kind of a document or blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaType(pub String);

impl MediaType {
    pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
    pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
    pub(crate) const LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
    pub(crate) const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

    /// Whether it is an index of manifests.
    #[must_use]
    pub fn is_index(&self) -> bool {
        matches!(self.0.as_str(), Self::INDEX | Self::DOCKER_INDEX)
    }

    /// Whether it is an image's manifest.
    #[must_use]
    pub fn is_manifest(&self) -> bool {
        matches!(self.0.as_str(), Self::MANIFEST | Self::DOCKER_MANIFEST)
    }
}

impl From<&str> for MediaType {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Processor architectures that Mainstay runs on, by their Go names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// x86-64.
    Amd64,
    /// AArch64.
    Arm64,
}

impl Architecture {
    /// The name in image documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

/// What an image runs on. Always Linux for the images built here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// Architecture, such as `amd64`.
    pub architecture: String,
    /// Operating system, such as `linux`.
    pub os: String,
    /// Variant of the architecture, such as `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// Linux on an architecture.
    #[must_use]
    pub fn linux(architecture: Architecture) -> Self {
        Self { architecture: architecture.as_str().into(), os: "linux".into(), variant: None }
    }

    /// The platform of this machine.
    #[must_use]
    pub fn host() -> Self {
        Self::linux(if cfg!(target_arch = "aarch64") { Architecture::Arm64 } else { Architecture::Amd64 })
    }

    /// Whether an image of the other platform runs on this one. Variants are not compared: every arm64 machine is a `v8`.
    #[must_use]
    pub fn runs(&self, other: &Self) -> bool {
        self.architecture == other.architecture && self.os == other.os
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)
    }
}

/// Refers to a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the blob is.
    pub media_type: MediaType,
    /// The blob's digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// In an index: what the image runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Notes, such as the image's name in `index.json`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Descriptor {
    /// A descriptor without platform and annotations.
    #[must_use]
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self { media_type: media_type.into(), digest, size, platform: None, annotations: BTreeMap::new() }
    }

    /// The image's name, if this is an entry of `index.json` that has one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.annotations.get(REF_NAME).map(String::as_str)
    }
}

/// A list of manifests: `index.json`, or an image for several platforms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    pub schema_version: u32,
    /// `application/vnd.oci.image.index.v1+json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// The manifests, or further indexes.
    pub manifests: Vec<Descriptor>,
    /// Notes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Index {
    /// The entry for a platform. An index without platforms has nothing to choose by: its first entry is what everybody takes.
    pub(crate) fn entry_for(&self, platform: &Platform) -> Option<&Descriptor> {
        let fits = |entry: &&Descriptor| entry.platform.as_ref().is_some_and(|it| platform.runs(it));
        let bare = self.manifests.iter().all(|entry| entry.platform.is_none());
        self.manifests.iter().find(fits).or(self.manifests.first().filter(|_| bare))
    }

    /// What it is for, as people read it.
    pub(crate) fn platforms(&self) -> String {
        let named = self.manifests.iter().filter_map(|it| it.platform.as_ref().map(Platform::to_string));
        named.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn empty() -> Self {
        Self {
            schema_version: 2,
            media_type: Some(MediaType::INDEX.into()),
            manifests: Vec::new(),
            annotations: BTreeMap::new(),
        }
    }
}

/// One image for one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// `application/vnd.oci.image.manifest.v1+json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// The configuration's blob.
    pub config: Descriptor,
    /// The layers' blobs, the lowest first.
    pub layers: Vec<Descriptor>,
    /// Notes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// An image's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// When it was made, RFC 3339. Left out in images built here: it would make equal inputs unequal images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// What it runs on.
    #[serde(flatten)]
    pub platform: Platform,
    /// How it is run.
    #[serde(default, deserialize_with = "nullable")]
    pub config: RunConfig,
    /// The layers' uncompressed digests.
    pub rootfs: RootFs,
    /// How each layer came to be, as it was found in the base.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<serde_json::Value>,
    /// Fields that are only passed on.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// How an image's program is run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RunConfig {
    /// `uid[:gid]` or names of the image's own `/etc/passwd`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Ports the program listens on, as `8080/tcp`; the values are empty objects.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "BTreeMap::is_empty")]
    pub exposed_ports: BTreeMap<String, serde_json::Value>,
    /// Environment, `NAME=value`.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// The program and its first arguments.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// Further arguments, or the program where there is no entrypoint.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Vec::is_empty")]
    pub cmd: Vec<String>,
    /// Where the program starts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub working_dir: String,
    /// Notes.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The signal that asks it to stop, such as `SIGTERM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_signal: Option<String>,
    /// Fields that are only passed on, such as `Volumes` and `Healthcheck`.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

/// Docker writes `null` for an empty list.
fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// The layers' uncompressed digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootFs {
    /// Always `layers`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The lowest first.
    pub diff_ids: Vec<Digest>,
}

/// A layer of an image: its blob, and the digest of what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The blob.
    pub descriptor: Descriptor,
    /// The digest of the uncompressed tar.
    pub diff_id: Digest,
}

/// An image whose documents have been read and agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The digest of the manifest.
    pub digest: Digest,
    /// The manifest.
    pub manifest: Manifest,
    /// The configuration.
    pub config: ImageConfig,
}

impl Image {
    /// # Errors
    /// [`Error::Unusable`] if manifest and configuration do not have the same number of layers.
    pub(crate) fn new(digest: Digest, manifest: Manifest, config: ImageConfig) -> Result<Self> {
        let (blobs, contents) = (manifest.layers.len(), config.rootfs.diff_ids.len());
        if blobs != contents {
            let cause = format!("its manifest has {blobs} layers and its configuration {contents}");
            return Err(Error::Unusable { digest, cause });
        }
        Ok(Self { digest, manifest, config })
    }

    /// The layers, the lowest first.
    pub fn layers(&self) -> impl DoubleEndedIterator<Item = Layer> + '_ {
        self.manifest
            .layers
            .iter()
            .zip(&self.config.rootfs.diff_ids)
            .map(|(descriptor, diff_id)| Layer { descriptor: descriptor.clone(), diff_id: *diff_id })
    }

    /// Bytes that the image takes in a layout: the configuration and the compressed layers.
    #[must_use]
    pub fn size(&self) -> u64 {
        let layers = self.manifest.layers.iter().map(|layer| layer.size);
        layers.fold(self.manifest.config.size, u64::saturating_add)
    }
}

/// A port that an image's program listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExposedPort {
    /// The port.
    pub port: u16,
    /// How it is spoken to.
    pub protocol: PortProtocol,
}

/// The transport of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortProtocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for ExposedPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            PortProtocol::Tcp => "tcp",
            PortProtocol::Udp => "udp",
        };
        write!(f, "{}/{protocol}", self.port)
    }
}

/// The user that an image's program runs as, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Group id. None: as the runtime finds it for the user.
    pub gid: Option<u32>,
}

impl std::str::FromStr for User {
    type Err = Error;

    /// # Errors
    /// [`Error::BadSpec`] if the text is not `uid` or `uid:gid` in decimal digits.
    fn from_str(text: &str) -> Result<Self> {
        let bad =
            || Error::BadSpec { cause: format!("the user {text:?} is not `uid` or `uid:gid` in digits") };
        let (uid, gid) = match text.split_once(':') {
            Some((uid, gid)) => (uid, Some(gid.parse().map_err(|_| bad())?)),
            None => (text, None),
        };
        Ok(Self { uid: uid.parse().map_err(|_| bad())?, gid })
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.uid)?;
        self.gid.map_or(Ok(()), |gid| write!(f, ":{gid}"))
    }
}
