//! What Ctrl-C does: while nothing is under way it leaves at once; otherwise what runs is ended in order.

use std::sync::{Arc, Mutex, PoisonError};

/// The exit code with which Ctrl-C leaves at once; none while something is under way.
#[derive(Debug, Clone, Default)]
pub struct Leave(Arc<Mutex<Option<u8>>>);

impl Leave {
    /// Nothing is under way from here on: Ctrl-C leaves with this code.
    pub fn at_once(&self, code: u8) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
    }

    /// Something is under way from here on.
    pub fn in_order(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The code to leave with at once.
    pub fn code(&self) -> Option<u8> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
