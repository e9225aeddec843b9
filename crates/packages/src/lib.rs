//! Packages: what a `module` block's `source` and `version` mean and the folder on disk that they become, and where the programs of
//! providers come from.
//!
//! [`ModuleRequest::parse`] reads the two arguments, [`Installer`] fetches packages from registries, git repositories and HTTP
//! servers into `.terraform/modules`, and [`InstalledModules`] finds there without any network what has been installed.
//! [`Version`] and [`Constraints`] are Terraform's, for providers and `required_version` as well.
//!
//! [`install_providers`] installs the programs of providers into `.terraform/providers`, from mirrors and registries, and keeps
//! `.terraform.lock.hcl`; [`InstalledProviders`] finds them there. Registries, HTTP, archives and versions are shared with modules.
//!
//! It reads no configuration: the caller loads a module, finds its calls, has them installed, and goes on with those. It prints
//! nothing; [`Progress`] is told what happens.

mod error;
mod fetch;
mod guard;
mod install;
mod lock;
mod manifest;
mod progress;
mod providers;
mod registry;
mod request;
mod settings;
mod source;
mod version;

pub use install::{Completeness, Installed, InstalledModules, Installer, Place};
pub use lock::LOCK_FILE;
pub use manifest::{MANIFEST_FILE, Manifest, ManifestEntry};
pub use progress::{Event, Progress, Silent};
pub use providers::{
    InstalledProvider, InstalledProviders, InvalidPlatform, LockChange, LockNews, LockRequest, LockSource,
    MirrorEvent, MirrorProgress, MirrorRequest, PROVIDER_LOCK_FILE, Platform, PlatformLocked, ProviderEvent,
    ProviderLock, ProviderLocks, ProviderProgress, ProviderRequirements, ProviderSetup, ProvidersInstalled,
    ProvidersLocked, Reattach, ReattachAddress, Trust, install_providers, lock_providers, mirror_providers,
    shown_provider,
};
pub use registry::{
    CliConfiguration, InstallationMethod, MethodKind, ProviderInstallation, ProviderPattern,
    ProviderSettings, Token, token_variable,
};
pub use request::{ModuleRequest, Places};
pub use settings::{Limits, LockMode, Patience, Settings};
pub use source::{
    Algorithm, ArchiveKind, Checksum, DEFAULT_HOST, GitPackage, HttpPackage, LocalSource, Package,
    RegistryAddress, RegistrySource, RemoteSource, Source, SourceError,
};
pub use version::{Condition, Constraints, InvalidConstraint, InvalidVersion, Operator, Version};
