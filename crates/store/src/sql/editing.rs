//! Changes of the state by hand, all of them in one transaction and as one version.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use engine::{Address, Edit, EnvironmentName, StateEditing, StateRow, StoreError};
use serde_json::Value as Json;
use sqlx::{AnyConnection, Connection as _};
use value::Value;

use super::SqlStore;
use super::changes::{self, Change, KnownTypes};
use super::database::{from_sql, to_sql};
use super::environments::{count, set_serial};
use super::fence;
use super::multirow::{pieces, places, query};
use super::rows::{self, COLUMNS};
use crate::edits::{Following, moved_on, nothing_at, occupied, summary};
use crate::environments::new_lineage;
use crate::journal_words::output_context;
use crate::rows::{RowText, addresses_text, deposed_text, sealed_text};

#[async_trait]
impl StateEditing for SqlStore {
    async fn edit(
        &self,
        environment: &EnvironmentName,
        base_serial: Option<u64>,
        edits: Vec<Edit>,
    ) -> Result<u64, StoreError> {
        self.edited(environment, base_serial, edits, "edit").await
    }
}

/// Address and deposed key.
type RowKey = (String, String);

/// What edits come to.
#[derive(Default)]
struct Outcome {
    rows: BTreeMap<RowKey, Option<RowText>>,
    outputs: Option<Vec<(String, Value)>>,
    checks: Option<Json>,
    lineage: Option<String>,
    /// The least serial that the state is to have.
    serial: u64,
}

/// The rows that are there: keys, and what each depends on.
struct Present {
    rows: HashMap<RowKey, Option<String>>,
}

impl SqlStore {
    /// Makes edits, and answers the new serial. `action` is the journal's word for it.
    pub(super) async fn edited(
        &self,
        environment: &EnvironmentName,
        base_serial: Option<u64>,
        edits: Vec<Edit>,
        action: &str,
    ) -> Result<u64, StoreError> {
        let fault = |fault| self.database.fault("editing the state", fault);
        let mut connection = self.database.connection().await?;
        let mut transaction = connection.begin_with(self.database.begin_write()).await.map_err(fault)?;
        let made = self.edit_within(&mut transaction, environment, base_serial, edits, action).await;
        self.database.end("editing the state", transaction, made).await
    }

    /// Makes edits inside of a transaction, and answers the new serial.
    async fn edit_within(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
        base_serial: Option<u64>,
        edits: Vec<Edit>,
        action: &str,
    ) -> Result<u64, StoreError> {
        let fault = |fault| self.database.fault("editing the state", fault);
        let words = summary(&edits);
        let lineage = new_lineage()?;
        let now_ms = (self.clock)();
        fence::pass(&self.held, &self.database, connection, environment, now_ms).await?;
        let counts = count(connection, environment.as_str(), 1, &lineage).await.map_err(fault)?;
        let before = from_sql(counts.serial);
        if let Some(base) = base_serial
            && base != before
        {
            return Err(moved_on(environment, base, before));
        }
        let outcome = self.resolve(connection, environment, edits).await?;
        let serial = (before + 1).max(outcome.serial);
        self.write_wholes(connection, environment, to_sql(serial), &outcome).await?;
        let rows: Vec<Change<'_>> = outcome
            .rows
            .iter()
            .map(|((address, deposed), row)| Change {
                serial: to_sql(serial),
                address,
                deposed,
                row: row.as_ref(),
            })
            .collect();
        let mut types = KnownTypes::default();
        changes::write(connection, environment.as_str(), &rows, &mut types).await.map_err(fault)?;
        set_serial(connection, environment.as_str(), to_sql(serial)).await.map_err(fault)?;
        sqlx::query(
            "INSERT INTO journal (environment, number, deployment, address, action, taking_back, begun_at_ms,
             finished_at_ms, outcome, serial) VALUES ($1, $2, '', '', $3, 0, $4, $4, $5, $6)",
        )
        .bind(environment.as_str())
        .bind(counts.operations)
        .bind(action)
        .bind(to_sql(now_ms))
        .bind(words)
        .bind(to_sql(serial))
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
        Ok(serial)
    }

    /// What the edits come to, one after the other.
    async fn resolve(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
        edits: Vec<Edit>,
    ) -> Result<Outcome, StoreError> {
        let looks =
            edits.iter().any(|edit| !matches!(edit, Edit::Put(_) | Edit::Outputs(_) | Edit::Checks(_)));
        let mut present = Present { rows: HashMap::new() };
        if looks {
            present = self.present(connection, environment).await?;
        }
        let mut following = Following::default();
        let mut outcome = Outcome::default();
        for edit in edits {
            match edit {
                Edit::Put(row) => self.put(environment, &mut present, &mut outcome, &row)?,
                Edit::Remove { address, deposed } => {
                    let key = (address.to_string(), deposed.as_deref().unwrap_or_default().to_owned());
                    if present.rows.remove(&key).is_none() {
                        return Err(nothing_at("removing", &address));
                    }
                    outcome.rows.insert(key, None);
                }
                Edit::Move { from, to } => {
                    self.relocate(connection, environment, &mut present, &mut outcome, &from, &to).await?;
                    following.moved(from, to);
                }
                Edit::Outputs(outputs) => outcome.outputs = Some(outputs),
                Edit::Checks(checks) => outcome.checks = Some(checks),
                Edit::Everything(snapshot) => {
                    for key in std::mem::take(&mut present.rows).into_keys() {
                        outcome.rows.insert(key, None);
                    }
                    for row in &snapshot.rows {
                        self.put(environment, &mut present, &mut outcome, row)?;
                    }
                    outcome.outputs = Some(snapshot.outputs);
                    outcome.checks = Some(snapshot.checks.unwrap_or(Json::Null));
                    outcome.lineage = (!snapshot.lineage.is_empty()).then_some(snapshot.lineage);
                    outcome.serial = snapshot.serial;
                }
            }
        }
        if !following.is_empty() {
            self.follow(connection, environment, &present, &mut outcome, following).await?;
        }
        Ok(outcome)
    }

    fn put(
        &self,
        environment: &EnvironmentName,
        present: &mut Present,
        outcome: &mut Outcome,
        row: &StateRow,
    ) -> Result<(), StoreError> {
        let key = (row.address.to_string(), deposed_text(&row.record));
        present.rows.insert(key.clone(), addresses_text(&row.depends_on));
        outcome.rows.insert(key, Some(RowText::new(&self.keys, environment, row)?));
        Ok(())
    }

    /// Gives every object of an instance another address. What is sealed is bound to its address, and is sealed anew.
    async fn relocate(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
        present: &mut Present,
        outcome: &mut Outcome,
        from: &Address,
        to: &Address,
    ) -> Result<(), StoreError> {
        let (old, new) = (from.to_string(), to.to_string());
        if present.rows.keys().any(|(address, _)| *address == new) {
            return Err(occupied(from, to));
        }
        let keys: Vec<RowKey> = present.rows.keys().filter(|(address, _)| *address == old).cloned().collect();
        if keys.is_empty() {
            return Err(nothing_at("moving", from));
        }
        for row in self.rows_at(connection, environment, outcome, &keys).await? {
            let row = StateRow { address: to.clone(), ..row };
            self.put(environment, present, outcome, &row)?;
        }
        for key in keys {
            present.rows.remove(&key);
            outcome.rows.insert(key, None);
        }
        Ok(())
    }

    /// Rows, as the edits up to now have left them.
    async fn rows_at(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
        outcome: &Outcome,
        keys: &[RowKey],
    ) -> Result<Vec<StateRow>, StoreError> {
        let mut texts = Vec::with_capacity(keys.len());
        let mut stored = Vec::new();
        for key in keys {
            match outcome.rows.get(key) {
                Some(Some(row)) => texts.push(row.clone()),
                Some(None) => {}
                None => stored.push(key),
            }
        }
        for piece in pieces(&stored) {
            let text = format!(
                "SELECT {COLUMNS} FROM resources WHERE environment = $1 AND (address, deposed) IN (VALUES {})",
                places(piece.len(), 2, 2)
            );
            let mut select = query(text).bind(environment.as_str());
            for (address, deposed) in piece {
                select = select.bind(address.as_str()).bind(deposed.as_str());
            }
            let found = select
                .fetch_all(&mut *connection)
                .await
                .map_err(|fault| self.database.fault("reading the state", fault))?;
            for row in &found {
                texts.push(rows::text(&self.database, row)?);
            }
        }
        let types = self.types(connection).await?;
        let mut reader = rows::reader(&self.database, &self.keys, environment, &types)?;
        // A row that was edited just now brings its type with it.
        texts.iter().map(|row| reader.decode(row)).collect()
    }

    /// What depends on an instance that moved, depends on its new address.
    async fn follow(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
        present: &Present,
        outcome: &mut Outcome,
        mut following: Following,
    ) -> Result<(), StoreError> {
        let unreadable = |fault: &dyn std::fmt::Display| self.database.unreadable("an address", fault);
        let mut left = HashSet::new();
        for (address, _) in present.rows.keys() {
            left.insert(address.parse::<Address>().map_err(|fault| unreadable(&fault))?);
        }
        following.left(&left);
        let mut keys = Vec::new();
        for (key, depends_on) in &present.rows {
            let Some(text) = depends_on else { continue };
            let before: Vec<Address> = serde_json::from_str(text).map_err(|fault| unreadable(&fault))?;
            if following.concerns(&before) {
                keys.push(key.clone());
            }
        }
        keys.sort();
        for mut row in self.rows_at(connection, environment, outcome, &keys).await? {
            row.depends_on = following.followed(std::mem::take(&mut row.depends_on));
            let key = (row.address.to_string(), deposed_text(&row.record));
            outcome.rows.insert(key, Some(RowText::new(&self.keys, environment, &row)?));
        }
        Ok(())
    }

    async fn present(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
    ) -> Result<Present, StoreError> {
        let rows = sqlx::query("SELECT address, deposed, depends_on FROM resources WHERE environment = $1")
            .bind(environment.as_str())
            .fetch_all(connection)
            .await
            .map_err(|fault| self.database.fault("reading the state", fault))?;
        let column = |row, at| self.database.column::<String>(row, at);
        let rows = rows
            .iter()
            .map(|row| Ok(((column(row, 0)?, column(row, 1)?), self.database.column(row, 2)?)))
            .collect::<Result<_, StoreError>>()?;
        Ok(Present { rows })
    }

    /// Outputs, checks and lineage, where they change; what they were is kept.
    async fn write_wholes(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
        serial: i64,
        outcome: &Outcome,
    ) -> Result<(), StoreError> {
        let fault = |fault| self.database.fault("editing the state", fault);
        if outcome.outputs.is_none() && outcome.checks.is_none() && outcome.lineage.is_none() {
            // Even an edit of nothing is a version, and a version is found by what it kept.
            if !outcome.rows.is_empty() {
                return Ok(());
            }
        }
        let whole = self.whole(connection, environment).await?;
        let outputs = self.output_texts(connection, environment).await?;
        let text = serde_json::to_string(&outputs).map_err(|source| StoreError::Failed {
            doing: "keeping the outputs".into(),
            source: source.into(),
        })?;
        sqlx::query(
            "INSERT INTO former_wholes (environment, serial, lineage, checks, outputs) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(environment.as_str())
        .bind(serial)
        .bind(whole.lineage.as_deref())
        .bind(whole.checks.as_deref())
        .bind(text)
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
        let lineage = outcome.lineage.clone().or(whole.lineage);
        let checks = outcome.checks.as_ref().map(Json::to_string).or(whole.checks);
        sqlx::query("UPDATE environments SET lineage = $2, checks = $3 WHERE environment = $1")
            .bind(environment.as_str())
            .bind(lineage)
            .bind(checks)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
        let Some(outputs) = &outcome.outputs else { return Ok(()) };
        sqlx::query("DELETE FROM outputs WHERE environment = $1")
            .bind(environment.as_str())
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
        let texts = outputs
            .iter()
            .map(|(name, value)| {
                Ok((name, sealed_text(&self.keys, environment, &output_context(name), value)?))
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        for piece in pieces(&texts) {
            let text = format!(
                "INSERT INTO outputs (environment, name, value) VALUES {}",
                places(piece.len(), 3, 1)
            );
            let mut insert = query(text);
            for (name, value) in piece {
                insert = insert.bind(environment.as_str()).bind(name.as_str()).bind(value.as_str());
            }
            insert.execute(&mut *connection).await.map_err(fault)?;
        }
        Ok(())
    }
}
