//! HCL text to Configuration: expressions, functions, blocks, formatting.
//!
//! No network and no clock; files only through [`ProjectFiles`].

pub mod files;
pub mod functions;
pub mod resolve;
pub mod syntax;

pub use files::{DiskFiles, Entry, EntryKind, FileError, MemoryFiles, ProjectFiles};
