//! What is kept with a service at its agent: the description that was last made real, without its secrets.
//!
//! A secret's place is taken by a salted hash, so that the same one is recognised and no other thing can be read from it.
//! This module talks to no agent.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::io::{self, Read};
use std::sync::Arc;

use agent_api::{Route, ServicePort};
use engine::{Address, DeploymentId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use value::{Kind, Marks, Type, Value};

use crate::SpecHash;

/// Version of the record. A record of another version is somebody else's, and is compared as foreign.
const FORMAT: u32 = 1;

/// Stands in a value for a secret that is not the one that we know. No variable has it: it holds a zero byte.
const OPAQUE: &str = "\0not known";

/// The attributes that only an agent tells.
pub(crate) const COMPUTED: [&str; 2] = ["address", "addresses"];

/// What is kept with a service at its agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRecord {
    format: u32,
    /// The service, as the project calls it.
    pub address: Address,
    /// The deployment that wrote it.
    pub revision: DeploymentId,
    /// What its instances are made from.
    pub spec_hash: SpecHash,
    /// The deployment that is replacing it, while one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling: Option<DeploymentId>,
    salt: String,
    /// Salted hash of the whole description, secrets included.
    digest: String,
    /// The description without secrets: its plain JSON, as a text so that ten thousand are read quickly. Its type is the
    /// language's own.
    description: String,
    /// Salted hashes of sensitive variables, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    secrets: BTreeMap<String, String>,
    /// What was published with it: ports, routes and drain time as one text, to see whether somebody else has changed it.
    published: String,
    /// Whether the variables as a whole are sensitive.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    env_is_secret: bool,
}

/// A record that cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The kernel gives no random bytes.
    #[error("no random bytes can be had from /dev/urandom")]
    Random(#[source] io::Error),
    /// The description cannot be written.
    #[error("the description cannot be written as JSON")]
    Write(#[source] serde_json::Error),
    /// The description is not wholly known.
    #[error("a part of the description is not known yet")]
    Unknown,
}

impl ServiceRecord {
    /// The record of a description and what is published with it, with a fresh salt.
    ///
    /// # Errors
    /// If there are no random bytes, or the description has no JSON.
    pub fn new(
        address: &Address,
        revision: &DeploymentId,
        spec_hash: SpecHash,
        described: &Value,
        (ports, routes, drain_ms): (&[ServicePort], &[Route], u64),
    ) -> Result<Self, RecordError> {
        let mut bytes = [0; 16];
        std::fs::File::open("/dev/urandom")
            .and_then(|mut file| file.read_exact(&mut bytes))
            .map_err(RecordError::Random)?;
        let salt = hex::encode(bytes);
        let described = without_computed(described);
        let digest = salted_digest(&salt, &described);
        let (concealed, secrets, env_is_secret) = conceal(&salt, &described);
        let plain = value::to_json(&concealed).ok_or(RecordError::Unknown)?;
        let description = serde_json::to_string(&plain).map_err(RecordError::Write)?;
        Ok(Self {
            format: FORMAT,
            address: address.clone(),
            revision: revision.clone(),
            spec_hash,
            rolling: None,
            salt,
            digest,
            description,
            secrets,
            published: published(ports, routes, drain_ms),
            env_is_secret,
        })
    }

    /// Whether these were published with it.
    #[must_use]
    pub fn is_published(&self, ports: &[ServicePort], routes: &[Route], drain_ms: u64) -> bool {
        self.published == published(ports, routes, drain_ms)
    }

    /// The record in what an agent keeps; `None` if it is not one of ours.
    #[must_use]
    pub fn from_written(written: &serde_json::Value) -> Option<Self> {
        // Cheaper than asking for the version first, and another version has other fields.
        let record = Self::deserialize(written).ok()?;
        (record.format == FORMAT).then_some(record)
    }

    /// The record as an agent keeps it.
    ///
    /// # Errors
    /// If it has no JSON.
    pub fn to_written(&self) -> Result<serde_json::Value, RecordError> {
        serde_json::to_value(self).map_err(RecordError::Write)
    }

    /// The description, without what only an agent tells. Secrets are taken from `known`, where they are the same ones; any
    /// other is a sensitive value that [`is_opaque`] tells. `None` if the record is damaged.
    #[must_use]
    pub fn reveal(&self, known: Option<&Value>) -> Option<Value> {
        if let Some(known) = known {
            let known = without_computed(known);
            if salted_digest(&self.salt, &known) == self.digest {
                return Some(known);
            }
        }
        let ty = lang::blocks::service_type();
        let plain = fitted(serde_json::from_str(&self.description).ok()?, &ty);
        let decoded = value::from_json_typed(&plain, &ty).ok()?;
        let known_env = known.and_then(|known| known.get("env"));
        let known_secret = |name: &str| {
            let value = known_env.as_ref()?.as_entries()?.get(name)?.clone();
            (self.secrets.get(name)? == &secret_digest(&self.salt, name, value.as_str()?)).then_some(value)
        };
        let Some(Kind::Object(attributes)) = decoded.as_entries().map(|_| decoded.kind()) else {
            return None;
        };
        let mut attributes = attributes.as_ref().clone();
        if let Some(env) = attributes.get_mut("env") {
            let revealed = rebuilt(env, |name, value| match self.secrets.get(name) {
                Some(digest) => known_secret(name).unwrap_or_else(|| {
                    Value::string(format!("{OPAQUE} {digest}")).with_marks(Marks::SENSITIVE)
                }),
                None => value.clone(),
            });
            let marks = if self.env_is_secret { Marks::SENSITIVE } else { Marks::NONE };
            *env = revealed.with_marks(marks);
        }
        Some(Value::object(attributes))
    }
}

/// JSON of an object with exactly the attributes of a type: another version of this program may know more or fewer.
fn fitted(json: serde_json::Value, ty: &Type) -> serde_json::Value {
    match (json, ty) {
        (serde_json::Value::Object(mut entries), Type::Object(object)) => object
            .attributes
            .iter()
            .map(|(name, attribute)| {
                let inner = entries.remove(name.as_ref()).unwrap_or_default();
                (name.to_string(), fitted(inner, &attribute.ty))
            })
            .collect(),
        (serde_json::Value::Object(entries), Type::Map(ty)) => {
            entries.into_iter().map(|(name, inner)| (name, fitted(inner, ty))).collect()
        }
        (serde_json::Value::Array(inner), Type::List(ty)) => {
            inner.into_iter().map(|it| fitted(it, ty)).collect()
        }
        (json, _) => json,
    }
}

fn published(ports: &[ServicePort], routes: &[Route], drain_ms: u64) -> String {
    // Structs of texts and numbers always have a JSON.
    serde_json::to_string(&(ports, routes, drain_ms)).unwrap_or_default()
}

/// Whether a value holds a secret that only its salted hash is known of.
#[must_use]
pub(crate) fn is_opaque(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with(OPAQUE)) || value.children().any(is_opaque)
}

/// The description with nothing in the place of what only an agent tells.
#[must_use]
pub(crate) fn without_computed(described: &Value) -> Value {
    let types = [Type::String, Type::map(Type::String)];
    with_attributes(described, COMPUTED.iter().zip(types).map(|(name, ty)| (*name, Value::null(ty))))
}

/// An object with some attributes replaced or added; anything else as it is.
#[must_use]
pub(crate) fn with_attributes<'a>(
    object: &Value,
    attributes: impl IntoIterator<Item = (&'a str, Value)>,
) -> Value {
    let Kind::Object(entries) = object.kind() else { return object.clone() };
    let mut entries: BTreeMap<Arc<str>, Value> = entries.as_ref().clone();
    for (name, value) in attributes {
        match entries.get_mut(name) {
            Some(entry) => *entry = value,
            None => {
                entries.insert(name.into(), value);
            }
        }
    }
    Value::object(entries).with_marks(object.marks())
}

/// A map or object with other elements, of the same kind.
fn rebuilt(entries: &Value, mut of: impl FnMut(&str, &Value) -> Value) -> Value {
    match entries.kind() {
        Kind::Map(ty, map) => {
            Value::map(ty.as_ref().clone(), map.iter().map(|(name, value)| (name.clone(), of(name, value))))
        }
        Kind::Object(map) => Value::object(map.iter().map(|(name, value)| (name.clone(), of(name, value)))),
        _ => entries.clone(),
    }
}

/// The description with null in the place of each sensitive variable, and their salted hashes.
fn conceal(salt: &str, described: &Value) -> (Value, BTreeMap<String, String>, bool) {
    let mut secrets = BTreeMap::new();
    let Some(env) = described.get("env") else { return (described.clone(), secrets, false) };
    let whole = env.is_sensitive();
    let concealed = rebuilt(&env, |name, value| match value.as_str() {
        Some(text) if whole || value.is_sensitive() => {
            secrets.insert(name.to_owned(), secret_digest(salt, name, text));
            Value::null(Type::String)
        }
        _ => value.clone(),
    });
    // `rebuilt` leaves out the marks of the whole; what is sensitive in it is concealed now.
    (with_attributes(described, [("env", concealed)]), secrets, whole)
}

fn secret_digest(salt: &str, name: &str, secret: &str) -> String {
    let mut hasher = Sha256::new();
    for part in [salt, name, secret] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hex::encode(hasher.finalize())
}

/// A hash of all of a value. It holds for one build of this program: another may hash the same value otherwise, and then
/// compares it in full, which is only slower.
fn salted_digest(salt: &str, value: &Value) -> String {
    struct Feed(Sha256);
    impl Hasher for Feed {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            // Nobody asks: the digest is taken from the hasher itself.
            0
        }
    }
    let mut feed = Feed(Sha256::new_with_prefix(salt.as_bytes()));
    value.hash(&mut feed);
    hex::encode(feed.0.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(secret: &str) -> Value {
        let Type::Object(ty) = lang::blocks::service_type() else { panic!("a service is an object") };
        let bare =
            Value::object(ty.attributes.iter().map(|(name, it)| (name.clone(), Value::null(it.ty.clone()))));
        let env =
            [("PLAIN", Value::string("x")), ("TOKEN", Value::string(secret).with_marks(Marks::SENSITIVE))];
        let attributes = [
            ("image", Value::string("shop/web")),
            ("env", Value::map(Type::String, env)),
            ("address", Value::string("127.0.0.1:1")),
            ("addresses", Value::map(Type::String, [("http", Value::string("127.0.0.1:1"))])),
        ];
        with_attributes(&bare, attributes)
    }

    fn record(value: &Value) -> ServiceRecord {
        let address = "service.web@local".parse().expect("an address");
        ServiceRecord::new(&address, &DeploymentId::new("d1"), SpecHash::new("h"), value, (&[], &[], 0))
            .expect("a record")
    }

    #[test]
    fn a_record_tells_no_secret_and_recognises_it() {
        let value = described("hunter2-hunter2");
        let record = record(&value);
        let text = record.to_written().expect("JSON").to_string();
        assert!(!text.contains("hunter2"), "{text}");
        let read = ServiceRecord::from_written(&serde_json::from_str(&text).expect("JSON")).expect("ours");
        assert_eq!(read.reveal(Some(&value)), Some(without_computed(&value)));
        // The slow way gives the same: another attribute differs, so the whole is not recognised.
        let other = with_attributes(&value, [("image", Value::string("other"))]);
        assert_eq!(read.reveal(Some(&other)), Some(without_computed(&value)));
    }

    #[test]
    fn another_secret_is_seen_as_another_and_stays_unknown() {
        let record = record(&described("one"));
        for known in [None, Some(described("two"))] {
            let revealed = record.reveal(known.as_ref()).expect("a description");
            let token = revealed.get("env").and_then(|env| env.get("TOKEN")).expect("the variable");
            assert!(is_opaque(&token) && is_opaque(&revealed) && token.is_sensitive());
        }
        assert!(!is_opaque(&described("one")));
    }

    #[test]
    fn variables_that_are_secret_as_a_whole_are_concealed_one_by_one() {
        let env =
            Value::map(Type::String, [("A", Value::string("first-secret"))]).with_marks(Marks::SENSITIVE);
        let value = with_attributes(&described("x"), [("env", env)]);
        let record = record(&value);
        assert!(!record.to_written().expect("JSON").to_string().contains("first-secret"));
        let other = with_attributes(&value, [("image", Value::string("other"))]);
        assert_eq!(record.reveal(Some(&other)), Some(without_computed(&value)));
    }

    #[test]
    fn a_record_of_a_version_with_other_attributes_is_read() {
        let value = described("one");
        let mut record = record(&value);
        record.digest.clear();
        record.description = record.description.replace("\"directory\":null", "\"newer\":{\"x\":1}");
        assert!(record.description.contains("newer"));
        assert_eq!(record.reveal(Some(&value)), Some(without_computed(&value)));
    }

    #[test]
    fn what_somebody_else_wrote_is_not_taken_for_ours() {
        for written in
            [serde_json::json!(null), serde_json::json!({"format": 2}), serde_json::json!({"image": "x"})]
        {
            assert_eq!(ServiceRecord::from_written(&written), None);
        }
    }
}
