//! Tokens, and the variables of the environment that hold them.

use std::fmt;

/// A secret that a host is shown. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Takes a secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the request's header.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The variable that holds a host's token: points are `_`, and `-` is `__`.
#[must_use]
pub fn token_variable(host: &str) -> String {
    format!("TF_TOKEN_{}", host.replace('-', "__").replace('.', "_"))
}

/// The host that a variable holds a token of.
pub(super) fn host_of_variable(name: &str) -> Option<String> {
    let host = name.strip_prefix("TF_TOKEN_")?.replace("__", "-").replace('_', ".");
    url::Host::parse(&host).ok().map(|host| host.to_string())
}
