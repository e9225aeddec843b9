//! What people and programs see. Everything shown exists as data first; `--json` prints that.

mod comparison;
mod diagnostics;
mod logs;
mod object;
mod plan;
mod progress;
mod report;
mod screen;
mod status;
mod table;

pub use comparison::comparison;
pub use diagnostics::{fault, warnings};
pub use logs::LogPrinter;
pub use plan::{environment, plan_before_apply, plans, plans_before_apply};
pub use progress::Progress;
pub use report::{built, history, images, pruned, pulled, pushed, report, up};
pub use screen::{Color, Paint, Screen};
pub use status::{holds, status};
pub use table::{Table, ago, duration};
