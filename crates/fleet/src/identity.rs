//! Names of services and instances at an agent, derived from what they are. It asks nobody whether they are taken.

use std::fmt;

use agent_api::{InstanceId, ServiceKey};
use engine::{Address, EnvironmentName, Key, ProjectName};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Hash of what makes an instance of a service: 64 hexadecimal digits. Two instances with the same one are alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SpecHash(String);

impl SpecHash {
    /// The hash of bytes that say what makes an instance.
    #[must_use]
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(bytes)))
    }

    /// A hash as an agent tells it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SpecHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Longest part of an instance's id that is the service's own name. With the hash and an ordinal of ten digits the id stays
/// below the 63 characters that a host name may have.
const SLUG_CHARS_MAX: usize = 36;

/// Hexadecimal digits of the hash in an id: 48 bits, so that ten thousand services on one agent collide with a chance below
/// one in a million.
const ID_HASH_DIGITS: usize = 12;

/// Longest service name that an agent is given as it is.
const SERVICE_NAME_CHARS_MAX: usize = 63;

/// The name under which an agent keeps a service instance: `web`, `web.0`, `web.blue`.
///
/// Names and keys that an agent would refuse are replaced by a hash, so that every key has a name of its own. A `.` stands
/// only before a key, since no service's name has one.
#[must_use]
pub fn service_name(address: &Address) -> String {
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    let name = match &address.key {
        None => address.name.to_string(),
        Some(Key::Index(index)) => format!("{}.{index}", address.name),
        // A name of digits alone would be taken for an index.
        Some(Key::Name(key)) if plain(key) && !key.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{}.{key}", address.name)
        }
        Some(Key::Name(key)) => format!("{}.x{}", address.name, short_hash(&[key])),
    };
    if plain(&address.name) && name.len() <= SERVICE_NAME_CHARS_MAX {
        return name;
    }
    format!("x{}", short_hash(&[&name]))
}

/// The key under which an agent keeps a service.
#[must_use]
pub fn service_key(project: &ProjectName, environment: &EnvironmentName, address: &Address) -> ServiceKey {
    ServiceKey {
        project: project.as_str().into(),
        environment: environment.as_str().into(),
        service: service_name(address),
    }
}

/// Gives the ids of a service's instances: `web-3f2a9c1b0d4e-1` and so on. They depend on project, environment, service and
/// description alone, so that starting one twice is starting it once, and projects on one agent do not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceNames {
    prefix: String,
}

impl InstanceNames {
    /// Of the instances that a service has by a description.
    #[must_use]
    pub fn new(service: &ServiceKey, spec_hash: &SpecHash) -> Self {
        let hash =
            short_hash(&[&service.project, &service.environment, &service.service, spec_hash.as_str()]);
        let mut slug: String = service
            .service
            .bytes()
            .take(SLUG_CHARS_MAX)
            .map(|b| if b.is_ascii_lowercase() || b.is_ascii_digit() { char::from(b) } else { '-' })
            .collect();
        slug.truncate(slug.trim_end_matches('-').len());
        let slug = slug.trim_start_matches('-');
        Self { prefix: if slug.is_empty() { hash } else { format!("{slug}-{hash}") } }
    }

    /// The id of the instance with an ordinal, from 1 on.
    #[must_use]
    pub fn id(&self, ordinal: u32) -> InstanceId {
        InstanceId(format!("{}-{ordinal}", self.prefix))
    }

    /// The ordinal of one of these ids.
    #[must_use]
    pub fn ordinal(&self, id: &InstanceId) -> Option<u32> {
        id.0.strip_prefix(&self.prefix)?.strip_prefix('-')?.parse().ok()
    }
}

/// A short hash of texts, each with its length, so that no two lists of texts run together.
fn short_hash(texts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    let mut digits = hex::encode(hasher.finalize());
    digits.truncate(ID_HASH_DIGITS);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> String {
        service_name(&text.parse().expect("an address"))
    }

    #[test]
    fn every_key_has_a_name_of_its_own_that_an_agent_takes() {
        assert_eq!(named("service.web"), "web");
        assert_eq!(named("service.web[2]@local"), "web.2");
        assert_eq!(named("service.web[\"blue\"]"), "web.blue");
        assert_ne!(named("service.web[\"2\"]"), named("service.web[2]"));
        assert_ne!(named("service.web[\"A b\"]"), named("service.web[\"a b\"]"));
        let odd = named("service.web[\"../../x\"]");
        assert!(odd.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.')), "{odd}");
    }

    #[test]
    fn ids_are_host_names_and_differ_between_projects() {
        let key = |project: &str, service: &str| ServiceKey {
            project: project.into(),
            environment: "dev".into(),
            service: service.into(),
        };
        let hash = SpecHash::of(b"x");
        let long = InstanceNames::new(&key("shop", &"a_".repeat(40)), &hash).id(u32::MAX);
        assert!(long.0.len() <= 63, "{long}");
        assert!(long.0.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{long}");
        let names = InstanceNames::new(&key("shop", "web"), &hash);
        assert_ne!(names.id(1), InstanceNames::new(&key("shop2", "web"), &hash).id(1));
        assert_eq!(names.ordinal(&names.id(7)), Some(7));
        assert_eq!(names.ordinal(&InstanceId("web-1".into())), None);
    }
}
