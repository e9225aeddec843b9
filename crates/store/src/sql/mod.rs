//! The store in a database: SQLite in a file of the project, or PostgreSQL for a team. One connection, its keys, a clock, and
//! the writer that commits what comes at the same time together.

use std::path::Path;
use std::sync::Arc;

use engine::StoreError;

use self::database::{Database, Place};
use self::journal::Writer;
use crate::clock::{Clock, system_clock};
use crate::keys::KeyRing;
use crate::lease::HeldHere;

mod changes;
mod database;
mod editing;
mod environments;
mod fence;
mod file;
mod history;
mod journal;
mod leases;
mod ledger;
mod multirow;
mod operations;
mod rows;
mod state;
mod terraform;
mod workspaces;

/// State, journal, leases and ledger of a project in one database.
pub struct SqlStore {
    database: Arc<Database>,
    keys: KeyRing,
    clock: Clock,
    held: Arc<HeldHere>,
    writer: Writer,
}

/// Which PostgreSQL database.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=ca.pem`. Without `sslmode`, TLS is used
    /// where the server offers it, and its certificate is not checked.
    pub url: String,
    /// The schema of the project's tables, made where it is missing: a plain word.
    pub schema: String,
}

impl std::fmt::Debug for PostgresOptions {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PostgresOptions({})", shown(&self.url, &self.schema))
    }
}

impl SqlStore {
    /// Opens the database file, and makes it where there is none. Has to be called inside of a Tokio runtime.
    ///
    /// # Errors
    /// If the file is broken, of a newer program, or cannot be opened. A broken file is left as it is.
    pub async fn open(path: &Path, keys: KeyRing) -> Result<Self, StoreError> {
        Self::open_with_clock(path, keys, system_clock()).await
    }

    /// The same by another clock.
    ///
    /// # Errors
    /// As [`SqlStore::open`].
    pub async fn open_with_clock(path: &Path, keys: KeyRing, clock: Clock) -> Result<Self, StoreError> {
        Self::start(Place::File(path.to_owned()), keys, clock).await
    }

    /// Opens a schema of a PostgreSQL database, and makes it where there is none. Leases are measured by the server's clock. Has
    /// to be called inside of a Tokio runtime.
    ///
    /// # Errors
    /// If the server cannot be reached, or the schema is of a newer program.
    pub async fn connect(options: &PostgresOptions, keys: KeyRing) -> Result<Self, StoreError> {
        let local = system_clock();
        let mut store = Self::connect_with_clock(options, keys, local.clone()).await?;
        let ahead = store.database.clock_ahead_ms(local()).await?;
        let clock: Clock = Arc::new(move || local().saturating_add_signed(ahead));
        store.writer = Writer::start(store.database.clone(), store.held.clone(), clock.clone());
        store.clock = clock;
        Ok(store)
    }

    /// The same by another clock than the server's.
    ///
    /// # Errors
    /// As [`SqlStore::connect`].
    pub async fn connect_with_clock(
        options: &PostgresOptions,
        keys: KeyRing,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        // PostgreSQL cuts names at 63 bytes, and two projects would meet in one schema.
        if options.schema.is_empty() || options.schema.len() > 63 || !options.schema.chars().all(plain) {
            return Err(StoreError::Refused {
                what: format!("the schema `{}`", options.schema),
                why: "a schema's name has up to 63 letters, digits and `_`".into(),
            });
        }
        let place = Place::Server {
            url: options.url.clone(),
            schema: options.schema.clone(),
            shown: shown(&options.url, &options.schema),
        };
        Self::start(place, keys, clock).await
    }

    async fn start(place: Place, keys: KeyRing, clock: Clock) -> Result<Self, StoreError> {
        let database = Arc::new(Database::open(place, clock()).await?);
        let held = Arc::new(HeldHere::default());
        let writer = Writer::start(database.clone(), held.clone(), clock.clone());
        Ok(Self { database, keys, clock, held, writer })
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

impl std::fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SqlStore({})", self.database)
    }
}

/// An address without what must not be shown: everything before the host but the user's name, and all parameters.
fn shown(url: &str, schema: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (user, host) = rest.rsplit_once('@').map_or(("", rest), |(user, host)| (user, host));
    let user = user.split(':').next().unwrap_or_default();
    let at = if user.is_empty() { "" } else { "@" };
    format!("{scheme}://{user}{at}{host} schema {schema}")
}
