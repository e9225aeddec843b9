//! Writing the journal: intents and results, those that come at the same time in one commit.
//!
//! A commit waits for the disk. Operations that run in parallel would wait for each other's; instead, what arrives while one
//! commit is on its way goes into the next one together. Each is still all or nothing, and is answered only when it is on disk.
//! What is written was sealed and put into words before it comes here.

use std::sync::Arc;

use engine::{EnvironmentName, StoreError};
use sqlx::AnyConnection;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::database::{Database, begin_write, from_sql, to_sql};

/// The most that goes into one commit, so that the first of them does not wait too long for its answer.
const BATCH_MAX: usize = 128;

/// An intent, ready to be written.
pub(crate) struct Begun {
    pub(crate) environment: EnvironmentName,
    pub(crate) deployment: String,
    pub(crate) address: String,
    pub(crate) action: &'static str,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) depends_on: Option<String>,
    pub(crate) taking_back: bool,
    pub(crate) at_ms: u64,
}

/// A result, ready to be written.
pub(crate) struct Finished {
    pub(crate) environment: EnvironmentName,
    pub(crate) number: u64,
    pub(crate) outcome: String,
    pub(crate) row: Option<Row>,
    pub(crate) at_ms: u64,
}

/// A resource's row, ready to be written.
pub(crate) struct Row {
    pub(crate) address: String,
    pub(crate) value: String,
    /// What is unknown and sensitive; `None`: nothing is.
    pub(crate) notes: Option<String>,
    pub(crate) type_hash: String,
    pub(crate) ty: String,
    pub(crate) depends_on: Option<String>,
}

pub(crate) enum Entry {
    Begun(Begun),
    Finished(Finished),
}

struct Write {
    entry: Entry,
    answer: oneshot::Sender<Result<u64, StoreError>>,
}

/// Hands entries to the task that writes them.
pub(crate) struct Writer {
    writes: mpsc::Sender<Write>,
    task: JoinHandle<()>,
}

impl Writer {
    pub(crate) fn start(database: Arc<Database>) -> Self {
        let (writes, mut waiting) = mpsc::channel(BATCH_MAX);
        let task = tokio::spawn(async move {
            let mut batch = Vec::new();
            while waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
                write_batch(&database, std::mem::take(&mut batch)).await;
            }
        });
        Self { writes, task }
    }

    /// Waits until everything that was handed in is written.
    pub(crate) async fn end(self) {
        drop(self.writes);
        // It ends when nothing more can come; that it was stopped with the runtime is no fault of it.
        let _ = self.task.await;
    }

    /// Writes one entry. Answers the number of an operation that was begun, the new serial for one that was finished.
    pub(crate) async fn write(&self, entry: Entry) -> Result<u64, StoreError> {
        let ended = || StoreError::Failed {
            doing: "writing the journal".into(),
            source: "the program is ending".into(),
        };
        let (answer, answered) = oneshot::channel();
        self.writes.send(Write { entry, answer }).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

async fn write_batch(database: &Database, batch: Vec<Write>) {
    let mut connection = database.connection().await;
    if let Ok(answers) = write_together(database, &mut connection, batch.iter().map(|w| &w.entry)).await {
        for (write, answer) in batch.into_iter().zip(answers) {
            // Whoever asked may be gone; what was written stays written.
            let _ = write.answer.send(answer);
        }
        return;
    }
    // One of them, or the database, is at fault: alone, each gets an answer of its own.
    for write in batch {
        let answer = match write_together(database, &mut connection, std::iter::once(&write.entry)).await {
            Ok(mut answers) => answers.pop().unwrap_or(Ok(0)),
            Err(fault) => Err(database.fault("writing the journal", fault)),
        };
        let _ = write.answer.send(answer);
    }
}

async fn write_together(
    database: &Database,
    connection: &mut AnyConnection,
    entries: impl Iterator<Item = &Entry>,
) -> Result<Vec<Result<u64, StoreError>>, sqlx::Error> {
    let mut transaction = begin_write(connection).await?;
    let mut answers = Vec::new();
    for entry in entries {
        answers.push(match entry {
            Entry::Begun(begun) => Ok(write_begun(&mut transaction, begun).await?),
            Entry::Finished(finished) => write_finished(database, &mut transaction, finished).await?,
        });
    }
    transaction.commit().await?;
    Ok(answers)
}

async fn write_begun(connection: &mut AnyConnection, begun: &Begun) -> Result<u64, sqlx::Error> {
    use sqlx::Row as _;
    let number: i64 = sqlx::query(
        "INSERT INTO environments (environment, serial, operations) VALUES ($1, 0, 1)
         ON CONFLICT (environment) DO UPDATE SET operations = environments.operations + 1
         RETURNING operations",
    )
    .bind(begun.environment.as_str())
    .fetch_one(&mut *connection)
    .await?
    .try_get(0)?;
    sqlx::query(
        "INSERT INTO journal (environment, number, deployment, address, action, before_value, after_value, depends_on, \
         taking_back, begun_at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(begun.environment.as_str())
    .bind(number)
    .bind(&begun.deployment)
    .bind(&begun.address)
    .bind(begun.action)
    .bind(begun.before.as_deref())
    .bind(begun.after.as_deref())
    .bind(begun.depends_on.as_deref())
    .bind(i64::from(begun.taking_back))
    .bind(to_sql(begun.at_ms))
    .execute(connection)
    .await?;
    Ok(from_sql(number))
}

async fn write_finished(
    database: &Database,
    connection: &mut AnyConnection,
    finished: &Finished,
) -> Result<Result<u64, StoreError>, sqlx::Error> {
    use sqlx::Row as _;
    let environment = finished.environment.as_str();
    let refused = |why: String| {
        let what = format!("finishing operation {} of {environment}", finished.number);
        Ok(Err(StoreError::Refused { what, why }))
    };
    let open = sqlx::query(
        "SELECT address FROM journal WHERE environment = $1 AND number = $2 AND finished_at_ms IS NULL",
    )
    .bind(environment)
    .bind(to_sql(finished.number))
    .fetch_optional(&mut *connection)
    .await?;
    let Some(open) = open else { return refused(format!("it is not open in {}", database.path().display())) };
    let address: String = open.try_get(0)?;
    if let Some(row) = &finished.row
        && row.address != address
    {
        return refused(format!("it is about {address}, not {}", row.address));
    }
    // The values were for settling it, had it stayed open; without them the journal stays small.
    sqlx::query(
        "UPDATE journal SET finished_at_ms = $3, outcome = $4, before_value = NULL, after_value = NULL
         WHERE environment = $1 AND number = $2",
    )
    .bind(environment)
    .bind(to_sql(finished.number))
    .bind(to_sql(finished.at_ms))
    .bind(&finished.outcome)
    .execute(&mut *connection)
    .await?;
    let serial: i64 =
        sqlx::query("UPDATE environments SET serial = serial + 1 WHERE environment = $1 RETURNING serial")
            .bind(environment)
            .fetch_one(&mut *connection)
            .await?
            .try_get(0)?;
    match &finished.row {
        Some(row) => write_row(connection, environment, row, serial).await?,
        None => {
            sqlx::query("DELETE FROM resources WHERE environment = $1 AND address = $2")
                .bind(environment)
                .bind(&address)
                .execute(connection)
                .await?;
        }
    }
    Ok(Ok(from_sql(serial)))
}

async fn write_row(
    connection: &mut AnyConnection,
    environment: &str,
    row: &Row,
    serial: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO types (hash, type) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING")
        .bind(&row.type_hash)
        .bind(&row.ty)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO resources (environment, address, value, notes, type, depends_on, serial)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (environment, address) DO UPDATE SET value = excluded.value, notes = excluded.notes,
         type = excluded.type, depends_on = excluded.depends_on, serial = excluded.serial",
    )
    .bind(environment)
    .bind(&row.address)
    .bind(&row.value)
    .bind(row.notes.as_deref())
    .bind(&row.type_hash)
    .bind(row.depends_on.as_deref())
    .bind(serial)
    .execute(connection)
    .await?;
    Ok(())
}
