//! Sealing of the sensitive parts of encoded values, each on its own, bound to where it belongs.
//!
//! A sealed part stands in its place as `{"$sealed": "…"}`: base64 of a version byte, the key's id (4 bytes), a nonce (24
//! bytes) and the ciphertext of XChaCha20-Poly1305. The associated data is the environment, the context that the caller
//! names, and the path, so that a sealed part cannot be moved to another place. What is below the part (its type, what of it
//! is unknown) is sealed with it. It does not decide what is sensitive.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead, AeadCore, OsRng, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use engine::{EnvironmentName, StoreError};
use serde_json::{Map, Value as Json, json};
use value::{Encoded, Marks, Value, decode, encode};

use crate::keys::{EnvironmentKey, KeyRing, Missing};

/// The member that a sealed part is an object of.
const MEMBER: &str = "$sealed";
/// Version of the form that is described above.
const VERSION: u8 = 1;
/// Length of the nonce of XChaCha20-Poly1305 in bytes: long enough to be drawn at random for each part.
const NONCE_BYTES: usize = 24;
/// Bytes before the ciphertext.
const HEAD_BYTES: usize = 1 + 4 + NONCE_BYTES;

impl KeyRing {
    /// The value as data with every sensitive part sealed. `context` names the place where it is stored, as in
    /// `resource service.web@local`, and has to be the same when it is unsealed.
    ///
    /// # Errors
    /// If the value is ephemeral, or the key cannot be had.
    pub fn seal(
        &self,
        environment: &EnvironmentName,
        context: &str,
        value: &Value,
    ) -> Result<Encoded, StoreError> {
        if value.marks_deep().contains(Marks::EPHEMERAL) {
            let why = "it holds an ephemeral value, which is never stored: use it where nothing keeps it, or drop `ephemeral`";
            return Err(StoreError::Refused { what: format!("storing {context}"), why: why.into() });
        }
        let encoded = encode(value);
        if encoded.sensitive.is_empty() {
            Ok(encoded)
        } else {
            self.seal_encoded(environment, context, &encoded)
        }
    }

    /// The value again.
    ///
    /// # Errors
    /// If a part cannot be unsealed, or the data is not that of a value.
    pub fn unseal(
        &self,
        environment: &EnvironmentName,
        context: &str,
        encoded: Encoded,
    ) -> Result<Value, StoreError> {
        let clear = self.unseal_owned(environment, context, encoded)?;
        decode(&clear)
            .map_err(|fault| StoreError::Unreadable { what: context.into(), why: fault.to_string() })
    }

    /// Data with every sensitive part sealed.
    ///
    /// # Errors
    /// If the key cannot be had, or the data is not that of a value.
    pub fn seal_encoded(
        &self,
        environment: &EnvironmentName,
        context: &str,
        encoded: &Encoded,
    ) -> Result<Encoded, StoreError> {
        if encoded.sensitive.is_empty() {
            return Ok(encoded.clone());
        }
        let key = self.key(environment, Missing::Make)?;
        let place = Place { environment, context };
        let mut sealed = encoded.clone();
        let mut sensitive = paths(&place, &encoded.sensitive)?;
        sensitive.sort();
        let mut unknown = paths(&place, &encoded.unknown)?;
        unknown.sort();
        // In this order everything below a path follows it directly.
        let mut tops: Vec<(Vec<Step>, Vec<Json>)> = Vec::new();
        for path in sensitive {
            match tops.last_mut() {
                Some((top, below)) if path.starts_with(top) => {
                    if path.len() > top.len() {
                        below.push(path_json(&path[top.len()..]));
                    }
                }
                _ => tops.push((path, Vec::new())),
            }
        }
        sealed.unknown = Vec::new();
        let mut unknown = unknown.into_iter().peekable();
        let mut outside = |path: &[Step]| sealed.unknown.push(path_json(path));
        let mut kept = Vec::with_capacity(tops.len());
        let mut parts = Vec::with_capacity(tops.len());
        for (top, below) in tops {
            while let Some(path) = unknown.next_if(|path| *path < top) {
                outside(&path);
            }
            let mut inside = Vec::new();
            while let Some(path) = unknown.next_if(|path| path.starts_with(&top)) {
                inside.push(path_json(&path[top.len()..]));
            }
            kept.push(path_json(&top));
            parts.push((top, below, inside));
        }
        unknown.for_each(|path| outside(&path));
        for (top, below, inside) in parts {
            let slot = value_at(&mut sealed.value, &top).ok_or_else(|| place.broken(&top))?;
            let ty = type_at(&mut sealed.ty, &top).map(|ty| std::mem::replace(ty, json!("dynamic")));
            let part = Encoded {
                value: slot.take(),
                ty: ty.unwrap_or(Json::Null),
                unknown: inside,
                sensitive: below,
            };
            *slot = seal_part(&key, &place, &top, &part)?;
        }
        sealed.sensitive = kept;
        Ok(sealed)
    }

    /// Data as it was before [`KeyRing::seal_encoded`].
    ///
    /// # Errors
    /// If a part was sealed with another key or for another place, was changed, or is not sealed at all.
    pub fn unseal_encoded(
        &self,
        environment: &EnvironmentName,
        context: &str,
        encoded: &Encoded,
    ) -> Result<Encoded, StoreError> {
        self.unseal_owned(environment, context, encoded.clone())
    }

    /// Bytes that nobody but us is to read, as text. `context` as in [`KeyRing::seal`].
    pub(crate) fn seal_bytes(
        &self,
        environment: &EnvironmentName,
        context: &str,
        bytes: &[u8],
    ) -> Result<String, StoreError> {
        let key = self.key(environment, Missing::Make)?;
        sealed_text(&key, &Place { environment, context }, &[], bytes)
    }

    /// The bytes again.
    pub(crate) fn unseal_bytes(
        &self,
        environment: &EnvironmentName,
        context: &str,
        text: &str,
    ) -> Result<Vec<u8>, StoreError> {
        let key = self.key(environment, Missing::Fault)?;
        unsealed_bytes(&key, &Place { environment, context }, &[], Some(text))
    }

    fn unseal_owned(
        &self,
        environment: &EnvironmentName,
        context: &str,
        mut encoded: Encoded,
    ) -> Result<Encoded, StoreError> {
        if encoded.sensitive.is_empty() {
            return Ok(encoded);
        }
        let key = self.key(environment, Missing::Fault)?;
        let place = Place { environment, context };
        let tops = paths(&place, &encoded.sensitive)?;
        encoded.sensitive.clear();
        for top in tops {
            let slot = value_at(&mut encoded.value, &top).ok_or_else(|| place.broken(&top))?;
            let part = unseal_part(&key, &place, &top, slot)?;
            *slot = part.value;
            if !part.ty.is_null() {
                *type_at(&mut encoded.ty, &top).ok_or_else(|| place.broken(&top))? = part.ty;
            }
            encoded.sensitive.push(path_json(&top));
            encoded.sensitive.extend(part.sensitive.iter().map(|path| below(&top, path)));
            encoded.unknown.extend(part.unknown.iter().map(|path| below(&top, path)));
        }
        Ok(encoded)
    }
}

/// Where a value belongs.
struct Place<'a> {
    environment: &'a EnvironmentName,
    context: &'a str,
}

impl Place<'_> {
    fn what(&self) -> String {
        format!("a sealed value of {} ({})", self.environment, self.context)
    }

    fn broken(&self, path: &[Step]) -> StoreError {
        let why = format!("there is nothing at {}", path_json(path));
        StoreError::Unreadable { what: self.what(), why }
    }

    fn unreadable(&self, why: String) -> StoreError {
        StoreError::Unreadable { what: self.what(), why }
    }

    fn failed(&self, source: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
        StoreError::Failed { doing: format!("sealing {}", self.context), source }
    }

    /// Each part with its length before it, so that no two places have the same.
    fn associated(&self, path: &[Step]) -> Vec<u8> {
        let mut data = Vec::new();
        for part in [self.environment.as_str(), self.context, &path_json(path).to_string()] {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part.as_bytes());
        }
        data
    }
}

fn seal_part(
    key: &EnvironmentKey,
    place: &Place<'_>,
    path: &[Step],
    part: &Encoded,
) -> Result<Json, StoreError> {
    let clear = serde_json::to_vec(part).map_err(|fault| place.failed(fault.into()))?;
    let text = sealed_text(key, place, path, &clear)?;
    Ok(Json::Object(Map::from_iter([(MEMBER.to_owned(), Json::String(text))])))
}

fn sealed_text(
    key: &EnvironmentKey,
    place: &Place<'_>,
    path: &[Step],
    clear: &[u8],
) -> Result<String, StoreError> {
    let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
    let ciphertext = key
        .cipher
        .encrypt(&nonce, Payload { msg: clear, aad: &place.associated(path) })
        .map_err(|fault| place.failed(fault.to_string().into()))?;
    let mut bytes = Vec::with_capacity(HEAD_BYTES + ciphertext.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&key.id);
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&ciphertext);
    Ok(BASE64.encode(bytes))
}

fn unseal_part(
    key: &EnvironmentKey,
    place: &Place<'_>,
    path: &[Step],
    sealed: &Json,
) -> Result<Encoded, StoreError> {
    let text = sealed.get(MEMBER).and_then(Json::as_str);
    let clear = unsealed_bytes(key, place, path, text)?;
    serde_json::from_slice(&clear).map_err(|_| place.unreadable("what was sealed is not a value".into()))
}

fn unsealed_bytes(
    key: &EnvironmentKey,
    place: &Place<'_>,
    path: &[Step],
    text: Option<&str>,
) -> Result<Vec<u8>, StoreError> {
    let bytes = text
        .and_then(|text| BASE64.decode(text).ok())
        .filter(|bytes| bytes.len() > HEAD_BYTES)
        .ok_or_else(|| place.unreadable("it is not sealed, or was cut off".into()))?;
    let (head, ciphertext) = bytes.split_at(HEAD_BYTES);
    if head[0] != VERSION {
        return Err(
            place.unreadable(format!("it was sealed by a newer program (form {}): use that one", head[0]))
        );
    }
    if head[1..5] != key.id {
        return Err(place.unreadable(format!(
            "it was sealed with another key (id {}) than the one in {} (id {}): put the right key there",
            hex::encode(&head[1..5]),
            key.place,
            hex::encode(key.id)
        )));
    }
    let payload = Payload { msg: ciphertext, aad: &place.associated(path) };
    key.cipher.decrypt(XNonce::from_slice(&head[5..]), payload).map_err(|_| {
        place.unreadable(format!(
            "the key in {} is the right one, but the value was changed or belongs to another place: take it from a backup",
            key.place
        ))
    })
}

/// One step of a path; ordered, so that what is below a path comes directly after it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Index(u64),
    Name(String),
}

fn paths(place: &Place<'_>, json: &[Json]) -> Result<Vec<Vec<Step>>, StoreError> {
    let step = |step: &Json| match step {
        Json::String(name) => Some(Step::Name(name.clone())),
        other => other.as_u64().map(Step::Index),
    };
    let path = |path: &Json| path.as_array()?.iter().map(step).collect::<Option<Vec<_>>>();
    json.iter()
        .map(|json| {
            let why = || format!("{json} is not a path");
            path(json).ok_or_else(|| StoreError::Unreadable { what: place.what(), why: why() })
        })
        .collect()
}

fn path_json(path: &[Step]) -> Json {
    let step = |step: &Step| match step {
        Step::Index(index) => json!(index),
        Step::Name(name) => json!(name),
    };
    path.iter().map(step).collect()
}

fn below(top: &[Step], relative: &Json) -> Json {
    let mut path = path_json(top);
    if let (Json::Array(path), Json::Array(relative)) = (&mut path, relative) {
        path.extend_from_slice(relative);
    }
    path
}

fn value_at<'a>(value: &'a mut Json, path: &[Step]) -> Option<&'a mut Json> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Name(name) => value.get_mut(name),
        Step::Index(index) => value.get_mut(usize::try_from(*index).ok()?),
    })
}

/// The type of what is at a path, where it has one of its own: not inside a collection, whose elements share theirs.
fn type_at<'a>(ty: &'a mut Json, path: &[Step]) -> Option<&'a mut Json> {
    path.iter().try_fold(ty, |ty, step| match (ty.get(0).and_then(Json::as_str), step) {
        (Some("object"), Step::Name(name)) => ty.get_mut(1)?.get_mut(name),
        (Some("tuple"), Step::Index(index)) => ty.get_mut(1)?.get_mut(usize::try_from(*index).ok()?),
        _ => None,
    })
}
