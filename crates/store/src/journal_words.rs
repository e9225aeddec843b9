//! Words and names of the journal that every store writes alike.

use engine::{Action, EnvironmentName, OperationId, RevisionId, StoreError};

/// How many changes can be gone back. A state of 100,000 rows of 2 KB has 200 MB; this many former rows are a fifth of that.
pub(crate) const CHANGES_KEPT: u64 = 20_000;

/// The word for an action.
pub(crate) fn action_word(action: Action) -> &'static str {
    match action {
        Action::None => "none",
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "delete",
    }
}

/// The action of a word.
pub(crate) fn action(word: &str) -> Option<Action> {
    [Action::None, Action::Create, Action::Update, Action::Delete]
        .into_iter()
        .find(|a| action_word(*a) == word)
}

/// What a finished operation did, for people.
pub(crate) fn summary(action: &str, address: &str, deposed: &str, outcome: &str) -> String {
    let did = match action {
        "create" => "created",
        "update" => "updated",
        "delete" => "deleted",
        "none" => "looked at",
        // An edit by hand has its own words.
        _ => return outcome.to_owned(),
    };
    let object = if deposed.is_empty() { String::new() } else { format!(" (deposed object {deposed})") };
    let how = if matches!(outcome, "done" | "") { String::new() } else { format!(": {outcome}") };
    format!("{did} {address}{object}{how}")
}

/// The context that a value of the journal is sealed with.
pub(crate) fn journal_context(deployment: &str, address: &str, side: &str) -> String {
    format!("journal {deployment} {address} {side}")
}

/// The context that an output is sealed with.
pub(crate) fn output_context(name: &str) -> String {
    format!("output {name}")
}

/// The context that a value of a revision is sealed with.
pub(crate) fn value_context(revision: &RevisionId, name: &str) -> String {
    format!("revision {revision} value {name}")
}

/// The name of an operation: its environment and its number.
pub(crate) fn operation_id(environment: &EnvironmentName, number: u64) -> OperationId {
    OperationId(format!("{environment}/{number}"))
}

/// Environment and number of an operation.
pub(crate) fn operation_parts(operation: &OperationId) -> Result<(EnvironmentName, u64), StoreError> {
    operation
        .0
        .rsplit_once('/')
        .and_then(|(environment, number)| Some((EnvironmentName::new(environment), number.parse().ok()?)))
        .ok_or_else(|| StoreError::Refused {
            what: format!("finishing operation {}", operation.0),
            why: "that is not the name of one".into(),
        })
}
