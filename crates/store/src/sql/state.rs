//! State rows, outputs and open operations: to rows and back.

use std::collections::BTreeMap;

use async_trait::async_trait;
use engine::{
    Edit, EnvironmentName, Intent, OpenOperation, OperationId, Snapshot, StateRow, StateStore, StoreError,
};
use futures_util::TryStreamExt as _;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection as _};
use value::{Encoded, Value};

use super::SqlStore;
use super::database::from_sql;
use super::multirow::query;
use super::operations::{Begun, Entry, Finished};
use super::rows::{self, COLUMNS};
use crate::intents::IntentText;
use crate::journal_words::{operation_id, operation_parts, output_context};
use crate::order::order;
use crate::rows::RowText;

#[async_trait]
impl StateStore for SqlStore {
    async fn snapshot(&self, environment: &EnvironmentName) -> Result<Snapshot, StoreError> {
        let fault = |fault| self.database.fault("reading the state", fault);
        let mut connection = self.database.connection().await?;
        // One transaction, so that serial, rows and outputs are of one moment.
        let mut transaction = connection.begin_with(self.database.begin_read()).await.map_err(fault)?;
        let read = self.read_all(&mut transaction, environment).await;
        self.database.end("reading the state", transaction, read).await
    }

    async fn begin(&self, intent: &Intent) -> Result<OperationId, StoreError> {
        let text = IntentText::new(&self.keys, intent, (self.clock)())?;
        let begun = Begun { environment: intent.environment.clone(), intent: text };
        let number = self.writer.write(Entry::Begun(Box::new(begun))).await?;
        Ok(operation_id(&intent.environment, number))
    }

    async fn finish(
        &self,
        operation: &OperationId,
        state: Option<&StateRow>,
        outcome: &str,
    ) -> Result<u64, StoreError> {
        let (environment, number) = operation_parts(operation)?;
        let row = state.map(|row| RowText::new(&self.keys, &environment, row)).transpose()?;
        let finished =
            Finished { environment, number, outcome: outcome.to_owned(), row, at_ms: (self.clock)() };
        self.writer.write(Entry::Finished(Box::new(finished))).await
    }

    async fn open_operations(&self, environment: &EnvironmentName) -> Result<Vec<OpenOperation>, StoreError> {
        let rows = sqlx::query(
            "SELECT number, deployment, address, action, before_value, after_value, depends_on, taking_back,
             begun_at_ms, deposed, record
             FROM journal WHERE environment = $1 AND finished_at_ms IS NULL ORDER BY number",
        )
        .bind(environment.as_str())
        .fetch_all(&mut *self.database.connection().await?)
        .await
        .map_err(|fault| self.database.fault("reading the journal", fault))?;
        rows.iter().map(|row| self.open_operation(environment, row)).collect()
    }

    async fn put_outputs(
        &self,
        environment: &EnvironmentName,
        outputs: &[(String, Value)],
    ) -> Result<(), StoreError> {
        let stored = {
            let mut connection = self.database.connection().await?;
            self.output_texts(&mut connection, environment).await?
        };
        let mut wanted = outputs.to_vec();
        wanted.sort_by(|a, b| a.0.cmp(&b.0));
        // Sealed values differ each time that they are sealed: what was written is compared in clear, so that outputs that stay
        // as they are make no version of the state.
        if self.outputs(environment, &stored)? == wanted {
            return Ok(());
        }
        self.edited(environment, None, vec![Edit::Outputs(wanted)], "outputs").await.map(|_| ())
    }
}

/// The counts and texts of an environment's own row.
#[derive(Default)]
pub(super) struct Whole {
    pub(super) serial: u64,
    pub(super) lineage: Option<String>,
    pub(super) checks: Option<String>,
}

impl SqlStore {
    /// Everything that is known of an environment, inside of a transaction.
    async fn read_all(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
    ) -> Result<Snapshot, StoreError> {
        let fault = |fault| self.database.fault("reading the state", fault);
        let whole = self.whole(connection, environment).await?;
        let types = self.types(connection).await?;
        let mut reader = rows::reader(&self.database, &self.keys, environment, &types)?;
        let mut state = Vec::new();
        {
            // Each is decoded while the database's own thread reads the next.
            let mut stored = query(format!("SELECT {COLUMNS} FROM resources WHERE environment = $1"))
                .bind(environment.as_str())
                .fetch(&mut *connection);
            while let Some(row) = stored.try_next().await.map_err(fault)? {
                state.push(rows::read(&mut reader, &self.database, &row)?);
            }
        }
        let outputs = self.output_texts(connection, environment).await?;
        order(&mut state);
        Ok(Snapshot {
            serial: whole.serial,
            lineage: whole.lineage.unwrap_or_default(),
            rows: state,
            outputs: self.outputs(environment, &outputs)?,
            checks: self.checks(whole.checks.as_deref())?,
        })
    }

    /// The results of checks as they are stored.
    pub(super) fn checks(&self, text: Option<&str>) -> Result<Option<serde_json::Value>, StoreError> {
        let Some(text) = text else { return Ok(None) };
        let checks: serde_json::Value = serde_json::from_str(text)
            .map_err(|fault| self.database.unreadable("the results of checks", fault))?;
        Ok(Some(checks).filter(|checks| !checks.is_null()))
    }

    pub(super) async fn whole(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
    ) -> Result<Whole, StoreError> {
        let row = sqlx::query("SELECT serial, lineage, checks FROM environments WHERE environment = $1")
            .bind(environment.as_str())
            .fetch_optional(connection)
            .await
            .map_err(|fault| self.database.fault("reading the state", fault))?;
        let Some(row) = row else { return Ok(Whole::default()) };
        Ok(Whole {
            serial: from_sql(self.database.column(&row, 0)?),
            lineage: self.database.column(&row, 1)?,
            checks: self.database.column(&row, 2)?,
        })
    }

    pub(super) async fn types(&self, connection: &mut AnyConnection) -> Result<Vec<AnyRow>, StoreError> {
        sqlx::query("SELECT hash, type FROM types")
            .fetch_all(connection)
            .await
            .map_err(|fault| self.database.fault("reading the state", fault))
    }

    /// Outputs as they are stored, by name.
    pub(super) async fn output_texts(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let rows = sqlx::query("SELECT name, value FROM outputs WHERE environment = $1")
            .bind(environment.as_str())
            .fetch_all(connection)
            .await
            .map_err(|fault| self.database.fault("reading the outputs", fault))?;
        rows.iter().map(|row| Ok((self.database.column(row, 0)?, self.database.column(row, 1)?))).collect()
    }

    /// Outputs of their texts, ordered by name.
    pub(super) fn outputs(
        &self,
        environment: &EnvironmentName,
        texts: &BTreeMap<String, String>,
    ) -> Result<Vec<(String, Value)>, StoreError> {
        texts
            .iter()
            .map(|(name, text)| {
                let encoded = self.encoded(&format!("output {name}"), text)?;
                Ok((name.clone(), self.keys.unseal(environment, &output_context(name), encoded)?))
            })
            .collect()
    }

    fn open_operation(
        &self,
        environment: &EnvironmentName,
        row: &AnyRow,
    ) -> Result<OpenOperation, StoreError> {
        let intent = IntentText {
            deployment: self.database.column(row, 1)?,
            address: self.database.column(row, 2)?,
            action: self.database.column(row, 3)?,
            before: self.database.column(row, 4)?,
            after: self.database.column(row, 5)?,
            depends_on: self.database.column(row, 6)?,
            taking_back: self.database.column::<i64>(row, 7)? != 0,
            at_ms: from_sql(self.database.column(row, 8)?),
            deposed: self.database.column(row, 9)?,
            record: self.database.column(row, 10)?,
        };
        let number = from_sql(self.database.column(row, 0)?);
        intent.read(self.database.as_ref(), &self.keys, environment, number)
    }

    fn encoded(&self, what: &str, json: &str) -> Result<Encoded, StoreError> {
        serde_json::from_str(json).map_err(|fault| self.database.unreadable(what, fault))
    }
}
