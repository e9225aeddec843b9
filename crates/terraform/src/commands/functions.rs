//! `metadata functions`.

use super::{Context, DONE};
use crate::arguments::{Flags, Usage};
use crate::help::PROGRAM;
use crate::view::{View, say};

const USAGE: Usage = Usage {
    verb: "metadata functions",
    arguments: "-json",
    least: 0,
    most: 0,
    about: "Show what the functions of the language take and return.",
    flags: Flags { switches: &["json"], values: &[], refused: &[] },
};

/// What stands under `metadata`.
const HELP: &str = "  Data about the program itself.\n\nSubcommands:\n    functions    Show what the functions of the language take and return\n";

pub(super) fn run(context: &Context, arguments: &[String]) -> u8 {
    match arguments.split_first() {
        Some((verb, rest)) if verb == "functions" => match attempt(context, rest) {
            Ok(code) | Err(code) => code,
        },
        other => super::subcommands("metadata", HELP, other),
    }
}

fn attempt(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &USAGE, arguments)?;
    if !given.is_on("json", false) {
        let text = format!("The `{PROGRAM} metadata functions` command requires the `-json` flag.");
        return Err(View::new(false, false).usage(&text, ""));
    }
    let text = crate::json::text(&lang::functions::metadata()).unwrap_or_default();
    say(&format!("{text}\n"));
    Ok(DONE)
}
