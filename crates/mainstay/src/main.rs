//! The `mainstay` binary: the only composition root.

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(std::env::args_os().collect(), cli::Wiring::of_process())
}
