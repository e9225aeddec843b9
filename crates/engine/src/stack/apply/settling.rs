//! What a killed apply left open, and how it is settled: the journal is finished with what is known, and the state loses nothing.
//!
//! It makes nothing and removes nothing: the next plan shows what is left to do. Where it cannot be told what became of an object,
//! that is said, and the object keeps its row; only an object that was being made has none, and is named so that a person can look
//! for it.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use diag::{Diagnostic, Diagnostics};

use crate::inconsistency::agrees;
use crate::stack::planning::marks::{copy, plain, same};
use crate::stack::planning::object::observed;
use crate::stack::provider::{Observed, Told};
use crate::stack::{ProviderAddress, ResourceProvider};
use crate::{
    Action, Address, EnvironmentName, Event, Events, Intent, OpenOperation, OperationId, StateRow, StateStore,
};
use value::Value;

/// Providers that can be asked what is there, before anything is planned.
#[async_trait]
pub trait Readers: Send + Sync {
    /// The provider of a row, configured; `None` where it cannot be had now. `provider`: as [`crate::Record::provider`].
    async fn reader(&self, provider: &str) -> Option<Arc<dyn ResourceProvider>>;
}

/// An operation of a killed apply, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The instance.
    pub address: Address,
    /// The key of a deposed object.
    pub deposed: Option<Arc<str>>,
    /// What was to be done.
    pub action: Action,
    /// What became of it.
    pub verdict: Verdict,
    /// How that was told, in a sentence.
    pub explanation: String,
}

/// What became of an operation that a killed apply left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It had been done.
    Done,
    /// It had not been done.
    NotDone,
    /// It had been done in part, or that cannot be told.
    InDoubt,
}

/// An object of which an interrupted run leaves open whether it was made. Its operation stays open until a person decides.
#[derive(Debug, Clone)]
pub struct Doubt {
    /// The operation that made it, or was about to.
    pub operation: OperationId,
    /// The instance.
    pub address: Address,
    /// What was to be, as far as it was known.
    pub planned: Value,
}

/// How a person says what becomes of an object in doubt: by the command line that they use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ways {
    /// `mainstay …`.
    #[default]
    Project,
    /// `mainstay terraform …`.
    Terraform,
}

impl Ways {
    /// The command that adopts an object.
    #[must_use]
    pub fn adopt(self, address: &Address, id: Option<&str>) -> String {
        let id = id.map_or_else(|| "ID".to_owned(), |id| format!("'{id}'"));
        match self {
            Self::Project => format!("mainstay adopt '{address}' {id}"),
            Self::Terraform => format!("mainstay terraform import '{address}' {id}"),
        }
    }

    /// The command that forgets it.
    #[must_use]
    pub fn forget(self, address: &Address) -> String {
        match self {
            Self::Project => format!("mainstay forget '{address}'"),
            Self::Terraform => format!("mainstay terraform state rm '{address}'"),
        }
    }
}

/// What is known of an object whose operation was left open.
enum Found {
    /// It is there, and this is what it is.
    There(Box<Observed>),
    /// It is not there.
    Gone,
    /// Nobody could be asked.
    Unknown(String),
}

/// Finds out what became of every operation on a stack's resources that a killed apply left open, and writes it down. The caller
/// holds the lease. Warnings name what is in doubt.
///
/// # Errors
/// If the journal could not be read or written; then operations stay open, and the same can be tried again.
pub async fn settle(
    environment: &EnvironmentName,
    readers: &dyn Readers,
    store: &dyn StateStore,
    events: &Events,
) -> Result<(Vec<Settled>, Diagnostics), Diagnostics> {
    let told = |fault: crate::StoreError| Diagnostics::from(fault.diagnostic());
    let mut open = store.open_operations(environment).await.map_err(told)?;
    // Services have no provider configuration; they are settled apart.
    open.retain(|operation| !operation.intent.record.provider.is_empty());
    if open.is_empty() {
        return Ok(<_>::default());
    }
    // What only a person can decide is told by every plan.
    let decided = open.iter().filter(|operation| !is_doubtful(&operation.intent)).count();
    if decided > 0 {
        let message = format!("finding out what became of {decided} interrupted operations");
        events.send(Event::Step { message });
    }
    let snapshot = store.snapshot(environment).await.map_err(told)?;
    let rows: HashMap<(&Address, Option<&str>), &StateRow> =
        snapshot.rows.iter().map(|row| ((&row.address, row.record.deposed.as_deref()), row)).collect();
    let mut known: HashMap<Arc<str>, Option<Arc<dyn ResourceProvider>>> = HashMap::new();
    let mut settled = Vec::with_capacity(open.len());
    let mut warnings = Diagnostics::default();
    for OpenOperation { id, intent, .. } in open {
        let row = rows.get(&(&intent.address, intent.record.deposed.as_deref())).copied();
        if row.is_none() && is_doubtful(&intent) {
            continue;
        }
        let found = match row {
            Some(row) if intent.action != Action::Create && !lives_in_the_state(&intent.record.provider) => {
                let provider = intent.record.provider.clone();
                if !known.contains_key(&provider) {
                    known.insert(provider.clone(), readers.reader(&provider).await);
                }
                look(known.get(&provider).and_then(Option::as_ref), row).await
            }
            _ => Found::Unknown(String::new()),
        };
        let (verdict, explanation, row) = judge(&intent, row, found);
        let outcome = match verdict {
            Verdict::Done => "settled: done",
            Verdict::NotDone => "settled: not done",
            Verdict::InDoubt => "settled: in doubt",
        };
        store.finish(&id, row.as_ref(), outcome).await.map_err(told)?;
        if verdict == Verdict::InDoubt {
            warnings.push(doubt(&intent, &explanation));
        }
        let Intent { address, action, record, .. } = intent;
        settled.push(Settled { address, deposed: record.deposed, action, verdict, explanation });
    }
    Ok((settled, warnings))
}

/// Whether only a person can say what became of an operation that has left no row.
pub(super) fn is_doubtful(intent: &Intent) -> bool {
    let provider = &intent.record.provider;
    intent.action == Action::Create && !provider.is_empty() && !lives_in_the_state(provider)
}

/// Objects of which interrupted runs leave open whether they were made. Those that the state knows by now are none. Only while nobody
/// is at work on the environment: what is being made is no doubt.
///
/// # Errors
/// If the journal could not be read.
pub async fn doubts(
    environment: &EnvironmentName,
    store: &dyn StateStore,
) -> Result<Vec<Doubt>, crate::StoreError> {
    let open = store.open_operations(environment).await?;
    let doubtful = open.into_iter().filter(|operation| is_doubtful(&operation.intent));
    let doubts = doubtful.map(|OpenOperation { id, intent, .. }| {
        let planned = intent.after.unwrap_or_else(|| Value::null(value::Type::Dynamic));
        Doubt { operation: id, address: intent.address, planned }
    });
    Ok(doubts.collect())
}

/// Whether a provider's objects are nothing but their rows: then what was not written down has not happened.
fn lives_in_the_state(provider: &str) -> bool {
    provider.contains(&format!("[\"{}\"]", ProviderAddress::BUILTIN))
}

/// Asks what is there of an object that has a row.
async fn look(reader: Option<&Arc<dyn ResourceProvider>>, row: &StateRow) -> Found {
    let kind = row.address.kind.as_str();
    let Some(reader) = reader else { return Found::Unknown("its provider could not be asked".into()) };
    let schema = match reader.schema().await {
        Ok(schema) => schema,
        Err(_) => return Found::Unknown("its provider could not be asked".into()),
    };
    if schema.resources.get(kind).is_none_or(|kind| kind.version != row.record.schema_version) {
        return Found::Unknown("it was written with another version of its provider".into());
    }
    let state = observed(row);
    match reader.read(kind, &state).await {
        Ok(Told { value: Some(observed), .. }) => Found::There(Box::new(observed)),
        Ok(Told { value: None, .. }) => Found::Gone,
        Err(remarks) => {
            let why = remarks.first().map(|remark| remark.summary.clone()).unwrap_or_default();
            Found::Unknown(format!("its provider could not read it: {why}"))
        }
    }
}

/// What became of an operation, and the row that is right now.
fn judge(intent: &Intent, row: Option<&StateRow>, found: Found) -> (Verdict, String, Option<StateRow>) {
    let doing = match intent.action {
        Action::None => "left as it is",
        Action::Create => "made",
        Action::Update => "changed",
        Action::Delete => "removed",
    };
    let begun = format!("it was being {doing} when the run ended");
    let in_state = lives_in_the_state(&intent.record.provider);
    let Some(row) = row else {
        return (Verdict::NotDone, format!("{begun}; the state has nothing of it"), None);
    };
    match found {
        // A person has decided since: it was imported, or another object was given its address.
        _ if is_doubtful(intent) => (
            Verdict::Done,
            format!("{begun}; the state has an object at its address by now"),
            Some(row.clone()),
        ),
        Found::Unknown(_) if in_state => {
            (Verdict::NotDone, format!("{begun}; it is as it was before"), Some(row.clone()))
        }
        Found::Unknown(why) => {
            let end = "the state says what was there before; the next plan reads it again";
            (Verdict::InDoubt, format!("{begun}; {why}; {end}"), Some(row.clone()))
        }
        Found::Gone if intent.action == Action::Delete => {
            (Verdict::Done, format!("{begun}; it is gone"), None)
        }
        Found::Gone => {
            let end = "there is nothing any more; the next plan makes it again";
            (Verdict::InDoubt, format!("{begun}; {end}"), None)
        }
        Found::There(observed) => {
            let Observed { value, private, identity } = *observed;
            let is_after = intent.after.as_ref().is_some_and(|after| agrees(&plain(after), &value));
            let is_before = same(&plain(&row.value), &value);
            let mut now = StateRow { value: copy(&row.value, &value), ..row.clone() };
            now.record.private = private;
            if identity.is_some() {
                now.record.identity = identity;
            }
            let (verdict, end) = match (is_after, is_before) {
                (_, true) => (Verdict::NotDone, "it is as it was before"),
                (true, false) => (Verdict::Done, "what was to be is there"),
                (false, false) if intent.action == Action::Delete => (Verdict::NotDone, "it is still there"),
                (false, false) => (
                    Verdict::InDoubt,
                    "what is there is neither what it was nor what was to be; the next plan shows the rest",
                ),
            };
            (verdict, format!("{begun}; {end}"), Some(now))
        }
    }
}

fn doubt(intent: &Intent, explanation: &str) -> Diagnostic {
    let warning =
        Diagnostic::warning("in-doubt", "an interrupted run left it open what became of this object")
            .about(intent.address.to_string())
            .because(explanation.to_owned());
    warning.hint("look at what the next plan says of it")
}
