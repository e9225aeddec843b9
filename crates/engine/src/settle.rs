//! What a killed run left open, and how it is settled: what is live is read, and the journal is finished with the truth.
//!
//! It makes nothing and takes nothing back: the next plan shows what is left to do.

use std::collections::HashMap;

use diag::Diagnostics;
use serde::{Deserialize, Serialize};
use value::Value;

use crate::inconsistency::agrees;
use crate::reading::read;
use crate::{
    Action, Address, EnvironmentName, Event, Events, Intent, OpenOperation, Providers, ReadRequest, StateRow,
    StateStore,
};

/// An operation of a killed run, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The resource.
    pub address: Address,
    /// What was to be done.
    pub action: Action,
    /// What was found.
    pub found: Found,
    /// How that was told, in a sentence.
    pub explanation: String,
}

/// What was found of an operation that a killed run left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// It had been done.
    Done,
    /// It had not been done.
    NotDone,
    /// It had been done in part; the next plan shows the rest.
    PartlyDone,
}

/// Finds out what became of every operation that a killed run left open, and writes it down. The caller holds the lease.
///
/// # Errors
/// If what is live could not be read, or the journal not written; then operations stay open, and the same can be tried again.
pub async fn settle(
    environment: &EnvironmentName,
    providers: &Providers,
    store: &dyn StateStore,
    events: &Events,
) -> Result<Vec<Settlement>, Diagnostics> {
    let mut open =
        store.open_operations(environment).await.map_err(|fault| Diagnostics::from(fault.diagnostic()))?;
    // What providers of stacks make is settled apart.
    open.retain(|operation| operation.intent.record.provider.is_empty());
    if open.is_empty() {
        return Ok(Vec::new());
    }
    events.send(Event::Step {
        message: format!("finding out what became of {} interrupted operations", open.len()),
    });
    let live = observe(&open, providers, events).await?;
    let mut settlements = Vec::with_capacity(open.len());
    for operation in open {
        let OpenOperation { id, intent, .. } = operation;
        let now = live.get(&intent.address).cloned().flatten();
        let (found, explanation) = judge(&intent, now.as_ref());
        let row = now.map(|value| StateRow {
            address: intent.address.clone(),
            value,
            depends_on: intent.depends_on.clone(),
            record: intent.record.clone(),
        });
        let outcome = match found {
            Found::Done => "settled: done",
            Found::NotDone => "settled: not done",
            Found::PartlyDone => "settled: partly done",
        };
        let written = store.finish(&id, row.as_ref(), outcome).await;
        written.map_err(|fault| Diagnostics::from(fault.diagnostic().about(intent.address.to_string())))?;
        settlements.push(Settlement { address: intent.address, action: intent.action, found, explanation });
    }
    Ok(settlements)
}

/// What is live of each. A provider is asked with what was to be in mind; where that is not what is there, with what was
/// before: it knows again what it made by what it is told to look for.
async fn observe(
    open: &[OpenOperation],
    providers: &Providers,
    events: &Events,
) -> Result<HashMap<Address, Option<Value>>, Diagnostics> {
    let request = |intent: &Intent, prior: Option<&Value>| ReadRequest {
        address: intent.address.clone(),
        prior: prior.cloned(),
    };
    let first = open.iter().map(|o| request(&o.intent, o.intent.after.as_ref().or(o.intent.before.as_ref())));
    let mut live = read(providers, first.collect(), events).await?;
    let again = open.iter().filter_map(|operation| {
        let Intent { before, after, .. } = &operation.intent;
        let now = live.get(&operation.intent.address).and_then(Option::as_ref)?;
        let (before, after) = (before.as_ref()?, after.as_ref()?);
        (!agrees(after, now)).then(|| request(&operation.intent, Some(before)))
    });
    let again: Vec<ReadRequest> = again.collect();
    live.extend(read(providers, again, events).await?);
    Ok(live)
}

/// What became of an operation, by what is live now.
fn judge(intent: &Intent, live: Option<&Value>) -> (Found, String) {
    let is = |then: &Option<Value>| match (then, live) {
        (None, None) => true,
        (Some(then), Some(live)) => agrees(then, live),
        _ => false,
    };
    let doing = match (intent.action, intent.taking_back) {
        (Action::None, _) => "left as it is",
        (Action::Create, false) => "made",
        (Action::Update, false) => "changed",
        (Action::Delete, false) => "removed",
        (_, true) => "taken back",
    };
    let begun = format!("it was being {doing} when the run ended");
    if is(&intent.after) {
        let end = if live.is_some() { "what was to be is there" } else { "it is gone, as it was to be" };
        return (Found::Done, format!("{begun}; {end}"));
    }
    if is(&intent.before) {
        let end = if live.is_some() { "it is as it was before" } else { "there is nothing" };
        return (Found::NotDone, format!("{begun}; {end}"));
    }
    let end = if live.is_some() {
        "what is there is neither what it was nor what was to be; the next plan shows the rest"
    } else {
        "there is nothing any more; the next plan makes it again"
    };
    (Found::PartlyDone, format!("{begun}; {end}"))
}
