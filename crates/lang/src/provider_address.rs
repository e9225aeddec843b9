//! Providers' addresses: what a module's local name stands for, whatever that name is.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A provider, whatever a module calls it: `registry.terraform.io/hashicorp/aws`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProviderAddress(Arc<str>);

/// The registry of addresses that name none.
const DEFAULT_REGISTRY: &str = "registry.terraform.io";
/// The owner of providers that are known by their name alone.
const DEFAULT_OWNER: &str = "hashicorp";

impl ProviderAddress {
    /// What makes `terraform_data` and reads `terraform_remote_state`.
    pub const BUILTIN: &'static str = "terraform.io/builtin/terraform";

    /// The provider of a source as `required_providers` has it: `aws`, `hashicorp/aws` or the whole of it.
    #[must_use]
    pub fn of_source(source: &str) -> Self {
        let parts: Vec<&str> = source.split('/').collect();
        let text = match parts.as_slice() {
            [name] => format!("{DEFAULT_REGISTRY}/{DEFAULT_OWNER}/{name}"),
            [owner, name] => format!("{DEFAULT_REGISTRY}/{owner}/{name}"),
            _ => source.to_owned(),
        };
        Self(text.to_ascii_lowercase().into())
    }

    /// The provider of a name for which no source is said.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        if name == "terraform" { Self(Self::BUILTIN.into()) } else { Self::of_source(name) }
    }

    /// An address that is written in full, as states have it.
    #[must_use]
    pub fn of_full(text: &str) -> Self {
        Self(text.into())
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host, owner and name: `registry.terraform.io`, `hashicorp`, `aws`. Parts that are not there are empty.
    #[must_use]
    pub fn parts(&self) -> (&str, &str, &str) {
        let mut parts = self.0.splitn(3, '/');
        let mut next = || parts.next().unwrap_or_default();
        (next(), next(), next())
    }

    /// The last part: `aws`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for ProviderAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
