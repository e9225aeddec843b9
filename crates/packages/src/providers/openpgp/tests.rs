//! Signatures that GnuPG has made, in `tests/openpgp`: each key has signed the same document.

use super::signer;

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/openpgp/", $name)).as_slice()
    };
}

fn check(signature: &[u8], key: &[u8], expect: &str) {
    let key = String::from_utf8(key.to_vec()).unwrap();
    let of = |document: &[u8]| match signer(document, signature, std::slice::from_ref(&key)) {
        Ok(signer) => signer.key_id(),
        Err(cause) => cause,
    };
    assert_eq!(of(file!("document")), expect);
    let other = of(b"hello\nworlD\n");
    assert_ne!(other, expect, "another document is not what was signed");
}

#[test]
fn signatures_of_every_kind_of_key_are_checked() {
    check(file!("rsa.sig"), file!("rsa.asc"), "C0FE6E95DF47F4B2");
    check(file!("ed25519.sig"), file!("ed25519.asc"), "3C9D9E5B453047F3");
    check(file!("ed25519.sig.asc"), file!("ed25519.asc"), "3C9D9E5B453047F3");
    check(file!("text.sig"), file!("ed25519.asc"), "3C9D9E5B453047F3");
    check(file!("p256.sig"), file!("p256.asc"), "54C570806A88333E");
    check(file!("p384.sig"), file!("p384.asc"), "CBF868638E5EFF3A");
    check(file!("p521.sig"), file!("p521.asc"), "426D6EB691B7C240");
}

#[test]
fn what_cannot_be_believed_is_told() {
    let of = |signature: &[u8], keys: &[&[u8]]| {
        let keys: Vec<String> = keys.iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect();
        signer(file!("document"), signature, &keys).map(|signer| signer.key_id()).unwrap_err()
    };
    let none = "the signature is of none of the keys that the registry names";
    assert_eq!(of(file!("rsa.sig"), &[file!("ed25519.asc"), file!("p256.asc")]), none);
    assert_eq!(of(file!("rsa.sig"), &[]), "the registry names no key");
    assert_eq!(of(file!("sha1.sig"), &[file!("rsa.asc")]), "the signature's hash, SHA-1, is too weak");
    assert_eq!(
        of(file!("revoked.sig"), &[file!("revoked.asc")]),
        "the key 4039C0D6DE61A7E2 has been revoked"
    );
    assert_eq!(of(b"text", &[file!("rsa.asc")]), "the signature is damaged: this is no OpenPGP packet");
    assert!(
        of(file!("rsa.sig"), &[b"no key"])
            .starts_with("a key of the registry is damaged: there is no `-----BEGIN")
    );
    assert!(of(file!("rsa.asc"), &[file!("rsa.asc")]).contains("not one of a document"));
}

#[test]
fn damage_anywhere_is_no_signature_and_no_panic() {
    let key = String::from_utf8(file!("rsa.asc").to_vec()).unwrap();
    let block = super::armor::blocks(&key).unwrap().concat();
    let whole = file!("rsa.sig");
    for at in 0..whole.len() {
        let mut changed = whole.to_vec();
        changed[at] ^= 0x55;
        let _ = signer(file!("document"), &changed, std::slice::from_ref(&key));
        let cut = signer(file!("document"), &whole[..at], std::slice::from_ref(&key));
        assert!(cut.is_err(), "cut at {at}");
    }
    for at in 0..block.len() {
        let found =
            super::packets::packets(&block[..at]).and_then(|it| super::certificates(&it).map(|it| it.len()));
        let _ = found;
    }
}
