//! The database: opening it safely, bringing it to the shape that this program knows, and saying what is wrong with it.
//!
//! It knows no table but the one of its own shape. SQLite and PostgreSQL differ here and nowhere else: everything above speaks
//! SQL that both understand.

use std::fs;
use std::path::PathBuf;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::StoreError;
use sqlx::any::{AnyRow, install_default_drivers};
use sqlx::{Any, AnyConnection, AssertSqlSafe, Connection as _, Decode, Row as _, Transaction, Type};
use tokio::sync::{Mutex, MutexGuard};

use super::file;

/// Shapes in their order; the number of a shape is its place, counted from 1. One that was ever released never changes.
const MIGRATIONS: [&str; 2] =
    [include_str!("../../migrations/0001_state.sql"), include_str!("../../migrations/0002_objects.sql")];

/// How long a statement waits for another process's transaction. Transactions last milliseconds; ten seconds is a stuck disk.
const BUSY_TIMEOUT_MS: u32 = 10_000;

/// The advisory lock under which a PostgreSQL schema gets its shape; the number only has to be the same for all of us.
const MIGRATION_LOCK: i64 = 0x6d61_696e_7374;

/// Where a database is.
#[derive(Clone)]
pub(crate) enum Place {
    File(PathBuf),
    Server {
        /// With the password in it: never shown.
        url: String,
        schema: String,
        /// What is shown of the address.
        shown: String,
    },
}

/// One database and the one connection to it.
pub(crate) struct Database {
    place: Place,
    connection: Mutex<AnyConnection>,
    /// Whether the connection was lost, so that the next use has to make another.
    lost: AtomicBool,
}

impl Database {
    pub(crate) async fn open(place: Place, now_ms: u64) -> Result<Self, StoreError> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(install_default_drivers);
        if let Place::File(path) = &place {
            file::lost(path)?;
            file::prepare(path).map_err(|source| StoreError::Failed {
                doing: format!("opening {}", path.display()),
                source: source.into(),
            })?;
        }
        let connection = connect(&place).await.map_err(|fault| place.fault("opening the state", fault))?;
        let database = Self { place, connection: Mutex::new(connection), lost: AtomicBool::new(false) };
        database.migrate(now_ms).await?;
        Ok(database)
    }

    pub(crate) async fn close(self) -> Result<(), StoreError> {
        let closed = self.connection.into_inner().close().await;
        closed.map_err(|fault| self.place.fault("closing the state", fault))
    }

    /// The connection, made anew where it was lost.
    pub(crate) async fn connection(&self) -> Result<MutexGuard<'_, AnyConnection>, StoreError> {
        let mut connection = self.connection.lock().await;
        if self.lost.load(Ordering::Acquire) {
            *connection =
                connect(&self.place).await.map_err(|fault| self.fault("opening the state", fault))?;
            self.lost.store(false, Ordering::Release);
        }
        Ok(connection)
    }

    /// What a failure of the database means to people. Notes that the connection was lost, where that is what failed.
    pub(crate) fn fault(&self, doing: &str, fault: sqlx::Error) -> StoreError {
        if matches!(self.place, Place::Server { .. }) && is_lost(&fault) {
            self.lost.store(true, Ordering::Release);
        }
        self.place.fault(doing, fault)
    }

    /// Something in the database is not what this program writes.
    pub(crate) fn unreadable(&self, what: &str, why: impl std::fmt::Display) -> StoreError {
        let what = format!("{what} in {}", self.place);
        match &self.place {
            Place::File(path) => {
                StoreError::Unreadable { what, why: format!("{why}; {}", file::way_out(path)) }
            }
            Place::Server { .. } => StoreError::Unreadable {
                what,
                why: format!("{why}; restore the schema from the server's own backup"),
            },
        }
    }

    /// The column of a row.
    pub(crate) fn column<'r, T>(&self, row: &'r AnyRow, at: usize) -> Result<T, StoreError>
    where
        T: Decode<'r, sqlx::Any> + Type<sqlx::Any>,
    {
        row.try_get(at).map_err(|fault| self.fault("reading the state", fault))
    }

    /// How a transaction that writes begins. SQLite takes the write lock at once, since a transaction that first reads and then
    /// wants it can be refused.
    pub(crate) fn begin_write(&self) -> &'static str {
        match self.place {
            Place::File(_) => "BEGIN IMMEDIATE",
            Place::Server { .. } => "BEGIN",
        }
    }

    /// How a transaction that reads several tables as of one moment begins.
    pub(crate) fn begin_read(&self) -> &'static str {
        match self.place {
            Place::File(_) => "BEGIN",
            Place::Server { .. } => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// What a `SELECT` ends with whose row nobody may change until the transaction ends. A transaction that writes has all of
    /// SQLite's database for itself.
    pub(crate) fn lock_row(&self) -> &'static str {
        match self.place {
            Place::File(_) => "",
            Place::Server { .. } => " FOR UPDATE",
        }
    }

    /// Ends a transaction: what was done is kept if it went well, and undone at once if not. A transaction that is only dropped
    /// is undone when its connection is used the next time, and holds its locks until then.
    pub(crate) async fn end<T>(
        &self,
        doing: &str,
        transaction: Transaction<'_, Any>,
        outcome: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match outcome {
            Ok(done) => {
                transaction.commit().await.map_err(|fault| self.fault(doing, fault))?;
                Ok(done)
            }
            Err(refusal) => {
                if let Err(fault) = transaction.rollback().await {
                    // The refusal is what the caller has to know; a connection that is lost has no transaction any more.
                    tracing::warn!("{}", self.fault(doing, fault));
                }
                Err(refusal)
            }
        }
    }

    /// How far the server's clock is ahead of `now_ms`, in milliseconds. Machines that share a server measure leases by its clock.
    pub(crate) async fn clock_ahead_ms(&self, now_ms: u64) -> Result<i64, StoreError> {
        if let Place::File(_) = self.place {
            return Ok(0);
        }
        let row = sqlx::query("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)")
            .fetch_one(&mut *self.connection().await?)
            .await
            .map_err(|fault| self.fault("reading the server's clock", fault))?;
        Ok(self.column::<i64>(&row, 0)? - to_sql(now_ms))
    }

    /// Copies the whole database beside itself, for the day when it is broken. A server's copies are the server's matter.
    pub(crate) async fn back_up(&self) -> Result<(), StoreError> {
        let Place::File(path) = &self.place else { return Ok(()) };
        let failed = |source: std::io::Error| StoreError::Failed {
            doing: format!("copying {}", path.display()),
            source: source.into(),
        };
        let draft = file::draft(path).map_err(failed)?;
        let copied = sqlx::query("VACUUM INTO $1")
            .bind(draft.to_string_lossy().into_owned())
            .execute(&mut *self.connection().await?)
            .await
            .map_err(|fault| self.fault("copying the state", fault));
        let placed = copied.and_then(|_| fs::rename(&draft, file::backup_path(path)).map_err(failed));
        if placed.is_err() {
            // The draft is worth nothing; that it cannot be removed is told by the fault that is on its way.
            let _ = fs::remove_file(&draft);
        }
        placed
    }

    async fn migrate(&self, now_ms: u64) -> Result<(), StoreError> {
        let fault = |fault| self.fault("preparing the state", fault);
        let mut connection = self.connection().await?;
        if self.shape(&mut connection).await? == MIGRATIONS.len() {
            return Ok(());
        }
        let mut transaction = connection.begin_with(self.begin_write()).await.map_err(fault)?;
        if let Place::Server { .. } = self.place {
            sqlx::query("SELECT pg_advisory_xact_lock($1)")
                .bind(MIGRATION_LOCK)
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
        }
        // Another process may have done it while this one waited for the lock.
        let shape = self.shape(&mut transaction).await?;
        if shape == 0 {
            let table =
                "CREATE TABLE shapes (shape BIGINT NOT NULL PRIMARY KEY, applied_at_ms BIGINT NOT NULL)";
            sqlx::raw_sql(table).execute(&mut *transaction).await.map_err(fault)?;
        }
        for (number, migration) in (1_i64..).zip(MIGRATIONS).skip(shape) {
            let text = AssertSqlSafe(self.in_dialect(migration));
            sqlx::raw_sql(text).execute(&mut *transaction).await.map_err(fault)?;
            sqlx::query("INSERT INTO shapes (shape, applied_at_ms) VALUES ($1, $2)")
                .bind(number)
                .bind(to_sql(now_ms))
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
        }
        transaction.commit().await.map_err(fault)
    }

    /// Text is ordered by its bytes in both: what SQLite does by itself, PostgreSQL has to be told.
    fn in_dialect(&self, migration: &str) -> String {
        match self.place {
            Place::File(_) => migration.to_owned(),
            Place::Server { .. } => migration.replace(" TEXT", " TEXT COLLATE \"C\""),
        }
    }

    /// The number of the shape that the database has; 0 for a new one.
    async fn shape(&self, connection: &mut AnyConnection) -> Result<usize, StoreError> {
        let fault = |fault| self.fault("opening the state", fault);
        let table = match self.place {
            Place::File(_) => "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'shapes'",
            Place::Server { .. } => {
                "SELECT CAST(tablename AS TEXT) FROM pg_tables \
                 WHERE schemaname = current_schema() AND tablename = 'shapes'"
            }
        };
        if sqlx::query(table).fetch_optional(&mut *connection).await.map_err(fault)?.is_none() {
            return Ok(0);
        }
        let row = sqlx::query("SELECT COALESCE(MAX(shape), 0) FROM shapes")
            .fetch_one(connection)
            .await
            .map_err(fault)?;
        let shape = usize::try_from(self.column::<i64>(&row, 0)?).unwrap_or(usize::MAX);
        if shape > MIGRATIONS.len() {
            return Err(StoreError::Unreadable {
                what: format!("the state {}", self.place),
                why: format!(
                    "a newer program wrote it (shape {shape}, this one knows {}): use that program or a newer one",
                    MIGRATIONS.len()
                ),
            });
        }
        Ok(shape)
    }
}

impl std::fmt::Display for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.place.fmt(f)
    }
}

impl std::fmt::Display for Place {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server { shown, .. } => f.write_str(shown),
        }
    }
}

impl Place {
    fn fault(&self, doing: &str, fault: sqlx::Error) -> StoreError {
        /// SQLite's result codes for a broken file, and for one that is none of its own.
        const CORRUPT: i32 = 11;
        const NOT_A_DATABASE: i32 = 26;
        if let Self::File(path) = self {
            let code =
                fault.as_database_error().and_then(|fault| fault.code()?.parse::<i32>().ok()).unwrap_or(0);
            // The lower byte is the code, what is above it says more.
            if matches!(code & 0xff, CORRUPT | NOT_A_DATABASE) {
                let what = format!("the state {}", path.display());
                let why =
                    if code & 0xff == CORRUPT { "the file is broken" } else { "the file is not a database" };
                return StoreError::Unreadable { what, why: format!("{why}; {}", file::way_out(path)) };
            }
        }
        StoreError::Failed { doing: format!("{doing} ({self})"), source: fault.into() }
    }
}

async fn connect(place: &Place) -> Result<AnyConnection, sqlx::Error> {
    match place {
        Place::File(path) => {
            let mut connection = AnyConnection::connect(&file::url(path)).await?;
            // A write-ahead log lets others read while one writes. FULL: what was said to be written survives a power cut.
            for pragma in ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"] {
                sqlx::raw_sql(pragma).execute(&mut connection).await?;
            }
            let busy = AssertSqlSafe(format!("PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}"));
            sqlx::raw_sql(busy).execute(&mut connection).await?;
            Ok(connection)
        }
        Place::Server { url, schema, .. } => {
            let mut connection = AnyConnection::connect(url).await?;
            // The name was checked to be a plain word where it came in. A schema that is there needs no right to make one.
            let there = sqlx::query("SELECT CAST(nspname AS TEXT) FROM pg_namespace WHERE nspname = $1")
                .bind(schema.as_str())
                .fetch_optional(&mut connection)
                .await?;
            if there.is_none() {
                let make = AssertSqlSafe(format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\""));
                sqlx::raw_sql(make).execute(&mut connection).await?;
            }
            let path = AssertSqlSafe(format!("SET search_path TO \"{schema}\""));
            sqlx::raw_sql(path).execute(&mut connection).await?;
            Ok(connection)
        }
    }
}

/// Whether the connection is of no use any more: the server went away, or ended it (SQLSTATE class 08, and 57P for a shutdown).
pub(crate) fn is_lost(fault: &sqlx::Error) -> bool {
    match fault {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(fault) => {
            fault.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P"))
        }
        _ => false,
    }
}

/// A count as SQL has it. Serials, milliseconds and ticks are far from the border.
pub(crate) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count as it was before [`to_sql`].
pub(crate) fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
