//! Modules into their folders. The tree of calls is the caller's to walk: it asks for one module after another, or for many at a
//! time, and says at the end whether that was the whole configuration.

mod folders;
mod installed;
mod installer;
mod packages;

pub use folders::Place;
pub use installed::{Installed, InstalledModules};
pub use installer::{Completeness, Installer};
