//! Signatures of version 4: of documents, and of keys for each other.

use super::keys::{Hash, PublicKey};
use super::packets::{Reader, subpackets};

/// What a signature is of.
pub(super) mod kind {
    pub const BINARY: u8 = 0x00;
    pub const TEXT: u8 = 0x01;
    pub const SUBKEY_BINDING: u8 = 0x18;
    pub const PRIMARY_BINDING: u8 = 0x19;
    pub const KEY_REVOCATION: u8 = 0x20;
    pub const SUBKEY_REVOCATION: u8 = 0x28;
}

const KEY_FLAGS: u8 = 27;
const EMBEDDED_SIGNATURE: u8 = 32;
/// The flag of a key that signs documents.
const SIGNS: u8 = 0x02;

/// A signature.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signature<'a> {
    pub kind: u8,
    algorithm: u8,
    hash: u8,
    /// From its version to the end of what is signed with the document.
    head: &'a [u8],
    hashed: &'a [u8],
    unhashed: &'a [u8],
    integers: &'a [u8],
}

impl<'a> Signature<'a> {
    pub fn read(body: &'a [u8]) -> Result<Self, String> {
        let mut reader = Reader(body);
        let version = reader.byte()?;
        if version != 4 {
            return Err(format!("signatures of version {version} are not known, only those of version 4"));
        }
        let (kind, algorithm, hash) = (reader.byte()?, reader.byte()?, reader.byte()?);
        let length = reader.number(2)?;
        let hashed = reader.take(length)?;
        let head = &body[..6 + length];
        let length = reader.number(2)?;
        let unhashed = reader.take(length)?;
        // The beginning of the digest, by which a wrong key is found out early; the signature itself tells as well.
        reader.take(2)?;
        Ok(Self { kind, algorithm, hash, head, hashed, unhashed, integers: reader.0 })
    }

    /// Its hash, if it is one that is strong enough.
    pub fn hash(&self) -> Result<Hash, String> {
        Hash::of(self.hash)
    }

    /// Whether it is a key's of some data.
    fn is_of(&self, key: &PublicKey<'_>, data: &[u8]) -> bool {
        let Ok(hash) = self.hash() else { return false };
        let mut message = data.to_vec();
        message.extend(self.head);
        message.extend([4, 0xff]);
        message.extend(u32::try_from(self.head.len()).unwrap_or(u32::MAX).to_be_bytes());
        key.verifies(self.algorithm, hash, &message, self.integers)
    }

    /// Whether it is a key's of a document.
    pub fn is_of_document(&self, key: &PublicKey<'_>, document: &[u8]) -> bool {
        match self.kind {
            kind::BINARY => self.is_of(key, document),
            kind::TEXT => self.is_of(key, &with_network_line_ends(document)),
            _ => false,
        }
    }

    /// Whether a primary key says by it that it is revoked.
    pub fn revokes(&self, primary: &PublicKey<'_>) -> bool {
        self.kind == kind::KEY_REVOCATION && self.is_of(primary, &primary.hashed())
    }

    /// Whether a primary key says by it that a subkey is revoked.
    pub fn revokes_subkey(&self, primary: &PublicKey<'_>, subkey: &PublicKey<'_>) -> bool {
        self.kind == kind::SUBKEY_REVOCATION && self.is_of(primary, &both(primary, subkey))
    }

    /// Whether a primary key says by it that a subkey signs for it, and the subkey says the same: else anybody could take another's
    /// signatures for their own.
    pub fn binds_for_signing(&self, primary: &PublicKey<'_>, subkey: &PublicKey<'_>) -> bool {
        if self.kind != kind::SUBKEY_BINDING || !self.is_of(primary, &both(primary, subkey)) {
            return false;
        }
        let Ok(hashed) = subpackets(self.hashed) else { return false };
        let flags = hashed.iter().find(|(kind, _)| *kind == KEY_FLAGS).and_then(|(_, data)| data.first());
        if flags.is_none_or(|flags| flags & SIGNS == 0) {
            return false;
        }
        // The subkey's word proves itself, so that it may stand outside of what the primary key has signed.
        let unhashed = subpackets(self.unhashed).unwrap_or_default();
        let embedded = hashed.iter().chain(&unhashed).filter(|(kind, _)| *kind == EMBEDDED_SIGNATURE);
        embedded
            .filter_map(|(_, data)| Signature::read(data).ok())
            .any(|back| back.kind == kind::PRIMARY_BINDING && back.is_of(subkey, &both(primary, subkey)))
    }
}

fn both(primary: &PublicKey<'_>, subkey: &PublicKey<'_>) -> Vec<u8> {
    [primary.hashed(), subkey.hashed()].concat()
}

/// A text with the line ends that signatures of texts are of.
fn with_network_line_ends(document: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(document.len());
    let mut before = 0;
    for byte in document {
        if *byte == b'\n' && before != b'\r' {
            text.push(b'\r');
        }
        text.push(*byte);
        before = *byte;
    }
    text
}
