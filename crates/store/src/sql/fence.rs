//! The fence before every write: a writer whose lease is no longer its own writes nothing.
//!
//! It is looked at inside of the transaction that writes, so that nobody can take the lease between the look and the write.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use engine::{EnvironmentName, LeaseHolder, StoreError};
use sqlx::AnyConnection;

use super::database::{Database, from_sql};
use super::multirow::query;
use crate::process::is_gone;

/// The leases that were taken through this store, by environment.
#[derive(Default)]
pub(crate) struct Fence {
    held: Mutex<HashMap<EnvironmentName, u64>>,
}

impl Fence {
    /// A lease was taken here. From now on writes to the environment need it.
    pub(crate) fn raise(&self, environment: &EnvironmentName, token: u64) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(environment.clone(), token);
    }

    /// The lease was given back.
    pub(crate) fn lower(&self, environment: &EnvironmentName, token: u64) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.get(environment) == Some(&token) {
            held.remove(environment);
        }
    }

    fn token(&self, environment: &EnvironmentName) -> Option<u64> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).get(environment).copied()
    }

    /// Whether this store may write to the environment now: the lease that it took is still the last one that was taken, or it
    /// took none and nobody else holds one.
    pub(crate) async fn pass(
        &self,
        database: &Database,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
        now_ms: u64,
    ) -> Result<(), StoreError> {
        let text = format!(
            "SELECT token, holder, since_ms, expires_at_ms FROM leases WHERE environment = $1{}",
            database.lock_row()
        );
        let row = query(text)
            .bind(environment.as_str())
            .fetch_optional(connection)
            .await
            .map_err(|fault| database.fault("looking at the lock", fault))?;
        let held_here = self.token(environment);
        let Some(row) = row else {
            return match held_here {
                Some(_) => Err(StoreError::LeaseLost(environment.clone())),
                None => Ok(()),
            };
        };
        let holder: Option<&str> = database.column(&row, 1)?;
        if let Some(token) = held_here {
            let still = holder.is_some() && from_sql(database.column(&row, 0)?) == token;
            return if still { Ok(()) } else { Err(StoreError::LeaseLost(environment.clone())) };
        }
        let Some(text) = holder else { return Ok(()) };
        let holder: LeaseHolder =
            serde_json::from_str(text).map_err(|fault| database.unreadable("the lock's holder", fault))?;
        let expires_at_ms = from_sql(database.column(&row, 3)?);
        if now_ms >= expires_at_ms || is_gone(&holder) {
            return Ok(());
        }
        let since_ms = from_sql(database.column(&row, 2)?);
        Err(StoreError::Locked { environment: environment.clone(), holder, since_ms, expires_at_ms })
    }
}
