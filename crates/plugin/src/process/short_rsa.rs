//! Certificates of RSA keys that are too short for anything else: frameworks other than Go's make them of 1024 bits, and Terraform
//! takes them.
//!
//! Such a key is good enough for what it is used for here, to tell one process on this machine from another for as long as it runs.
//! What signs with it is taken only of the very certificate that the provider announced. Cryptography offers these keys for the
//! signatures of TLS 1.2 alone, so that connections to such a provider use no newer version.

use aws_lc_rs::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};
use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};
use rustls::server::ParsedCertificate;

/// A public key of 2048 bits takes 292 bytes at least with its algorithm, and one of 1536 takes 226.
const LONG_ENOUGH_BYTES: usize = 290;

/// What is taken of such a key.
pub(super) static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[&ShortRsa],
    mapping: &[(SignatureScheme::RSA_PKCS1_SHA256, &[&ShortRsa])],
};

/// Whether a certificate has such a key.
pub(super) fn is_of(certificate: &CertificateDer<'_>) -> bool {
    let Ok(parsed) = ParsedCertificate::try_from(certificate) else { return false };
    let key = parsed.subject_public_key_info();
    let rsa = alg_id::RSA_ENCRYPTION;
    key.len() < LONG_ENOUGH_BYTES && key.windows(rsa.len()).any(|part| part == rsa.as_ref())
}

#[derive(Debug)]
struct ShortRsa;

impl SignatureVerificationAlgorithm for ShortRsa {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, public_key)
            .verify(message, signature)
            .map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_PKCS1_SHA256
    }
}
