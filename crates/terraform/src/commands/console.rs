//! `console`.

use std::io::{BufRead, IsTerminal, Write};

use operations::stack::{self, Inspected, Inspection, read_state_file};

use super::shared::{request, variables};
use super::{Context, DONE, FAILED};
use crate::arguments::{Flags, Usage};
use crate::text;
use crate::view::{View, say};

const USAGE: Usage = Usage {
    verb: "console",
    arguments: "",
    least: 0,
    most: 0,
    about: "Try expressions with what the state says, or with -plan with what a plan says.",
    flags: Flags {
        switches: &["plan", "no-color", "input"],
        values: &["state", "var", "var-file"],
        refused: &[],
    },
};

const HELP: &str = "The Terraform console allows you to experiment with Terraform interpolations.
You may access resources in the state (if you have one) just as you would
from a configuration. For example: \"aws_instance.foo.id\" would evaluate
to the ID of \"aws_instance.foo\" if it exists in your state.

Type in the interpolation to test and hit <enter> to see the result.

To exit the console, type \"exit\" and hit <enter>, or use Control-C or
Control-D.
";

pub(super) async fn run(context: &Context, arguments: &[String]) -> u8 {
    match attempt(context, arguments).await {
        Ok(code) | Err(code) => code,
    }
}

async fn attempt(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &USAGE, arguments)?;
    let view = View::new(false, given.is_on("no-color", false));
    let told = |fault| view.fault(&fault);
    let folder = context.stack().map_err(told)?;
    let inspection = if given.is_on("plan", false) {
        let request = request(context, &given, &view)?;
        let planned = stack::plan(&folder, request, &engine::Events::ignored()).await.map_err(told)?;
        view.diagnostics(&planned.diagnostics, &planned.stack.sources);
        if planned.diagnostics.has_errors() {
            return Err(FAILED);
        }
        Inspection::of_plan(planned.stack, &planned.plan, planned.variables)
    } else {
        let state = match given.value("state") {
            Some(file) => Some(read_state_file(&folder.root.join(file)).map_err(told)?),
            None => None,
        };
        folder.inspect(&variables(&given, &view)?, state).await.map_err(told)?
    };
    if std::io::stdin().is_terminal() {
        interactive(&inspection, &view);
        return Ok(DONE);
    }
    // What is written to it is a script, and what comes of it is the value of its last line.
    let mut last = String::new();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| view.usage("the input could not be read", &error.to_string()))?;
        if line.trim() == "exit" {
            return Ok(DONE);
        }
        last = answer(&inspection, &line).map_err(|fault| view.fault(&fault))?;
    }
    say(&format!("{}\n", last.trim_end_matches('\n')));
    Ok(DONE)
}

fn answer(inspection: &Inspection, text: &str) -> Result<String, operations::Fault> {
    Ok(match text.trim() {
        "" => String::new(),
        "help" => HELP.to_owned(),
        text => match inspection.evaluate(text)? {
            Inspected::Value(value) => text::state::console(&value),
            Inspected::Type(ty) => text::types::describe(&ty),
        },
    })
}

fn interactive(inspection: &Inspection, view: &View) {
    let mut text = String::new();
    loop {
        say(if text.is_empty() { "> " } else { ": " });
        let _ = std::io::stdout().flush();
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => text.push_str(&line),
        }
        if text.trim() == "exit" {
            return;
        }
        // What is still open goes on with the next line; an empty one ends it.
        if is_open(&text) && !line.trim().is_empty() {
            continue;
        }
        match answer(inspection, &text) {
            Ok(answer) => say(&format!("{answer}\n")),
            Err(fault) => {
                view.fault(&fault);
            }
        }
        text.clear();
    }
    say("\n");
}

/// Whether brackets of a text are still to be closed.
fn is_open(text: &str) -> bool {
    use lang::syntax::TokenKind;
    let depth = |kind: TokenKind| match kind {
        TokenKind::OpenBrace | TokenKind::OpenBracket | TokenKind::OpenParen => 1,
        TokenKind::CloseBrace | TokenKind::CloseBracket | TokenKind::CloseParen => -1,
        _ => 0,
    };
    lang::syntax::tokenize(text).iter().map(|token| depth(token.kind)).sum::<i32>() > 0
}
