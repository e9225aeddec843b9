//! The store: one database, its keys, a clock, and the writer that commits what comes at the same time together.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use engine::StoreError;

use crate::database::Database;
use crate::journal::Writer;
use crate::keys::KeyRing;

/// Tells the time: Unix milliseconds. Leases end and operations are dated by it.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// State, journal, leases and ledger of a project in one SQLite file.
pub struct SqliteStore {
    pub(crate) database: Arc<Database>,
    pub(crate) keys: KeyRing,
    pub(crate) clock: Clock,
    pub(crate) writer: Writer,
}

impl SqliteStore {
    /// Opens the database, and makes it where there is none. Has to be called inside of a Tokio runtime.
    ///
    /// # Errors
    /// If the file is broken, of a newer program, or cannot be opened. A broken file is left as it is.
    pub async fn open(path: &Path, keys: KeyRing) -> Result<Self, StoreError> {
        let clock: Clock = Arc::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        });
        Self::open_with_clock(path, keys, clock).await
    }

    /// The same by another clock.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub async fn open_with_clock(path: &Path, keys: KeyRing, clock: Clock) -> Result<Self, StoreError> {
        let database = Arc::new(Database::open(path, clock()).await?);
        let writer = Writer::start(database.clone());
        Ok(Self { database, keys, clock, writer })
    }

    /// Ends it: what was handed in is written, and the write-ahead log goes into the database. A store that is dropped instead
    /// loses nothing; its log is read when the database is opened the next time.
    ///
    /// # Errors
    /// If the database cannot be closed.
    pub async fn close(self) -> Result<(), StoreError> {
        self.writer.end().await;
        match Arc::into_inner(self.database) {
            Some(database) => database.close().await,
            None => Ok(()),
        }
    }

    /// The keys that values are sealed with.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SqliteStore({})", self.database.path().display())
    }
}
