//! Public keys of version 4 and what they verify, by `aws-lc-rs`: RSA of 2048 bits or more, Ed25519, and ECDSA on NIST's curves.

use aws_lc_rs::signature as lc;
use sha1::{Digest, Sha1};

use super::packets::Reader;

/// A hash that nobody can find a second document for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub fn of(number: u8) -> Result<Self, String> {
        match number {
            8 => Ok(Self::Sha256),
            9 => Ok(Self::Sha384),
            10 => Ok(Self::Sha512),
            1 => Err("the signature's hash, MD5, is too weak".to_owned()),
            2 => Err("the signature's hash, SHA-1, is too weak".to_owned()),
            other => Err(format!("the signature's hash, number {other}, is not known")),
        }
    }

    /// The digest, as EdDSA signs it.
    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => sha2::Sha256::digest(message).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(message).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(message).to_vec(),
        }
    }
}

/// A public key.
#[derive(Debug, Clone)]
pub(super) struct PublicKey<'a> {
    /// The packet's body, of which its fingerprint is, and signatures of keys are.
    pub body: &'a [u8],
    kind: Kind<'a>,
}

#[derive(Debug, Clone)]
enum Kind<'a> {
    Rsa {
        n: &'a [u8],
        e: &'a [u8],
    },
    Ed25519 {
        point: &'a [u8],
    },
    Ecdsa {
        curve: Curve,
        point: &'a [u8],
    },
    /// For encryption, or of an algorithm that is not known: it verifies nothing.
    Other(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
    P521,
}

/// The curves by their object identifiers.
const CURVES: [(&[u8], Curve); 3] = [
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], Curve::P256),
    (&[0x2b, 0x81, 0x04, 0x00, 0x22], Curve::P384),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], Curve::P521),
];
/// Ed25519 of the older form.
const ED25519: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];

impl<'a> PublicKey<'a> {
    pub fn read(body: &'a [u8]) -> Result<Self, String> {
        let mut reader = Reader(body);
        let version = reader.byte()?;
        if version != 4 {
            return Err(format!("keys of version {version} are not known, only those of version 4"));
        }
        let _created = reader.take(4)?;
        let kind = match reader.byte()? {
            1 | 3 => Kind::Rsa { n: reader.integer()?, e: reader.integer()? },
            19 => {
                let length = usize::from(reader.byte()?);
                let oid = reader.take(length)?;
                let point = reader.integer()?;
                match CURVES.iter().find(|(known, _)| *known == oid) {
                    Some((_, curve)) => Kind::Ecdsa { curve: *curve, point },
                    None => Kind::Other(19),
                }
            }
            22 => {
                let length = usize::from(reader.byte()?);
                let oid = reader.take(length)?;
                // The point has the mark of its form in front.
                match reader.integer()?.split_first() {
                    Some((0x40, point)) if oid == ED25519 && point.len() == 32 => Kind::Ed25519 { point },
                    _ => Kind::Other(22),
                }
            }
            27 => Kind::Ed25519 { point: reader.take(32)? },
            other => Kind::Other(other),
        };
        Ok(Self { body, kind })
    }

    /// What signatures of keys are of: the mark of a key, its length, its body.
    pub fn hashed(&self) -> Vec<u8> {
        let mut data = vec![0x99];
        // A body is as long as two bytes say, or its packet could not have been signed by anybody.
        data.extend(u16::try_from(self.body.len()).unwrap_or(u16::MAX).to_be_bytes());
        data.extend(self.body);
        data
    }

    /// The fingerprint: SHA-1 is what version 4 defines. A second key for a known fingerprint cannot be found even so.
    pub fn fingerprint(&self) -> [u8; 20] {
        Sha1::digest(self.hashed()).into()
    }

    /// Whether a signature, as its integers are written, is this key's of a message.
    pub fn verifies(&self, algorithm: u8, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        self.verify(algorithm, hash, message, signature).is_some()
    }

    fn verify(&self, algorithm: u8, hash: Hash, message: &[u8], signature: &[u8]) -> Option<()> {
        let mut reader = Reader(signature);
        match (&self.kind, algorithm) {
            (Kind::Rsa { n, e }, 1 | 3) => {
                let parameters = match hash {
                    Hash::Sha256 => &lc::RSA_PKCS1_2048_8192_SHA256,
                    Hash::Sha384 => &lc::RSA_PKCS1_2048_8192_SHA384,
                    Hash::Sha512 => &lc::RSA_PKCS1_2048_8192_SHA512,
                };
                let signature = padded(reader.integer().ok()?, n.len())?;
                let key = lc::RsaPublicKeyComponents { n: *n, e: *e };
                key.verify(parameters, message, &signature).ok()
            }
            (Kind::Ed25519 { point }, 22 | 27) => {
                let signature = if algorithm == 27 {
                    reader.take(64).ok()?.to_vec()
                } else {
                    let mut both = padded(reader.integer().ok()?, 32)?;
                    both.extend(padded(reader.integer().ok()?, 32)?);
                    both
                };
                let key = lc::UnparsedPublicKey::new(&lc::ED25519, point);
                key.verify(&hash.digest(message), &signature).ok()
            }
            (Kind::Ecdsa { curve, point }, 19) => {
                // Each curve with the hash of its strength, as everybody signs.
                let (parameters, length): (&'static dyn lc::VerificationAlgorithm, usize) =
                    match (curve, hash) {
                        (Curve::P256, Hash::Sha256) => (&lc::ECDSA_P256_SHA256_FIXED, 32),
                        (Curve::P384, Hash::Sha384) => (&lc::ECDSA_P384_SHA384_FIXED, 48),
                        (Curve::P521, Hash::Sha512) => (&lc::ECDSA_P521_SHA512_FIXED, 66),
                        _ => return None,
                    };
                let mut both = padded(reader.integer().ok()?, length)?;
                both.extend(padded(reader.integer().ok()?, length)?);
                lc::UnparsedPublicKey::new(parameters, point).verify(message, &both).ok()
            }
            _ => None,
        }
    }

    /// The number of the algorithm, where it is one that verifies nothing here.
    pub fn unknown_algorithm(&self) -> Option<u8> {
        match self.kind {
            Kind::Other(number) => Some(number),
            _ => None,
        }
    }
}

/// An integer with so many bytes.
fn padded(integer: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length.checked_sub(integer.len())?];
    bytes.extend(integer);
    Some(bytes)
}
