//! What of `state` edits by hand: `mv`, `rm`, `replace-provider`.

use engine::stack::{ProviderAddress, editing};
use operations::stack::replace_provider as replacement;

use super::shared::{STATE_FILES, ask, locking};
use super::state::{open, target, targets};
use super::{Context, DONE};
use crate::arguments::{Flags, Refused, Usage};
use crate::view::View;

const MV: Usage = Usage {
    verb: "state mv",
    arguments: "SOURCE DESTINATION",
    least: 2,
    most: 2,
    about: "Give an instance, a resource or a module another address. A `moved` block does the same with the next apply, for everybody.",
    flags: Flags {
        switches: &["dry-run", "lock", "ignore-remote-version", "no-color"],
        values: &["lock-timeout"],
        refused: &[STATE_FILES, OTHER_STATE],
    },
};
const RM: Usage = Usage {
    verb: "state rm",
    arguments: "ADDRESS...",
    least: 1,
    most: usize::MAX,
    about: "Forget objects; they stay as they are, and are no longer managed.",
    flags: Flags {
        switches: &["dry-run", "lock", "ignore-remote-version", "no-color"],
        values: &["lock-timeout"],
        refused: &[STATE_FILES],
    },
};
const REPLACE: Usage = Usage {
    verb: "state replace-provider",
    arguments: "FROM_PROVIDER TO_PROVIDER",
    least: 2,
    most: 2,
    about: "Give the objects of one provider to another that makes the same.",
    flags: Flags {
        switches: &["auto-approve", "lock", "ignore-remote-version", "no-color"],
        values: &["lock-timeout"],
        refused: &[STATE_FILES],
    },
};

const OTHER_STATE: Refused =
    Refused { names: &["backup-out"], why: "objects are moved within one state only" };

pub(super) async fn mv(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &MV, arguments)?;
    let view = View::new(false, given.is_on("no-color", false));
    let (from, to) = match given.rest.as_slice() {
        [from, to] => (target(&view, from)?, target(&view, to)?),
        _ => return Err(super::FAILED),
    };
    let locking = locking(&given, &view)?;
    let told = |fault| view.fault(&fault);
    let (_, state) = open(context).await.map_err(told)?;
    if given.is_on("dry-run", false) {
        let snapshot = state.store.snapshot(&state.environment).await.map_err(|fault| told(fault.into()))?;
        editing::move_objects(&snapshot, &from, &to).map_err(|fault| view.refused(*fault))?;
        view.text(&format!("Would move \"{from}\" to \"{to}\"\n"));
        return Ok(DONE);
    }
    let moved = state.edit(locking, "state mv", |snapshot| {
        let edited = editing::move_objects(snapshot, &from, &to)?;
        Ok((edited.edits, edited.instances))
    });
    moved.await.map_err(told)?;
    view.text(&format!("Move \"{from}\" to \"{to}\"\nSuccessfully moved 1 object(s).\n"));
    Ok(DONE)
}

pub(super) async fn rm(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &RM, arguments)?;
    let view = View::new(false, given.is_on("no-color", false));
    let targets = targets(&view, &given.rest)?;
    let locking = locking(&given, &view)?;
    let told = |fault| view.fault(&fault);
    let (_, state) = open(context).await.map_err(told)?;
    if given.is_on("dry-run", false) {
        let snapshot = state.store.snapshot(&state.environment).await.map_err(|fault| told(fault.into()))?;
        let doubts = state.doubts_about(&targets, false).await.map_err(told)?;
        let found = editing::forget_objects(&snapshot, &targets, &doubts);
        let found = found.map_err(|fault| view.refused(*fault))?;
        for address in &doubts {
            view.text(&format!("Would forget what an interrupted run has left open about {address}\n"));
        }
        for (address, _) in &found.instances {
            view.text(&format!("Would remove {address}\n"));
        }
        return Ok(DONE);
    }
    // What an interrupted run has left in doubt is in no state, and is forgotten by the same words. What it was to replace stays.
    let forgotten = state.forget_doubts(locking, &targets).await.map_err(told)?;
    for address in &forgotten {
        view.text(&format!("Forgot what an interrupted run had left open about {address}\n"));
    }
    let removed = state.edit(locking, "state rm", |snapshot| {
        let edited = editing::forget_objects(snapshot, &targets, &forgotten)?;
        Ok((edited.edits, edited.instances))
    });
    let removed = removed.await.map_err(told)?;
    if removed.is_empty() {
        return Ok(DONE);
    }
    for (address, _) in &removed {
        view.text(&format!("Removed {address}\n"));
    }
    view.text(&format!("Successfully removed {} resource instance(s).\n", removed.len()));
    Ok(DONE)
}

pub(super) async fn replace_provider(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &REPLACE, arguments)?;
    let view = View::new(false, given.is_on("no-color", false));
    let (from, to) = match given.rest.as_slice() {
        [from, to] => (provider(&view, "from", from)?, provider(&view, "to", to)?),
        _ => return Err(super::FAILED),
    };
    let locking = locking(&given, &view)?;
    let told = |fault| view.fault(&fault);
    let (_, state) = open(context).await.map_err(told)?;
    let snapshot = state.store.snapshot(&state.environment).await.map_err(|fault| told(fault.into()))?;
    let found = replacement(&snapshot, &from, &to);
    if found.edits.is_empty() {
        view.text("No matching resources found.\n");
        return Ok(DONE);
    }
    let count = found.resources.len();
    let names: String = found.resources.iter().map(|address| format!("  {address}\n")).collect();
    let paint = view.paint;
    view.text(&format!(
        "Terraform will perform the following actions:\n\n  {} Updating provider:\n    {} {from}\n    {} {to}\n\nChanging {count} resources:\n\n{names}\n",
        paint.change("~"),
        paint.bad("-"),
        paint.good("+"),
    ));
    if !given.is_on("auto-approve", false) {
        let question =
            "Do you want to make these changes?\nOnly 'yes' will be accepted to continue.\n\nEnter a value: ";
        match ask(&view, question) {
            Some(answer) if answer == "yes" => view.text("\n"),
            Some(_) => {
                view.text("Cancelled replacing providers.\n");
                return Ok(DONE);
            }
            None => {
                return Err(view.usage("Error asking for approval", "Nobody answered: use -auto-approve."));
            }
        }
    }
    let replaced =
        state.edit(locking, "state replace-provider", |there| Ok((replacement(there, &from, &to).edits, ())));
    replaced.await.map_err(told)?;
    view.text(&format!("Successfully replaced provider for {count} resources.\n"));
    Ok(DONE)
}

/// A provider as a person names it.
fn provider(view: &View, which: &str, text: &str) -> Result<ProviderAddress, u8> {
    let parts: Vec<&str> = text.split('/').collect();
    let is_word = |part: &&str| {
        !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'))
    };
    if parts.len() > 3 || !parts.iter().all(is_word) {
        let detail = format!(
            "{text:?} is not the address of a provider, such as hashicorp/aws or registry.example.com/team/name."
        );
        return Err(view.usage(&format!("Invalid {which:?} provider {text:?}"), &detail));
    }
    Ok(ProviderAddress::of_source(text))
}
