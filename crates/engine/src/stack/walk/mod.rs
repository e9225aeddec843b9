//! A walk over a stack: every declaration of every module is a step, taken after what it refers to.
//!
//! [`Steps`] says what comes before what, in time linear in declarations and references; [`walk`] takes the steps, many at once. What
//! a step means for a resource is the [`Visitor`]'s to say; everything else is evaluated into the [`World`] here.

mod closure;
mod references;
mod run;
mod steps;

pub use closure::Dependencies;
pub(in crate::stack) use closure::block_address;
pub use references::references;
pub use run::{Visitor, walk};
pub use steps::{Step, StepId, Steps};
