//! Which version of a provider is used: the locked one if it may be, else the newest that everybody allows. It is told what there is,
//! and looks for nothing itself.

use lang::ProviderAddress;

use super::error::{Error, Result};
use super::lock_file::ProviderLock;
use super::requirements::ProviderRequirements;
use crate::Version;

/// Whether the configuration still allows the version that is locked.
pub(crate) fn check_locked(
    requirements: &ProviderRequirements,
    provider: &ProviderAddress,
    lock: &ProviderLock,
) -> Result<()> {
    let constraints = requirements.constraints(provider);
    if constraints.allow_provider(&lock.version) {
        return Ok(());
    }
    Err(Error::LockedOut {
        provider: provider.clone(),
        version: lock.version.to_string(),
        constraints: constraints.normal_text(),
        place: requirements.refusal(provider, &lock.version),
    })
}

/// The version to use of those that there are.
pub(crate) fn select(
    requirements: &ProviderRequirements,
    provider: &ProviderAddress,
    lock: Option<&ProviderLock>,
    offered: &[Version],
) -> Result<Version> {
    if let Some(lock) = lock {
        check_locked(requirements, provider, lock)?;
        let found = offered.iter().find(|it| **it == lock.version);
        return found.cloned().ok_or_else(|| Error::Gone(lock.version.to_string()));
    }
    let constraints = requirements.constraints(provider);
    if let Some(version) = offered.iter().filter(|it| constraints.allow_provider(it)).max() {
        return Ok(version.clone());
    }
    if constraints.is_empty() {
        return Err(Error::NoReleases { only_pre_releases: !offered.is_empty() });
    }
    let newest = offered.iter().filter(|it| !it.is_pre_release()).max().cloned();
    // The place that the newest version does not suit is the one that is looked at first.
    let place = newest.as_ref().and_then(|it| requirements.refusal(provider, it));
    Err(Error::NoVersion {
        constraints: constraints.normal_text(),
        newest: newest.map(|it| it.to_string()),
        place,
    })
}
