//! OpenPGP (RFC 9580) as far as a detached signature of a document is checked with a certificate: keys and signatures of version 4. It
//! makes nothing, decrypts nothing, and has no opinion on whose key is whose.
//!
//! The cryptography is that of `aws-lc-rs`, which TLS uses too; here is only the format around it. A whole implementation (`pgp`) brings
//! some ninety crates with it, and another compressor for all of the program, whose images would have other digests then.

mod armor;
mod keys;
mod packets;
mod signed;

use keys::PublicKey;
use packets::{PUBLIC_KEY, PUBLIC_SUBKEY, Packet, SIGNATURE, packets};
use signed::{Signature, kind};

/// A key with which a document was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signer {
    /// The fingerprint of the certificate's primary key, in lower-case hexadecimal digits.
    pub fingerprint: String,
}

impl Signer {
    /// The key's short name: the last eight bytes of its fingerprint, as people write it.
    pub fn key_id(&self) -> String {
        self.fingerprint.get(24..).unwrap_or_default().to_ascii_uppercase()
    }
}

/// Whose signature of a document this is, of the certificates in some armoured texts.
///
/// # Errors
/// What is damaged or not known, or that it is none of theirs.
pub(super) fn signer(document: &[u8], signature: &[u8], keys: &[String]) -> Result<Signer, String> {
    let wrong = |cause: String| format!("the signature is damaged: {cause}");
    let data = if armor::is_armored(signature) {
        let text = String::from_utf8_lossy(signature);
        armor::blocks(&text).map_err(wrong)?.concat()
    } else {
        signature.to_vec()
    };
    let found = packets(&data).map_err(wrong)?;
    let signatures = found.iter().filter(|packet| packet.tag == SIGNATURE);
    let signatures: Vec<Signature<'_>> =
        signatures.map(|packet| Signature::read(packet.body)).collect::<Result<_, _>>().map_err(wrong)?;
    if signatures.is_empty() {
        return Err(wrong("it has no signature in it".to_owned()));
    }
    if !signatures.iter().any(|it| matches!(it.kind, kind::BINARY | kind::TEXT)) {
        return Err("the signature is not one of a document".to_owned());
    }
    for signature in &signatures {
        signature.hash()?;
    }
    if keys.is_empty() {
        return Err("the registry names no key".to_owned());
    }
    let mut unknown = None;
    for text in keys {
        let damaged = |cause: String| format!("a key of the registry is damaged: {cause}");
        for block in armor::blocks(text).map_err(damaged)? {
            for certificate in certificates(&packets(&block).map_err(damaged)?).map_err(damaged)? {
                unknown = unknown.or(certificate.primary.unknown_algorithm());
                if signatures.iter().any(|it| certificate.has_signed(it, document)) {
                    return certificate.signer();
                }
            }
        }
    }
    Err(match unknown {
        Some(number) => format!("a key of the registry is of algorithm {number}, which is not known"),
        None => "the signature is of none of the keys that the registry names".to_owned(),
    })
}

/// A primary key, its subkeys, and what is said of each.
struct Certificate<'a> {
    primary: PublicKey<'a>,
    signatures: Vec<Signature<'a>>,
    subkeys: Vec<(PublicKey<'a>, Vec<Signature<'a>>)>,
}

/// The certificates of some packets. What is said of people is passed over.
fn certificates<'a>(packets: &[Packet<'a>]) -> Result<Vec<Certificate<'a>>, String> {
    let mut found: Vec<Certificate<'a>> = Vec::new();
    for packet in packets {
        match (packet.tag, found.last_mut()) {
            (PUBLIC_KEY, _) => found.push(Certificate {
                primary: PublicKey::read(packet.body)?,
                signatures: Vec::new(),
                subkeys: Vec::new(),
            }),
            (_, None) => return Err("it does not begin with a public key".to_owned()),
            // A subkey or a signature of a kind that is not known says nothing, and takes nothing away.
            (PUBLIC_SUBKEY, Some(certificate)) => {
                if let Ok(subkey) = PublicKey::read(packet.body) {
                    certificate.subkeys.push((subkey, Vec::new()));
                }
            }
            (SIGNATURE, Some(certificate)) => {
                if let Ok(signature) = Signature::read(packet.body) {
                    match certificate.subkeys.last_mut() {
                        Some((_, signatures)) => signatures.push(signature),
                        None => certificate.signatures.push(signature),
                    }
                }
            }
            _ => {}
        }
    }
    if found.is_empty() { Err("it has no key in it".to_owned()) } else { Ok(found) }
}

impl Certificate<'_> {
    /// Whether a signature is of the primary key, or of a key that signs for it.
    fn has_signed(&self, signature: &Signature<'_>, document: &[u8]) -> bool {
        let signs = |(subkey, said): &&(PublicKey<'_>, Vec<Signature<'_>>)| {
            said.iter().any(|it| it.binds_for_signing(&self.primary, subkey))
                && !said.iter().any(|it| it.revokes_subkey(&self.primary, subkey))
        };
        signature.is_of_document(&self.primary, document)
            || self.subkeys.iter().filter(signs).any(|(subkey, _)| signature.is_of_document(subkey, document))
    }

    fn signer(&self) -> Result<Signer, String> {
        let signer = Signer { fingerprint: hex::encode(self.primary.fingerprint()) };
        if self.signatures.iter().any(|it| it.revokes(&self.primary)) {
            return Err(format!("the key {} has been revoked", signer.key_id()));
        }
        Ok(signer)
    }
}

#[cfg(test)]
mod tests;
