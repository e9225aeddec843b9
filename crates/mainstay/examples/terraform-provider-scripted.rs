//! The provider of crate `testkit` as a program of its own, which cargo builds beside the tests that install and run it.

fn main() -> std::process::ExitCode {
    testkit::provider::run()
}
