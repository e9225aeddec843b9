//! The provider of crate `testkit` as a program of its own, which cargo builds beside the tests that start it. It is also what such
//! a program is wrapped by, as the one binary is.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    plugin::hidden(&arguments).unwrap_or_else(testkit::provider::run)
}
