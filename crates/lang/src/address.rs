//! Names and addresses: what a person types, what the state is keyed by, what a plan speaks of. No meaning is looked up here.

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

/// What sort of thing a resource block declares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// `resource`, and Mainstay's own kinds: made, changed and removed.
    #[default]
    Managed,
    /// `data`: only read.
    Data,
    /// `ephemeral`: opened for one run, never stored.
    Ephemeral,
}

/// One `module` call on the way from the root, with the instance where the call is repeated.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleStep {
    /// The call's name.
    pub name: Arc<str>,
    /// Which of several.
    pub key: Option<Key>,
}

/// The way from the root module to a module instance; empty for the root. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModulePath(pub Arc<[ModuleStep]>);

impl ModulePath {
    /// Whether it is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The instance of a call in this module instance.
    #[must_use]
    pub fn child(&self, name: Arc<str>, key: Option<Key>) -> Self {
        Self(self.0.iter().cloned().chain([ModuleStep { name, key }]).collect())
    }

    /// The module instance that holds the call; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.0.split_last()?;
        Some(Self(above.into()))
    }

    /// Whether this is `pattern` or in it. A step without a key in the pattern stands for all instances of the call.
    #[must_use]
    pub fn is_within(&self, pattern: &Self) -> bool {
        self.0.len() >= pattern.0.len()
            && pattern.0.iter().zip(self.0.iter()).all(|(pattern, step)| {
                pattern.name == step.name && (pattern.key.is_none() || pattern.key == step.key)
            })
    }
}

impl fmt::Display for ModulePath {
    /// `module.a["x"].module.b`; nothing for the root.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            let dot = if i == 0 { "" } else { "." };
            write!(f, "{dot}module.{}{}", step.name, KeySuffix(step.key.as_ref()))?;
        }
        Ok(())
    }
}

/// A key as an address has it: `[0]`, `["a"]`, or nothing.
struct KeySuffix<'a>(Option<&'a Key>);

impl fmt::Display for KeySuffix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => Ok(()),
            Some(Key::Index(index)) => write!(f, "[{index}]"),
            // `${` and `%{` begin templates where an address is written in a configuration.
            Some(Key::Name(name)) => {
                let text = serde_json::Value::String(name.to_string()).to_string();
                write!(f, "[{}]", text.replace("${", "$${").replace("%{", "%%{"))
            }
        }
    }
}

/// Where one resource instance stands: `aws_vpc.main`, `module.net["eu"].data.aws_ami.base[0]`, `service.web["blue"]@eu-1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The module instance that it is in.
    pub module: ModulePath,
    /// What sort of thing it is.
    pub mode: Mode,
    /// The kind of resource.
    pub kind: ResourceKind,
    /// The name that it was declared under.
    pub name: Arc<str>,
    /// Which of several.
    pub key: Option<Key>,
    /// The cluster, for what has an instance in each.
    pub cluster: Option<ClusterName>,
}

/// What a person or a `moved` block names: a module with all that is in it, a resource with all its instances, or one instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// `module.a`, `module.a["x"].module.b`.
    Module(ModulePath),
    /// `aws_vpc.main`, `module.a.aws_vpc.main[0]`. Without a key: all instances.
    Resource(Address),
}

/// A text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an address; one looks like `service.web`, `module.net.aws_vpc.main[0]` or `service.web[\"blue\"]@local`"
)]
pub struct ParseAddressError(String);

impl Address {
    /// A resource of the root module.
    #[must_use]
    pub fn new(kind: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self {
            module: ModulePath::default(),
            mode: Mode::Managed,
            kind: ResourceKind::new(kind),
            name: name.into(),
            key: None,
            cluster: None,
        }
    }

    /// The same under a key.
    #[must_use]
    pub fn with_key(mut self, key: Option<Key>) -> Self {
        self.key = key;
        self
    }

    /// The same in a cluster.
    #[must_use]
    pub fn in_cluster(mut self, cluster: Option<ClusterName>) -> Self {
        self.cluster = cluster;
        self
    }

    /// Whether `pattern` names this instance or a set that it is in: `service.web` names all instances in all clusters.
    #[must_use]
    pub fn is_within(&self, pattern: &Self) -> bool {
        self.kind == pattern.kind
            && self.name == pattern.name
            && self.mode == pattern.mode
            && (pattern.key.is_none() || pattern.key == self.key)
            && (pattern.cluster.is_none() || pattern.cluster == self.cluster)
            && self.module.0.len() == pattern.module.0.len()
            && self.module.is_within(&pattern.module)
    }

    /// The address as it reads within its module: `data.aws_ami.base[0]`.
    #[must_use]
    pub fn in_module(&self) -> Self {
        Self { module: ModulePath::default(), ..self.clone() }
    }

    /// The resource without the key of the instance.
    #[must_use]
    pub fn resource(&self) -> Self {
        Self { key: None, ..self.clone() }
    }
}

impl Target {
    /// Whether it names this instance.
    #[must_use]
    pub fn includes(&self, address: &Address) -> bool {
        match self {
            Self::Module(path) => address.module.is_within(path),
            Self::Resource(pattern) => address.is_within(pattern),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(path) => path.fmt(f),
            Self::Resource(address) => address.fmt(f),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_root() {
            write!(f, "{}.", self.module)?;
        }
        f.write_str(match self.mode {
            Mode::Managed => "",
            Mode::Data => "data.",
            Mode::Ephemeral => "ephemeral.",
        })?;
        write!(f, "{}.{}{}", self.kind, self.name, KeySuffix(self.key.as_ref()))?;
        if let Some(cluster) = &self.cluster {
            write!(f, "@{cluster}")?;
        }
        Ok(())
    }
}

impl FromStr for Address {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse()? {
            Target::Resource(address) => Ok(address),
            Target::Module(_) => Err(ParseAddressError(text.to_owned())),
        }
    }
}

impl FromStr for Target {
    type Err = ParseAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Reader { text, rest: text }.target()
    }
}

/// Reads an address from left to right.
struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn fault(&self) -> ParseAddressError {
        ParseAddressError(self.text.to_owned())
    }

    fn target(mut self) -> Result<Target, ParseAddressError> {
        let mut steps = Vec::new();
        while let Some(after) = self.rest.strip_prefix("module.") {
            self.rest = after;
            let name: Arc<str> = self.word()?.into();
            let key = self.key()?;
            steps.push(ModuleStep { name, key });
            if self.rest.is_empty() {
                return Ok(Target::Module(ModulePath(steps.into())));
            }
            self.rest = self.rest.strip_prefix('.').ok_or_else(|| self.fault())?;
        }
        let mode = if self.skip("data.") {
            Mode::Data
        } else if self.skip("ephemeral.") {
            Mode::Ephemeral
        } else {
            self.skip("resource.");
            Mode::Managed
        };
        let kind = ResourceKind::new(self.word()?);
        self.rest = self.rest.strip_prefix('.').ok_or_else(|| self.fault())?;
        let name: Arc<str> = self.word()?.into();
        let key = self.key()?;
        let cluster = match self.rest.strip_prefix('@') {
            Some(after) => {
                self.rest = after;
                Some(ClusterName::new(self.word()?))
            }
            None => None,
        };
        if !self.rest.is_empty() {
            return Err(self.fault());
        }
        Ok(Target::Resource(Address { module: ModulePath(steps.into()), mode, kind, name, key, cluster }))
    }

    fn skip(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(after) => {
                self.rest = after;
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> Result<&'a str, ParseAddressError> {
        let belongs = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '/');
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        if word.is_empty() { Err(self.fault()) } else { Ok(word) }
    }

    fn key(&mut self) -> Result<Option<Key>, ParseAddressError> {
        let Some(keyed) = self.rest.strip_prefix('[') else { return Ok(None) };
        // A key is JSON; the stream decoder says where it ends, so that `]` and `@` may be in it.
        let mut keys = serde_json::Deserializer::from_str(keyed).into_iter::<serde_json::Value>();
        let key = match keys.next() {
            Some(Ok(serde_json::Value::String(s))) => {
                Key::Name(s.replace("$${", "${").replace("%%{", "%{").into())
            }
            Some(Ok(serde_json::Value::Number(n))) => Key::Index(n.as_u64().ok_or_else(|| self.fault())?),
            _ => return Err(self.fault()),
        };
        let after = keyed.get(keys.byte_offset()..).and_then(|s| s.strip_prefix(']'));
        self.rest = after.ok_or_else(|| self.fault())?;
        Ok(Some(key))
    }
}

impl Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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
        for text in [
            "service.web",
            "service.web[2]",
            "service.web[\"a]@\\\"b\"]@eu-1",
            "service.web@local",
            "module.a.module.b[\"x.y\"].data.t.n[0]",
            "ephemeral.t.n",
            "module.m[3].service.web@eu",
        ] {
            assert_eq!(text.parse::<Address>().map(|a| a.to_string()).as_deref(), Ok(text));
        }
        for text in ["web", "service.", "service.web[", "service.web[1", "service.web@", "service.web]@x"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
