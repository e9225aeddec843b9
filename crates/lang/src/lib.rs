//! HCL text to Configuration: expressions, functions, blocks, formatting.
//!
//! No network and no clock; files only through [`ProjectFiles`]. [`load`] reads a project, [`validate`] finds every fault that
//! shows without state, and a [`Scope`] of the caller's gives references their values.

pub mod address;
pub mod blocks;
pub mod configuration;
pub mod eval;
pub mod files;
pub mod fmt;
pub mod functions;
mod json;
mod provider_address;
pub mod resolve;
pub mod schema;
pub mod syntax;
pub mod values;
pub mod write;

pub use configuration::{
    Cluster, Configuration, ConstantScope, Dependency, Environment, Image, Loaded, LoadedTree, Local, Output,
    Pairs, Registry, Repetition, Seed, Service, StackVariables, Variable, VariableInput, VariableSource,
    evaluate_locals, load, load_stack, resolve_variables, stack_variables, validate,
};
pub use eval::{Scope, evaluate, evaluate_with};
pub use files::{DiskFiles, Entry, EntryKind, FileError, MemoryFiles, ProjectFiles, normalize, tidy};
pub use fmt::{format, format_terraform};
pub use provider_address::ProviderAddress;
pub use resolve::{EnvironmentId, ImageId, LocalId, Reference, ServiceId, VariableId};
