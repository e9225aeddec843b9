//! What an installation tells while it works. Who listens decides what is shown.

use std::path::PathBuf;

use diag::Diagnostic;

use crate::Version;

/// Something that happened. Texts are fit to be shown: no passwords, no tokens.
#[derive(Debug, Clone)]
pub enum Event {
    /// Another process is installing into the same folder, and this one waits for it.
    Waiting {
        /// The folder.
        folder: PathBuf,
    },
    /// A package is fetched.
    Fetching {
        /// The module's path, such as `network.subnets`.
        key: String,
        /// Where from.
        source: String,
        /// Which version, if it is a registry's.
        version: Option<Version>,
    },
    /// A request failed and is sent again.
    Retrying {
        /// Where to.
        url: String,
        /// Why.
        cause: String,
    },
    /// A module has its folder.
    Installed {
        /// The module's path.
        key: String,
        /// From the root module's folder.
        folder: PathBuf,
    },
    /// Something that is no fault, and should be known.
    Warning(Diagnostic),
}

/// Who is told.
pub trait Progress: Send + Sync {
    /// Takes an event; called from several tasks.
    fn event(&self, event: Event);
}

impl<F: Fn(Event) + Send + Sync> Progress for F {
    fn event(&self, event: Event) {
        self(event);
    }
}

/// Nobody listens.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: Event) {}
}
