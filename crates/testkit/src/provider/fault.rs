//! What the provider says is wrong.

use plugin::wire::messages::{AttributePath, Diagnostic, PathStep, Selector};
use serde_json::Value as Json;

use super::script::Said;

/// An error or a warning, and where.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) is_warning: bool,
    pub(super) summary: String,
    pub(super) detail: String,
    pub(super) path: Vec<Selector>,
}

impl Fault {
    pub(super) fn new(summary: &str, detail: impl Into<String>) -> Self {
        Self { is_warning: false, summary: summary.into(), detail: detail.into(), path: Vec::new() }
    }

    pub(super) fn warning(summary: &str, detail: impl Into<String>) -> Self {
        Self { is_warning: true, ..Self::new(summary, detail) }
    }

    pub(super) fn at(self, path: impl IntoIterator<Item = Selector>) -> Self {
        Self { path: path.into_iter().collect(), ..self }
    }

    pub(super) fn diagnostic(self) -> Diagnostic {
        let attribute = (!self.path.is_empty()).then(|| path(self.path));
        Diagnostic {
            severity: if self.is_warning { 2 } else { 1 },
            summary: self.summary,
            detail: self.detail,
            attribute,
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::new("The cloud cannot be reached", error.to_string())
    }
}

impl From<&Said> for Fault {
    fn from(said: &Said) -> Self {
        let path = said.path.iter().filter_map(|step| match step {
            Json::String(name) => Some(attribute(name)),
            Json::Number(at) => at.as_i64().map(Selector::ElementKeyInt),
            Json::Object(key) => key.get("key").and_then(Json::as_str).map(self::key),
            _ => None,
        });
        let path = path.collect();
        Self { is_warning: said.is_warning, summary: said.summary.clone(), detail: said.detail.clone(), path }
    }
}

pub(super) fn attribute(name: &str) -> Selector {
    Selector::AttributeName(name.into())
}

pub(super) fn key(key: &str) -> Selector {
    Selector::ElementKeyString(key.into())
}

pub(super) fn path(steps: impl IntoIterator<Item = Selector>) -> AttributePath {
    let steps = steps.into_iter().map(|step| PathStep { selector: Some(step) });
    AttributePath { steps: steps.collect() }
}
