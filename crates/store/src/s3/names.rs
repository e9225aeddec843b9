//! What objects are called. Everything of ours is beside Terraform's object, under its key and `.mainstay/`.
//!
//! ```text
//! KEY.mainstay/environments/ENVIRONMENT/head                          the one object that is ever written over
//! KEY.mainstay/environments/ENVIRONMENT/objects/VERSION-WORD          segments, snapshots, outputs
//! KEY.mainstay/environments/ENVIRONMENT/ledger-GENERATION/…           revisions, deployments, releases
//! KEY.mainstay/files/SHA256                                           large files of revisions
//! KEY.mainstay/clock                                                  written to learn the server's time
//! ```

use engine::EnvironmentName;
use object_store::path::Path;

use super::bucket::Bucket;

/// Terraform's own name for what it takes when no workspace was chosen.
const DEFAULT_WORKSPACE: &str = "default";

impl Bucket {
    fn own(&self, rest: &str) -> Path {
        self.path(&format!("{}.mainstay/{rest}", self.key()))
    }

    pub(crate) fn environments(&self) -> Path {
        self.own("environments")
    }

    pub(crate) fn environment(&self, environment: &EnvironmentName) -> Path {
        self.own(&format!("environments/{}", escaped(environment.as_str())))
    }

    pub(crate) fn head(&self, environment: &EnvironmentName) -> Path {
        self.own(&format!("environments/{}/head", escaped(environment.as_str())))
    }

    pub(crate) fn object(&self, environment: &EnvironmentName, name: &str) -> Path {
        self.own(&format!("environments/{}/objects/{name}", escaped(environment.as_str())))
    }

    /// Something of the ledger. An environment that is removed and made again has another generation, and with it another ledger.
    pub(crate) fn ledger(&self, environment: &EnvironmentName, generation: u64, rest: &str) -> Path {
        self.own(&format!("environments/{}/ledger-{generation}/{rest}", escaped(environment.as_str())))
    }

    pub(crate) fn file(&self, hash: &str) -> Path {
        self.own(&format!("files/{hash}"))
    }

    pub(crate) fn clock(&self) -> Path {
        self.own("clock")
    }

    /// Where Terraform keeps the state of a workspace.
    pub(crate) fn terraforms(&self, workspace: &EnvironmentName) -> Path {
        self.path(&self.terraforms_key(workspace))
    }

    pub(crate) fn terraforms_key(&self, workspace: &EnvironmentName) -> String {
        match workspace.as_str() {
            DEFAULT_WORKSPACE => self.key().to_owned(),
            name => format!("{}/{name}/{}", self.workspace_key_prefix(), self.key()),
        }
    }
}

/// The name of an object that the head of this version is the first to refer to.
pub(crate) fn object_name(version: u64, word: &str) -> String {
    format!("{version:012x}-{word}")
}

/// The version of [`object_name`].
pub(crate) fn version_of(name: &str) -> Option<u64> {
    u64::from_str_radix(name.split_once('-')?.0, 16).ok()
}

/// A name with everything escaped that means something in a key, to one program or another.
pub(crate) fn escaped(name: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "={byte:02X}");
        }
    }
    text
}

/// The name again; `None` where it is none of ours.
pub(crate) fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'=' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_come_back() {
        for name in ["dev", "prod-eu", "a.b~c=d", "ü/../x", ""] {
            let text = escaped(name);
            assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=".contains(&b)), "{text}");
            assert_eq!(unescaped(&text).as_deref(), Some(name));
        }
        assert_eq!(unescaped("=4"), None);
        assert_eq!(version_of(&object_name(300, "0badcafe")), Some(300));
    }
}
