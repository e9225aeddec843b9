//! What a provider says, in the engine's words.

use engine::stack::provider::Remark;
use value::{Number, Path, Step};

use crate::failure::CallFailure;
use crate::wire::messages::{AttributePath, Diagnostic, Selector};

/// The severity of an error.
const ERROR: i32 = 1;

/// What came with an answer.
pub(crate) fn of(diagnostics: Vec<Diagnostic>) -> Vec<Remark> {
    let each = diagnostics.into_iter().map(|said| Remark {
        is_error: said.severity == ERROR,
        summary: said.summary,
        detail: said.detail,
        path: said.attribute.as_ref().map(path).unwrap_or_default(),
    });
    each.collect()
}

/// A call that came to no answer.
pub(crate) fn of_failure(failure: CallFailure) -> Vec<Remark> {
    let summary = match &failure {
        CallFailure::Unknown(_) => "The provider is too old",
        CallFailure::Ended { .. } => "The provider ended unexpectedly",
        CallFailure::Failed { .. } => "The provider failed",
        CallFailure::Answer { .. } => "The provider's answer cannot be read",
        CallFailure::Start(_) => "The provider does not start",
    };
    vec![Remark::error(summary, failure.to_string())]
}

/// A place inside a value.
pub(crate) fn path(path: &AttributePath) -> Path {
    let steps = path.steps.iter().filter_map(|step| {
        Some(match step.selector.as_ref()? {
            Selector::AttributeName(name) => Step::Attribute(name.as_str().into()),
            Selector::ElementKeyString(key) => Step::Key(key.as_str().into()),
            Selector::ElementKeyInt(index) => Step::Index(Number::from(*index)),
        })
    });
    Path(steps.collect())
}

/// Splits what was said into errors, which are the answer then, and warnings.
pub(crate) fn checked(diagnostics: Vec<Diagnostic>) -> Result<Vec<Remark>, Vec<Remark>> {
    let said = of(diagnostics);
    if said.iter().any(|remark| remark.is_error) { Err(said) } else { Ok(said) }
}
