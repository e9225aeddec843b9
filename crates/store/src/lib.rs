//! State rows, journal, leases and ledger of one project; sealing of what is sensitive.
//!
//! Two stores keep them: [`SqlStore`] in a SQLite file or a PostgreSQL database, [`S3Store`] in a bucket. Module [`v4`] reads and
//! writes version 4 of Terraform's state. None interprets what it stores. A sensitive part of a value is sealed with its environment's key before it
//! is written, and an ephemeral value is never written. Configuration files of revisions are kept as they are in the repository,
//! compressed and not sealed.

mod clock;
mod decode;
mod edits;
mod environments;
mod intents;
mod journal_words;
mod keys;
mod lease;
mod order;
mod process;
mod rows;
mod s3;
mod seal;
mod sql;
pub mod v4;

pub use clock::Clock;
pub use keys::KeyRing;
pub use process::this_process;
pub use s3::{
    MAX_RETRIES, S3Backend, S3Credentials, S3Encryption, S3Options, S3Role, S3Store, TakenOver,
    TerraformLock, TerraformObject, TerraformState, WebIdentity,
};
pub use sql::{PostgresOptions, SqlStore};

/// The store of a project that was given no other: a SQLite file.
pub type SqliteStore = SqlStore;
