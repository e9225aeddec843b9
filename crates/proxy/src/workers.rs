//! The threads that serve connections: each has a runtime, and connections to endpoints, of its own, so that a request never
//! goes from one thread to another. Which connection goes to which thread is decided by turns.
//!
//! On one runtime for all threads, half of a request's steps would wake another thread, which costs more than the step.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

/// Long enough to cost nothing, and shorter than any of a connection's timers.
const TICK: Duration = Duration::from_secs(1);

thread_local! {
    /// The number of the worker that this thread is.
    static NUMBER: Cell<usize> = const { Cell::new(0) };
}

/// The threads, and whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    handles: Vec<Handle>,
    turn: AtomicUsize,
    /// Cancelled when the threads shall end; what they still serve is cut off.
    end: CancellationToken,
}

impl Workers {
    /// Starts so many threads, at least one.
    pub(crate) fn start(count: usize) -> io::Result<Self> {
        let mut workers = Self::default();
        for number in 0..count.max(1) {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            workers.handles.push(runtime.handle().clone());
            let end = workers.end.clone();
            std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
                NUMBER.set(number);
                runtime.block_on(async {
                    // A timer that is always due soon: the runtime wakes itself up, with a system call, for each timer that
                    // becomes the next one, and a connection's own timers are far off.
                    while tokio::time::timeout(TICK, end.cancelled()).await.is_err() {}
                });
            })?;
        }
        Ok(workers)
    }

    /// The one whose turn it is; none where none were started, and whoever asks does the work itself.
    pub(crate) fn next(&self) -> Option<&Handle> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.handles.get(turn.checked_rem(self.handles.len())?)
    }
}

impl Workers {
    /// Ends the threads, and with them what they still serve.
    pub(crate) fn end(&self) {
        self.end.cancel();
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.end();
    }
}

/// The number of the worker that calls this; 0 on any other thread.
pub(crate) fn number() -> usize {
    NUMBER.get()
}
