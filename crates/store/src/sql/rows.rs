//! State rows as results of queries have them. It runs no statement.

use engine::{EnvironmentName, StateRow, StoreError};
use sqlx::any::AnyRow;

use super::database::Database;
use crate::keys::KeyRing;
use crate::rows::{Origin, RowText, Rows};

/// The columns that [`read`] and [`text`] expect, in their order.
pub(crate) const COLUMNS: &str = "address, deposed, value, notes, type, depends_on, record";

impl Origin for Database {
    fn unreadable(&self, what: &str, why: &dyn std::fmt::Display) -> StoreError {
        Database::unreadable(self, what, why)
    }
}

/// A reader that knows the rows of the table `types`.
pub(crate) fn reader<'a>(
    database: &'a Database,
    keys: &'a KeyRing,
    environment: &'a EnvironmentName,
    types: &[AnyRow],
) -> Result<Rows<'a>, StoreError> {
    let mut rows = Rows::new(database, keys, environment);
    for row in types {
        rows.add_type(database.column(row, 0)?, database.column(row, 1)?)?;
    }
    Ok(rows)
}

/// A row of [`COLUMNS`].
pub(crate) fn read(rows: &mut Rows<'_>, database: &Database, row: &AnyRow) -> Result<StateRow, StoreError> {
    rows.parts(
        database.column(row, 0)?,
        database.column(row, 1)?,
        database.column(row, 2)?,
        database.column(row, 3)?,
        database.column(row, 4)?,
        database.column(row, 5)?,
        database.column(row, 6)?,
    )
}

/// A row of [`COLUMNS`] as it is stored.
pub(crate) fn text(database: &Database, row: &AnyRow) -> Result<RowText, StoreError> {
    Ok(RowText {
        address: database.column(row, 0)?,
        deposed: database.column(row, 1)?,
        value: database.column(row, 2)?,
        notes: database.column(row, 3)?,
        type_hash: database.column(row, 4)?,
        ty: None,
        depends_on: database.column(row, 5)?,
        record: database.column(row, 6)?,
    })
}
