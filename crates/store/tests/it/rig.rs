//! The stores that every case runs over: SQLite in a folder of the test, PostgreSQL from Debian's package, S3 as `moto_server`
//! plays it. Servers are the test's own, on loopback, and are ended by their process ids.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::Store;
use store::{Clock, KeyRing, PostgresOptions, S3Options, S3Store, SqlStore};
use tempfile::TempDir;

use crate::moto::{Gate, Moto};
pub use testkit::servers::Postgres;

/// One store, opened as often as a case wants, always on the same data.
pub struct Rig {
    dir: TempDir,
    kind: Kind,
}

enum Kind {
    Sqlite,
    Postgres(PostgresOptions),
    S3(Box<S3Options>),
}

impl Rig {
    pub fn sqlite() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), kind: Kind::Sqlite }
    }

    /// A schema of its own on the server.
    pub fn postgres(server: &Postgres) -> Self {
        static SCHEMAS: AtomicU64 = AtomicU64::new(0);
        let schema = format!("case_{}", SCHEMAS.fetch_add(1, Ordering::Relaxed));
        let options = PostgresOptions { url: server.url.clone(), schema };
        Self { dir: tempfile::tempdir().unwrap(), kind: Kind::Postgres(options) }
    }

    /// A key of its own in the bucket.
    pub fn s3(server: &Moto) -> Self {
        Self::behind(&server.gate())
    }

    /// The same behind a gate.
    pub fn behind(gate: &Gate) -> Self {
        static KEYS: AtomicU64 = AtomicU64::new(0);
        let key = format!("case-{}/terraform.tfstate", KEYS.fetch_add(1, Ordering::Relaxed));
        Self { dir: tempfile::tempdir().unwrap(), kind: Kind::S3(Box::new(gate.options(&key))) }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn keys(&self) -> KeyRing {
        KeyRing::open(&self.dir().join("keys"), BTreeMap::new())
    }

    pub async fn open(&self) -> Arc<dyn Store> {
        match &self.kind {
            Kind::Sqlite => {
                Arc::new(SqlStore::open(&self.dir().join("state.db"), self.keys()).await.unwrap())
            }
            Kind::Postgres(options) => Arc::new(SqlStore::connect(options, self.keys()).await.unwrap()),
            Kind::S3(options) => Arc::new(S3Store::connect(options, self.keys()).unwrap()),
        }
    }

    pub async fn open_with_clock(&self, clock: Clock) -> Arc<dyn Store> {
        match &self.kind {
            Kind::Sqlite => {
                let path = self.dir().join("state.db");
                Arc::new(SqlStore::open_with_clock(&path, self.keys(), clock).await.unwrap())
            }
            Kind::Postgres(options) => {
                Arc::new(SqlStore::connect_with_clock(options, self.keys(), clock).await.unwrap())
            }
            Kind::S3(options) => Arc::new(S3Store::connect_with_clock(options, self.keys(), clock).unwrap()),
        }
    }
}
