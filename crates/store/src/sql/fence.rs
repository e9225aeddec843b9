//! The fence before every write: a writer whose lease is no longer its own writes nothing.
//!
//! It is looked at inside of the transaction that writes, so that nobody can take the lease between the look and the write.

use engine::{EnvironmentName, StoreError};
use sqlx::AnyConnection;

use super::database::Database;
use super::leases::read_lease;
use crate::lease::HeldHere;

/// Whether the store may write to the environment now.
pub(crate) async fn pass(
    held: &HeldHere,
    database: &Database,
    connection: &mut AnyConnection,
    environment: &EnvironmentName,
    now_ms: u64,
) -> Result<(), StoreError> {
    let lease = read_lease(database, connection, environment).await?.unwrap_or_default();
    lease.admits(environment, held.token(environment), now_ms)
}
