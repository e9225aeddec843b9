//! What the composition root hands in.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use engine::Store;

use crate::backend::Kept;
use crate::stack::Programs;

/// What the composition root hands in, so that a test can put itself between an operation and its store.
#[derive(Clone)]
pub struct Wiring {
    /// The process's environment variables: values of variables (`MAINSTAY_VAR_x`), keys (`MAINSTAY_KEY_x`), places.
    pub variables: BTreeMap<String, String>,
    /// This program, under which providers' processes are started; none where that is not to be had.
    pub binary: Option<PathBuf>,
    /// The providers' programs that run.
    pub programs: Arc<Programs>,
    /// Stands between operations and the store of the project or folder that they are about.
    pub wrap_store: fn(Arc<dyn Store>) -> Arc<dyn Store>,
}

impl Wiring {
    /// What the real program uses.
    #[must_use]
    pub fn of_process() -> Self {
        // What is not UTF-8 cannot be a variable's value or a key.
        let variables =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Self {
            variables: variables.collect(),
            binary: std::env::current_exe().ok(),
            programs: Arc::default(),
            wrap_store: |store| store,
        }
    }

    /// A store that was opened, with what stands before it.
    pub(crate) fn wrapped(&self, kept: Kept) -> Kept {
        Kept { store: (self.wrap_store)(kept.store), ..kept }
    }
}

impl fmt::Debug for Wiring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Variables may hold secrets.
        f.debug_struct("Wiring").finish_non_exhaustive()
    }
}
