//! Why a provisioner did not succeed, before it is known for whom it ran.
//!
//! It never holds a secret: whoever makes one sees to it.

use diag::Diagnostic;
use engine::ProvisionRequest;

/// Why a provisioner did not succeed.
#[derive(Debug)]
pub(crate) struct Fault {
    code: &'static str,
    cause: String,
    hint: Option<String>,
}

impl Fault {
    /// A fault with its cause, in the oracle's words where it has some.
    pub(crate) fn new(code: &'static str, cause: impl Into<String>) -> Self {
        Self { code, cause: cause.into(), hint: None }
    }

    /// Somebody wanted it to end.
    pub(crate) fn interrupted() -> Self {
        Self::new("provisioner-interrupted", "interrupted")
    }

    /// With the way out.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// As a diagnostic about the resource that it was for.
    pub(crate) fn of(self, request: &ProvisionRequest) -> Diagnostic {
        let diagnostic = Diagnostic::error(self.code, format!("{} provisioner error", request.kind))
            .about(request.address.clone())
            .because(self.cause);
        match self.hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    }
}
