//! Conditions: what has to hold of variables, resources and outputs, and what `check` blocks assert. What they said is kept for the
//! plan and for the state.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use diag::{Diagnostic, Diagnostics, Severity};
use lang::configuration::Condition;
use lang::eval::{Scope, describe_value, evaluate};
use value::{Marks, Type, Value, convert};

use crate::stack::plan::{CheckInstance, CheckKind, CheckResult, CheckStatus};

/// What conditions said, by object and instance.
#[derive(Debug, Default)]
pub struct CheckLedger(Mutex<BTreeMap<(CheckKind, String), BTreeMap<String, Verdict>>>);

/// What the conditions of one instance said so far.
#[derive(Debug, Default)]
struct Verdict {
    status: Option<CheckStatus>,
    problems: Vec<String>,
}

/// What some conditions said together.
#[derive(Debug)]
pub struct Judged {
    /// The worst of them.
    pub status: CheckStatus,
    /// What those that failed say.
    pub problems: Vec<String>,
    /// The same with their places, and faults of the conditions themselves.
    pub diagnostics: Diagnostics,
}

/// How the failure of a condition is told.
#[derive(Debug, Clone, Copy)]
pub struct Telling {
    /// A stable word.
    pub code: &'static str,
    /// Terraform's summary.
    pub summary: &'static str,
    /// Whether it is an error; otherwise a warning.
    pub severity: Severity,
}

impl Telling {
    /// Of a resource, before it is planned.
    pub const PRECONDITION: Self = Self::error("precondition-failed", "Resource precondition failed");
    /// Of a resource, after it is planned or applied.
    pub const POSTCONDITION: Self = Self::error("postcondition-failed", "Resource postcondition failed");
    /// Of an output.
    pub const OUTPUT: Self = Self::error("precondition-failed", "Module output value precondition failed");
    /// Of a variable.
    pub const VARIABLE: Self = Self::error("invalid-variable", "Invalid value for variable");
    /// Of a `check` block.
    pub const ASSERTION: Self =
        Self { code: "check-failed", summary: "Check block assertion failed", severity: Severity::Warning };

    const fn error(code: &'static str, summary: &'static str) -> Self {
        Self { code, summary, severity: Severity::Error }
    }
}

impl CheckLedger {
    /// An object has conditions, whatever they will say.
    pub fn declare(&self, kind: CheckKind, object: String) {
        self.lock().entry((kind, object)).or_default();
    }

    /// The conditions of an instance said something; the worst counts.
    pub fn note(&self, kind: CheckKind, object: String, instance: String, judged: &Judged) {
        let mut ledger = self.lock();
        let verdict = ledger.entry((kind, object)).or_default().entry(instance).or_default();
        verdict.status = Some(verdict.status.map_or(judged.status, |status| worse(status, judged.status)));
        verdict.problems.extend(judged.problems.iter().cloned());
    }

    /// Whether an instance has failed already.
    pub fn has_failed(&self, kind: CheckKind, object: &str, instance: &str) -> bool {
        let ledger = self.lock();
        let verdict = ledger.get(&(kind, object.to_owned())).and_then(|instances| instances.get(instance));
        verdict.is_some_and(|verdict| verdict.status == Some(CheckStatus::Fail))
    }

    /// An instance failed without a condition being judged: what it looks at cannot be had.
    pub fn fail(&self, kind: CheckKind, object: String, instance: String, problems: Vec<String>) {
        let failed = Judged { status: CheckStatus::Fail, problems, diagnostics: Diagnostics::default() };
        self.note(kind, object, instance, &failed);
    }

    /// Everything, ordered by object.
    #[must_use]
    pub fn results(&self) -> Vec<CheckResult> {
        let ledger = self.lock();
        let result = |((kind, object), instances): (&(CheckKind, String), &BTreeMap<String, Verdict>)| {
            let instances: Vec<CheckInstance> = instances
                .iter()
                .map(|(address, verdict)| CheckInstance {
                    address: address.clone(),
                    status: verdict.status.unwrap_or(CheckStatus::Unknown),
                    problems: verdict.problems.clone(),
                })
                .collect();
            let status = instances.iter().map(|instance| instance.status).reduce(worse);
            CheckResult {
                kind: *kind,
                object: object.clone(),
                status: status.unwrap_or(CheckStatus::Unknown),
                instances,
            }
        };
        ledger.iter().map(result).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(CheckKind, String), BTreeMap<String, Verdict>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The status of two together.
fn worse(a: CheckStatus, b: CheckStatus) -> CheckStatus {
    let rank = |status| match status {
        CheckStatus::Pass => 0,
        CheckStatus::Unknown => 1,
        CheckStatus::Fail => 2,
        CheckStatus::Error => 3,
    };
    if rank(a) >= rank(b) { a } else { b }
}

/// Evaluates conditions. What cannot be known yet is neither right nor wrong.
#[must_use]
pub fn judge(conditions: &[Condition], scope: &dyn Scope, telling: Telling) -> Judged {
    let mut judged =
        Judged { status: CheckStatus::Pass, problems: Vec::new(), diagnostics: Diagnostics::default() };
    for condition in conditions {
        let status = judge_one(condition, scope, telling, &mut judged);
        judged.status = worse(judged.status, status);
    }
    judged
}

/// What is wrong with conditions whatever they say: faults in working them out, and in what would be said.
#[must_use]
pub fn validate(conditions: &[Condition], scope: &dyn Scope) -> Diagnostics {
    let mut faults = Diagnostics::default();
    for condition in conditions {
        faults.extend(evaluate(&condition.condition, scope).err().unwrap_or_default());
    }
    faults.extend(messages(conditions, scope));
    faults
}

/// What is wrong with what conditions would say.
pub(super) fn messages(conditions: &[Condition], scope: &dyn Scope) -> Diagnostics {
    let mut faults = Diagnostics::default();
    for condition in conditions {
        match evaluate(&condition.message, scope) {
            Err(found) => faults.extend(found),
            Ok(value) => {
                let (plain, _) = value.unmark_deep();
                if convert(&plain, &Type::String).is_err() {
                    let fault =
                        Diagnostic::error("invalid-message", "Invalid error message: a string is required");
                    faults.push(
                        fault.at(condition.message.span).label(format!("this is {}", describe_value(&plain))),
                    );
                }
            }
        }
    }
    faults
}

fn judge_one(condition: &Condition, scope: &dyn Scope, telling: Telling, judged: &mut Judged) -> CheckStatus {
    let value = match evaluate(&condition.condition, scope) {
        Ok(value) => value,
        // A condition that cannot be judged is an error also where one that fails would only be told.
        Err(faults) => {
            judged.diagnostics.extend(faults);
            return CheckStatus::Error;
        }
    };
    let (plain, _) = value.clone().unmark_deep();
    let wrong = |why: &str| {
        let fault = Diagnostic::error("invalid-condition", format!("Invalid condition result: {why}"));
        let fault = match telling.code == Telling::VARIABLE.code {
            true => fault.summary("Invalid variable validation result"),
            false => fault,
        };
        fault.at(condition.condition.span).label(format!("this is {}", describe_value(&value)))
    };
    if plain.is_null() {
        judged.diagnostics.push(wrong("it must return either true or false, not null"));
        return CheckStatus::Error;
    }
    match convert(&plain, &Type::Bool) {
        Err(_) => {
            judged.diagnostics.push(wrong("a bool is required"));
            CheckStatus::Error
        }
        Ok(known) => match known.as_bool() {
            None => {
                if telling.severity == Severity::Warning {
                    let message =
                        "Check block assertion known after apply: it depends on what only the apply tells";
                    let warning = Diagnostic::warning("check-unknown", message).at(condition.condition.span);
                    judged.diagnostics.push(warning);
                }
                CheckStatus::Unknown
            }
            Some(true) => CheckStatus::Pass,
            Some(false) => {
                let message = message(condition, scope, &mut judged.diagnostics);
                let fault = Diagnostic::error(telling.code, format!("{}: {message}", telling.summary));
                let fault = fault.at(condition.condition.span);
                judged.diagnostics.push(Diagnostic { severity: telling.severity, ..fault });
                judged.problems.push(message);
                CheckStatus::Fail
            }
        },
    }
}

/// What a person reads; a message that is at fault or secret does not hide that the condition failed.
fn message(condition: &Condition, scope: &dyn Scope, diagnostics: &mut Diagnostics) -> String {
    const FAILED: &str = "This check failed, but has an invalid error message.";
    let value = match evaluate(&condition.message, scope) {
        Ok(value) => value,
        Err(faults) => {
            diagnostics.extend(faults);
            return FAILED.to_owned();
        }
    };
    let (plain, marks) = value.unmark_deep();
    let wrong = |word: &str| {
        Diagnostic::warning(
            "invalid-message",
            format!("Error message refers to {word} values: the message is not shown"),
        )
        .at(condition.message.span)
        .hint("say what is wrong without them, or use `nonsensitive` where they are not secret")
    };
    if marks.contains(Marks::SENSITIVE) {
        diagnostics.push(wrong("sensitive"));
        return "The error message included a sensitive value, so it will not be displayed.".to_owned();
    }
    if marks.contains(Marks::EPHEMERAL) {
        diagnostics.push(wrong("ephemeral"));
        return "The error message included an ephemeral value, so it will not be displayed.".to_owned();
    }
    match convert(&plain, &Type::String).ok().as_ref().and_then(Value::as_str) {
        Some(text) => text.trim().to_owned(),
        None => FAILED.to_owned(),
    }
}
