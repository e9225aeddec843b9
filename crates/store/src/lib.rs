//! State rows, journal, leases and ledger of one project; sealing of what is sensitive.
//!
//! Three stores keep them: [`SqlStore`] in a SQLite file or a PostgreSQL database. Module [`v4`] reads and writes version 4 of
//! Terraform's state. None interprets what it stores. A sensitive part of a value is sealed with its environment's key before it
//! is written, and an ephemeral value is never written. Configuration files of revisions are kept as they are in the repository,
//! compressed and not sealed.

mod clock;
mod decode;
mod edits;
mod journal_words;
mod keys;
mod order;
mod process;
mod seal;
mod sql;
pub mod v4;

pub use clock::Clock;
pub use keys::KeyRing;
pub use process::this_process;
pub use sql::{HeldLock, PostgresOptions, SqlStore};

/// The store of a project that was given no other: a SQLite file.
pub type SqliteStore = SqlStore;
