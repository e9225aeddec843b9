//! A lease as every store keeps it: who may take it, and who may write while somebody holds it. It reads and writes nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use engine::{EnvironmentName, HeldLock, LeaseHolder, StoreError};
use serde::{Deserialize, Serialize};

use crate::process::is_gone;

/// The lease of an environment. One that was given back keeps its token, which goes on growing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeaseRow {
    pub(crate) token: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) holder: Option<LeaseHolder>,
    pub(crate) since_ms: u64,
    pub(crate) expires_at_ms: u64,
}

impl LeaseRow {
    /// Who holds it now: it is neither over nor a dead process's.
    fn holder(&self, now_ms: u64) -> Option<&LeaseHolder> {
        self.holder.as_ref().filter(|holder| now_ms < self.expires_at_ms && !is_gone(holder))
    }

    /// The lock that it is now.
    pub(crate) fn lock(&self, now_ms: u64) -> Option<HeldLock> {
        let holder = self.holder(now_ms)?.clone();
        Some(HeldLock { token: self.token, holder, since_ms: self.since_ms })
    }

    /// Refuses where somebody holds it.
    fn free(&self, environment: &EnvironmentName, now_ms: u64) -> Result<(), StoreError> {
        match self.holder(now_ms) {
            None => Ok(()),
            Some(holder) => Err(StoreError::Locked {
                environment: environment.clone(),
                holder: holder.clone(),
                since_ms: self.since_ms,
                expires_at_ms: self.expires_at_ms,
            }),
        }
    }

    /// The lease as the next holder has it.
    pub(crate) fn taken(
        &self,
        environment: &EnvironmentName,
        holder: &LeaseHolder,
        now_ms: u64,
        duration_ms: u64,
    ) -> Result<Self, StoreError> {
        self.free(environment, now_ms)?;
        Ok(Self {
            token: self.token + 1,
            holder: Some(holder.clone()),
            since_ms: now_ms,
            expires_at_ms: now_ms.saturating_add(duration_ms),
        })
    }

    /// Whether a holder of this token still holds it. One that is over and that nobody has taken since still does.
    pub(crate) fn is_held_by(&self, token: u64) -> bool {
        self.holder.is_some() && self.token == token
    }

    /// Whether a store may write to the environment now: the lease that it took is still the last one that was taken, or it
    /// took none and nobody else holds one.
    pub(crate) fn admits(
        &self,
        environment: &EnvironmentName,
        held_here: Option<u64>,
        now_ms: u64,
    ) -> Result<(), StoreError> {
        match held_here {
            Some(token) if self.is_held_by(token) => Ok(()),
            Some(_) => Err(StoreError::LeaseLost(environment.clone())),
            None => self.free(environment, now_ms),
        }
    }
}

/// The leases that were taken through a store, by environment. From then on its writes to the environment need them.
#[derive(Default)]
pub(crate) struct HeldHere {
    tokens: Mutex<HashMap<EnvironmentName, u64>>,
}

impl HeldHere {
    /// A lease was taken here.
    pub(crate) fn raise(&self, environment: &EnvironmentName, token: u64) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(environment.clone(), token);
    }

    /// The lease was given back.
    pub(crate) fn lower(&self, environment: &EnvironmentName, token: u64) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.get(environment) == Some(&token) {
            tokens.remove(environment);
        }
    }

    /// The token of the lease that was taken here.
    pub(crate) fn token(&self, environment: &EnvironmentName) -> Option<u64> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(environment).copied()
    }
}

/// The same refusal for another entry of a commit.
pub(crate) fn same_refusal(refusal: &StoreError) -> StoreError {
    match refusal {
        StoreError::LeaseLost(environment) => StoreError::LeaseLost(environment.clone()),
        StoreError::Locked { environment, holder, since_ms, expires_at_ms } => StoreError::Locked {
            environment: environment.clone(),
            holder: holder.clone(),
            since_ms: *since_ms,
            expires_at_ms: *expires_at_ms,
        },
        StoreError::Unreadable { what, why } => {
            StoreError::Unreadable { what: what.clone(), why: why.clone() }
        }
        StoreError::Refused { what, why } => StoreError::Refused { what: what.clone(), why: why.clone() },
        StoreError::Failed { doing, source } => {
            let mut texts = vec![source.to_string()];
            let mut cause = source.source();
            while let Some(next) = cause {
                texts.push(next.to_string());
                cause = next.source();
            }
            StoreError::Failed { doing: doing.clone(), source: texts.join(": ").into() }
        }
    }
}
