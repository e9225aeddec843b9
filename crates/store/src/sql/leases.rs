//! Leases: one holder for each environment, with a token that grows with each of them.

use async_trait::async_trait;
use engine::{EnvironmentName, HeldLock, Lease, LeaseHolder, Leases, StoreError};
use sqlx::{AnyConnection, Connection as _};

use super::SqlStore;
use super::database::{Database, from_sql, to_sql};
use super::multirow::query;
use crate::lease::LeaseRow;

#[async_trait]
impl Leases for SqlStore {
    async fn acquire(
        &self,
        environment: &EnvironmentName,
        holder: &LeaseHolder,
        duration_ms: u64,
    ) -> Result<Lease, StoreError> {
        let fault = |fault| self.database.fault("taking the lock", fault);
        let now_ms = (self.clock)();
        let mut connection = self.database.connection().await?;
        // Of two that want the lease, the second reads what the first has written: the row is there before it is looked at, and
        // whoever looks has it locked.
        let mut transaction = connection.begin_with(self.database.begin_write()).await.map_err(fault)?;
        let taken = self.take(&mut transaction, environment, holder, now_ms, duration_ms).await;
        let token = self.database.end("taking the lock", transaction, taken).await?;
        self.held.raise(environment, token);
        Ok(Lease { environment: environment.clone(), token })
    }

    async fn renew(&self, lease: &Lease, duration_ms: u64) -> Result<(), StoreError> {
        let expires_at_ms = (self.clock)().saturating_add(duration_ms);
        let renewed = sqlx::query(
            "UPDATE leases SET expires_at_ms = $3 WHERE environment = $1 AND token = $2 AND holder IS NOT NULL",
        )
        .bind(lease.environment.as_str())
        .bind(to_sql(lease.token))
        .bind(to_sql(expires_at_ms))
        .execute(&mut *self.database.connection().await?)
        .await
        .map_err(|fault| self.database.fault("renewing the lock", fault))?;
        if renewed.rows_affected() == 0 {
            return Err(StoreError::LeaseLost(lease.environment.clone()));
        }
        Ok(())
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        self.shorten_history(&lease.environment).await?;
        // One that was lost meanwhile has nothing to give back, and that is no fault.
        sqlx::query("UPDATE leases SET holder = NULL WHERE environment = $1 AND token = $2")
            .bind(lease.environment.as_str())
            .bind(to_sql(lease.token))
            .execute(&mut *self.database.connection().await?)
            .await
            .map_err(|fault| self.database.fault("giving the lock back", fault))?;
        self.held.lower(&lease.environment, lease.token);
        Ok(())
    }

    async fn lock(&self, environment: &EnvironmentName) -> Result<Option<HeldLock>, StoreError> {
        let mut connection = self.database.connection().await?;
        let lease = read_lease(&self.database, &mut connection, environment).await?;
        Ok(lease.and_then(|lease| lease.lock((self.clock)())))
    }
}

impl SqlStore {
    /// Takes a lease inside of a transaction, and answers its token.
    async fn take(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
        holder: &LeaseHolder,
        now_ms: u64,
        duration_ms: u64,
    ) -> Result<u64, StoreError> {
        let fault = |fault| self.database.fault("taking the lock", fault);
        sqlx::query(
            "INSERT INTO leases (environment, token, holder, since_ms, expires_at_ms) VALUES ($1, 0, NULL, 0, 0)
             ON CONFLICT (environment) DO NOTHING",
        )
        .bind(environment.as_str())
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
        let lease = read_lease(&self.database, connection, environment).await?.unwrap_or_default();
        let taken = lease.taken(environment, holder, now_ms, duration_ms)?;
        let holder = serde_json::to_string(holder).map_err(|source| StoreError::Failed {
            doing: "taking the lock".into(),
            source: source.into(),
        })?;
        sqlx::query(
            "UPDATE leases SET token = $2, holder = $3, since_ms = $4, expires_at_ms = $5 WHERE environment = $1",
        )
        .bind(environment.as_str())
        .bind(to_sql(taken.token))
        .bind(holder)
        .bind(to_sql(taken.since_ms))
        .bind(to_sql(taken.expires_at_ms))
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
        Ok(taken.token)
    }
}

/// The lease's row; inside of a transaction that writes, nobody else changes it until that ends.
pub(super) async fn read_lease(
    database: &Database,
    connection: &mut AnyConnection,
    environment: &EnvironmentName,
) -> Result<Option<LeaseRow>, StoreError> {
    let text = format!(
        "SELECT token, holder, since_ms, expires_at_ms FROM leases WHERE environment = $1{}",
        database.lock_row()
    );
    let row = query(text)
        .bind(environment.as_str())
        .fetch_optional(connection)
        .await
        .map_err(|fault| database.fault("looking at the lock", fault))?;
    let Some(row) = row else { return Ok(None) };
    let holder = database
        .column::<Option<&str>>(&row, 1)?
        .map(serde_json::from_str::<LeaseHolder>)
        .transpose()
        .map_err(|fault| database.unreadable("the lock's holder", fault))?;
    Ok(Some(LeaseRow {
        token: from_sql(database.column(&row, 0)?),
        holder,
        since_ms: from_sql(database.column(&row, 2)?),
        expires_at_ms: from_sql(database.column(&row, 3)?),
    }))
}
