//! What a pull or a push tells while it works. Who listens decides what is shown.

/// Something that happened. Texts are fit to be shown: no passwords, no tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It is known how much there is to do.
    Begun {
        /// Blobs that are there already, on the side that they go to.
        present: usize,
        /// Blobs that are transferred.
        wanted: usize,
        /// Their bytes.
        bytes: u64,
    },
    /// More bytes were transferred.
    Moved {
        /// All so far. It may fall, where a transfer begins anew.
        bytes: u64,
        /// Of how many.
        total: u64,
    },
    /// A request failed and is sent again.
    Retrying {
        /// Where to, without what may be secret.
        url: String,
        /// Why.
        cause: String,
    },
    /// A mirror was of no use, and the next place is asked.
    MirrorFailed {
        /// The mirror.
        mirror: String,
        /// Why.
        cause: String,
    },
}

/// Hears of what happens.
pub trait Progress: Send + Sync {
    /// Called on the way; it returns at once.
    fn event(&self, event: Event);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: Event) {}
}
