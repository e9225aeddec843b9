//! Asking a person.

use std::io::{BufRead, IsTerminal, Write};

use operations::Fault;

use crate::exit;
use crate::leave::Leave;

/// Asks whether to go on; only `yes` or `y` is. Without a terminal nobody can be asked, and nothing is assumed.
pub fn confirm(question: &str, yes: bool, leave: &Leave) -> Result<bool, Fault> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Fault::usage(
            "nobody can be asked: the input is not a terminal",
            "look at `mainstay plan`, then repeat the command with `--yes`",
        ));
    }
    // Nothing has been begun yet.
    leave.at_once(exit::FAILED);
    eprint!("{question} [y/N] ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    leave.in_order();
    Ok(read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
