//! What is known about registries before one is spoken to: credentials, mirrors, patience. It reads nothing by itself.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A password or token. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who we are for a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A user's name and password, or the name and token of a robot account.
    Password {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// They are in an environment variable that is not set, which matters as soon as they are wanted.
    Unset {
        /// The variable.
        variable: String,
    },
    /// A token that the registry's token server takes for further ones (OAuth 2), as `docker login` keeps it.
    IdentityToken(Secret),
}

/// What is set for one registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistrySettings {
    /// Who we are there.
    pub credentials: Option<Credentials>,
    /// Where its images are looked for first, in this order: `mirror.example:5000`, or with a folder, `mirror.example/hub`.
    pub mirrors: Vec<String>,
    /// Whether it is spoken to without TLS. None: on loopback only.
    pub plain_http: Option<bool>,
}

/// What is set for registries, by their names as references have them.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// One for each.
    pub registries: BTreeMap<String, RegistrySettings>,
    /// How long a registry is waited for.
    pub patience: Patience,
}

/// How long a registry is waited for, and how often it is asked again.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the next bytes of an answer.
    pub read: Duration,
    /// How often a request is sent before its failure is final; a download that has gone on since begins to count anew.
    pub attempts_max: u32,
    /// Before the second attempt; doubled before each further one.
    pub retry_delay: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(30),
            attempts_max: 5,
            retry_delay: Duration::from_millis(250),
        }
    }
}
