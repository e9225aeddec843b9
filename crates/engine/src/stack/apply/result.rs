//! Whether what a provider answered to an apply can be: it has to be known, and what was planned. What is at fault is told, and
//! what is there is kept as far as it can be.

use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use value::{Kind, Path, Step, Type, Value};

use crate::inconsistency::inconsistency;
use crate::stack::plan::ResourceChange;

/// The provider and the object that a fault is about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) change: &'a ResourceChange,
    pub(super) span: Option<diag::Span>,
}

impl About<'_> {
    /// A fault of the provider.
    fn fault(self, code: &'static str, message: String, why: String) -> Diagnostic {
        let hint = "this is a fault of the provider: report it where the provider is developed";
        let mut fault = Diagnostic::error(code, message).because(why).hint(hint);
        fault.span = self.span;
        fault.about(self.change.address.to_string())
    }

    /// A plan that was made anew, now that everything is known, and says something else than the one that was agreed to.
    pub(super) fn other_plan(self, why: &str) -> Diagnostic {
        let message = format!(
            "Provider produced inconsistent final plan: {} planned something else once everything was known",
            self.change.provider
        );
        self.fault("plan-inconsistent", message, format!("{why}; nothing was done to it"))
    }

    /// Checks an answer against what was planned, and makes it fit for the state. `may_contradict`: the provider is excused from
    /// the rules of consistency.
    pub(super) fn check(
        self,
        planned: &Value,
        answered: Value,
        may_contradict: bool,
        faults: &mut Diagnostics,
    ) -> Value {
        let unknown = unknown_places(&answered);
        for path in &unknown {
            let message = "Provider returned invalid result object after apply: a value is still unknown";
            let why = format!("`{}` is unknown after the apply; it is kept as null", place(path));
            faults.push(self.fault("provider-fault", message.into(), why));
        }
        let answered = if unknown.is_empty() { answered } else { nulls_for_unknown(&answered) };
        if !may_contradict
            && !faults.has_errors()
            && let Some(why) = inconsistency(planned, &answered)
        {
            let message = format!(
                "Provider produced inconsistent result after apply: {} made something else than it had planned",
                self.change.provider
            );
            faults.push(self.fault("provider-inconsistent", message, why));
        }
        answered
    }

    /// An object that was removed and is still answered.
    pub(super) fn still_there(self) -> Diagnostic {
        let message =
            "Provider returned invalid result object after apply: it was removed, and is still answered";
        self.fault("provider-fault", message.into(), "the object stays in the state".into())
    }
}

fn place(path: &Path) -> String {
    let text = path.to_string();
    text.strip_prefix('.').map_or_else(|| text.clone(), str::to_owned)
}

/// Where a value is unknown.
fn unknown_places(value: &Value) -> Vec<Path> {
    fn collect(value: &Value, path: &Path, found: &mut Vec<Path>) {
        match value.kind() {
            Kind::Unknown(_) => found.push(path.clone()),
            Kind::Object(entries) => each(entries.iter(), path, Step::Attribute, found),
            Kind::Map(_, entries) => each(entries.iter(), path, Step::Key, found),
            Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) => {
                for (i, element) in elements.iter().enumerate().filter(|(_, e)| !e.is_wholly_known()) {
                    collect(element, &path.with(Step::Index(value::Number::from(i))), found);
                }
            }
            _ => {}
        }
    }
    fn each<'v>(
        entries: impl Iterator<Item = (&'v Arc<str>, &'v Value)>,
        path: &Path,
        step: fn(Arc<str>) -> Step,
        found: &mut Vec<Path>,
    ) {
        for (name, value) in entries.filter(|(_, value)| !value.is_wholly_known()) {
            collect(value, &path.with(step(name.clone())), found);
        }
    }
    let mut found = Vec::new();
    collect(value, &Path::default(), &mut found);
    found
}

/// The value with nulls where it is unknown: the state has only what is known.
fn nulls_for_unknown(value: &Value) -> Value {
    value.transform(&mut |value| match value.kind() {
        Kind::Unknown(unknown) => Value::null(unknown.ty.clone()),
        _ => value,
    })
}

/// Null of the type of a value.
pub(super) fn null_like(value: &Value) -> Value {
    Value::null(if value.is_null() { Type::Dynamic } else { value.ty() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_unknown_is_found_and_becomes_null() {
        let value = Value::object([
            ("a", Value::unknown(Type::String)),
            ("b", Value::tuple(vec![Value::string("x"), Value::unknown(Type::Number)])),
        ]);
        let found: Vec<String> = unknown_places(&value).iter().map(place).collect();
        assert_eq!(found, ["a", "b[1]"]);
        assert!(nulls_for_unknown(&value).is_wholly_known());
        assert!(nulls_for_unknown(&value).get("a").unwrap().is_null());
    }
}
