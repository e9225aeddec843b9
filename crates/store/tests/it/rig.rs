//! The stores that every case runs over: SQLite in a folder of the test, PostgreSQL from Debian's package, S3 as `moto_server`
//! plays it. Servers are the test's own, on loopback, and are ended by their process ids.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::Store;
use store::{Clock, KeyRing, PostgresOptions, S3Options, S3Store, SqlStore};
use tempfile::TempDir;

use crate::moto::{Gate, Moto};

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

/// A PostgreSQL server of the test's own.
pub struct Postgres {
    process: Child,
    _dir: TempDir,
    pub url: String,
}

impl Postgres {
    /// Starts one; `None`, with the reason printed, where there is no PostgreSQL.
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            println!("skipped: there is no PostgreSQL here (`apt-get install postgresql`)");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        // The server refuses to run as root.
        let user = is_root().then(|| id_of("postgres").expect("Debian's package makes the user postgres"));
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(dir.path(), Some(uid), Some(gid)).unwrap();
        }
        let folder = dir.path().to_owned();
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir(&folder).stdout(Stdio::null()).stderr(Stdio::null());
            if let Some((uid, gid)) = user {
                command.gid(gid).uid(uid);
            }
            command
        };
        let made = command("initdb")
            .args(["--no-sync", "--auth=trust", "--username=mainstay", "--encoding=UTF8", "-D"])
            .arg(&data)
            .status()
            .unwrap();
        assert!(made.success(), "initdb failed");
        let port = free_port();
        let process = command("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k", "", "-c", "max_connections=50"])
            .spawn()
            .unwrap();
        let server = Self {
            process,
            _dir: dir,
            url: format!("postgres://mainstay@127.0.0.1:{port}/postgres?sslmode=disable"),
        };
        wait_for(port, "PostgreSQL");
        // It listens before it is ready.
        let begun = Instant::now();
        let ask = || {
            let mut ask = command("pg_isready");
            ask.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]).status().unwrap().success()
        };
        while !ask() {
            assert!(begun.elapsed() < Duration::from_secs(60), "PostgreSQL does not get ready");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(server)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The newest installed version's programs.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    versions.sort();
    versions.pop().filter(|programs| programs.join("postgres").exists())
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}

fn id_of(user: &str) -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.split(':').next() == Some(user))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until somebody listens.
pub fn wait_for(port: u16, what: &str) {
    let begun = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
}
