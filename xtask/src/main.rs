//! The project's own chores. `cargo xtask check` holds the house rules; `cargo xtask bench NAME` measures beside the competitor;
//! `cargo xtask demo` is what `scripts/demo` runs.

mod bench;
mod check;
mod demo;
mod house;
mod machine;
mod measure;
mod terraform;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask check | bench NAME | bench list | demo";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["check", rest @ ..] => check::run(rest),
        ["bench", name, rest @ ..] => bench::run(name, rest),
        ["demo"] => demo::run(),
        // The meter's own process; see `measure`.
        ["measure", rest @ ..] => measure::meter(rest),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
