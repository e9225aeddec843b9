//! Packages from where they are into a folder: HTTP, git, archives, and the checks on what arrived.
//!
//! It knows no modules, no manifest and no lock.

pub(crate) mod archive;
pub(crate) mod checksum;
pub(crate) mod git;
pub(crate) mod http;
pub(crate) mod links;
pub(crate) mod page;
pub(crate) mod tree;
