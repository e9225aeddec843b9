//! Statements that carry many rows at once: a statement costs more than a row, and on PostgreSQL a way over the network.
//!
//! The text of a statement depends on how many rows it carries. Rows go in pieces of a few fixed sizes, so that there are few
//! texts and each is prepared once.

use std::fmt::Write as _;

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe};

/// The sizes of pieces, largest first. The largest keeps the number of parameters far below the databases' limits (32,766 on
/// SQLite) with the dozen columns that the widest table has.
const SIZES: [usize; 4] = [128, 32, 8, 1];

/// The rows in pieces.
pub(crate) fn pieces<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= rest.len())?;
        let (piece, after) = rest.split_at(size);
        rest = after;
        Some(piece)
    })
}

/// `($1, $2), ($3, $4)`: places for values of so many rows, the first of them numbered `first`.
pub(crate) fn places(rows: usize, columns: usize, first: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 6);
    let mut number = first;
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            let comma = if column == 0 { "" } else { ", " };
            let _ = write!(text, "{comma}${number}");
            number += 1;
        }
        text.push(')');
    }
    text
}

/// A query of a text that was put together here: from constants and places, never from data.
pub(crate) fn query<'q>(text: String) -> Query<'q, Any, AnyArguments> {
    sqlx::query(AssertSqlSafe(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_of_few_sizes_and_keep_the_order() {
        let rows: Vec<usize> = (0..300).collect();
        let sizes: Vec<usize> = pieces(&rows).map(<[usize]>::len).collect();
        assert_eq!(sizes, [128, 128, 32, 8, 1, 1, 1, 1]);
        assert_eq!(pieces(&rows).flatten().copied().collect::<Vec<_>>(), rows);
        assert_eq!(places(2, 2, 3), "($3, $4), ($5, $6)");
    }
}
