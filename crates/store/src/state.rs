//! State rows, outputs and open operations: to rows and back.

use std::collections::HashMap;

use async_trait::async_trait;
use engine::{
    Action, Address, DeploymentId, EnvironmentName, Intent, OpenOperation, OperationId, Snapshot, StateRow,
    StateStore, StoreError,
};
use futures_util::TryStreamExt as _;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;
use sqlx::Connection as _;
use sqlx::any::AnyRow;
use value::{Encoded, Type, Value, type_from_json};

use crate::database::{begin_write, from_sql};
use crate::decode::decode_plain;
use crate::journal::{Begun, Entry, Finished, Row};
use crate::sqlite::SqliteStore;

#[async_trait]
impl StateStore for SqliteStore {
    async fn snapshot(&self, environment: &EnvironmentName) -> Result<Snapshot, StoreError> {
        let fault = |fault| self.database.fault("reading the state", fault);
        let mut connection = self.database.connection().await;
        // One transaction, so that serial, rows and outputs are of one moment.
        let mut transaction = connection.begin().await.map_err(fault)?;
        let serial = self.serial(&mut transaction, environment).await?;
        let types = self.types(&mut transaction).await?;
        let mut rows = Vec::new();
        // Each is decoded while the database's own thread reads the next.
        let mut stored = sqlx::query(
            "SELECT address, value, notes, type, depends_on FROM resources WHERE environment = $1 ORDER BY address",
        )
        .bind(environment.as_str())
        .fetch(&mut *transaction);
        while let Some(row) = stored.try_next().await.map_err(fault)? {
            rows.push(self.row(environment, &types, &row)?);
        }
        drop(stored);
        let outputs = sqlx::query("SELECT name, value FROM outputs WHERE environment = $1 ORDER BY name")
            .bind(environment.as_str())
            .fetch_all(&mut *transaction)
            .await
            .map_err(fault)?;
        transaction.commit().await.map_err(fault)?;
        drop(connection);
        // The database orders by text, which is nearly the order of addresses.
        rows.sort_by(|a, b| a.address.cmp(&b.address));
        let outputs = outputs
            .iter()
            .map(|row| {
                let name: String = self.database.column(row, 0)?;
                let encoded = self.encoded(&format!("output {name}"), self.database.column(row, 1)?)?;
                let value = self.keys.unseal(environment, &format!("output {name}"), encoded)?;
                Ok((name, value))
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Snapshot { serial, lineage: String::new(), rows, outputs })
    }

    async fn begin(&self, intent: &Intent) -> Result<OperationId, StoreError> {
        let address = intent.address.to_string();
        let seal = |side: &str, value: &Option<Value>| {
            let context = journal_context(intent.deployment.as_str(), &address, side);
            value.as_ref().map(|value| self.sealed_text(&intent.environment, &context, value)).transpose()
        };
        let begun = Begun {
            environment: intent.environment.clone(),
            deployment: intent.deployment.to_string(),
            action: action_word(intent.action),
            before: seal("before", &intent.before)?,
            after: seal("after", &intent.after)?,
            depends_on: addresses_text(&intent.depends_on),
            taking_back: intent.taking_back,
            at_ms: (self.clock)(),
            address,
        };
        let number = self.writer.write(Entry::Begun(begun)).await?;
        Ok(OperationId(format!("{}/{number}", intent.environment)))
    }

    async fn finish(
        &self,
        operation: &OperationId,
        state: Option<&StateRow>,
        outcome: &str,
    ) -> Result<u64, StoreError> {
        let (environment, number) = operation
            .0
            .rsplit_once('/')
            .and_then(|(environment, number)| Some((EnvironmentName::new(environment), number.parse().ok()?)))
            .ok_or_else(|| StoreError::Refused {
                what: format!("finishing operation {}", operation.0),
                why: "that is not the name of one".into(),
            })?;
        let row = state.map(|row| self.row_text(&environment, row)).transpose()?;
        let finished =
            Finished { environment, number, outcome: outcome.to_owned(), row, at_ms: (self.clock)() };
        self.writer.write(Entry::Finished(finished)).await
    }

    async fn open_operations(&self, environment: &EnvironmentName) -> Result<Vec<OpenOperation>, StoreError> {
        let rows = sqlx::query(
            "SELECT number, deployment, address, action, before_value, after_value, depends_on, taking_back, begun_at_ms
             FROM journal WHERE environment = $1 AND finished_at_ms IS NULL ORDER BY number",
        )
        .bind(environment.as_str())
        .fetch_all(&mut *self.database.connection().await)
        .await
        .map_err(|fault| self.database.fault("reading the journal", fault))?;
        rows.iter().map(|row| self.open_operation(environment, row)).collect()
    }

    async fn put_outputs(
        &self,
        environment: &EnvironmentName,
        outputs: &[(String, Value)],
    ) -> Result<(), StoreError> {
        let fault = |fault| self.database.fault("writing the outputs", fault);
        let outputs = outputs
            .iter()
            .map(|(name, value)| Ok((name, self.sealed_text(environment, &format!("output {name}"), value)?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let mut connection = self.database.connection().await;
        let mut transaction = begin_write(&mut connection).await.map_err(fault)?;
        sqlx::query("DELETE FROM outputs WHERE environment = $1")
            .bind(environment.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        for (name, value) in outputs {
            sqlx::query("INSERT INTO outputs (environment, name, value) VALUES ($1, $2, $3)")
                .bind(environment.as_str())
                .bind(name.as_str())
                .bind(value)
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
        }
        transaction.commit().await.map_err(fault)
    }
}

impl SqliteStore {
    async fn serial(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
    ) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT serial FROM environments WHERE environment = $1")
            .bind(environment.as_str())
            .fetch_optional(connection)
            .await
            .map_err(|fault| self.database.fault("reading the state", fault))?;
        row.map_or(Ok(0), |row| self.database.column(&row, 0).map(from_sql))
    }

    async fn types(&self, connection: &mut AnyConnection) -> Result<HashMap<String, StoredType>, StoreError> {
        let rows = sqlx::query("SELECT hash, type FROM types")
            .fetch_all(connection)
            .await
            .map_err(|fault| self.database.fault("reading the state", fault))?;
        rows.iter()
            .map(|row| {
                let json: Json = serde_json::from_str(self.database.column(row, 1)?)
                    .map_err(|fault| self.database.unreadable("a type", fault))?;
                // A type that this program does not know is a fault only where a row has it.
                let ty = type_from_json(&json).ok();
                Ok((self.database.column(row, 0)?, StoredType { json, ty }))
            })
            .collect()
    }

    fn row(
        &self,
        environment: &EnvironmentName,
        types: &HashMap<String, StoredType>,
        row: &AnyRow,
    ) -> Result<StateRow, StoreError> {
        let text: &str = self.database.column(row, 0)?;
        let unreadable =
            |fault: &dyn std::fmt::Display| self.database.unreadable(&format!("the row of {text}"), fault);
        let value: &str = self.database.column(row, 1)?;
        let notes: Option<&str> = self.database.column(row, 2)?;
        let hash: &str = self.database.column(row, 3)?;
        let ty = types.get(hash).ok_or_else(|| unreadable(&"its type is missing"))?;
        let value = match (notes, &ty.ty) {
            (None, Some(ty)) => decode_plain(value, ty).map_err(|fault| unreadable(&fault))?,
            (notes, _) => {
                let (unknown, sensitive) =
                    serde_json::from_str(notes.unwrap_or("[[],[]]")).map_err(|fault| unreadable(&fault))?;
                let value = serde_json::from_str(value).map_err(|fault| unreadable(&fault))?;
                let encoded = Encoded { value, ty: ty.json.clone(), unknown, sensitive };
                self.keys.unseal(environment, &resource_context(text), encoded)?
            }
        };
        Ok(StateRow {
            address: text.parse().map_err(|fault| unreadable(&fault))?,
            value,
            depends_on: self.addresses(self.database.column(row, 4)?)?,
            record: engine::Record::default(),
        })
    }

    fn row_text(&self, environment: &EnvironmentName, row: &StateRow) -> Result<Row, StoreError> {
        let address = row.address.to_string();
        let encoded = self.keys.seal(environment, &resource_context(&address), &row.value)?;
        let noted = !(encoded.unknown.is_empty() && encoded.sensitive.is_empty());
        let notes = noted.then(|| serde_json::json!([encoded.unknown, encoded.sensitive]).to_string());
        let ty = encoded.ty.to_string();
        Ok(Row {
            value: encoded.value.to_string(),
            notes,
            type_hash: hex::encode(Sha256::digest(&ty)),
            ty,
            depends_on: addresses_text(&row.depends_on),
            address,
        })
    }

    fn open_operation(
        &self,
        environment: &EnvironmentName,
        row: &AnyRow,
    ) -> Result<OpenOperation, StoreError> {
        let number = from_sql(self.database.column(row, 0)?);
        let deployment: &str = self.database.column(row, 1)?;
        let text: &str = self.database.column(row, 2)?;
        let word: &str = self.database.column(row, 3)?;
        let unreadable = |fault: &dyn std::fmt::Display| {
            self.database.unreadable(&format!("operation {number} of {environment}"), fault)
        };
        let value = |side: &str, at: usize| {
            let context = journal_context(deployment, text, side);
            let json: Option<&str> = self.database.column(row, at)?;
            json.map(|json| self.keys.unseal(environment, &context, self.encoded(&context, json)?))
                .transpose()
        };
        Ok(OpenOperation {
            id: OperationId(format!("{environment}/{number}")),
            intent: Intent {
                environment: environment.clone(),
                deployment: DeploymentId::new(deployment),
                address: text.parse().map_err(|fault| unreadable(&fault))?,
                action: action(word).ok_or_else(|| unreadable(&format!("`{word}` is not an action")))?,
                before: value("before", 4)?,
                after: value("after", 5)?,
                depends_on: self.addresses(self.database.column(row, 6)?)?,
                record: engine::Record::default(),
                taking_back: self.database.column::<i64>(row, 7)? != 0,
            },
            begun_at_ms: from_sql(self.database.column(row, 8)?),
        })
    }

    pub(crate) fn encoded(&self, what: &str, json: &str) -> Result<Encoded, StoreError> {
        serde_json::from_str(json).map_err(|fault| self.database.unreadable(what, fault))
    }

    pub(crate) fn sealed_text(
        &self,
        environment: &EnvironmentName,
        context: &str,
        value: &Value,
    ) -> Result<String, StoreError> {
        let encoded = self.keys.seal(environment, context, value)?;
        serde_json::to_string(&encoded).map_err(|source| StoreError::Failed {
            doing: format!("writing {context}"),
            source: source.into(),
        })
    }

    fn addresses(&self, json: Option<&str>) -> Result<Vec<Address>, StoreError> {
        let Some(json) = json else { return Ok(Vec::new()) };
        serde_json::from_str(json).map_err(|fault| self.database.unreadable("a list of addresses", fault))
    }
}

/// A type as it is stored.
struct StoredType {
    json: Json,
    ty: Option<Type>,
}

fn resource_context(address: &str) -> String {
    format!("resource {address}")
}

fn journal_context(deployment: &str, address: &str, side: &str) -> String {
    format!("journal {deployment} {address} {side}")
}

/// `None` for none, which is the most frequent.
fn addresses_text(addresses: &[Address]) -> Option<String> {
    let texts = || addresses.iter().map(|address| Json::String(address.to_string())).collect::<Json>();
    (!addresses.is_empty()).then(|| texts().to_string())
}

fn action_word(action: Action) -> &'static str {
    match action {
        Action::None => "none",
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "delete",
    }
}

fn action(word: &str) -> Option<Action> {
    [Action::None, Action::Create, Action::Update, Action::Delete]
        .into_iter()
        .find(|a| action_word(*a) == word)
}
