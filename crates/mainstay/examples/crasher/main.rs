//! `mainstay` with a store that kills the process with SIGKILL before or after the n-th write, n from the variable `CRASH_AT_WRITE`:
//! odd numbers are before a write, even ones after it. How many there were so far is in the file that `CRASH_COUNT` names. Locks are
//! no writes. For the benchmark and the tests of what a kill leaves.

mod crashing;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use crashing::Crashing;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // Providers' processes begin as this program, as they do with the real one.
    if let Some(code) = plugin::hidden(arguments.get(1..).unwrap_or_default()) {
        return code;
    }
    let mut wiring = cli::Wiring::of_process();
    wiring.wrap_store = |store| {
        let at = std::env::var("CRASH_AT_WRITE").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
        Arc::new(Crashing::new(store, at))
    };
    match arguments.get(1).filter(|verb| *verb == "terraform") {
        Some(_) => terraform::run(arguments.get(2..).unwrap_or_default(), wiring),
        None => cli::run(arguments, wiring),
    }
}
