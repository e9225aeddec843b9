//! Module sources: what a `module` block's `source` and `version` mean, and the folder on disk that they become.
//!
//! [`ModuleRequest::parse`] reads the two arguments, [`Installer`] fetches packages from registries, git repositories and HTTP
//! servers into `.terraform/modules`, and [`InstalledModules`] finds there without any network what has been installed.
//! [`Version`] and [`Constraints`] are Terraform's, for providers and `required_version` as well.
//!
//! It reads no configuration: the caller loads a module, finds its calls, has them installed, and goes on with those. It prints
//! nothing; [`Progress`] is told what happens.

mod error;
mod fetch;
mod install;
mod lock;
mod manifest;
mod progress;
mod registry;
mod request;
mod settings;
mod source;
mod version;

pub use install::{Completeness, Installed, InstalledModules, Installer, Place};
pub use lock::LOCK_FILE;
pub use manifest::{MANIFEST_FILE, Manifest, ManifestEntry};
pub use progress::{Event, Progress, Silent};
pub use registry::{CliConfiguration, Token, token_variable};
pub use request::{ModuleRequest, Places};
pub use settings::{Limits, LockMode, Patience, Settings};
pub use source::{
    Algorithm, ArchiveKind, Checksum, DEFAULT_HOST, GitPackage, HttpPackage, LocalSource, Package,
    RegistryAddress, RegistrySource, RemoteSource, Source, SourceError,
};
pub use version::{Condition, Constraints, InvalidConstraint, InvalidVersion, Operator, Version};
