//! Exit codes: one for each kind of end.

use operations::Fault;

/// Done.
pub const DONE: u8 = 0;
/// It was tried and failed.
pub const FAILED: u8 = 1;
/// The arguments or the configuration are wrong; nothing was tried. `plan --detailed-exitcode` also answers it where there are
/// changes.
pub const USAGE: u8 = 2;

/// The code of a fault.
pub fn code(fault: &Fault) -> u8 {
    match fault {
        Fault::Configuration { .. } | Fault::Usage(_) => USAGE,
        Fault::Failed(_) => FAILED,
    }
}
