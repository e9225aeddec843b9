//! References to images: names, and the digests that they are pinned to. It looks into no layout.

use std::collections::BTreeMap;

/// The digest in a reference, `sha256:…`, if there is one.
#[must_use]
pub(crate) fn digest_of(reference: &str) -> Option<&str> {
    let digest = reference.rsplit_once('@').map_or(reference, |(_, digest)| digest);
    digest.parse::<oci::Digest>().is_ok().then_some(digest)
}

/// A reference with its digest: as it is where it has one, else with the one that its name is pinned to.
///
/// # Errors
/// The name, if it is not pinned.
pub(crate) fn pinned(reference: &str, releases: &BTreeMap<String, String>) -> Result<String, String> {
    if digest_of(reference).is_some() {
        return Ok(reference.to_owned());
    }
    match releases.get(reference) {
        Some(digest) => Ok(format!("{reference}@{digest}")),
        None => Err(reference.to_owned()),
    }
}
