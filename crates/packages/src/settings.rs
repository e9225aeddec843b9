//! What an installation may do and take: limits, times, and whether locked versions are looked at again. It reads no environment.

use std::time::Duration;

/// Settings of an installation.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether everything is looked up again: newer versions that the constraints allow, and where a branch points now.
    pub upgrade: bool,
    /// What is done with the lock.
    pub lock: LockMode,
    /// What a package may take.
    pub limits: Limits,
    /// Waiting for servers.
    pub patience: Patience,
    /// How many packages are fetched at the same time.
    pub parallel_max: usize,
}

/// What is done with `mainstay.lock.hcl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// It is read, checked and written.
    Write,
    /// It is read and checked, and a package that it lacks is a fault.
    ReadOnly,
    /// It is left alone.
    Off,
}

/// What a package may take: a server that means ill, or is broken, does not fill the disk.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of an archive, as it is sent.
    pub archive_bytes_max: u64,
    /// Of all files of an archive together.
    pub unpacked_bytes_max: u64,
    /// Files, folders and links of an archive.
    pub entries_max: u64,
    /// Of an answer that is read into memory: a list of versions, a page.
    pub answer_bytes_max: u64,
}

/// How long a server is waited for, and how often it is asked.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until a connection stands.
    pub connect: Duration,
    /// Between two pieces of an answer.
    pub read: Duration,
    /// How often an idempotent request is sent at most.
    pub attempts_max: u32,
    /// Before the second attempt; doubled before each further one.
    pub retry_delay: Duration,
    /// For one run of `git`.
    pub git: Duration,
    /// For another process that is installing into the same folder.
    pub others: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            upgrade: false,
            lock: LockMode::Write,
            limits: Limits::default(),
            patience: Patience::default(),
            // Registries and hosting services answer more connections of one client late or not at all.
            parallel_max: 8,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            archive_bytes_max: 512 << 20,
            unpacked_bytes_max: 2 << 30,
            entries_max: 200_000,
            // The longest list of versions on the public registry is below 1 MiB.
            answer_bytes_max: 16 << 20,
        }
    }
}

impl Limits {
    /// For providers, which are programs of hundreds of megabytes.
    #[must_use]
    pub fn of_providers() -> Self {
        Self { archive_bytes_max: 4 << 30, unpacked_bytes_max: 16 << 30, ..Self::default() }
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(30),
            attempts_max: 3,
            retry_delay: Duration::from_millis(500),
            git: Duration::from_mins(10),
            others: Duration::from_mins(10),
        }
    }
}
