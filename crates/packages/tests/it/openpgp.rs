//! Keys of OpenPGP and what they sign, written as `RFC 9580` has it: Ed25519, version 4. Terraform and GnuPG read them.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// The kinds of what is signed.
const BINARY: u8 = 0x00;
const USER: u8 = 0x13;
const SUBKEY: u8 = 0x18;
const PRIMARY: u8 = 0x19;
/// The kinds of packets.
const SIGNATURE_PACKET: u8 = 2;
const KEY_PACKET: u8 = 6;
const USER_PACKET: u8 = 13;
const SUBKEY_PACKET: u8 = 14;
/// What keys are for.
const CERTIFIES: u8 = 1;
const SIGNS: u8 = 2;
/// Some moment of 2025: keys and signatures have one.
const MADE: [u8; 4] = [0x67, 0x80, 0, 0];
const OID: &[u8] = &[9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01];
const USER_ID: &[u8] = b"Test <test@example.com>";

/// A key, and perhaps one that signs for it.
pub struct Key {
    primary: Ed25519KeyPair,
    below: Option<Ed25519KeyPair>,
}

impl Key {
    pub fn new() -> Self {
        Self { primary: Ed25519KeyPair::generate().unwrap(), below: None }
    }

    pub fn with_subkey() -> Self {
        Self { below: Some(Ed25519KeyPair::generate().unwrap()), ..Self::new() }
    }

    /// The primary key's short name.
    pub fn id(&self) -> String {
        hex::encode_upper(id(&self.primary))
    }

    /// The certificate, armoured.
    pub fn armored(&self) -> String {
        let mut data = packet(KEY_PACKET, &body(&self.primary));
        data.extend(packet(USER_PACKET, USER_ID));
        let mut user = hashed(&self.primary);
        user.push(0xb4);
        user.extend(u32::try_from(USER_ID.len()).unwrap().to_be_bytes());
        user.extend(USER_ID);
        let flags = if self.below.is_some() { CERTIFIES } else { CERTIFIES | SIGNS };
        data.extend(packet(SIGNATURE_PACKET, &signature(&self.primary, USER, &user, Some(flags), &[])));
        if let Some(below) = &self.below {
            data.extend(packet(SUBKEY_PACKET, &body(below)));
            let both = [hashed(&self.primary), hashed(below)].concat();
            let back = signature(below, PRIMARY, &both, None, &[]);
            data.extend(packet(
                SIGNATURE_PACKET,
                &signature(&self.primary, SUBKEY, &both, Some(SIGNS), &back),
            ));
        }
        let text = STANDARD.encode(data);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).map(|it| std::str::from_utf8(it).unwrap()).collect();
        format!(
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{}\n-----END PGP PUBLIC KEY BLOCK-----\n",
            lines.join("\n")
        )
    }

    /// A detached signature.
    pub fn sign(&self, document: &[u8]) -> Vec<u8> {
        let key = self.below.as_ref().unwrap_or(&self.primary);
        packet(SIGNATURE_PACKET, &signature(key, BINARY, document, None, &[]))
    }
}

fn packet(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut data = vec![0xc0 | tag, 255];
    data.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
    data.extend(body);
    data
}

fn body(key: &Ed25519KeyPair) -> Vec<u8> {
    let mut point = vec![0x40];
    point.extend(key.public_key().as_ref());
    [&[4], &MADE[..], &[22], OID, &integer(&point)].concat()
}

fn hashed(key: &Ed25519KeyPair) -> Vec<u8> {
    let body = body(key);
    let mut data = vec![0x99];
    data.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    data.extend(body);
    data
}

fn id(key: &Ed25519KeyPair) -> [u8; 8] {
    Sha1::digest(hashed(key))[12..].try_into().unwrap()
}

fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[zeros..];
    let bits = bytes.len() * 8 - bytes.first().map_or(0, |first| first.leading_zeros() as usize);
    [&u16::try_from(bits).unwrap().to_be_bytes()[..], bytes].concat()
}

fn subpacket(kind: u8, data: &[u8]) -> Vec<u8> {
    [&[u8::try_from(data.len() + 1).unwrap(), kind], data].concat()
}

fn signature(key: &Ed25519KeyPair, kind: u8, data: &[u8], flags: Option<u8>, embedded: &[u8]) -> Vec<u8> {
    let mut parts = subpacket(2, &MADE);
    if let Some(flags) = flags {
        parts.extend(subpacket(27, &[flags]));
    }
    let mut unhashed = subpacket(16, &id(key));
    if !embedded.is_empty() {
        unhashed.extend(subpacket(32, embedded));
    }
    let length = |part: &[u8]| u16::try_from(part.len()).unwrap().to_be_bytes();
    // EdDSA with SHA-512.
    let mut head = vec![4, kind, 22, 10];
    head.extend(length(&parts));
    head.extend(parts);
    let mut message = [data, &head, &[4, 0xff]].concat();
    message.extend(u32::try_from(head.len()).unwrap().to_be_bytes());
    let digest = sha2::Sha512::digest(&message);
    let signed = key.sign(&digest);
    let (r, s) = signed.as_ref().split_at(32);
    [&head[..], &length(&unhashed), &unhashed, &digest[..2], &integer(r), &integer(s)].concat()
}
