//! Changes of rows: what was is kept for the history, what is to be is written, many rows in one statement.
//!
//! It decides nothing: the caller has given each change its serial.

use std::collections::{BTreeMap, HashSet};

use sqlx::AnyConnection;

use super::multirow::{pieces, places, query};
use crate::rows::RowText;

/// One row that is written or removed.
pub(crate) struct Change<'r> {
    /// The serial that the state has after it.
    pub(crate) serial: i64,
    pub(crate) address: &'r str,
    pub(crate) deposed: &'r str,
    /// `None`: there is to be none.
    pub(crate) row: Option<&'r RowText>,
}

/// Types that the database is known to have, so that they are not written again.
#[derive(Default)]
pub(crate) struct KnownTypes {
    known: HashSet<String>,
    /// Written in the transaction that is under way.
    fresh: Vec<String>,
}

impl KnownTypes {
    /// The transaction was committed.
    pub(crate) fn committed(&mut self) {
        self.known.extend(self.fresh.drain(..));
    }

    /// The transaction was not committed.
    pub(crate) fn rolled_back(&mut self) {
        self.fresh.clear();
    }
}

/// Makes the changes, in their order.
pub(crate) async fn write(
    connection: &mut AnyConnection,
    environment: &str,
    changes: &[Change<'_>],
    types: &mut KnownTypes,
) -> Result<(), sqlx::Error> {
    // A statement sees a row as it was before the statement: two changes of the same row go into two.
    let mut rest = changes;
    while !rest.is_empty() {
        let mut seen = HashSet::new();
        let end = rest.iter().position(|change| !seen.insert((change.address, change.deposed)));
        let (together, after) = rest.split_at(end.unwrap_or(rest.len()));
        keep_former(connection, environment, together).await?;
        write_types(connection, together, types).await?;
        put(connection, environment, together).await?;
        remove(connection, environment, together).await?;
        rest = after;
    }
    Ok(())
}

async fn keep_former(
    connection: &mut AnyConnection,
    environment: &str,
    changes: &[Change<'_>],
) -> Result<(), sqlx::Error> {
    for piece in pieces(changes) {
        let text = format!(
            "INSERT INTO former_rows (environment, serial, address, deposed, value, notes, type, depends_on, record)
             SELECT $1, v.column1, v.column2, v.column3, r.value, r.notes, r.type, r.depends_on, r.record
             FROM (VALUES {}) AS v LEFT JOIN resources AS r
             ON r.environment = $1 AND r.address = v.column2 AND r.deposed = v.column3",
            places(piece.len(), 3, 2)
        );
        let mut insert = query(text).bind(environment);
        for change in piece {
            insert = insert.bind(change.serial).bind(change.address).bind(change.deposed);
        }
        insert.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn write_types(
    connection: &mut AnyConnection,
    changes: &[Change<'_>],
    types: &mut KnownTypes,
) -> Result<(), sqlx::Error> {
    // In the order of their names, so that two writers on one server never wait for each other in a circle.
    let mut fresh = BTreeMap::new();
    for row in changes.iter().filter_map(|change| change.row) {
        if let Some(ty) = &row.ty
            && !types.known.contains(&row.type_hash)
        {
            fresh.insert(&row.type_hash, ty);
        }
    }
    for (hash, ty) in fresh {
        sqlx::query("INSERT INTO types (hash, type) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING")
            .bind(hash.as_str())
            .bind(ty.as_str())
            .execute(&mut *connection)
            .await?;
        types.fresh.push(hash.clone());
    }
    Ok(())
}

async fn put(
    connection: &mut AnyConnection,
    environment: &str,
    changes: &[Change<'_>],
) -> Result<(), sqlx::Error> {
    let rows: Vec<(i64, &RowText)> =
        changes.iter().filter_map(|change| Some((change.serial, change.row?))).collect();
    for piece in pieces(&rows) {
        let text = format!(
            "INSERT INTO resources \
             (environment, address, deposed, value, notes, type, depends_on, record, serial) VALUES {}
             ON CONFLICT (environment, address, deposed) DO UPDATE SET value = excluded.value,
             notes = excluded.notes, type = excluded.type, depends_on = excluded.depends_on,
             record = excluded.record, serial = excluded.serial",
            places(piece.len(), 9, 1)
        );
        let mut insert = query(text);
        for (serial, row) in piece {
            insert = insert
                .bind(environment)
                .bind(row.address.as_str())
                .bind(row.deposed.as_str())
                .bind(row.value.as_str())
                .bind(row.notes.as_deref())
                .bind(row.type_hash.as_str())
                .bind(row.depends_on.as_deref())
                .bind(row.record.as_deref())
                .bind(*serial);
        }
        insert.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn remove(
    connection: &mut AnyConnection,
    environment: &str,
    changes: &[Change<'_>],
) -> Result<(), sqlx::Error> {
    let gone: Vec<&Change<'_>> = changes.iter().filter(|change| change.row.is_none()).collect();
    for piece in pieces(&gone) {
        let text = format!(
            "DELETE FROM resources WHERE environment = $1 AND (address, deposed) IN (VALUES {})",
            places(piece.len(), 2, 2)
        );
        let mut delete = query(text).bind(environment);
        for change in piece {
            delete = delete.bind(change.address).bind(change.deposed);
        }
        delete.execute(&mut *connection).await?;
    }
    Ok(())
}
