//! The ledger: revisions, deployments, releases, an object each. None is ever looked for but by its name or the order of names.
//!
//! A revision has its small files in it, compressed together; a large one is an object of its own by its content, which every
//! revision that has it refers to.

use std::collections::BTreeMap;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use engine::{Deployment, EnvironmentName, Ledger, Release, Revision, RevisionId, StoreError};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use value::Encoded;

use super::S3Store;
use super::bucket::{Before, Written};
use super::head::ZSTD_LEVEL;
use super::names::{escaped, unescaped};
use crate::journal_words::value_context;
use crate::rows::Origin as _;

/// A file of this size is worth an object of its own: sending it again with each revision would take longer than asking for it.
const OWN_OBJECT_BYTES: usize = 64 << 10;
/// How many revisions of the same beginning are looked at to tell that it is ambiguous.
const AMBIGUOUS: usize = 2;
/// How many files are written at the same time.
const FILES_AT_ONCE: usize = 16;

/// A revision as its object has it.
#[derive(Serialize, Deserialize)]
struct Kept {
    files: BTreeMap<String, KeptFile>,
    given: BTreeMap<String, Encoded>,
    releases: BTreeMap<String, Release>,
    kept_at_ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptFile {
    Text(String),
    Base64(String),
    /// The SHA-256 of one that is an object of its own.
    Object(String),
}

#[async_trait]
impl Ledger for S3Store {
    async fn put_revision(
        &self,
        environment: &EnvironmentName,
        revision: &Revision,
    ) -> Result<(), StoreError> {
        const DOING: &str = "keeping a revision";
        let mut files = BTreeMap::new();
        let mut large = BTreeMap::new();
        for (path, content) in &revision.files {
            let kept = if content.len() >= OWN_OBJECT_BYTES {
                let hash = hex::encode(Sha256::digest(content));
                large.insert(hash.clone(), content);
                KeptFile::Object(hash)
            } else {
                match std::str::from_utf8(content) {
                    Ok(text) => KeptFile::Text(text.to_owned()),
                    Err(_) => KeptFile::Base64(BASE64.encode(content)),
                }
            };
            files.insert(path.clone(), kept);
        }
        let mut given = BTreeMap::new();
        for (name, value) in &revision.values {
            let sealed = self.keys.seal(environment, &value_context(&revision.id, name), value)?;
            given.insert(name.clone(), sealed);
        }
        // What a revision refers to is there before the revision is.
        let puts: Vec<_> = large.into_iter().map(|(hash, content)| self.put_file(hash, content)).collect();
        stream::iter(puts).buffer_unordered(FILES_AT_ONCE).try_collect::<()>().await?;
        let kept = Kept { files, given, releases: revision.releases.clone(), kept_at_ms: self.time.now_ms() };
        let path = self.revision_path(environment, revision.id.as_str()).await?;
        match self.bucket.write(DOING, &path, packed(DOING, &kept)?, &Before::Nothing).await {
            Written::Done(_) | Written::Overtaken => Ok(()),
            Written::InDoubt(fault) if self.bucket.exists(DOING, &path).await? => {
                tracing::debug!("it was kept all the same: {fault}");
                Ok(())
            }
            Written::InDoubt(fault) => Err(fault),
        }
    }

    async fn revision(
        &self,
        environment: &EnvironmentName,
        id: &str,
    ) -> Result<Option<Revision>, StoreError> {
        const DOING: &str = "reading a revision";
        if id.is_empty() {
            return Ok(None);
        }
        let path = self.revision_path(environment, id).await?;
        if let Some(kept) = self.json(DOING, &path).await? {
            return self.read_revision(environment, RevisionId::new(id), kept).await.map(Some);
        }
        let folder = path.parent().unwrap_or_default();
        let mut begin_so = Vec::new();
        for path in self.bucket.below(DOING, &folder, Some(&path), AMBIGUOUS).await? {
            let name = path.filename().and_then(unescaped);
            begin_so.extend(name.filter(|name| name.starts_with(id)).map(|name| (name, path)));
        }
        let path = match begin_so.as_slice() {
            [] => return Ok(None),
            [(_, path)] => path,
            [(first, _), (second, _), ..] => {
                let why = format!("{first} and {second} both begin so: write more of it");
                return Err(StoreError::Refused { what: format!("revision `{id}`"), why });
            }
        };
        let Some(kept) = self.json(DOING, path).await? else { return Ok(None) };
        self.read_revision(environment, RevisionId::new(begin_so[0].0.as_str()), kept).await.map(Some)
    }

    async fn put_deployment(
        &self,
        environment: &EnvironmentName,
        deployment: &Deployment,
    ) -> Result<(), StoreError> {
        const DOING: &str = "writing down a deployment";
        // Names are listed in their order: the newest has the least. A deployment begins once.
        let name = format!(
            "deployments/{:016x}-{}",
            u64::MAX - deployment.started_at_ms,
            escaped(deployment.id.as_str())
        );
        let generation = self.heads.read(environment).await?.generation;
        let path = self.bucket.ledger(environment, generation, &name);
        self.bucket.put(DOING, &path, packed(DOING, deployment)?).await
    }

    async fn deployments(
        &self,
        environment: &EnvironmentName,
        limit: u32,
    ) -> Result<Vec<Deployment>, StoreError> {
        const DOING: &str = "reading the deployments";
        let generation = self.heads.read(environment).await?.generation;
        let folder = self.bucket.ledger(environment, generation, "deployments");
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let paths = self.bucket.below(DOING, &folder, None, limit).await?;
        let mut deployments: Vec<Deployment> = stream::iter(paths)
            .map(|path| async move { self.json(DOING, &path).await })
            .buffered(FILES_AT_ONCE)
            .try_filter_map(|found| async move { Ok(found) })
            .try_collect()
            .await?;
        deployments.sort_by(|a, b| (b.started_at_ms, b.id.as_str()).cmp(&(a.started_at_ms, a.id.as_str())));
        Ok(deployments)
    }

    async fn releases(&self, environment: &EnvironmentName) -> Result<BTreeMap<String, Release>, StoreError> {
        let generation = self.heads.read(environment).await?.generation;
        let path = self.bucket.ledger(environment, generation, "releases");
        Ok(self.json("reading the releases", &path).await?.unwrap_or_default())
    }

    async fn put_releases(
        &self,
        environment: &EnvironmentName,
        releases: &BTreeMap<String, Release>,
    ) -> Result<(), StoreError> {
        const DOING: &str = "writing the releases";
        let generation = self.heads.read(environment).await?.generation;
        let path = self.bucket.ledger(environment, generation, "releases");
        self.bucket.put(DOING, &path, packed(DOING, releases)?).await
    }
}

impl S3Store {
    async fn revision_path(&self, environment: &EnvironmentName, id: &str) -> Result<Path, StoreError> {
        let generation = self.heads.read(environment).await?.generation;
        Ok(self.bucket.ledger(environment, generation, &format!("revisions/{}", escaped(id))))
    }

    async fn put_file(&self, hash: String, content: &[u8]) -> Result<(), StoreError> {
        const DOING: &str = "keeping a file of a revision";
        let path = self.bucket.file(&hash);
        if self.bucket.exists(DOING, &path).await? {
            return Ok(());
        }
        let packed = zstd::encode_all(content, ZSTD_LEVEL)
            .map_err(|source| StoreError::Failed { doing: DOING.into(), source: source.into() })?;
        self.bucket.put(DOING, &path, packed.into()).await
    }

    async fn read_revision(
        &self,
        environment: &EnvironmentName,
        id: RevisionId,
        kept: Kept,
    ) -> Result<Revision, StoreError> {
        let broken = |path: &str, why: &dyn std::fmt::Display| {
            self.bucket.unreadable(&format!("the file {path} of revision {id}"), why)
        };
        let mut files = BTreeMap::new();
        for (path, file) in kept.files {
            let content = match file {
                KeptFile::Text(text) => text.into_bytes(),
                KeptFile::Base64(text) => BASE64.decode(text).map_err(|fault| broken(&path, &fault))?,
                KeptFile::Object(hash) => {
                    let found = self.bucket.read("reading a revision", &self.bucket.file(&hash)).await?;
                    let found = found.ok_or_else(|| broken(&path, &"it is missing"))?;
                    let content =
                        zstd::decode_all(found.bytes.as_ref()).map_err(|fault| broken(&path, &fault))?;
                    if hex::encode(Sha256::digest(&content)) != hash {
                        return Err(broken(&path, &"its content is not what its name says"));
                    }
                    content
                }
            };
            files.insert(path, content);
        }
        let mut values = BTreeMap::new();
        for (name, encoded) in kept.given {
            let value = self.keys.unseal(environment, &value_context(&id, &name), encoded)?;
            values.insert(name, value);
        }
        Ok(Revision { id, files, values, releases: kept.releases })
    }

    /// What an object of the ledger says; `None` where there is none.
    async fn json<T: DeserializeOwned>(&self, doing: &str, path: &Path) -> Result<Option<T>, StoreError> {
        let Some(found) = self.bucket.read(doing, path).await? else { return Ok(None) };
        let name = path.filename().unwrap_or_default();
        let text =
            zstd::decode_all(found.bytes.as_ref()).map_err(|fault| self.bucket.unreadable(name, &fault))?;
        serde_json::from_slice(&text).map(Some).map_err(|fault| self.bucket.unreadable(name, &fault))
    }
}

fn packed<T: Serialize>(doing: &str, what: &T) -> Result<Bytes, StoreError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Failed {
        doing: doing.to_owned(),
        source,
    };
    let text = serde_json::to_vec(what).map_err(|fault| failed(fault.into()))?;
    zstd::encode_all(text.as_slice(), ZSTD_LEVEL).map(Bytes::from).map_err(|fault| failed(fault.into()))
}
