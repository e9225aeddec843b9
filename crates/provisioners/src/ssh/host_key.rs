//! Whether a machine is the one that was meant.
//!
//! Without a key to expect, any is accepted, as Terraform documents; there is no file of known hosts.

use std::borrow::Cow;

use russh::Preferred;
use russh::client;
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::{Algorithm, Certificate, EcdsaCurve, HashAlg, PublicKey, PublicKeyOrCertificate};

use crate::ssh::SshError;

/// Looks at the key that a machine shows.
pub(crate) struct HostCheck {
    /// `user@host:port`, for messages.
    pub(crate) login: String,
    /// The name that a certificate has to be for.
    pub(crate) host: String,
    /// The key, or the authority's key.
    pub(crate) expected: Option<PublicKey>,
}

impl client::Handler for HostCheck {
    type Error = SshError;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, SshError> {
        let Some(expected) = &self.expected else { return Ok(true) };
        if shown.public_key().key_data() == expected.key_data() {
            return Ok(true);
        }
        let cause = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                format!("it shows {}", key.fingerprint(HashAlg::Sha256))
            }
            PublicKeyOrCertificate::Certificate(certificate) => {
                match certified(certificate, expected, &self.host) {
                    Ok(()) => return Ok(true),
                    Err(cause) => cause,
                }
            }
        };
        Err(SshError::HostKey { login: self.login.clone(), cause })
    }
}

/// Whether an authority says that a host is who it says; the reason if not.
fn certified(certificate: &Certificate, authority: &PublicKey, host: &str) -> Result<(), String> {
    // The library looks at the signature, the authority, the time and the critical options; the kind and the name are ours.
    certificate
        .validate([&authority.fingerprint(HashAlg::Sha256)])
        .map_err(|error| format!("its certificate is not valid: {error}"))?;
    if certificate.cert_type() != CertType::Host {
        return Err("its certificate is not a host's".to_owned());
    }
    let principals = certificate.valid_principals();
    if !principals.is_empty() && !principals.iter().any(|name| name == host) {
        return Err(format!("its certificate is for {}", principals.join(", ")));
    }
    Ok(())
}

/// The algorithms to offer: a machine has several keys, and has to show the one that is expected.
pub(crate) fn preferred(expected: Option<&PublicKey>) -> Preferred {
    let mut preferred = Preferred::default();
    if let Some(expected) = expected {
        let ours = expected.algorithm();
        let mut keys = preferred.key.to_vec();
        // A stable sort: the rest stays in the library's order, so that a mismatch is told as one.
        keys.sort_by_key(|algorithm| !same_kind(algorithm, &ours));
        preferred.key = Cow::Owned(keys);
        preferred.host_key_certificates = Cow::Owned(vec![
            Algorithm::Ed25519,
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
            Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
            Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
        ]);
    }
    preferred
}

/// RSA is one kind of key whatever hash it signs with.
fn same_kind(one: &Algorithm, other: &Algorithm) -> bool {
    one == other || matches!((one, other), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }))
}
