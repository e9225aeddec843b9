//! The database file: opening it safely, bringing it to the shape that this program knows, and saying what is wrong with it.
//!
//! It knows no table but the one of its own shape.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Once;

use engine::StoreError;
use sqlx::AnyConnection;
use sqlx::any::{AnyRow, install_default_drivers};
use sqlx::{Connection as _, Decode, Row as _, Type};
use tokio::sync::{Mutex, MutexGuard};

/// Shapes in their order; the number of a shape is its place, counted from 1. One that was ever released never changes.
const MIGRATIONS: [&str; 1] = [include_str!("../migrations/0001_state.sql")];

/// How long a statement waits for another process's transaction. Transactions last milliseconds; ten seconds is a stuck disk.
const BUSY_TIMEOUT_MS: u32 = 10_000;

/// How a transaction that writes begins: with the write lock, since one that first reads and then wants it can be refused.
const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

/// One database file and the one connection to it.
pub(crate) struct Database {
    path: PathBuf,
    connection: Mutex<AnyConnection>,
}

impl Database {
    pub(crate) async fn open(path: &Path, now_ms: u64) -> Result<Self, StoreError> {
        lost(path)?;
        prepare_file(path).map_err(|source| StoreError::Failed {
            doing: format!("opening {}", path.display()),
            source: source.into(),
        })?;
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(install_default_drivers);
        let opening = |fault| fault_at(path, "opening the state", fault);
        let mut connection = AnyConnection::connect(&url(path)).await.map_err(opening)?;
        // A write-ahead log lets others read while one writes. FULL: what was said to be written survives a power cut.
        for pragma in ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"] {
            sqlx::raw_sql(pragma).execute(&mut connection).await.map_err(opening)?;
        }
        let busy = sqlx::AssertSqlSafe(format!("PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}"));
        sqlx::raw_sql(busy).execute(&mut connection).await.map_err(opening)?;
        let database = Self { path: path.to_owned(), connection: Mutex::new(connection) };
        database.migrate(now_ms).await?;
        Ok(database)
    }

    pub(crate) async fn close(self) -> Result<(), StoreError> {
        let closed = self.connection.into_inner().close().await;
        closed.map_err(|fault| fault_at(&self.path, "closing the state", fault))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn connection(&self) -> MutexGuard<'_, AnyConnection> {
        self.connection.lock().await
    }

    /// What a failure of the database means to people.
    pub(crate) fn fault(&self, doing: &str, fault: sqlx::Error) -> StoreError {
        fault_at(&self.path, doing, fault)
    }

    /// Something in the database is not what this program writes.
    pub(crate) fn unreadable(&self, what: &str, why: impl std::fmt::Display) -> StoreError {
        let what = format!("{what} in {}", self.path.display());
        StoreError::Unreadable { what, why: format!("{why}; {}", way_out(&self.path)) }
    }

    /// The column of a row.
    pub(crate) fn column<'r, T>(&self, row: &'r AnyRow, at: usize) -> Result<T, StoreError>
    where
        T: Decode<'r, sqlx::Any> + Type<sqlx::Any>,
    {
        row.try_get(at).map_err(|fault| self.fault("reading the state", fault))
    }

    /// Copies the whole database beside itself, for the day when it is broken.
    pub(crate) async fn back_up(&self) -> Result<(), StoreError> {
        let failed = |source: std::io::Error| StoreError::Failed {
            doing: format!("copying {}", self.path.display()),
            source: source.into(),
        };
        let backup = backup_path(&self.path);
        let draft = beside(&self.path, &format!("backup.{}", std::process::id()));
        // An empty file is filled by VACUUM; made here, it is nobody else's to read from its first byte on.
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)
            .map_err(failed)?;
        let copied = sqlx::query("VACUUM INTO $1")
            .bind(draft.to_string_lossy().into_owned())
            .execute(&mut *self.connection().await)
            .await
            .map_err(|fault| self.fault("copying the state", fault));
        let placed = copied.and_then(|_| fs::rename(&draft, &backup).map_err(failed));
        if placed.is_err() {
            // The draft is worth nothing; that it cannot be removed is told by the fault that is on its way.
            let _ = fs::remove_file(&draft);
        }
        placed
    }

    async fn migrate(&self, now_ms: u64) -> Result<(), StoreError> {
        let fault = |fault| self.fault("preparing the state", fault);
        let mut connection = self.connection().await;
        if self.shape(&mut connection).await? == MIGRATIONS.len() {
            return Ok(());
        }
        let mut transaction = connection.begin_with(BEGIN_WRITE).await.map_err(fault)?;
        // Another process may have done it while this one waited for the lock.
        let shape = self.shape(&mut transaction).await?;
        if shape == 0 {
            let table =
                "CREATE TABLE shapes (shape BIGINT NOT NULL PRIMARY KEY, applied_at_ms BIGINT NOT NULL)";
            sqlx::raw_sql(table).execute(&mut *transaction).await.map_err(fault)?;
        }
        for (number, migration) in (1_i64..).zip(MIGRATIONS).skip(shape) {
            sqlx::raw_sql(migration).execute(&mut *transaction).await.map_err(fault)?;
            sqlx::query("INSERT INTO shapes (shape, applied_at_ms) VALUES ($1, $2)")
                .bind(number)
                .bind(to_sql(now_ms))
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
        }
        transaction.commit().await.map_err(fault)
    }

    /// The number of the shape that the database has; 0 for a new one.
    async fn shape(&self, connection: &mut AnyConnection) -> Result<usize, StoreError> {
        let fault = |fault| self.fault("opening the state", fault);
        let table = sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'shapes'");
        if table.fetch_optional(&mut *connection).await.map_err(fault)?.is_none() {
            return Ok(0);
        }
        let row = sqlx::query("SELECT COALESCE(MAX(shape), 0) FROM shapes")
            .fetch_one(connection)
            .await
            .map_err(fault)?;
        let shape = usize::try_from(self.column::<i64>(&row, 0)?).unwrap_or(usize::MAX);
        if shape > MIGRATIONS.len() {
            return Err(StoreError::Unreadable {
                what: format!("the state {}", self.path.display()),
                why: format!(
                    "a newer program wrote it (shape {shape}, this one knows {}): use that program or a newer one",
                    MIGRATIONS.len()
                ),
            });
        }
        Ok(shape)
    }
}

/// Begins a transaction that writes.
pub(crate) async fn begin_write(
    connection: &mut AnyConnection,
) -> Result<sqlx::Transaction<'_, sqlx::Any>, sqlx::Error> {
    connection.begin_with(BEGIN_WRITE).await
}

/// A count as SQL has it. Serials, milliseconds and ticks are far from the border.
pub(crate) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count as it was before [`to_sql`].
pub(crate) fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Makes the file, so that it is nobody else's to read from its first byte on; SQLite gives the files beside it the same mode.
fn prepare_file(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn url(path: &Path) -> String {
    use std::fmt::Write as _;
    use std::os::unix::ffi::OsStrExt;
    let mut url = "sqlite://".to_owned();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            url.push(char::from(*byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url.push_str("?mode=rw");
    url
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

/// A state that is missing or empty beside its copy was lost, and is not a new project's: beginning anew would write over the copy.
fn lost(path: &Path) -> Result<(), StoreError> {
    let empty = fs::metadata(path).map_or(true, |found| found.len() == 0);
    if !empty || !backup_path(path).exists() {
        return Ok(());
    }
    let what = format!("the state {}", path.display());
    Err(StoreError::Unreadable { what, why: format!("it is missing or empty; {}", way_out(path)) })
}

fn backup_path(path: &Path) -> PathBuf {
    beside(path, "backup")
}

fn way_out(path: &Path) -> String {
    let backup = backup_path(path);
    if backup.exists() {
        format!(
            "move it and the files {0}-wal and {0}-shm away, and copy {1} to {0}: it is the state after the last deployment that ended",
            path.display(),
            backup.display()
        )
    } else {
        format!("there is no copy {}; restore the file from your own backup", backup.display())
    }
}

fn fault_at(path: &Path, doing: &str, fault: sqlx::Error) -> StoreError {
    /// SQLite's result codes for a broken file, and for one that is none of its own.
    const CORRUPT: i32 = 11;
    const NOT_A_DATABASE: i32 = 26;
    let code = fault.as_database_error().and_then(|fault| fault.code()?.parse::<i32>().ok()).unwrap_or(0);
    // The lower byte is the code, what is above it says more.
    if matches!(code & 0xff, CORRUPT | NOT_A_DATABASE) {
        let what = format!("the state {}", path.display());
        let why = if code & 0xff == CORRUPT { "the file is broken" } else { "the file is not a database" };
        return StoreError::Unreadable { what, why: format!("{why}; {}", way_out(path)) };
    }
    StoreError::Failed { doing: format!("{doing} ({})", path.display()), source: fault.into() }
}
