//! Earlier versions of the state: today's rows, and back from them change by change.
//!
//! Every change keeps what was before it, so that a version costs what it changed and nothing more. The latest 20,000 changes of
//! an environment are kept; what is older is dropped when a lease is given back.

use std::collections::BTreeMap;

use async_trait::async_trait;
use engine::{DeploymentId, EnvironmentName, History, Snapshot, StateVersion, StoreError};
use futures_util::TryStreamExt as _;
use sqlx::{AnyConnection, Connection as _};

use super::SqlStore;
use super::database::{from_sql, to_sql};
use super::multirow::query;
use super::rows::{self, COLUMNS};
use super::state::Whole;
use crate::journal_words::{CHANGES_KEPT, summary};
use crate::order::order;

#[async_trait]
impl History for SqlStore {
    async fn versions(&self, environment: &EnvironmentName) -> Result<Vec<StateVersion>, StoreError> {
        let rows = sqlx::query(
            "SELECT serial, finished_at_ms, deployment, action, address, deposed, outcome FROM journal
             WHERE environment = $1 AND serial IS NOT NULL ORDER BY serial DESC",
        )
        .bind(environment.as_str())
        .fetch_all(&mut *self.database.connection().await?)
        .await
        .map_err(|fault| self.database.fault("reading the history", fault))?;
        rows.iter()
            .map(|row| {
                let deployment: &str = self.database.column(row, 2)?;
                let outcome: Option<&str> = self.database.column(row, 6)?;
                Ok(StateVersion {
                    serial: from_sql(self.database.column(row, 0)?),
                    written_at_ms: from_sql(self.database.column::<Option<i64>>(row, 1)?.unwrap_or(0)),
                    deployment: (!deployment.is_empty()).then(|| DeploymentId::new(deployment)),
                    summary: summary(
                        self.database.column(row, 3)?,
                        self.database.column(row, 4)?,
                        self.database.column(row, 5)?,
                        outcome.unwrap_or_default(),
                    ),
                })
            })
            .collect()
    }

    async fn at(&self, environment: &EnvironmentName, serial: u64) -> Result<Option<Snapshot>, StoreError> {
        let fault = |fault| self.database.fault("reading the history", fault);
        let mut connection = self.database.connection().await?;
        let mut transaction = connection.begin_with(self.database.begin_read()).await.map_err(fault)?;
        let read = self.read_at(&mut transaction, environment, serial).await;
        self.database.end("reading the history", transaction, read).await
    }
}

impl SqlStore {
    /// The state as it was at a serial, inside of a transaction.
    async fn read_at(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
        serial: u64,
    ) -> Result<Option<Snapshot>, StoreError> {
        let fault = |fault| self.database.fault("reading the history", fault);
        let whole = self.whole(connection, environment).await?;
        if !self.is_kept(connection, environment, &whole, serial).await? {
            return Ok(None);
        }
        let types = self.types(connection).await?;
        let mut texts = BTreeMap::new();
        {
            let mut stored = query(format!("SELECT {COLUMNS} FROM resources WHERE environment = $1"))
                .bind(environment.as_str())
                .fetch(&mut *connection);
            while let Some(row) = stored.try_next().await.map_err(fault)? {
                let row = rows::text(&self.database, &row)?;
                texts.insert((row.address.clone(), row.deposed.clone()), row);
            }
        }
        {
            // Newest change first: what is left in the end is what was before the oldest change after that serial.
            let mut former = query(format!(
                "SELECT {COLUMNS} FROM former_rows WHERE environment = $1 AND serial > $2 ORDER BY serial DESC"
            ))
            .bind(environment.as_str())
            .bind(to_sql(serial))
            .fetch(&mut *connection);
            while let Some(row) = former.try_next().await.map_err(fault)? {
                let key = (self.database.column(&row, 0)?, self.database.column(&row, 1)?);
                match self.database.column::<Option<&str>>(&row, 2)? {
                    Some(_) => texts.insert(key, rows::text(&self.database, &row)?),
                    None => texts.remove(&key),
                };
            }
        }
        let (lineage, checks, outputs) = match self.former_whole(connection, environment, serial).await? {
            Some(former) => former,
            None => (whole.lineage, whole.checks, self.output_texts(connection, environment).await?),
        };
        let mut reader = rows::reader(&self.database, &self.keys, environment, &types)?;
        let mut state = texts.values().map(|row| reader.decode(row)).collect::<Result<Vec<_>, _>>()?;
        order(&mut state);
        Ok(Some(Snapshot {
            serial,
            lineage: lineage.unwrap_or_default(),
            rows: state,
            outputs: self.outputs(environment, &outputs)?,
            checks: self.checks(checks.as_deref())?,
        }))
    }

    /// Whether a version was ever there and can still be gone back to.
    async fn is_kept(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
        whole: &Whole,
        serial: u64,
    ) -> Result<bool, StoreError> {
        if serial >= whole.serial {
            return Ok(serial == whole.serial);
        }
        let fault = |fault| self.database.fault("reading the history", fault);
        let oldest = sqlx::query(
            "SELECT MIN(serial) FROM
             (SELECT MIN(serial) AS serial FROM former_rows WHERE environment = $1
              UNION ALL SELECT MIN(serial) FROM former_wholes WHERE environment = $1) AS kept",
        )
        .bind(environment.as_str())
        .fetch_one(&mut *connection)
        .await
        .map_err(fault)?;
        let oldest: Option<i64> = self.database.column(&oldest, 0)?;
        let Some(oldest) = oldest.map(from_sql) else { return Ok(false) };
        if serial < oldest {
            return Ok(serial + 1 == oldest);
        }
        let written = sqlx::query("SELECT serial FROM journal WHERE environment = $1 AND serial = $2")
            .bind(environment.as_str())
            .bind(to_sql(serial))
            .fetch_optional(connection)
            .await
            .map_err(fault)?;
        Ok(written.is_some())
    }

    /// Lineage, results of checks and outputs as they were at a serial, if they have changed since.
    async fn former_whole(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
        serial: u64,
    ) -> Result<Option<(Option<String>, Option<String>, BTreeMap<String, String>)>, StoreError> {
        let row = sqlx::query(
            "SELECT lineage, checks, outputs FROM former_wholes WHERE environment = $1 AND serial > $2
             ORDER BY serial LIMIT 1",
        )
        .bind(environment.as_str())
        .bind(to_sql(serial))
        .fetch_optional(connection)
        .await
        .map_err(|fault| self.database.fault("reading the history", fault))?;
        row.map(|row| {
            let outputs = serde_json::from_str(self.database.column(&row, 2)?)
                .map_err(|fault| self.database.unreadable("former outputs", fault))?;
            Ok((self.database.column(&row, 0)?, self.database.column(&row, 1)?, outputs))
        })
        .transpose()
    }

    /// Drops what is older than the history reaches.
    pub(super) async fn shorten_history(&self, environment: &EnvironmentName) -> Result<(), StoreError> {
        let fault = |fault| self.database.fault("shortening the history", fault);
        let mut connection = self.database.connection().await?;
        let serial = self.whole(&mut connection, environment).await?.serial;
        let Some(oldest) = serial.checked_sub(CHANGES_KEPT).filter(|oldest| *oldest > 0) else {
            return Ok(());
        };
        let mut transaction = connection.begin_with(self.database.begin_write()).await.map_err(fault)?;
        for statement in [
            "DELETE FROM former_rows WHERE environment = $1 AND serial <= $2",
            "DELETE FROM former_wholes WHERE environment = $1 AND serial <= $2",
            "DELETE FROM journal WHERE environment = $1 AND finished_at_ms IS NOT NULL
             AND COALESCE(serial, 0) <= $2",
        ] {
            sqlx::query(statement)
                .bind(environment.as_str())
                .bind(to_sql(oldest))
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
        }
        transaction.commit().await.map_err(fault)
    }
}
