//! Who vouches for a registry's checksums.
//!
//! As in Terraform, whoever can answer for the registry's host decides which key is right: the signature tells who made the package, and
//! that it is the one that was published. Keys and signatures that have expired are taken, since what was published once stays as it
//! is; revoked keys are not. That HashiCorp vouches for a partner's key in turn is not looked at: such a provider is told as signed by
//! its own key.

use super::events::Trust;
use super::openpgp;

/// The fingerprint of the key with which HashiCorp signs releases, as <https://www.hashicorp.com/trust/security> has it.
const HASHICORP: &str = "c874011f0ab405110d02105534365d9472d7468f";

/// Who has signed a document. The cause is told where it is none of the keys.
pub(super) fn check(document: &[u8], signature: &[u8], keys: &[String]) -> Result<Trust, String> {
    let signer = openpgp::signer(document, signature, keys)?;
    let key = signer.key_id();
    Ok(if signer.fingerprint == HASHICORP { Trust::Official { key } } else { Trust::Signed { key } })
}
