//! Names and addresses.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as it was declared.
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }

            /// Its text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A project's name.
    ProjectName
);
name!(
    /// An environment's name: `dev`, `prod-eu`.
    EnvironmentName
);
name!(
    /// A cluster's name within an environment.
    ClusterName
);
name!(
    /// A kind of resource: `service`.
    ResourceKind
);
name!(
    /// A revision's name: the first 12 hexadecimal digits of the hash of what it holds.
    RevisionId
);
name!(
    /// A deployment's name: sorts by time.
    DeploymentId
);

/// The key of one of several instances made by `count` or `for_each`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// By `count`.
    Index(u64),
    /// By `for_each`.
    Name(Arc<str>),
}

/// Where one resource instance stands: `service.web`, `service.web["blue"]`, and with its cluster `service.web["blue"]@eu-1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The kind of resource.
    pub kind: ResourceKind,
    /// The name that it was declared under.
    pub name: Arc<str>,
    /// Which of several.
    pub key: Option<Key>,
    /// The cluster, for what has an instance in each.
    pub cluster: Option<ClusterName>,
}

/// A text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address; one looks like `service.web` or `service.web[\"blue\"]@local`")]
pub struct ParseAddressError(String);

impl Address {
    /// Whether `pattern` names this instance or a set that it is in: `service.web` names all instances in all clusters.
    #[must_use]
    pub fn is_within(&self, pattern: &Self) -> bool {
        self.kind == pattern.kind
            && self.name == pattern.name
            && (pattern.key.is_none() || pattern.key == self.key)
            && (pattern.cluster.is_none() || pattern.cluster == self.cluster)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind, self.name)?;
        match &self.key {
            Some(Key::Index(i)) => write!(f, "[{i}]")?,
            Some(Key::Name(name)) => write!(f, "[{}]", serde_json::Value::String(name.to_string()))?,
            None => {}
        }
        if let Some(cluster) = &self.cluster {
            write!(f, "@{cluster}")?;
        }
        Ok(())
    }
}

impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = || ParseAddressError(text.to_owned());
        let word =
            |s: &str| !s.is_empty() && s.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '/'));
        let (kind, rest) = text.split_once('.').ok_or_else(fault)?;
        let (name, key, after) = match rest.split_once('[') {
            Some((name, keyed)) => {
                // A key is JSON; the stream decoder says where it ends, so that `]` and `@` may be in it.
                let mut keys = serde_json::Deserializer::from_str(keyed).into_iter::<serde_json::Value>();
                let key = match keys.next() {
                    Some(Ok(serde_json::Value::String(s))) => Key::Name(s.into()),
                    Some(Ok(serde_json::Value::Number(n))) => Key::Index(n.as_u64().ok_or_else(fault)?),
                    _ => return Err(fault()),
                };
                let after =
                    keyed.get(keys.byte_offset()..).and_then(|s| s.strip_prefix(']')).ok_or_else(fault)?;
                (name, Some(key), after)
            }
            None => rest.find('@').map_or((rest, None, ""), |at| (&rest[..at], None, &rest[at..])),
        };
        let cluster = match after.strip_prefix('@') {
            Some(cluster) if word(cluster) => Some(ClusterName::new(cluster)),
            None if after.is_empty() => None,
            _ => return Err(fault()),
        };
        if !word(kind) || !word(name) {
            return Err(fault());
        }
        Ok(Self { kind: ResourceKind::new(kind), name: name.into(), key, cluster })
    }
}

impl Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_it_was_written() {
        for text in ["service.web", "service.web[2]", "service.web[\"a]@\\\"b\"]@eu-1", "service.web@local"] {
            assert_eq!(text.parse::<Address>().map(|a| a.to_string()).as_deref(), Ok(text));
        }
        for text in ["web", "service.", "service.web[", "service.web[1", "service.web@", "service.web]@x"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
