//! Heads are read and written here, each write on the condition that the head is still what it was drafted from.
//!
//! An answer that was lost is no trouble: the head is read again, and tells by its stamps whether the write was made. Of several
//! writers one is always ahead, and the others draft anew. What a change comes to is decided by whoever asks for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use engine::{EnvironmentName, StoreError};
use futures_util::future::try_join_all;
use tokio::sync::OwnedMutexGuard;

use super::bucket::{Before, Bucket, Written};
use super::head::{Draft, Head};
use crate::environments::random_word;

/// How often a write is drafted anew because another writer was ahead. One of all writers is never overtaken, so that this many
/// in a row are no coincidence.
const DRAFTS: u32 = 100;
/// How often a write is made again of which nobody knows whether it was made.
const DOUBTS: u32 = 3;
/// How long an overtaken writer waits at least, times the attempt, up to ten times.
const PAUSE: Duration = Duration::from_millis(10);
/// A tag that no object has.
const NO_TAG: &str = "\"6d61696e737461792061736b732066697273\"";

const DOING: &str = "writing the state";

/// The heads of a bucket's environments.
pub(crate) struct Heads {
    bucket: Arc<Bucket>,
    slots: Mutex<HashMap<EnvironmentName, Arc<tokio::sync::Mutex<Slot>>>>,
}

/// The head of an environment as it was when it was last seen. Whoever has it locked is the only one of this process that writes.
#[derive(Default)]
pub(crate) struct Slot {
    known: Option<Known>,
}

struct Known {
    head: Head,
    /// `None`: there is no object.
    tag: Option<String>,
}

impl Slot {
    /// What was last seen; nothing where it was not read yet.
    pub(crate) fn head(&self) -> Head {
        self.known.as_ref().map_or_else(Head::nothing, |known| known.head.clone())
    }
}

impl Heads {
    pub(crate) fn new(bucket: Arc<Bucket>) -> Self {
        Self { bucket, slots: Mutex::default() }
    }

    /// The head as it is now.
    pub(crate) async fn read(&self, environment: &EnvironmentName) -> Result<Head, StoreError> {
        Ok(self.look(environment).await?.head)
    }

    async fn look(&self, environment: &EnvironmentName) -> Result<Known, StoreError> {
        let found = self.bucket.read("reading the state", &self.bucket.head(environment)).await?;
        Ok(match found {
            None => Known { head: Head::nothing(), tag: None },
            Some(found) => Known {
                head: Head::read(self.bucket.as_ref(), environment, &found.bytes)?,
                tag: Some(found.tag),
            },
        })
    }

    /// Locks the head against the other writers of this process.
    pub(crate) async fn lock(&self, environment: &EnvironmentName) -> OwnedMutexGuard<Slot> {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.entry(environment.clone()).or_default().clone()
        };
        slot.lock_owned().await
    }

    /// Reads the head into its slot.
    pub(crate) async fn refresh(
        &self,
        environment: &EnvironmentName,
        slot: &mut Slot,
    ) -> Result<Head, StoreError> {
        slot.known = None;
        let known = self.look(environment).await?;
        Ok(slot.known.insert(known).head.clone())
    }

    /// Changes the head as `decide` says, which may be asked several times. `fresh`: what was seen before will not do.
    pub(crate) async fn change<T>(
        &self,
        environment: &EnvironmentName,
        fresh: bool,
        mut decide: impl FnMut(&mut Draft) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut slot = self.lock(environment).await;
        let mut fresh = fresh;
        let mut is_fresh = false;
        for attempt in 0..DRAFTS {
            if slot.known.is_none() || fresh {
                self.refresh(environment, &mut slot).await?;
                (fresh, is_fresh) = (false, true);
            }
            let mut draft = Draft::of(&slot.head(), is_fresh, random_word()?);
            let answer = match decide(&mut draft) {
                Ok(answer) => answer,
                // What was seen last may be old.
                Err(_) if !is_fresh => {
                    fresh = true;
                    continue;
                }
                Err(refusal) => return Err(refusal),
            };
            if !draft.is_changed() || self.write(environment, &mut slot, draft).await? {
                return Ok(answer);
            }
            is_fresh = true;
            pause(attempt).await?;
        }
        Err(crowded(environment))
    }

    /// Writes a draft of what is in the slot. `false`: another writer was ahead, and the slot has what it wrote.
    pub(crate) async fn write(
        &self,
        environment: &EnvironmentName,
        slot: &mut Slot,
        draft: Draft,
    ) -> Result<bool, StoreError> {
        let path = self.bucket.head(environment);
        let tag = slot.known.as_ref().and_then(|known| known.tag.clone());
        if tag.is_none() {
            self.check_conditions().await?;
        }
        let puts = draft.uploads.iter().map(|(name, bytes)| async move {
            self.bucket.put(DOING, &self.bucket.object(environment, name), bytes.clone()).await
        });
        try_join_all(puts).await?;
        let bytes = draft.head.bytes()?;
        let mut doubt = None;
        for attempt in 0..DOUBTS {
            let before = tag.as_deref().map_or(Before::Nothing, Before::Tag);
            doubt = match self.bucket.write(DOING, &path, bytes.clone(), &before).await {
                Written::Done(written) => {
                    slot.known = Some(Known { head: draft.head, tag: Some(written) });
                    return Ok(true);
                }
                Written::Overtaken => None,
                Written::InDoubt(fault) => Some(fault),
            };
            slot.known = None;
            let seen = match self.look(environment).await {
                Ok(seen) => seen,
                Err(fault) => return Err(doubt.unwrap_or(fault)),
            };
            if seen.head.version >= draft.head.version {
                let ours = seen.head.was_written_by(draft.head.version, draft.stamp());
                let Some(ours) = ours else { break };
                slot.known = Some(seen);
                return Ok(ours);
            }
            // Nothing was written: the answer was that two wrote at once, or there was none.
            pause(attempt).await?;
        }
        Err(doubt.unwrap_or_else(|| StoreError::Failed {
            doing: format!("{DOING} of {environment}"),
            source: "it is not known whether it was written: read it again".into(),
        }))
    }

    /// A server that passes over conditions would let two writers write over each other's state, and nobody would notice. It is
    /// asked before it keeps its first head.
    async fn check_conditions(&self) -> Result<(), StoreError> {
        const DOING: &str = "asking the server for conditional writes";
        let (path, bytes) = (self.bucket.clock(), Bytes::from_static(b"written over by nobody\n"));
        self.bucket.put(DOING, &path, bytes.clone()).await?;
        for (before, name) in [(Before::Nothing, "If-None-Match"), (Before::Tag(NO_TAG), "If-Match")] {
            match self.bucket.write(DOING, &path, bytes.clone(), &before).await {
                Written::Overtaken => {}
                Written::Done(_) => {
                    return Err(StoreError::Refused {
                        what: format!("keeping a state in {}", self.bucket),
                        why: format!(
                            "the server passes over the condition `{name}`, and two writers would write over each other's state: use one that has conditional writes, as AWS has since November 2024"
                        ),
                    });
                }
                Written::InDoubt(fault) => return Err(fault),
            }
        }
        Ok(())
    }
}

/// Waits before the next attempt, each writer another time.
pub(crate) async fn pause(attempt: u32) -> Result<(), StoreError> {
    let word = random_word()?;
    let random = u32::from_str_radix(&word[..2], 16).unwrap_or(0);
    let longest = PAUSE * attempt.clamp(1, 10) * 2;
    tokio::time::sleep(longest / 2 + longest * random / 512).await;
    Ok(())
}

/// Others write all the time.
pub(crate) fn crowded(environment: &EnvironmentName) -> StoreError {
    StoreError::Failed {
        doing: format!("{DOING} of {environment}"),
        source: "others write to it all the time: take its lock first".into(),
    }
}
