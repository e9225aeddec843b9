//! Leases: one holder for each environment, with a token that grows with each of them.

use async_trait::async_trait;
use engine::{EnvironmentName, Lease, LeaseHolder, Leases, StoreError};

use sqlx::{AnyConnection, Connection as _};

use super::SqlStore;
use super::database::{from_sql, to_sql};
use super::multirow::query;
use crate::process::is_gone;

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
        let holder_text = serde_json::to_string(holder).map_err(|source| StoreError::Failed {
            doing: "taking the lock".into(),
            source: source.into(),
        })?;
        let mut connection = self.database.connection().await?;
        // Of two that want the lease, the second reads what the first has written: the row is there before it is looked at, and
        // whoever looks has it locked.
        let mut transaction = connection.begin_with(self.database.begin_write()).await.map_err(fault)?;
        let taken = self
            .take(&mut transaction, environment, &holder_text, now_ms, now_ms.saturating_add(duration_ms))
            .await;
        let token = self.database.end("taking the lock", transaction, taken).await?;
        self.fence.raise(environment, token);
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
        self.fence.lower(&lease.environment, lease.token);
        Ok(())
    }
}

impl SqlStore {
    /// Takes a lease inside of a transaction, and answers its token.
    async fn take(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
        holder_text: &str,
        now_ms: u64,
        until_ms: u64,
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
        let text = format!(
            "SELECT token, holder, since_ms, expires_at_ms FROM leases WHERE environment = $1{}",
            self.database.lock_row()
        );
        let row =
            query(text).bind(environment.as_str()).fetch_optional(&mut *connection).await.map_err(fault)?;
        let mut token = 1;
        if let Some(row) = row {
            token = from_sql(self.database.column(&row, 0)?) + 1;
            let expires_at_ms = from_sql(self.database.column(&row, 3)?);
            if let Some(text) = self.database.column::<Option<&str>>(&row, 1)? {
                let held: LeaseHolder = serde_json::from_str(text)
                    .map_err(|fault| self.database.unreadable("the lock's holder", fault))?;
                if now_ms < expires_at_ms && !is_gone(&held) {
                    return Err(StoreError::Locked {
                        environment: environment.clone(),
                        holder: held,
                        since_ms: from_sql(self.database.column(&row, 2)?),
                        expires_at_ms,
                    });
                }
            }
        }
        sqlx::query(
            "INSERT INTO leases (environment, token, holder, since_ms, expires_at_ms) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (environment) DO UPDATE SET token = excluded.token, holder = excluded.holder,
             since_ms = excluded.since_ms, expires_at_ms = excluded.expires_at_ms",
        )
        .bind(environment.as_str())
        .bind(to_sql(token))
        .bind(holder_text)
        .bind(to_sql(now_ms))
        .bind(to_sql(until_ms))
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
        Ok(token)
    }
}
