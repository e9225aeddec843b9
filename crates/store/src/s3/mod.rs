//! The store in a bucket: AWS S3, or another server of its kind that has conditional writes.
//!
//! The state is a log. What changes is added to its end; rows are never written over, so that a change costs the same in a state of
//! ten and of a hundred thousand, and every version can be gone back to. One small object, the head, says what the log consists
//! of, who may write, and which operations are open; it is the only one that is ever written over, and only by who has seen what
//! is written over (`If-Match`). Operations that come at the same time go into one write together. A writer that is killed
//! between two writes leaves objects that nothing refers to, and the head as it was.
//!
//! Of a cloud nothing is asked but objects, and keys to ask for them by: no table of locks, no events.

use std::sync::Arc;

use engine::StoreError;
use tokio::sync::OnceCell;

use self::bucket::Bucket;
use self::heads::Heads;
use self::writer::Writer;
use crate::clock::{Clock, system_clock};
use crate::keys::KeyRing;
use crate::lease::HeldHere;

mod backend;
mod bucket;
mod compact;
mod credentials;
mod editing;
mod head;
mod heads;
mod history;
mod leases;
mod ledger;
mod lines;
mod load;
mod names;
mod options;
mod profile;
mod state;
mod terraform;
mod workspaces;
mod writer;

pub use backend::S3Backend;
pub use credentials::{S3Credentials, S3Role, WebIdentity};
pub use head::TakenOver;
pub use options::{MAX_RETRIES, S3Encryption, S3Options};
pub use terraform::{TerraformLock, TerraformObject, TerraformState};

/// State, journal, leases and ledger of a project in a bucket, beside Terraform's own state.
pub struct S3Store {
    bucket: Arc<Bucket>,
    heads: Arc<Heads>,
    keys: KeyRing,
    time: Time,
    held: Arc<HeldHere>,
    writer: Writer,
}

impl S3Store {
    /// A store in a bucket. Nothing is asked of the server yet. Has to be called inside of a Tokio runtime. Leases are measured by
    /// the server's clock.
    ///
    /// # Errors
    /// If the options contradict themselves.
    pub fn connect(options: &S3Options, keys: KeyRing) -> Result<Self, StoreError> {
        Self::start(options, keys, Time { local: system_clock(), ahead_ms: Arc::default() })
    }

    /// The same by another clock than the server's.
    ///
    /// # Errors
    /// As [`S3Store::connect`].
    pub fn connect_with_clock(options: &S3Options, keys: KeyRing, clock: Clock) -> Result<Self, StoreError> {
        Self::start(options, keys, Time { local: clock, ahead_ms: Arc::new(OnceCell::new_with(Some(0))) })
    }

    fn start(options: &S3Options, keys: KeyRing, time: Time) -> Result<Self, StoreError> {
        Ok(Self::over(Bucket::open(options)?, keys, time))
    }

    fn over(bucket: Bucket, keys: KeyRing, time: Time) -> Self {
        let bucket = Arc::new(bucket);
        let heads = Arc::new(Heads::new(bucket.clone()));
        let held = Arc::new(HeldHere::default());
        let writer = Writer::start(heads.clone(), bucket.clone(), held.clone(), time.clone());
        Self { bucket, heads, keys, time, held, writer }
    }

    /// Ends it: what was handed in is written. A store that is dropped instead writes it too, if its runtime goes on.
    pub async fn close(self) {
        self.writer.end().await;
    }

    /// The keys that values are sealed with.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }
}

impl std::fmt::Debug for S3Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "S3Store({})", self.bucket)
    }
}

/// What time it is: machines that share a bucket measure leases by its clock.
#[derive(Clone)]
pub(crate) struct Time {
    local: Clock,
    /// How far the server's clock is ahead of ours.
    ahead_ms: Arc<OnceCell<i64>>,
}

/// A difference that is not worth correcting: the server tells whole seconds only, and an answer takes its time.
const AHEAD_IGNORED_MS: u64 = 2_000;

impl Time {
    /// As far as is known without asking.
    pub(crate) fn now_ms(&self) -> u64 {
        (self.local)().saturating_add_signed(self.ahead_ms.get().copied().unwrap_or(0))
    }

    /// By the server's clock, which is asked once.
    pub(crate) async fn servers_ms(&self, bucket: &Bucket) -> Result<u64, StoreError> {
        self.ahead_ms
            .get_or_try_init(|| async {
                let before = (self.local)();
                let server = bucket.time_ms(&bucket.clock()).await?;
                let ahead = server.cast_signed() - before.cast_signed();
                Ok(if ahead.unsigned_abs() > AHEAD_IGNORED_MS { ahead } else { 0 })
            })
            .await?;
        Ok(self.now_ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_clock_that_is_wrong_is_set_by_the_servers() {
        let right = system_clock();
        for (wrong_ms, left_ms) in [(-3_600_000, 0), (3_600_000, 0), (300, 300)] {
            let local: Clock = {
                let right = right.clone();
                Arc::new(move || right().saturating_add_signed(wrong_ms))
            };
            let time = Time { local, ahead_ms: Arc::default() };
            let now_ms = time.servers_ms(&Bucket::in_memory()).await.unwrap();
            let off_ms = now_ms.abs_diff(right().saturating_add(left_ms));
            // The server tells the time half a second late or early, and a test may be slow.
            assert!(off_ms < 1_500, "{wrong_ms} off leaves {off_ms}");
        }
    }
}
