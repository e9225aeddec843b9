//! `validate`.

use operations::stack::{self, StackFolder};

use super::shared::TEST_FILES;
use super::{Context, DONE, FAILED};
use crate::arguments::{Flags, Usage};
use crate::json::diagnostics;
use crate::view::View;

const USAGE: Usage = Usage {
    verb: "validate",
    arguments: "[DIR]",
    least: 0,
    most: 1,
    about: "Tell everything that is wrong with the configuration whatever its values are. No state is read.",
    flags: Flags {
        switches: &["json", "no-color", "no-tests"],
        values: &["var", "var-file"],
        refused: &[TEST_FILES],
    },
};

pub(super) async fn run(context: &Context, arguments: &[String]) -> u8 {
    match attempt(context, arguments).await {
        Ok(code) | Err(code) => code,
    }
}

async fn attempt(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &USAGE, arguments)?;
    let is_json = given.is_on("json", false);
    // The answer is one document here, and no stream.
    let view = View::new(false, given.is_on("no-color", false) || is_json);
    if !given.variables.is_empty() {
        return Err(view.usage(
            "Option not supported",
            "Values of variables change nothing about what is checked here.",
        ));
    }
    let folder = match given.rest.first() {
        Some(folder) => StackFolder::new(&context.folder.join(folder), context.wiring.clone()),
        None => context.stack(),
    };
    let folder = folder.map_err(|fault| view.fault(&fault))?;
    let (found, stack) = stack::validate(&folder).await.map_err(|fault| view.fault(&fault))?;
    if is_json {
        if let Ok(text) = crate::json::pretty(&diagnostics::validation(&found, &stack.sources)) {
            view.data(&text);
        }
    } else {
        view.diagnostics(&found, &stack.sources);
        if !found.has_errors() {
            let head = view.paint.good("Success!");
            let rest = if found.is_empty() {
                "The configuration is valid."
            } else {
                "The configuration is valid, but there were some\nvalidation warnings as shown above."
            };
            view.text(&format!("{head} {rest}\n\n"));
        }
    }
    Ok(if found.has_errors() { FAILED } else { DONE })
}
