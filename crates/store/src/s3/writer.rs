//! The task that writes the journal: intents and results, those that come at the same time in one write.
//!
//! A write takes as long as the way to the server and back. Operations that run in parallel would wait for each other's; instead,
//! what arrives while one write is on its way goes into the next one together. Each is answered only when it is in the bucket.
//! What is written was sealed and put into words before it comes here.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use engine::{EnvironmentName, StoreError};
use futures_util::future::join_all;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::Time;
use super::bucket::Bucket;
use super::head::{Draft, Opened};
use super::heads::Heads;
use super::lines::{BegunLine, FinishedLine, Line, RowLine};
use crate::environments::new_lineage;
use crate::intents::IntentText;
use crate::lease::{HeldHere, same_refusal};
use crate::rows::RowText;

/// The most that goes into one write, so that the first of them does not wait too long for its answer.
const BATCH_MAX: usize = 512;

/// A result, ready to be written.
pub(crate) struct Finished {
    pub(crate) number: u64,
    pub(crate) outcome: String,
    pub(crate) row: Option<RowText>,
    pub(crate) at_ms: u64,
}

pub(crate) enum Entry {
    Begun(Box<IntentText>),
    Finished(Box<Finished>),
}

/// The number of an operation that was begun, the new serial for one that was finished.
type Answer = Result<u64, StoreError>;

struct Write {
    environment: EnvironmentName,
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
    heads: Arc<Heads>,
    bucket: Arc<Bucket>,
    held: Arc<HeldHere>,
    time: Time,
}

impl Writer {
    pub(crate) fn start(heads: Arc<Heads>, bucket: Arc<Bucket>, held: Arc<HeldHere>, time: Time) -> Self {
        let (writes, mut waiting) = mpsc::channel(BATCH_MAX);
        let desk = Desk { heads, bucket, held, time };
        let task = tokio::spawn(async move {
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
    pub(crate) async fn write(&self, environment: EnvironmentName, entry: Entry) -> Answer {
        let ended = || StoreError::Failed {
            doing: "writing the journal".into(),
            source: "the program is ending".into(),
        };
        let (answer, answered) = oneshot::channel();
        self.writes.send(Write { environment, entry, answer }).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?
    }
}

impl Desk {
    async fn write(&self, batch: Vec<Write>) {
        let mut environments: BTreeMap<EnvironmentName, (Vec<Entry>, Vec<oneshot::Sender<Answer>>)> =
            BTreeMap::new();
        for Write { environment, entry, answer } in batch {
            let (entries, callers) = environments.entry(environment).or_default();
            entries.push(entry);
            callers.push(answer);
        }
        join_all(environments.into_iter().map(|(environment, (entries, callers))| async move {
            let answers = match self.commit(&environment, &entries).await {
                Ok(answers) => answers,
                Err(fault) => entries.iter().map(|_| Err(same_refusal(&fault))).collect(),
            };
            for (caller, answer) in callers.into_iter().zip(answers) {
                // Whoever asked may be gone; what was written stays written.
                let _ = caller.send(answer);
            }
        }))
        .await;
    }

    async fn commit(
        &self,
        environment: &EnvironmentName,
        entries: &[Entry],
    ) -> Result<Vec<Answer>, StoreError> {
        let held_here = self.held.token(environment);
        // Whether another's lease is over is told by the server's clock; who holds one of its own needs not know.
        let now_ms = match held_here {
            Some(_) => self.time.now_ms(),
            None => self.time.servers_ms(&self.bucket).await?,
        };
        let lineage = new_lineage()?;
        self.heads
            .change(environment, false, |draft| {
                draft.head.lease.admits(environment, held_here, now_ms)?;
                let mut answers = self.apply(environment, draft, entries, &lineage)?;
                if !draft.fresh
                    && let Some(at) = answers.iter().position(Result::is_err)
                {
                    return answers.swap_remove(at).map(|_| Vec::new());
                }
                Ok(answers)
            })
            .await
    }

    /// Adds entries to a draft, and answers each in its place.
    fn apply(
        &self,
        environment: &EnvironmentName,
        draft: &mut Draft,
        entries: &[Entry],
        lineage: &str,
    ) -> Result<Vec<Answer>, StoreError> {
        let mut answers: Vec<Answer> = Vec::with_capacity(entries.len());
        let mut types = BTreeMap::new();
        let mut lines = Vec::with_capacity(entries.len());
        // Who finishes an operation is told by those that were open before.
        let open = draft.head.open.clone();
        let mut taken = HashSet::new();
        for entry in entries {
            match entry {
                Entry::Begun(intent) => {
                    draft.head.operations += 1;
                    let number = draft.head.operations;
                    lines.push(Line::Begun(BegunLine::new(number, intent)?));
                    let opened = Opened {
                        deployment: intent.deployment.clone(),
                        address: intent.address.clone(),
                        deposed: intent.deposed.clone(),
                        action: intent.action.clone(),
                    };
                    draft.head.open.insert(number, opened);
                    answers.push(Ok(number));
                }
                Entry::Finished(finished) => {
                    let opened = open.get(&finished.number).filter(|_| taken.insert(finished.number));
                    let opened = match self.is_about(environment, finished, opened) {
                        Ok(opened) => opened,
                        Err(refusal) => {
                            answers.push(Err(refusal));
                            continue;
                        }
                    };
                    draft.head.open.remove(&finished.number);
                    draft.head.serial += 1;
                    answers.push(Ok(draft.head.serial));
                    if let Some(row) = &finished.row
                        && let Some(ty) = &row.ty
                    {
                        types.insert(row.type_hash.as_str(), ty.as_str());
                    }
                    lines.push(Line::Finished(finished_line(draft.head.serial, finished, opened)?));
                }
            }
        }
        if !lines.is_empty() {
            draft.head.make(lineage);
            draft.log(&types, &lines)?;
        }
        Ok(answers)
    }

    fn is_about<'o>(
        &self,
        environment: &EnvironmentName,
        finished: &Finished,
        opened: Option<&'o Opened>,
    ) -> Result<&'o Opened, StoreError> {
        let refused = |why: String| StoreError::Refused {
            what: format!("finishing operation {} of {environment}", finished.number),
            why,
        };
        let opened = opened.ok_or_else(|| refused(format!("it is not open in {}", self.bucket)))?;
        match &finished.row {
            Some(row) if row.address != opened.address => {
                Err(refused(format!("it is about {}, not {}", opened.address, row.address)))
            }
            _ => Ok(opened),
        }
    }
}

fn finished_line<'a>(
    serial: u64,
    finished: &'a Finished,
    opened: &'a Opened,
) -> Result<FinishedLine<'a>, StoreError> {
    let row = finished.row.as_ref();
    let mut rows = Vec::with_capacity(1);
    // An object that was deposed, or is current again, leaves the place that the intent was about.
    if row.is_none_or(|row| row.deposed != opened.deposed) {
        rows.push(RowLine::gone(&opened.address, &opened.deposed));
    }
    if let Some(row) = row {
        rows.push(RowLine::new(row)?);
    }
    Ok(FinishedLine {
        number: finished.number,
        serial,
        at_ms: finished.at_ms,
        outcome: finished.outcome.as_str().into(),
        deployment: opened.deployment.as_str().into(),
        at: opened.address.as_str().into(),
        deposed: opened.deposed.as_str().into(),
        action: opened.action.as_str().into(),
        rows,
    })
}
