//! `rsadecrypt`: RSAES-PKCS1-v1_5 (RFC 8017, section 7.2) with a private key in PEM, of PKCS #1 or PKCS #8.
//!
//! For one value at a time on the machine that has the key: it takes no care against measuring how long it takes, and must not be
//! offered to others over a network. It makes no keys, and reads no key that is itself encrypted.

use base64::Engine as _;
use bigdecimal::num_bigint::{BigUint, Sign};
use value::Value;

use super::arguments::{Arguments, Failure};
use super::encoding::from_base64;

/// The largest modulus in bits: the time for a decryption grows with its cube.
const BITS_MAX: u64 = 16_384;

pub(super) fn decrypt(a: &Arguments<'_>) -> Result<Value, Failure> {
    let given = a.text(0);
    let ciphertext = from_base64(given).map_err(|_| {
        Failure::showing(Some(0), |show| {
            format!(
                "failed to decode input {}: cipher text must be base64-encoded",
                show(format!("{given:?}"))
            )
        })
    })?;
    let key =
        Key::from_pem(a.text(1)).map_err(|why| Failure::at(1, format!("invalid private key: {why}")))?;
    // Why it does not decrypt is not told: the difference would help someone to guess a text.
    let fault = || Failure::call("failed to decrypt: the ciphertext was not made for this key");
    let plain = key.decrypt(&ciphertext).ok_or_else(fault)?;
    String::from_utf8(plain)
        .map(Value::string)
        .map_err(|_| Failure::call("the decrypted text is not valid UTF-8"))
}

struct Key {
    modulus: BigUint,
    exponent: BigUint,
}

impl Key {
    fn from_pem(pem: &str) -> Result<Self, &'static str> {
        let (label, body) = pem_body(pem).ok_or("no PEM block found")?;
        let der = base64::engine::general_purpose::STANDARD
            .decode(body)
            .map_err(|_| "the PEM block is not Base64")?;
        let malformed = "the PEM block holds no RSA key";
        match label {
            "RSA PRIVATE KEY" => Self::from_pkcs1(&der).ok_or(malformed),
            "PRIVATE KEY" => Self::from_pkcs8(&der).ok_or(malformed),
            "ENCRYPTED PRIVATE KEY" => Err("the key is itself encrypted; decrypt it first"),
            "OPENSSH PRIVATE KEY" => Err("OpenSSH's own format; convert it by `ssh-keygen -p -m PEM`"),
            _ => Err("the PEM block is not a private key"),
        }
        .and_then(|key| if key.modulus.bits() > BITS_MAX { Err("the key is too large") } else { Ok(key) })
    }

    /// `RSAPrivateKey` of RFC 8017, appendix A.1.2: version, n, e, d, and what speeds it up.
    fn from_pkcs1(der: &[u8]) -> Option<Self> {
        let (mut fields, _) = element(der, 0x30)?;
        let mut integers = Vec::new();
        for _ in 0..4 {
            let (integer, rest) = element(fields, 0x02)?;
            integers.push(BigUint::from_bytes_be(integer));
            fields = rest;
        }
        let [_version, modulus, _public, exponent] = integers.try_into().ok()?;
        (modulus.bits() > 88).then_some(Self { modulus, exponent })
    }

    /// `PrivateKeyInfo` of RFC 5208: version, algorithm, and the key as an octet string.
    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let (fields, _) = element(der, 0x30)?;
        let (_version, fields) = element(fields, 0x02)?;
        let (_algorithm, fields) = element(fields, 0x30)?;
        let (key, _) = element(fields, 0x04)?;
        Self::from_pkcs1(key)
    }

    fn decrypt(&self, ciphertext: &[u8]) -> Option<Vec<u8>> {
        let size = usize::try_from(self.modulus.bits().div_ceil(8)).ok()?;
        let number = bigdecimal::num_bigint::BigInt::from_bytes_be(Sign::Plus, ciphertext).to_biguint()?;
        if ciphertext.len() != size || number >= self.modulus {
            return None;
        }
        let message = number.modpow(&self.exponent, &self.modulus).to_bytes_be();
        // The block is 00 02, at least eight bytes that are not zero, 00, the text; the number lost its leading zero.
        let padded = message.strip_prefix(&[0x02]).filter(|_| message.len() == size - 1)?;
        let end = padded.iter().position(|byte| *byte == 0).filter(|end| *end >= 8)?;
        Some(padded[end + 1..].to_vec())
    }
}

/// Label and content of the first block of a PEM text; headers are left out.
fn pem_body(pem: &str) -> Option<(&str, String)> {
    let (_, rest) = pem.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    let body = body.lines().filter(|line| !line.contains(':')).map(str::trim).collect();
    Some((label, body))
}

/// The content of the first element of DER with that tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    rest.split_at_checked(length)
}
