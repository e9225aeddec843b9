//! Who holds an environment's lock now, for whoever wants to take it away.

use engine::{EnvironmentName, LeaseHolder, StoreError};

use super::SqlStore;
use super::database::from_sql;
use crate::process::is_gone;

/// A lock that somebody holds.
#[derive(Debug, Clone)]
pub struct HeldLock {
    /// Names this holding of it: no other one has the same.
    pub token: u64,
    /// The holder.
    pub holder: LeaseHolder,
    /// When it was taken; Unix milliseconds.
    pub since_ms: u64,
}

impl SqlStore {
    /// The lock of an environment; `None` where nobody holds it, or its holder is gone.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn lock(&self, environment: &EnvironmentName) -> Result<Option<HeldLock>, StoreError> {
        let row = sqlx::query("SELECT token, holder, since_ms, expires_at_ms FROM leases WHERE environment = $1")
            .bind(environment.as_str())
            .fetch_optional(&mut *self.database.connection().await?)
            .await
            .map_err(|fault| self.database.fault("looking at the lock", fault))?;
        let Some(row) = row else { return Ok(None) };
        let Some(text) = self.database.column::<Option<&str>>(&row, 1)? else { return Ok(None) };
        let holder: LeaseHolder =
            serde_json::from_str(text).map_err(|fault| self.database.unreadable("the lock's holder", fault))?;
        let expires_at_ms = from_sql(self.database.column(&row, 3)?);
        if (self.clock)() >= expires_at_ms || is_gone(&holder) {
            return Ok(None);
        }
        let since_ms = from_sql(self.database.column(&row, 2)?);
        Ok(Some(HeldLock { token: from_sql(self.database.column(&row, 0)?), holder, since_ms }))
    }
}
