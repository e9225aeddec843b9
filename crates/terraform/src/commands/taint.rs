//! `taint` and `untaint`.

use diag::Diagnostic;
use engine::Address;
use engine::stack::editing;

use super::shared::{STATE_FILES, locking};
use super::{Context, DONE};
use crate::arguments::{Flags, Usage};
use crate::view::View;

const TAINT: Usage = Usage {
    verb: "taint",
    arguments: "ADDRESS",
    least: 1,
    most: 1,
    about: "Mark an object as one that is to be replaced. `plan -replace=ADDRESS` shows that before anything is marked.",
    flags: Flags {
        switches: &["allow-missing", "lock", "ignore-remote-version", "no-color"],
        values: &["lock-timeout"],
        refused: &[STATE_FILES],
    },
};
const UNTAINT: Usage =
    Usage { verb: "untaint", about: "Take back the mark that an object is to be replaced.", ..TAINT };

/// Which of the verbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Taint,
    Untaint,
}

/// The code of the fault that there is no such object.
const NONE: &str = "no-such-object";

pub(super) async fn run(context: &Context, arguments: &[String], verb: Verb) -> u8 {
    match attempt(context, arguments, verb).await {
        Ok(code) | Err(code) => code,
    }
}

async fn attempt(context: &Context, arguments: &[String], verb: Verb) -> Result<u8, u8> {
    let usage = if verb == Verb::Taint { &TAINT } else { &UNTAINT };
    let given = super::read(context, usage, arguments)?;
    let view = View::new(false, given.is_on("no-color", false));
    let text = given.rest.first().map_or("", String::as_str);
    let address: Address = text.parse().map_err(|fault| invalid(&view, &fault))?;
    let locking = locking(&given, &view)?;
    let told = |fault| view.fault(&fault);
    let folder = context.stack().map_err(told)?;
    let stack = folder.load().map_err(told)?;
    let state = folder.state(stack.tree.root()).await.map_err(told)?;
    let edited = state.edit(locking, usage.verb, |snapshot| {
        let edited = match verb {
            Verb::Taint => editing::taint(snapshot, &address),
            Verb::Untaint => editing::untaint(snapshot, &address),
        };
        edited.map(|edited| (edited.edits, ()))
    });
    match edited.await {
        Ok(()) => {}
        Err(fault)
            if given.is_on("allow-missing", false)
                && fault.diagnostics().0.iter().all(|fault| fault.code == NONE) =>
        {
            let warning = Diagnostic::warning(NONE, "No such resource instance").because(format!(
                "Resource instance {address} was not found, but this is not an error because -allow-missing was set."
            ));
            view.diagnostics(&warning.into(), &diag::Sources::default());
            return Ok(DONE);
        }
        Err(fault) => return Err(told(fault)),
    }
    view.text(&match verb {
        Verb::Taint => format!("Resource instance {address} has been marked as tainted.\n"),
        Verb::Untaint => format!("Resource instance {address} has been successfully untainted.\n"),
    });
    Ok(DONE)
}

fn invalid(view: &View, fault: &engine::ParseAddressError) -> u8 {
    view.usage("Invalid address", &fault.to_string())
}
