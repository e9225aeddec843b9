//! What an operation answers when it could not be done.

use diag::{Diagnostic, Diagnostics, Sources};
use engine::StoreError;

/// Why an operation was not done.
#[derive(Debug)]
pub enum Fault {
    /// The configuration is invalid; nothing was tried.
    Configuration {
        /// What is wrong with it.
        diagnostics: Diagnostics,
        /// The texts that the places point into.
        sources: Box<Sources>,
    },
    /// It was asked for in a way that cannot be meant; nothing was tried.
    Usage(Diagnostics),
    /// It was tried and failed, or the world refused.
    Failed(Diagnostics),
}

impl Fault {
    /// A wrong way to ask, with the way out.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage(Diagnostic::error("usage", message).hint(hint).into())
    }

    /// A failure.
    #[must_use]
    pub fn failed(diagnostic: Diagnostic) -> Self {
        Self::Failed(diagnostic.into())
    }

    /// A file or folder that could not be had: what was being done, to which, why.
    pub fn io(doing: impl Into<String>, path: &std::path::Path, error: &std::io::Error) -> Self {
        let diagnostic = Diagnostic::error("file", doing.into())
            .about(path.display().to_string())
            .because(error.to_string());
        Self::failed(diagnostic)
    }

    /// The diagnostics in it.
    #[must_use]
    pub fn diagnostics(&self) -> &Diagnostics {
        match self {
            Self::Configuration { diagnostics, .. }
            | Self::Usage(diagnostics)
            | Self::Failed(diagnostics) => diagnostics,
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let mut diagnostic = Diagnostic::error("store", error.to_string());
        match &error {
            StoreError::Locked { expires_at_ms, .. } => {
                diagnostic.code = "locked".into();
                diagnostic = diagnostic.because(format!(
                    "it ends by itself {} unless its holder renews it",
                    crate::clock::display(*expires_at_ms)
                ));
                diagnostic = diagnostic.hint("wait for the other run to end, or end it");
            }
            StoreError::LeaseLost(_) => {
                diagnostic.code = "lock-lost".into();
                diagnostic = diagnostic.hint("see what stands with `mainstay plan`, then run it again");
            }
            _ => {
                let causes: Vec<String> =
                    std::iter::successors(std::error::Error::source(&error), |e| e.source())
                        .map(ToString::to_string)
                        .collect();
                if !causes.is_empty() {
                    diagnostic = diagnostic.because(causes.join(": "));
                }
            }
        }
        Self::failed(diagnostic)
    }
}
