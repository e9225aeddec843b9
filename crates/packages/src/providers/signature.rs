//! Detached OpenPGP signatures of checksums, checked with the keys that a registry names.
//!
//! As in Terraform, whoever can answer for the registry's host decides which key is right: the signature tells who made the package, and
//! that it is the one that was published. Keys and signatures that have expired are taken, since what was published once stays as it
//! is; revoked keys are not.

use pgp::composed::{Deserializable, DetachedSignature, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::types::KeyDetails;

use super::events::Trust;

/// The fingerprint of the key with which HashiCorp signs releases, as <https://www.hashicorp.com/trust/security> has it.
const HASHICORP: &str = "c874011f0ab405110d02105534365d9472d7468f";

/// Who has signed a document. The cause is told where it is none of the keys.
pub(super) fn check(document: &[u8], signature: &[u8], keys: &[String]) -> Result<Trust, String> {
    let (detached, _) = DetachedSignature::from_reader_single(signature)
        .map_err(|e| format!("the signature is damaged: {e}"))?;
    let signature = &detached.signature;
    check_kind(signature)?;
    let mut causes = Vec::new();
    for armored in keys {
        let read = SignedPublicKey::from_armor_many(armored.as_bytes());
        let (certificates, _) = read.map_err(|e| format!("a key of the registry is damaged: {e}"))?;
        for certificate in certificates {
            match certificate {
                Ok(certificate) if has_signed(&certificate, signature, document) => {
                    return trust(&certificate);
                }
                Ok(_) => {}
                Err(e) => causes.push(e.to_string()),
            }
        }
    }
    let why = match (keys.is_empty(), causes.is_empty()) {
        (true, _) => "the registry names no key".to_owned(),
        (false, true) => "the signature is of none of the keys that the registry names".to_owned(),
        (false, false) => format!("a key of the registry cannot be read: {}", causes.join("; ")),
    };
    Err(why)
}

/// Signatures of a document by a hash that nobody can find a second document for.
fn check_kind(signature: &Signature) -> Result<(), String> {
    if !matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text)) {
        return Err("the signature is not one of a document".to_owned());
    }
    let hash = signature.hash_alg();
    let is_strong = matches!(
        hash,
        Some(
            HashAlgorithm::Sha256
                | HashAlgorithm::Sha384
                | HashAlgorithm::Sha512
                | HashAlgorithm::Sha224
                | HashAlgorithm::Sha3_256
                | HashAlgorithm::Sha3_512
        )
    );
    if is_strong { Ok(()) } else { Err(format!("the signature's hash, {hash:?}, is too weak")) }
}

/// Whether a signature is of a certificate's own key, or of one that it has handed signing to.
fn has_signed(certificate: &SignedPublicKey, signature: &Signature, document: &[u8]) -> bool {
    if signature.verify(&certificate.primary_key, document).is_ok() {
        return true;
    }
    certificate.public_subkeys.iter().any(|subkey| {
        let is_revoked = subkey.signatures.iter().any(|it| {
            it.typ() == Some(SignatureType::SubkeyRevocation)
                && it.verify_subkey_binding(&certificate.primary_key, &subkey.key).is_ok()
        });
        // The binding has the primary key's word for the subkey, and the subkey's word for the primary key.
        let is_bound = subkey.signatures.iter().any(|it| {
            it.typ() == Some(SignatureType::SubkeyBinding)
                && it.key_flags().sign()
                && it.verify_subkey_binding(&certificate.primary_key, &subkey.key).is_ok()
                && it.embedded_signature().is_some_and(|back| {
                    back.verify_primary_key_binding(&subkey.key, &certificate.primary_key).is_ok()
                })
        });
        is_bound && !is_revoked && signature.verify(&subkey.key, document).is_ok()
    })
}

fn trust(certificate: &SignedPublicKey) -> Result<Trust, String> {
    let primary = &certificate.primary_key;
    let is_revoked =
        certificate.details.revocation_signatures.iter().any(|it| it.verify_key(primary).is_ok());
    let key = hex::encode_upper(primary.legacy_key_id());
    if is_revoked {
        return Err(format!("the key {key} has been revoked"));
    }
    let fingerprint = hex::encode(primary.fingerprint().as_bytes());
    Ok(if fingerprint == HASHICORP { Trust::Official { key } } else { Trust::Signed { key } })
}
