//! Terraform's command line over Mainstay's use cases: its verbs, single-dash flags, exit codes, texts and JSON formats.
//!
//! Every verb is one file in `commands`. Nothing is decided here that an operation could decide.

mod arguments;
mod commands;
mod help;
mod json;
mod log;
mod names;
mod text;
mod view;

pub use log::begin_log;
pub use text::Paint;
pub use text::plan::{changes as plan_changes, summary as plan_summary};

/// A plan in Terraform's JSON, format 1.2, without its configuration.
#[must_use]
pub fn plan_json(plan: &engine::stack::StackPlan) -> serde_json::Value {
    let plan = json::plan::plan(plan, &plan.variables, None, json::timestamp(plan));
    serde_json::to_value(plan).unwrap_or_default()
}

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use operations::Wiring;

/// Runs a verb: the arguments after the program's name.
#[must_use]
pub fn run(arguments: &[OsString], wiring: Wiring) -> ExitCode {
    let arguments: Vec<String> = arguments.iter().map(|it| it.to_string_lossy().into_owned()).collect();
    let (folder, rest) = match chdir(&arguments) {
        Ok(found) => found,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(1);
        }
    };
    begin_log(&wiring.variables);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads could be started: {error}");
            return ExitCode::from(1);
        }
    };
    let programs = wiring.programs.clone();
    let code = runtime.block_on(async {
        let code = commands::run(&rest, folder, wiring).await;
        programs.shut_down().await;
        code
    });
    // What still runs in the background is nobody's any more.
    runtime.shutdown_background();
    ExitCode::from(code)
}

/// `-chdir=FOLDER` before the verb.
fn chdir(arguments: &[String]) -> Result<(PathBuf, Vec<String>), String> {
    let mut folder = PathBuf::from(".");
    let mut rest = arguments;
    while let Some((first, after)) = rest.split_first() {
        let Some(named) = first.strip_prefix("--chdir").or_else(|| first.strip_prefix("-chdir")) else {
            break;
        };
        let Some(named) = named.strip_prefix('=').filter(|named| !named.is_empty()) else {
            return Err("Invalid -chdir option: must include an equals sign followed by a directory path, like -chdir=example".into());
        };
        folder = PathBuf::from(named);
        rest = after;
    }
    Ok((folder, rest.to_vec()))
}
