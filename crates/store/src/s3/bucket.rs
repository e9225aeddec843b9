//! Objects in a bucket: read, made where there are none, replaced where they are still what was read, listed, removed.
//!
//! It knows what S3 answers and what that means to a person, and nothing of what is stored.

use std::sync::Arc;

use bytes::Bytes;
use engine::StoreError;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{
    Error, GetOptions, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, UpdateVersion, WriteMultipart,
};

use super::options::S3Options;
use crate::rows::Origin;

/// How many requests are under way at the same time where there are many to make.
const REQUESTS_AT_ONCE: usize = 16;
/// What is larger is written in parts of this size, so that no single request takes longer than the client waits for one.
const PART_BYTES: usize = 8 << 20;

/// A bucket, and where in it everything is.
pub(crate) struct Bucket {
    store: Arc<dyn ObjectStore>,
    name: String,
    key: String,
    workspace_key_prefix: String,
}

/// An object that was read.
pub(crate) struct Found {
    pub(crate) bytes: Bytes,
    /// What it has to be still when it is replaced.
    pub(crate) tag: String,
}

/// What an object has to be when it is written.
pub(crate) enum Before<'t> {
    /// There is none.
    Nothing,
    /// It has this tag.
    Tag(&'t str),
}

/// What came of writing an object under a condition.
pub(crate) enum Written {
    /// It is written, and has this tag.
    Done(String),
    /// It was another one already.
    Overtaken,
    /// Nobody knows: the answer was lost, or is none.
    InDoubt(StoreError),
}

impl Bucket {
    pub(crate) fn open(options: &S3Options) -> Result<Self, StoreError> {
        Ok(Self {
            store: Arc::new(options.client()?),
            name: options.bucket.clone(),
            key: options.key.clone(),
            workspace_key_prefix: options.workspace_key_prefix.clone(),
        })
    }

    /// One in memory, for what is about neither the server nor the way to it.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Self {
        let store = Arc::new(object_store::memory::InMemory::new());
        let (name, key, workspace_key_prefix) = ("memory".into(), "state".into(), "env:".into());
        Self { store, name, key, workspace_key_prefix }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn workspace_key_prefix(&self) -> &str {
        &self.workspace_key_prefix
    }

    pub(crate) fn address(&self, path: &Path) -> String {
        format!("s3://{}/{path}", self.name)
    }

    /// A key as a path. The parts of it that come from outside were checked where they came in, and the others are ours.
    pub(crate) fn path(&self, key: &str) -> Path {
        Path::parse(key).unwrap_or_else(|_| Path::from(key))
    }

    /// What a failure means to people.
    pub(crate) fn fault(&self, doing: &str, path: &Path, fault: Error) -> StoreError {
        let address = self.address(path);
        let text = fault.to_string();
        if matches!(fault, Error::PermissionDenied { .. } | Error::Unauthenticated { .. }) {
            return StoreError::Refused {
                what: format!("{doing} ({address})"),
                why: format!(
                    "the credentials are not accepted, or may not do it: besides what Terraform needs, Mainstay reads, writes, lists and removes objects under {}.mainstay/: {}",
                    self.key,
                    message(&text)
                ),
            };
        }
        if text.contains("NoSuchBucket") {
            let why =
                format!("there is no bucket {}: make it first, or correct its name or region", self.name);
            return StoreError::Refused { what: format!("{doing} ({address})"), why };
        }
        StoreError::Failed { doing: format!("{doing} ({address})"), source: fault.into() }
    }

    /// The object; `None` where there is none.
    pub(crate) async fn read(&self, doing: &str, path: &Path) -> Result<Option<Found>, StoreError> {
        self.read_unless(doing, path, None).await.map(Option::flatten)
    }

    /// The object, unless it has a tag still: then the outer `None`. The inner: there is none.
    pub(crate) async fn read_unless(
        &self,
        doing: &str,
        path: &Path,
        tag: Option<&str>,
    ) -> Result<Option<Option<Found>>, StoreError> {
        let options = GetOptions { if_none_match: tag.map(str::to_owned), ..GetOptions::default() };
        let answer = match self.store.get_opts(path, options).await {
            Ok(answer) => answer,
            Err(Error::NotModified { .. }) => return Ok(None),
            Err(fault @ Error::NotFound { .. }) if !fault.to_string().contains("NoSuchBucket") => {
                return Ok(Some(None));
            }
            Err(fault) => return Err(self.fault(doing, path, fault)),
        };
        let tag = answer.meta.e_tag.clone().ok_or_else(|| self.no_tag(path))?;
        let bytes = answer.bytes().await.map_err(|fault| self.fault(doing, path, fault))?;
        Ok(Some(Some(Found { bytes, tag })))
    }

    /// Several objects, in their order; `None` for one that is not there.
    pub(crate) async fn read_all(
        &self,
        doing: &str,
        paths: Vec<Path>,
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        stream::iter(paths)
            .map(|path| async move { Ok(self.read(doing, &path).await?.map(|found| found.bytes)) })
            .buffered(REQUESTS_AT_ONCE)
            .try_collect()
            .await
    }

    /// Writes an object if what is there is what it has to be.
    pub(crate) async fn write(&self, doing: &str, path: &Path, bytes: Bytes, before: &Before<'_>) -> Written {
        let mode = match before {
            Before::Nothing => PutMode::Create,
            Before::Tag(tag) => {
                PutMode::Update(UpdateVersion { e_tag: Some((*tag).to_owned()), version: None })
            }
        };
        let options = PutOptions { mode, ..PutOptions::default() };
        match self.store.put_opts(path, bytes.into(), options).await {
            Ok(written) => match written.e_tag {
                Some(tag) => Written::Done(tag),
                None => Written::InDoubt(self.no_tag(path)),
            },
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Written::Overtaken,
            Err(fault) => Written::InDoubt(self.fault(doing, path, fault)),
        }
    }

    /// Writes an object, whatever is there.
    pub(crate) async fn put(&self, doing: &str, path: &Path, bytes: Bytes) -> Result<(), StoreError> {
        let written = if bytes.len() <= PART_BYTES {
            self.store.put(path, bytes.into()).await.map(|_| ())
        } else {
            self.put_in_parts(path, bytes).await
        };
        written.map_err(|fault| self.fault(doing, path, fault))
    }

    async fn put_in_parts(&self, path: &Path, bytes: Bytes) -> Result<(), Error> {
        let upload = self.store.put_multipart(path).await?;
        let mut parts = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let mut rest = bytes;
        while !rest.is_empty() {
            parts.wait_for_capacity(REQUESTS_AT_ONCE).await?;
            parts.put(rest.split_to(rest.len().min(PART_BYTES)));
        }
        parts.finish().await.map(|_| ())
    }

    /// Whether there is such an object.
    pub(crate) async fn exists(&self, doing: &str, path: &Path) -> Result<bool, StoreError> {
        match self.store.head(path).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(fault) => Err(self.fault(doing, path, fault)),
        }
    }

    /// The server's time: when it says that an object was written that was written just now; Unix milliseconds.
    pub(crate) async fn time_ms(&self, path: &Path) -> Result<u64, StoreError> {
        let doing = "reading the server's clock";
        self.put(doing, path, Bytes::from_static(b"written to learn the server's time\n")).await?;
        let meta = self.store.head(path).await.map_err(|fault| self.fault(doing, path, fault))?;
        // It is told in whole seconds, rounded down.
        let half_a_second = 500;
        Ok(u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or(0) + half_a_second)
    }

    /// The names of what is directly in a folder: folders, and objects.
    pub(crate) async fn folder(
        &self,
        doing: &str,
        folder: &Path,
    ) -> Result<(Vec<Path>, Vec<Path>), StoreError> {
        let listed = self.store.list_with_delimiter(Some(folder)).await;
        let listed = listed.map_err(|fault| self.fault(doing, folder, fault))?;
        Ok((listed.common_prefixes, listed.objects.into_iter().map(|found| found.location).collect()))
    }

    /// Everything below a folder, in the order of names; after a name where one is given, and up to so many.
    pub(crate) async fn below(
        &self,
        doing: &str,
        folder: &Path,
        after: Option<&Path>,
        limit: usize,
    ) -> Result<Vec<Path>, StoreError> {
        let listed = match after {
            Some(after) => self.store.list_with_offset(Some(folder), after),
            None => self.store.list(Some(folder)),
        };
        listed
            .map_ok(|found| found.location)
            .take(limit)
            .try_collect()
            .await
            .map_err(|fault| self.fault(doing, folder, fault))
    }

    /// Removes objects; one that is not there any more is no fault.
    pub(crate) async fn remove_all(&self, doing: &str, paths: Vec<Path>) -> Result<(), StoreError> {
        stream::iter(paths)
            .map(|path| async move {
                match self.store.delete(&path).await {
                    Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                    Err(fault) => Err(self.fault(doing, &path, fault)),
                }
            })
            .buffer_unordered(REQUESTS_AT_ONCE)
            .try_collect()
            .await
    }

    fn no_tag(&self, path: &Path) -> StoreError {
        StoreError::Refused {
            what: format!("keeping a state in {}", self.address(path)),
            why: "the server gives objects no ETag, so that nobody can tell whether one was changed: use another S3 server".into(),
        }
    }
}

impl Origin for Bucket {
    fn unreadable(&self, what: &str, why: &dyn std::fmt::Display) -> StoreError {
        StoreError::Unreadable {
            what: format!("{what} in s3://{}/{}.mainstay", self.name, self.key),
            why: format!(
                "{why}; where the bucket keeps versions of objects, put back the last one of the object that can be read"
            ),
        }
    }
}

impl std::fmt::Display for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}.mainstay", self.name, self.key)
    }
}

/// What S3 says in its answer, without the document around it.
pub(crate) fn message(text: &str) -> &str {
    let within = |open: &str, close: &str| Some(text.split_once(open)?.1.split_once(close)?.0);
    within("<Message>", "</Message>").unwrap_or(text)
}
