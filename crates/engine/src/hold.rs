//! What keeps an environment, or a service in it, as it is: a freeze, or a pin.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Address;

/// What is held as it is until a person lets it go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// A service, whatever its keys and clusters; `None`: everything in the environment.
    pub service: Option<Address>,
    /// Why, in a person's words or ours.
    pub why: String,
    /// Who said so, `ann@laptop`.
    pub who: String,
    /// Since when; Unix milliseconds.
    pub since_ms: u64,
}

impl Hold {
    /// Whether it is about a service instance.
    #[must_use]
    pub fn covers(&self, address: &Address) -> bool {
        self.service.as_ref().is_none_or(|service| {
            (&service.module, &service.kind, &service.name) == (&address.module, &address.kind, &address.name)
        })
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.service {
            Some(service) => write!(f, "{service} is pinned by {}: {}", self.who, self.why),
            None => write!(f, "the environment is frozen by {}: {}", self.who, self.why),
        }
    }
}
