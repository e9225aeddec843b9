//! The task that writes the journal: intents and results, those that come at the same time in one commit.
//!
//! A commit waits for the disk. Operations that run in parallel would wait for each other's; instead, what arrives while one
//! commit is on its way goes into the next one together. Each is still all or nothing, and is answered only when it is on disk.
//! What is written was sealed and put into words before it comes here.

use std::sync::Arc;

use engine::StoreError;
use sqlx::Connection as _;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::changes::KnownTypes;
use super::database::{Database, is_lost};
use super::operations::{Answer, Entry, write_entries};
use crate::Clock;
use crate::lease::HeldHere;

/// The most that goes into one commit, so that the first of them does not wait too long for its answer.
const BATCH_MAX: usize = 512;

struct Write {
    entry: Entry,
    answer: oneshot::Sender<Answer>,
}

/// Hands entries to the task that writes them.
pub(crate) struct Writer {
    writes: mpsc::Sender<Write>,
    task: JoinHandle<()>,
}

/// What the task works with.
struct Desk {
    database: Arc<Database>,
    held: Arc<HeldHere>,
    clock: Clock,
    types: KnownTypes,
}

impl Writer {
    pub(crate) fn start(database: Arc<Database>, held: Arc<HeldHere>, clock: Clock) -> Self {
        let (writes, mut waiting) = mpsc::channel(BATCH_MAX);
        let task = tokio::spawn(async move {
            let mut desk = Desk { database, held, clock, types: KnownTypes::default() };
            let mut batch = Vec::new();
            while waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
                desk.write(std::mem::take(&mut batch)).await;
            }
        });
        Self { writes, task }
    }

    /// Waits until everything that was handed in is written.
    pub(crate) async fn end(self) {
        drop(self.writes);
        // It ends when nothing more can come; that it was stopped with the runtime is no fault of it.
        let _ = self.task.await;
    }

    /// Writes one entry. Answers the number of an operation that was begun, the new serial for one that was finished.
    pub(crate) async fn write(&self, entry: Entry) -> Answer {
        let ended = || StoreError::Failed {
            doing: "writing the journal".into(),
            source: "the program is ending".into(),
        };
        let (answer, answered) = oneshot::channel();
        self.writes.send(Write { entry, answer }).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

impl Desk {
    async fn write(&mut self, batch: Vec<Write>) {
        let (entries, callers): (Vec<Entry>, Vec<_>) =
            batch.into_iter().map(|write| (write.entry, write.answer)).unzip();
        let fault = match self.commit(&entries).await {
            Ok(answers) => {
                for (caller, answer) in callers.into_iter().zip(answers) {
                    // Whoever asked may be gone; what was written stays written.
                    let _ = caller.send(answer);
                }
                return;
            }
            Err(fault) => fault,
        };
        let hopeless = fault.as_ref().is_none_or(is_lost) || entries.len() == 1;
        let mut fault = fault.map(|fault| self.database.fault("writing the journal", fault));
        let doing = format!("writing the journal ({})", self.database);
        let gone =
            || StoreError::Failed { doing: doing.clone(), source: "the database cannot be reached".into() };
        // One of them is at fault: alone, each gets an answer of its own. A database that is gone is not asked again for each.
        for (entry, caller) in entries.iter().zip(callers) {
            let answer = if hopeless {
                Err(fault.take().unwrap_or_else(gone))
            } else {
                match self.commit(std::slice::from_ref(entry)).await {
                    Ok(mut answers) => answers.pop().unwrap_or_else(|| Err(gone())),
                    Err(Some(fault)) => Err(self.database.fault("writing the journal", fault)),
                    Err(None) => Err(gone()),
                }
            };
            let _ = caller.send(answer);
        }
    }

    /// Writes entries in one transaction. An error is the database's; `None`: there is no connection to it.
    async fn commit(&mut self, entries: &[Entry]) -> Result<Vec<Answer>, Option<sqlx::Error>> {
        let mut connection = self.database.connection().await.map_err(|fault| {
            tracing::warn!("{fault}");
            None
        })?;
        let now_ms = (self.clock)();
        let written = async {
            let mut transaction = connection.begin_with(self.database.begin_write()).await?;
            let answers =
                write_entries(&self.database, &self.held, &mut transaction, entries, now_ms, &mut self.types)
                    .await;
            match answers {
                Ok(_) => transaction.commit().await?,
                // One that is only dropped holds its locks until the connection is used again. What failed first is what is told.
                Err(_) => drop(transaction.rollback().await),
            }
            answers
        }
        .await;
        match &written {
            Ok(_) => self.types.committed(),
            Err(_) => self.types.rolled_back(),
        }
        written.map_err(Some)
    }
}
