//! The `mainstay` binary: the only composition root.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // Providers' processes begin as this binary, by whatever name; before any runtime exists.
    if let Some(code) = plugin::hidden(arguments.get(1..).unwrap_or_default()) {
        return code;
    }
    match for_terraform(&arguments) {
        Some(arguments) => terraform::run(arguments, cli::Wiring::of_process()),
        None => cli::run(arguments, cli::Wiring::of_process()),
    }
}

/// The arguments that are Terraform's: those after `mainstay terraform`, or all of them where the program itself goes by that name.
/// They are told apart before any of them is parsed, since the two command lines agree on nothing.
fn for_terraform(arguments: &[OsString]) -> Option<&[OsString]> {
    const NAME: &str = "terraform";
    let (program, rest) = arguments.split_first()?;
    if Path::new(program).file_stem() == Some(OsStr::new(NAME)) {
        return Some(rest);
    }
    let (verb, rest) = rest.split_first()?;
    (verb == NAME).then_some(rest)
}
