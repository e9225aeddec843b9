//! Schemas between runs: one file for each program, named by what the program is, from which only the kinds that a run uses are read.
//!
//! The file is an index and, behind it, the messages as the provider sent them. It is written whole under another name and then given
//! its own, so that whoever reads it reads all of it.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use engine::stack::provider::{KindSchema, KindSource, Kinds, Part, ProviderSchema};
use prost::Message;
use sha2::{Digest, Sha256};

use super::convert::{SchemaError, kind};
use super::functions::function;
use crate::wire::Protocol;
use crate::wire::calls::GetProviderSchemaResponse;
use crate::wire::messages::{self, ServerCapabilities};

/// Changes with the form of the file.
const MAGIC: &[u8; 8] = b"mnstsch2";
/// Longer than any index: what says more is no file of ours.
const INDEX_BYTES_MAX: u64 = 64 << 20;

/// A folder with schemas of providers.
#[derive(Debug, Clone)]
pub struct SchemaCache {
    folder: PathBuf,
}

/// Where something is in the file, from the end of the index.
#[derive(Clone, Copy, PartialEq, Message)]
struct Extent {
    #[prost(uint64, tag = "1")]
    offset: u64,
    #[prost(uint64, tag = "2")]
    len: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Index {
    #[prost(uint32, tag = "1")]
    protocol: u32,
    #[prost(message, optional, tag = "2")]
    capabilities: Option<ServerCapabilities>,
    #[prost(message, optional, tag = "3")]
    provider: Option<Extent>,
    #[prost(btree_map = "string, message", tag = "4")]
    resources: BTreeMap<String, Extent>,
    #[prost(btree_map = "string, message", tag = "5")]
    data: BTreeMap<String, Extent>,
    #[prost(btree_map = "string, message", tag = "6")]
    ephemeral: BTreeMap<String, Extent>,
    #[prost(btree_map = "string, message", tag = "7")]
    functions: BTreeMap<String, Extent>,
    #[prost(btree_map = "string, message", tag = "8")]
    identities: BTreeMap<String, messages::IdentitySchema>,
    #[prost(message, optional, tag = "9")]
    meta: Option<Extent>,
}

/// What is known of a provider without asking it.
#[derive(Clone)]
pub(crate) struct Stored {
    index: Arc<Index>,
    from: Arc<dyn Bodies>,
    protocol: Protocol,
}

/// Whether what a provider makes may be kept: not that of a program that is being worked on.
#[derive(Debug, Clone)]
pub(crate) enum Lasting {
    /// Under this name.
    As(String),
    /// It may not.
    No,
}

trait Bodies: Send + Sync {
    fn read(&self, at: Extent) -> io::Result<Bytes>;
}

/// Behind the index of a file.
struct InFile {
    file: File,
    start: u64,
}

impl Bodies for InFile {
    fn read(&self, at: Extent) -> io::Result<Bytes> {
        let mut bytes = vec![0; usize::try_from(at.len).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, self.start + at.offset)?;
        Ok(bytes.into())
    }
}

impl Bodies for Bytes {
    fn read(&self, at: Extent) -> io::Result<Bytes> {
        let start = usize::try_from(at.offset).map_err(io::Error::other)?;
        let end = usize::try_from(at.offset + at.len).map_err(io::Error::other)?;
        self.get(start..end)
            .map(|_| self.slice(start..end))
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl SchemaCache {
    /// In a folder, which is made when something is kept.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        // A hash of the hash: whatever the name is made of, the file's name is one.
        self.folder.join(format!("{}.schema", hex::encode(Sha256::digest(name.as_bytes()))))
    }

    /// What is kept under a name; nothing where that cannot be read, since the provider can be asked again.
    pub(crate) fn find(&self, name: &str) -> Option<Stored> {
        let path = self.path(name);
        match open(&path) {
            Ok(stored) => Some(stored),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::debug!("{}: {error}; the provider is asked again", path.display());
                None
            }
        }
    }

    /// Keeps it. That it cannot be kept costs time the next time, and nothing else.
    pub(crate) fn keep(&self, name: &str, stored: &Stored) {
        let path = self.path(name);
        if let Err(error) = self.write(&path, stored) {
            tracing::debug!("{}: {error}; it is not kept", path.display());
        }
    }

    fn write(&self, path: &Path, stored: &Stored) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        let index = stored.index.encode_to_vec();
        let mut out = io::BufWriter::new(file.as_file_mut());
        out.write_all(MAGIC)?;
        out.write_all(&(index.len() as u64).to_le_bytes())?;
        out.write_all(&index)?;
        out.write_all(&stored.from.read(Extent { offset: 0, len: stored.index.len() })?)?;
        out.flush()?;
        drop(out);
        file.persist(path)?;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<Stored> {
    let mut file = File::open(path)?;
    let mut head = [0_u8; 16];
    file.read_exact(&mut head)?;
    let damaged = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let (magic, len) = head.split_at(8);
    if magic != MAGIC {
        return Err(damaged("it is of another version"));
    }
    let len = u64::from_le_bytes(len.try_into().map_err(|_| damaged("no length"))?);
    if len > INDEX_BYTES_MAX {
        return Err(damaged("its index is too long"));
    }
    let mut index = vec![0; usize::try_from(len).map_err(io::Error::other)?];
    file.read_exact(&mut index)?;
    let index = Index::decode(index.as_slice()).map_err(io::Error::other)?;
    let protocol = Protocol::of_number(index.protocol).ok_or_else(|| damaged("no protocol"))?;
    let start = 16 + len;
    if file.metadata()?.len() != start + index.len() {
        return Err(damaged("it is not whole"));
    }
    Ok(Stored { index: Arc::new(index), from: Arc::new(InFile { file, start }), protocol })
}

impl Index {
    /// How much is behind it.
    fn len(&self) -> u64 {
        let kinds = [&self.resources, &self.data, &self.ephemeral, &self.functions];
        let all = kinds.into_iter().flat_map(|kinds| kinds.values()).chain(&self.provider).chain(&self.meta);
        all.map(|at| at.offset + at.len).max().unwrap_or_default()
    }
}

impl Stored {
    /// What a provider answered.
    pub(crate) fn of_answer(
        protocol: Protocol,
        answer: GetProviderSchemaResponse,
        identities: HashMap<String, messages::IdentitySchema>,
    ) -> Self {
        let mut all = Vec::new();
        let mut put = |bytes: &Bytes| {
            let at = Extent { offset: all.len() as u64, len: bytes.len() as u64 };
            all.extend_from_slice(bytes);
            at
        };
        let mut kinds = |from: &HashMap<String, Bytes>| -> BTreeMap<String, Extent> {
            from.iter().map(|(name, bytes)| (name.clone(), put(bytes))).collect()
        };
        let index = Index {
            protocol: protocol.number(),
            capabilities: answer.server_capabilities,
            resources: kinds(&answer.resource_schemas),
            data: kinds(&answer.data_source_schemas),
            ephemeral: kinds(&answer.ephemeral_resource_schemas),
            functions: kinds(&answer.functions),
            provider: answer.provider.as_ref().map(&mut put),
            meta: answer.provider_meta.as_ref().map(&mut put),
            identities: identities.into_iter().collect(),
        };
        Self { index: Arc::new(index), from: Arc::new(Bytes::from(all)), protocol }
    }

    /// What the provider can do.
    pub(crate) fn capabilities(&self) -> ServerCapabilities {
        self.index.capabilities.clone().unwrap_or_default()
    }

    /// Whether modules may have `provider_meta` blocks for it.
    pub(crate) fn takes_meta(&self) -> bool {
        self.index.meta.is_some()
    }

    /// As the engine has it.
    pub(crate) fn schema(&self) -> Result<ProviderSchema, SchemaError> {
        let read = |at: Option<Extent>| at.and_then(|at| self.from.read(at).ok()).unwrap_or_default();
        let later = |part, names: &BTreeMap<String, Extent>| {
            Kinds::later(part, names.keys().map(String::as_str), Arc::new(self.clone()))
        };
        let functions = self.index.functions.iter().map(|(name, at)| {
            Ok((name.as_str().into(), function(&messages::Function::decode(read(Some(*at)))?)))
        });
        Ok(ProviderSchema {
            provider: kind(self.protocol, &read(self.index.provider), None)?,
            resources: later(Part::Managed, &self.index.resources),
            data: later(Part::Data, &self.index.data),
            ephemeral: later(Part::Ephemeral, &self.index.ephemeral),
            functions: functions.collect::<Result<_, SchemaError>>()?,
        })
    }
}

impl KindSource for Stored {
    fn load(&self, part: Part, name: &str) -> Option<KindSchema> {
        let (kinds, identity) = match part {
            Part::Managed => (&self.index.resources, self.index.identities.get(name)),
            Part::Data => (&self.index.data, None),
            Part::Ephemeral => (&self.index.ephemeral, None),
            Part::Provider => return None,
        };
        let bytes = self.from.read(*kinds.get(name)?).map_err(|error| error.to_string());
        let found = bytes.and_then(|bytes| kind(self.protocol, &bytes, identity).map_err(|e| e.to_string()));
        match found {
            Ok(kind) => Some(kind),
            Err(error) => {
                tracing::error!("the schema of {name} cannot be read: {error}");
                None
            }
        }
    }
}
