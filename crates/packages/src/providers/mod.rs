//! Provider programs: from requirements to installed programs, by Terraform's ways, folders and lock file.
//!
//! [`install_providers`] chooses and installs; [`InstalledProviders`] finds without any network what has been installed and whether it is
//! what is locked. Nothing here starts a provider, or reads a configuration.

mod address;
mod error;
mod events;
mod hash;
mod installed;
mod installer;
mod layout;
mod lock_file;
mod locking;
mod memo;
mod mirroring;
mod network;
mod openpgp;
mod placing;
mod platform;
mod reattach;
mod registry;
mod requirements;
mod selection;
mod signature;
mod sources;

pub(crate) use address::{check as check_address, is_part};
pub use events::{ProviderEvent, ProviderProgress, Trust};
pub use installed::{InstalledProvider, InstalledProviders};
pub use installer::{LockChange, ProviderSetup, ProvidersInstalled, install_providers};
pub(crate) use layout::has as is_in_mirror;
pub use lock_file::{PROVIDER_LOCK_FILE, ProviderLock, ProviderLocks};
pub use locking::{LockNews, LockRequest, LockSource, PlatformLocked, ProvidersLocked, lock_providers};
pub use mirroring::{MirrorEvent, MirrorProgress, MirrorRequest, mirror_providers};
pub use platform::{InvalidPlatform, Platform};
pub use reattach::{Reattach, ReattachAddress};
pub use requirements::ProviderRequirements;

use lang::ProviderAddress;

/// A provider as people read it: `hashicorp/aws`, with the host where it is not the usual one.
#[must_use]
pub fn shown_provider(address: &ProviderAddress) -> &str {
    address::shown(address)
}
