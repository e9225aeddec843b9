//! State rows, journal, leases and ledger of one project in one SQLite database; sealing of what is sensitive.
//!
//! It does not interpret what it stores. A sensitive part of a value is sealed with its environment's key before it is
//! written, and an ephemeral value is never written. Configuration files of revisions are kept as they are in the
//! repository, compressed and not sealed.

mod database;
mod decode;
mod journal;
mod keys;
mod leases;
mod ledger;
mod process;
mod seal;
mod sqlite;
mod state;

pub use keys::KeyRing;
pub use process::this_process;
pub use sqlite::{Clock, SqliteStore};
