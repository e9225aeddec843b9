//! Environments by name.

use async_trait::async_trait;
use engine::{EnvironmentName, StoreError, Workspaces};
use sqlx::{AnyConnection, Connection as _};

use super::SqlStore;
use super::environments::count;
use super::fence;
use super::multirow::query;
use crate::environments::{exists, missing, new_lineage};

/// The tables of what is known of an environment. Its lease's row stays: the token has to go on growing, should there be an
/// environment of that name again.
const TABLES: [&str; 9] = [
    "resources",
    "outputs",
    "journal",
    "former_rows",
    "former_wholes",
    "revisions",
    "deployments",
    "releases",
    "environments",
];

#[async_trait]
impl Workspaces for SqlStore {
    async fn list(&self) -> Result<Vec<EnvironmentName>, StoreError> {
        let rows = sqlx::query("SELECT environment FROM environments ORDER BY environment")
            .fetch_all(&mut *self.database.connection().await?)
            .await
            .map_err(|fault| self.database.fault("listing the environments", fault))?;
        rows.iter().map(|row| self.database.column::<&str>(row, 0).map(EnvironmentName::new)).collect()
    }

    async fn create(&self, environment: &EnvironmentName) -> Result<(), StoreError> {
        let fault = |fault| self.database.fault("making an environment", fault);
        let lineage = new_lineage()?;
        let mut connection = self.database.connection().await?;
        let mut transaction = connection.begin_with(self.database.begin_write()).await.map_err(fault)?;
        let made = sqlx::query(
            "INSERT INTO environments (environment, serial, operations, lineage) VALUES ($1, 0, 0, $2)
             ON CONFLICT (environment) DO NOTHING",
        )
        .bind(environment.as_str())
        .bind(lineage)
        .execute(&mut *transaction)
        .await
        .map_err(fault)
        .and_then(|made| if made.rows_affected() == 0 { Err(exists(environment)) } else { Ok(()) });
        self.database.end("making an environment", transaction, made).await
    }

    async fn delete(&self, environment: &EnvironmentName) -> Result<(), StoreError> {
        let fault = |fault| self.database.fault("removing an environment", fault);
        let mut connection = self.database.connection().await?;
        let mut transaction = connection.begin_with(self.database.begin_write()).await.map_err(fault)?;
        let forgotten = self.forget(&mut transaction, environment).await;
        self.database.end("removing an environment", transaction, forgotten).await
    }
}

impl SqlStore {
    /// Removes everything that is known of an environment, inside of a transaction.
    async fn forget(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
    ) -> Result<(), StoreError> {
        let fault = |fault| self.database.fault("removing an environment", fault);
        let now_ms = (self.clock)();
        fence::pass(&self.held, &self.database, connection, environment, now_ms).await?;
        let there = sqlx::query("SELECT serial FROM environments WHERE environment = $1")
            .bind(environment.as_str())
            .fetch_optional(&mut *connection)
            .await
            .map_err(fault)?;
        if there.is_none() {
            return Err(missing(environment));
        }
        // Locked until the end, so that nobody writes to it in between.
        count(connection, environment.as_str(), 0, "").await.map_err(fault)?;
        for table in TABLES {
            query(format!("DELETE FROM {table} WHERE environment = $1"))
                .bind(environment.as_str())
                .execute(&mut *connection)
                .await
                .map_err(fault)?;
        }
        Ok(())
    }
}
