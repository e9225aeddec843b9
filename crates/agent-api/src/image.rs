//! Which images an agent keeps, and what it removes.

use serde::{Deserialize, Serialize};

/// Images that an environment needs, beside those of its instances: what its releases and its history name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptImages {
    /// Digests, `sha256:…`. They need not be there.
    pub images: Vec<String>,
    /// Whether these are all that it needs; otherwise they are added to what it said before.
    pub is_all: bool,
}

/// What an agent has removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectedImages {
    /// Images.
    pub images: u64,
    /// Unpacked layers.
    pub layers: u64,
    /// Bytes of blobs; unpacked layers are not measured.
    pub bytes: u64,
}
