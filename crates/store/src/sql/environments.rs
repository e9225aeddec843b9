//! The row of an environment: its serial, its count of operations, its lineage.

use sqlx::{AnyConnection, Row as _};

/// An environment's counts, after a write has counted its own operations.
pub(crate) struct Counts {
    /// How many operations there ever were.
    pub(crate) operations: i64,
    pub(crate) serial: i64,
}

/// Counts new operations, makes the row if there is none, and keeps it locked until the transaction ends.
pub(crate) async fn count(
    connection: &mut AnyConnection,
    environment: &str,
    operations: i64,
    lineage: &str,
) -> Result<Counts, sqlx::Error> {
    let row = sqlx::query(
        "INSERT INTO environments (environment, serial, operations, lineage) VALUES ($1, 0, $2, $3)
         ON CONFLICT (environment) DO UPDATE SET operations = environments.operations + excluded.operations,
         lineage = COALESCE(environments.lineage, excluded.lineage)
         RETURNING operations, serial",
    )
    .bind(environment)
    .bind(operations)
    .bind(lineage)
    .fetch_one(connection)
    .await?;
    Ok(Counts { operations: row.try_get(0)?, serial: row.try_get(1)? })
}

/// Sets the serial.
pub(crate) async fn set_serial(
    connection: &mut AnyConnection,
    environment: &str,
    serial: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE environments SET serial = $2 WHERE environment = $1")
        .bind(environment)
        .bind(serial)
        .execute(connection)
        .await?;
    Ok(())
}
