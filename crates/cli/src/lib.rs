//! The command line: arguments become an operation, its result becomes a view.
//!
//! Every command is one file in `commands`, with its help, its arguments and its function. Nothing is decided here that an
//! operation could decide, and nothing is printed anywhere else.

mod arguments;
mod commands;
mod exit;
mod leave;
mod prompt;
mod reference;
mod variables;
mod view;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

pub use operations::Wiring;
pub use reference::reference;

/// Runs the program with these arguments, the program's own name first.
#[must_use]
pub fn run(arguments: Vec<OsString>, wiring: Wiring) -> ExitCode {
    // Supervisors, the proxy and commands inside containers are this binary under hidden verbs; they are single-threaded and must
    // be entered before any runtime exists.
    if let Some(code) = agent::hidden(arguments.get(1..).unwrap_or_default()) {
        return code;
    }
    let parsed = match arguments::Arguments::try_parse_from(&arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            let code = if error.use_stderr() { exit::USAGE } else { exit::DONE };
            // A closed pipe is the reader's business.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let screen = view::Screen::new(parsed.color, parsed.json);
    terraform::begin_log(&wiring.variables);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads could be started: {error}");
            return ExitCode::from(exit::FAILED);
        }
    };
    let context = commands::Context {
        screen: &screen,
        wiring,
        project: parsed.project,
        env: parsed.env,
        leave: leave::Leave::default(),
        line: arguments::Arguments::command,
    };
    let done = runtime.block_on(async {
        let done = commands::run(parsed.command, &context).await;
        context.wiring.programs.shut_down().await;
        done
    });
    match done {
        Ok(code) => ExitCode::from(code),
        Err(fault) => {
            view::fault(&screen, &fault);
            ExitCode::from(exit::code(&fault))
        }
    }
}
