//! Digests of texts, names derived by them, and `rsadecrypt`. The digests of files are next door, in `files`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use value::Value;

use super::arguments::{Arguments, Failure};
use super::signature::{Function, Parameter, Shape};

const STR: &[Parameter] = &[Parameter::new("str", Shape::String)];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "md5",
        STR,
        Shape::String,
        |a| of_text(a, hex_of::<Md5>),
        "The MD5 digest of a text, in hexadecimal.",
    ),
    Function::new(
        "sha1",
        STR,
        Shape::String,
        |a| of_text(a, hex_of::<Sha1>),
        "The SHA-1 digest of a text, in hexadecimal.",
    ),
    Function::new(
        "sha256",
        STR,
        Shape::String,
        |a| of_text(a, hex_of::<Sha256>),
        "The SHA-256 digest of a text, in hexadecimal.",
    ),
    Function::new(
        "sha512",
        STR,
        Shape::String,
        |a| of_text(a, hex_of::<Sha512>),
        "The SHA-512 digest of a text, in hexadecimal.",
    ),
    Function::new(
        "base64sha256",
        STR,
        Shape::String,
        |a| of_text(a, base64_of::<Sha256>),
        "The SHA-256 digest of a text, in Base64.",
    ),
    Function::new(
        "base64sha512",
        STR,
        Shape::String,
        |a| of_text(a, base64_of::<Sha512>),
        "The SHA-512 digest of a text, in Base64.",
    ),
    Function::new(
        "uuidv5",
        &[Parameter::new("namespace", Shape::String), Parameter::new("name", Shape::String)],
        Shape::String,
        uuid_v5,
        "The identifier that a name has in a namespace (RFC 9562, version 5).",
    ),
    Function::new(
        "rsadecrypt",
        &[Parameter::new("ciphertext", Shape::String), Parameter::new("privatekey", Shape::String)],
        Shape::String,
        super::rsa::decrypt,
        "The text that was encrypted for an RSA key.",
    ),
];

/// A digest of bytes, as text.
pub(super) type Hash = fn(&[u8]) -> String;

pub(super) fn hex_of<D: Digest>(bytes: &[u8]) -> String {
    hex::encode(D::digest(bytes).as_slice())
}

pub(super) fn base64_of<D: Digest>(bytes: &[u8]) -> String {
    STANDARD.encode(D::digest(bytes).as_slice())
}

fn of_text(a: &Arguments<'_>, hash: Hash) -> Result<Value, Failure> {
    Ok(Value::string(hash(a.text(0).as_bytes())))
}

/// The namespaces of RFC 9562, section 6.6; they differ in their fourth byte.
const NAMESPACE: [u8; 16] =
    [0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];

fn uuid_v5(a: &Arguments<'_>) -> Result<Value, Failure> {
    let given = a.text(0);
    let known = |last: u8| {
        let mut namespace = NAMESPACE;
        namespace[3] = last;
        Ok(namespace)
    };
    let namespace = match given {
        "dns" => known(0x10),
        "url" => known(0x11),
        "oid" => known(0x12),
        "x500" => known(0x14),
        other => parse_uuid(other),
    };
    let namespace = namespace.map_err(|why| {
        Failure::showing(None, |show| {
            format!("uuidv5() doesn't support namespace {} ({why})", show(given.to_owned()))
        })
    })?;
    let digest = Sha1::new().chain_update(namespace).chain_update(a.text(1)).finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Ok(Value::string(uuid_text(id, 5)))
}

/// An identifier as text, made one of a version of RFC 9562.
pub(super) fn uuid_text(mut id: [u8; 16], version: u8) -> String {
    id[6] = id[6] & 0x0f | version << 4;
    id[8] = id[8] & 0x3f | 0x80;
    let digits = hex::encode(id);
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

fn parse_uuid(text: &str) -> Result<[u8; 16], String> {
    let plain = text.strip_prefix("urn:uuid:").unwrap_or(text);
    let plain = plain.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(plain);
    let digits = match plain.len() {
        32 => plain.to_owned(),
        36 if [8, 13, 18, 23].iter().all(|at| plain.as_bytes()[*at] == b'-') => plain.replace('-', ""),
        36 => return Err("invalid UUID format".to_owned()),
        length => return Err(format!("invalid UUID length: {length}")),
    };
    let mut id = [0; 16];
    hex::decode_to_slice(digits, &mut id).map_err(|_| "invalid UUID format".to_owned())?;
    Ok(id)
}
