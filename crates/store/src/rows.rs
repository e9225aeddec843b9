//! A state row as every store writes it, and back.
//!
//! What thousands of rows have in common is had once in memory: types, names of attributes, kinds, modules, providers. It reads
//! and writes nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use engine::{Address, EnvironmentName, ModulePath, Record, ResourceKind, StateRow, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use value::{Encoded, Type, Value, type_from_json};

use crate::decode::decode_plain;
use crate::keys::KeyRing;

/// Where rows were read from, for what a person is told when they cannot be.
pub(crate) trait Origin: Sync {
    /// Something there is not what this program writes.
    fn unreadable(&self, what: &str, why: &dyn std::fmt::Display) -> StoreError;
}

/// A resource's row, ready to be written: what is sensitive is sealed.
#[derive(Debug, Clone)]
pub(crate) struct RowText {
    pub(crate) address: String,
    /// The key of a deposed object; empty for the current one.
    pub(crate) deposed: String,
    pub(crate) value: String,
    /// What is unknown and sensitive; `None`: nothing is.
    pub(crate) notes: Option<String>,
    pub(crate) type_hash: String,
    /// The type itself; `None` where the store is known to have it.
    pub(crate) ty: Option<String>,
    pub(crate) depends_on: Option<String>,
    pub(crate) record: Option<String>,
}

impl RowText {
    pub(crate) fn new(
        keys: &KeyRing,
        environment: &EnvironmentName,
        row: &StateRow,
    ) -> Result<Self, StoreError> {
        let address = row.address.to_string();
        let encoded = keys.seal(environment, &resource_context(&address), &row.value)?;
        let noted = !(encoded.unknown.is_empty() && encoded.sensitive.is_empty());
        let notes = noted.then(|| serde_json::json!([encoded.unknown, encoded.sensitive]).to_string());
        let ty = encoded.ty.to_string();
        Ok(Self {
            value: encoded.value.to_string(),
            notes,
            type_hash: hex::encode(Sha256::digest(&ty)),
            ty: Some(ty),
            depends_on: addresses_text(&row.depends_on),
            record: record_text(keys, environment, &address, &row.record)?,
            deposed: deposed_text(&row.record),
            address,
        })
    }
}

/// What the row of a deposed object is told from the current one's by.
pub(crate) fn deposed_text(record: &Record) -> String {
    record.deposed.as_deref().unwrap_or_default().to_owned()
}

/// A record as it is stored; what a provider keeps for itself is sealed, since nobody but the provider knows what it is.
#[derive(Serialize, Deserialize)]
struct StoredRecord<'a> {
    #[serde(default, borrow, skip_serializing_if = "str::is_empty")]
    provider: std::borrow::Cow<'a, str>,
    #[serde(default, skip_serializing_if = "is_zero")]
    schema_version: u64,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    private: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    tainted: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    create_before_destroy: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<(u64, Json)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A record as text; `None` for that of Mainstay's own kinds, which is empty.
pub(crate) fn record_text(
    keys: &KeyRing,
    environment: &EnvironmentName,
    address: &str,
    record: &Record,
) -> Result<Option<String>, StoreError> {
    let empty = Record { deposed: record.deposed.clone(), ..Record::default() };
    if *record == empty {
        return Ok(None);
    }
    let private = (!record.private.is_empty())
        .then(|| keys.seal_bytes(environment, &private_context(address), &record.private))
        .transpose()?;
    let stored = StoredRecord {
        provider: record.provider.as_ref().into(),
        schema_version: record.schema_version,
        private: private.map(Into::into),
        tainted: record.tainted,
        create_before_destroy: record.create_before_destroy,
        identity: record.identity.clone(),
    };
    serde_json::to_string(&stored)
        .map(Some)
        .map_err(|source| StoreError::Failed { doing: format!("writing {address}"), source: source.into() })
}

/// Reads rows, and keeps what they have in common.
pub(crate) struct Rows<'a> {
    origin: &'a dyn Origin,
    keys: &'a KeyRing,
    environment: &'a EnvironmentName,
    types: HashMap<String, StoredType>,
    texts: HashSet<Arc<str>>,
    module: ModulePath,
}

/// A type as it is stored.
struct StoredType {
    json: Json,
    ty: Option<Type>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(origin: &'a dyn Origin, keys: &'a KeyRing, environment: &'a EnvironmentName) -> Self {
        let (types, texts, module) = (HashMap::new(), HashSet::new(), ModulePath::default());
        Self { origin, keys, environment, types, texts, module }
    }

    /// Takes note of a type by its hash; rows that have it come after it.
    pub(crate) fn add_type(&mut self, hash: &str, json: &str) -> Result<(), StoreError> {
        if self.types.contains_key(hash) {
            return Ok(());
        }
        let json: Json =
            serde_json::from_str(json).map_err(|fault| self.origin.unreadable("a type", &fault))?;
        // A type that this program does not know is a fault only where a row has it.
        let ty = type_from_json(&json).ok();
        self.types.insert(hash.to_owned(), StoredType { json, ty });
        Ok(())
    }

    /// The row of its text.
    pub(crate) fn decode(&mut self, row: &RowText) -> Result<StateRow, StoreError> {
        if let Some(ty) = &row.ty {
            self.add_type(&row.type_hash, ty)?;
        }
        self.parts(
            &row.address,
            &row.deposed,
            &row.value,
            row.notes.as_deref(),
            &row.type_hash,
            row.depends_on.as_deref(),
            row.record.as_deref(),
        )
    }

    /// The row of its parts.
    #[expect(clippy::too_many_arguments, reason = "the columns of a row")]
    pub(crate) fn parts(
        &mut self,
        text: &str,
        deposed: &str,
        value: &str,
        notes: Option<&str>,
        hash: &str,
        depends_on: Option<&str>,
        record: Option<&str>,
    ) -> Result<StateRow, StoreError> {
        let unreadable =
            |fault: &dyn std::fmt::Display| self.origin.unreadable(&format!("the row of {text}"), fault);
        let ty = self.types.get(hash).ok_or_else(|| unreadable(&"its type is missing"))?;
        let value = match (notes, &ty.ty) {
            (None, Some(ty)) => decode_plain(value, ty).map_err(|fault| unreadable(&fault))?,
            (notes, _) => {
                let (unknown, sensitive) =
                    serde_json::from_str(notes.unwrap_or("[[],[]]")).map_err(|fault| unreadable(&fault))?;
                let value = serde_json::from_str(value).map_err(|fault| unreadable(&fault))?;
                let encoded = Encoded { value, ty: ty.json.clone(), unknown, sensitive };
                self.keys.unseal(self.environment, &resource_context(text), encoded)?
            }
        };
        let address: Address = text.parse().map_err(|fault| unreadable(&fault))?;
        let depends_on = depends_on.map_or(Ok(Vec::new()), serde_json::from_str);
        let depends_on = depends_on.map_err(|fault| unreadable(&fault))?;
        let record = self.record(text, deposed, record)?;
        Ok(StateRow { address: self.shared(address), value, depends_on, record })
    }

    /// The record of a row, or of an intent, of an address.
    pub(crate) fn record(
        &mut self,
        address: &str,
        deposed: &str,
        record: Option<&str>,
    ) -> Result<Record, StoreError> {
        let deposed = (!deposed.is_empty()).then(|| Arc::from(deposed));
        let Some(text) = record else { return Ok(Record { deposed, ..Record::default() }) };
        let stored: StoredRecord<'_> = serde_json::from_str(text)
            .map_err(|fault| self.origin.unreadable(&format!("the record of {address}"), &fault))?;
        let private = match &stored.private {
            Some(sealed) => self.keys.unseal_bytes(self.environment, &private_context(address), sealed)?,
            None => Vec::new(),
        };
        Ok(Record {
            deposed,
            provider: self.text(&stored.provider),
            schema_version: stored.schema_version,
            private,
            tainted: stored.tainted,
            create_before_destroy: stored.create_before_destroy,
            identity: stored.identity,
        })
    }

    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(shared) = self.texts.get(text) {
            return shared.clone();
        }
        let shared: Arc<str> = text.into();
        self.texts.insert(shared.clone());
        shared
    }

    /// The address with its kind, its name and its module shared with the rows before it.
    fn shared(&mut self, mut address: Address) -> Address {
        address.kind = ResourceKind::new(self.text(address.kind.as_str()));
        address.name = self.text(&address.name);
        if address.module != self.module {
            self.module = address.module.clone();
        }
        address.module = self.module.clone();
        address
    }
}

/// The context that a row's value is sealed with.
pub(crate) fn resource_context(address: &str) -> String {
    format!("resource {address}")
}

fn private_context(address: &str) -> String {
    format!("private {address}")
}

/// `None` for none, which is the most frequent.
pub(crate) fn addresses_text(addresses: &[Address]) -> Option<String> {
    let texts = || addresses.iter().map(|address| Json::String(address.to_string())).collect::<Json>();
    (!addresses.is_empty()).then(|| texts().to_string())
}

/// A value with what is sensitive sealed, as text.
pub(crate) fn sealed_text(
    keys: &KeyRing,
    environment: &EnvironmentName,
    context: &str,
    value: &Value,
) -> Result<String, StoreError> {
    let encoded = keys.seal(environment, context, value)?;
    serde_json::to_string(&encoded)
        .map_err(|source| StoreError::Failed { doing: format!("writing {context}"), source: source.into() })
}
