//! The way back: everything that had moved is taken back, newest first, dependents before what they depend on.

use diag::Diagnostic;
use futures_util::stream::{FuturesUnordered, StreamExt};
use value::Value;

use super::forward::{Standing, Tally};
use super::operation::{Context, Ended, Operation, cause};
use crate::graph::{Graph, Schedule};
use crate::{Action, Change};

/// Takes back what had moved. Nothing stops it: one that cannot be taken back is told, and the rest goes on.
pub(super) async fn take_back(context: &Context<'_>, sequence: &Graph, tally: &mut Tally) {
    // Newest first: node 0 of this graph is what ended last. What did not move is passed over, so that the order of those
    // around it holds.
    let count = sequence.len();
    let mut has_ended = vec![false; count];
    tally.ended.iter().for_each(|node| has_ended[*node] = true);
    let others = (0..count).filter(|node| !has_ended[*node]);
    let nodes: Vec<usize> = tally.ended.iter().rev().copied().chain(others).collect();
    let mut place = vec![0; count];
    nodes.iter().enumerate().for_each(|(at, node)| place[*node] = at);
    let mut back = Graph::new(count);
    for node in 0..count {
        for before in sequence.dependencies(node) {
            back.add_edge(place[*before], place[node]);
        }
    }
    let mut schedule = Schedule::new(&back);
    let mut running = FuturesUnordered::new();
    let parallelism = context.execution.options.parallelism.max(1);
    loop {
        while running.len() < parallelism {
            let Some(at) = schedule.next() else { break };
            let node = nodes[at];
            match tally.standings.get(node).and_then(|standing| operation(context, node, standing)) {
                None => schedule.done(at),
                Some(operation) => running.push(async move { (at, context.perform(operation).await) }),
            }
        }
        let Some((at, ended)) = running.next().await else { break };
        let node = nodes[at];
        let change = &context.execution.plan.changes[node];
        note(tally, node, change, ended);
        schedule.done(at);
    }
}

/// What takes a change back: the other way round, from what is true now to what was before.
fn operation(context: &Context<'_>, node: usize, standing: &Standing) -> Option<Operation> {
    let change = context.execution.plan.changes.get(node)?;
    let now = match standing {
        Standing::Made(now) | Standing::Broken(now) => now.clone(),
        Standing::Untouched | Standing::Reverted | Standing::TakenBack | Standing::Stuck => return None,
    };
    let before = change.before.as_ref().map(|before| before.0.clone());
    let action = match (&now, &before) {
        (None, None) => return None,
        (Some(_), None) => Action::Delete,
        (Some(_), Some(_)) => Action::Update,
        (None, Some(_)) => Action::Create,
    };
    let row = context.rows.get(&change.address);
    Some(Operation {
        address: change.address.clone(),
        action,
        before: now,
        after: before,
        depends_on: row.map_or_else(|| change.depends_on.clone(), |row| row.depends_on.clone()),
        taking_back: true,
    })
}

fn note(tally: &mut Tally, node: usize, change: &Change, ended: Ended) {
    if let Some(serial) = ended.serial {
        tally.serial = tally.serial.max(serial);
    }
    tally.took_ms[node] = tally.took_ms[node].saturating_add(ended.took_ms);
    match ended.failure {
        None => tally.standings[node] = Standing::TakenBack,
        Some(failure) => {
            let cause = cause(&failure.diagnostic);
            tally.faults.push(
                Diagnostic::error("not-taken-back", format!("{} COULD NOT BE TAKEN BACK", change.address))
                    .because(cause.clone())
                    .hint("it is neither what it was nor what was asked for: look at it, then plan and apply again"),
            );
            let first = tally.causes[node].take();
            tally.causes[node] = Some(match first {
                None => format!("not taken back: {cause}"),
                Some(first) => format!("{first}; not taken back: {cause}"),
            });
            tally.standings[node] = Standing::Stuck;
        }
    }
}

/// The digest of the image that a service runs, if its value has one.
pub(super) fn release(value: &Value) -> Option<String> {
    let image = value.get("image")?;
    image.as_str()?.split_once('@').map(|(_, digest)| digest.to_owned())
}
