//! The entries of one commit: what was begun gets its number, what was finished its serial, and the rows follow.
//!
//! The number of statements does not grow with the number of entries, up to the size of a piece of `multirow`.

use std::collections::{BTreeMap, HashMap, HashSet};

use engine::{EnvironmentName, StoreError};
use sqlx::{AnyConnection, Row as _};

use super::changes::{self, Change, KnownTypes};
use super::database::{Database, from_sql, to_sql};
use super::environments::{count, set_serial};
use super::fence;
use super::multirow::{pieces, places, query};
use crate::environments::new_lineage;
use crate::intents::IntentText;
use crate::lease::{HeldHere, same_refusal};
use crate::rows::RowText;

/// An intent, ready to be written.
pub(crate) struct Begun {
    pub(crate) environment: EnvironmentName,
    pub(crate) intent: IntentText,
}

/// A result, ready to be written.
pub(crate) struct Finished {
    pub(crate) environment: EnvironmentName,
    pub(crate) number: u64,
    pub(crate) outcome: String,
    pub(crate) row: Option<RowText>,
    pub(crate) at_ms: u64,
}

pub(crate) enum Entry {
    Begun(Box<Begun>),
    Finished(Box<Finished>),
}

impl Entry {
    fn environment(&self) -> &EnvironmentName {
        match self {
            Self::Begun(begun) => &begun.environment,
            Self::Finished(finished) => &finished.environment,
        }
    }
}

/// The number of an operation that was begun, the new serial for one that was finished.
pub(crate) type Answer = Result<u64, StoreError>;

/// Writes entries, and answers each in its place.
pub(crate) async fn write_entries(
    database: &Database,
    held: &HeldHere,
    connection: &mut AnyConnection,
    entries: &[Entry],
    now_ms: u64,
    types: &mut KnownTypes,
) -> Result<Vec<Answer>, sqlx::Error> {
    let mut environments: BTreeMap<&EnvironmentName, Vec<usize>> = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        environments.entry(entry.environment()).or_default().push(at);
    }
    let mut answers: Vec<Answer> = entries.iter().map(|_| Ok(0)).collect();
    for (environment, places) in environments {
        let mut mine = Mine { database, environment, entries, answers: &mut answers };
        if let Err(refusal) = fence::pass(held, database, connection, environment, now_ms).await {
            mine.refuse_all(&places, &refusal);
            continue;
        }
        mine.write(connection, &places, types).await?;
    }
    Ok(answers)
}

/// The entries of one environment.
struct Mine<'a> {
    database: &'a Database,
    environment: &'a EnvironmentName,
    entries: &'a [Entry],
    answers: &'a mut Vec<Answer>,
}

impl<'a> Mine<'a> {
    async fn write(
        &mut self,
        connection: &mut AnyConnection,
        places: &[usize],
        types: &mut KnownTypes,
    ) -> Result<(), sqlx::Error> {
        let environment = self.environment.as_str();
        let entries = self.entries;
        let begun: Vec<(usize, &Begun)> = places
            .iter()
            .filter_map(|at| match &entries[*at] {
                Entry::Begun(begun) => Some((*at, begun.as_ref())),
                Entry::Finished(_) => None,
            })
            .collect();
        let finished: Vec<(usize, &Finished)> = places
            .iter()
            .filter_map(|at| match &entries[*at] {
                Entry::Finished(finished) => Some((*at, finished.as_ref())),
                Entry::Begun(_) => None,
            })
            .collect();
        let lineage = match new_lineage() {
            Ok(lineage) => lineage,
            Err(fault) => {
                self.refuse_all(places, &fault);
                return Ok(());
            }
        };
        let more = to_sql(begun.len() as u64);
        let counts = count(connection, environment, more, &lineage).await?;
        let open = open(connection, environment, &finished).await?;
        let settled = self.settle(&finished, &open, counts.serial);
        if let Some((_, last, _)) = settled.last() {
            set_serial(connection, environment, *last).await?;
            let mut rows = Vec::with_capacity(settled.len());
            for (finished, serial, (address, deposed)) in &settled {
                let row = finished.row.as_ref();
                // An object that was deposed, or is current again, leaves the place that the intent was about.
                if row.is_none_or(|row| row.deposed != *deposed) {
                    rows.push(Change { serial: *serial, address, deposed, row: None });
                }
                if let Some(row) = row {
                    rows.push(Change {
                        serial: *serial,
                        address: &row.address,
                        deposed: &row.deposed,
                        row: Some(row),
                    });
                }
            }
            changes::write(connection, environment, &rows, types).await?;
            finish(connection, environment, &settled).await?;
        }
        let first = counts.operations - more + 1;
        begin(connection, environment, &begun, first).await?;
        for ((at, _), number) in begun.iter().zip(first..) {
            self.answers[*at] = Ok(from_sql(number));
        }
        Ok(())
    }

    /// Gives each result that can be written its serial, and refuses the others.
    fn settle<'o>(
        &mut self,
        finished: &[(usize, &'a Finished)],
        open: &'o HashMap<i64, (String, String)>,
        serial: i64,
    ) -> Vec<Settled<'a, 'o>> {
        let mut serial = serial;
        let mut taken = HashSet::new();
        let mut settled = Vec::with_capacity(finished.len());
        for (at, finished) in finished {
            let refused = |why: String| {
                let what = format!("finishing operation {} of {}", finished.number, self.environment);
                Err(StoreError::Refused { what, why })
            };
            let Some(place) = open.get(&to_sql(finished.number)).filter(|_| taken.insert(finished.number))
            else {
                self.answers[*at] = refused(format!("it is not open in {}", self.database));
                continue;
            };
            if let Some(row) = &finished.row
                && row.address != place.0
            {
                self.answers[*at] = refused(format!("it is about {}, not {}", place.0, row.address));
                continue;
            }
            serial += 1;
            self.answers[*at] = Ok(from_sql(serial));
            settled.push((*finished, serial, place));
        }
        settled
    }

    fn refuse_all(&mut self, places: &[usize], refusal: &StoreError) {
        for at in places {
            self.answers[*at] = Err(same_refusal(refusal));
        }
    }
}

/// A result, the serial that it makes, and the address and deposed key that its intent was about.
type Settled<'a, 'o> = (&'a Finished, i64, &'o (String, String));

/// Address and deposed key of those that are open, by number.
async fn open(
    connection: &mut AnyConnection,
    environment: &str,
    finished: &[(usize, &Finished)],
) -> Result<HashMap<i64, (String, String)>, sqlx::Error> {
    let mut open = HashMap::with_capacity(finished.len());
    for piece in pieces(finished) {
        let text = format!(
            "SELECT number, address, deposed FROM journal
             WHERE environment = $1 AND finished_at_ms IS NULL AND number IN (VALUES {})",
            places(piece.len(), 1, 2)
        );
        let mut select = query(text).bind(environment);
        for (_, finished) in piece {
            select = select.bind(to_sql(finished.number));
        }
        for row in select.fetch_all(&mut *connection).await? {
            open.insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?));
        }
    }
    Ok(open)
}

async fn finish(
    connection: &mut AnyConnection,
    environment: &str,
    settled: &[Settled<'_, '_>],
) -> Result<(), sqlx::Error> {
    for piece in pieces(settled) {
        // The values were for settling it, had it stayed open; without them the journal stays small.
        let text = format!(
            "UPDATE journal SET finished_at_ms = v.column2, outcome = v.column3, serial = v.column4,
             before_value = NULL, after_value = NULL, record = NULL
             FROM (VALUES {}) AS v WHERE journal.environment = $1 AND journal.number = v.column1",
            places(piece.len(), 4, 2)
        );
        let mut update = query(text).bind(environment);
        for (finished, serial, _) in piece {
            update = update
                .bind(to_sql(finished.number))
                .bind(to_sql(finished.at_ms))
                .bind(finished.outcome.as_str())
                .bind(*serial);
        }
        update.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn begin(
    connection: &mut AnyConnection,
    environment: &str,
    begun: &[(usize, &Begun)],
    first: i64,
) -> Result<(), sqlx::Error> {
    let mut number = first;
    for piece in pieces(begun) {
        let text = format!(
            "INSERT INTO journal (environment, number, deployment, address, deposed, action, before_value, \
             after_value, depends_on, record, taking_back, begun_at_ms) VALUES {}",
            places(piece.len(), 12, 1)
        );
        let mut insert = query(text);
        for (_, Begun { intent, .. }) in piece {
            insert = insert
                .bind(environment)
                .bind(number)
                .bind(intent.deployment.as_str())
                .bind(intent.address.as_str())
                .bind(intent.deposed.as_str())
                .bind(intent.action.as_str())
                .bind(intent.before.as_deref())
                .bind(intent.after.as_deref())
                .bind(intent.depends_on.as_deref())
                .bind(intent.record.as_deref())
                .bind(i64::from(intent.taking_back))
                .bind(to_sql(intent.at_ms));
            number += 1;
        }
        insert.execute(&mut *connection).await?;
    }
    Ok(())
}
