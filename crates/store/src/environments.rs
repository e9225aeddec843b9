//! What every store says and does alike about environments by name. It reads and writes nothing.

use engine::{EnvironmentName, StoreError};

/// A new lineage: a random UUID (RFC 9562, version 4).
pub(crate) fn new_lineage() -> Result<String, StoreError> {
    let mut bytes = [0_u8; 16];
    fill(&mut bytes)?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex::encode(bytes);
    Ok(format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]))
}

/// Eight random hexadecimal digits.
pub(crate) fn random_word() -> Result<String, StoreError> {
    let mut bytes = [0_u8; 4];
    fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}

fn fill(bytes: &mut [u8]) -> Result<(), StoreError> {
    getrandom::fill(bytes).map_err(|fault| StoreError::Failed {
        doing: "drawing random bytes".into(),
        source: fault.to_string().into(),
    })
}

/// There is an environment of that name already.
pub(crate) fn exists(environment: &EnvironmentName) -> StoreError {
    StoreError::Refused {
        what: format!("making the environment {environment}"),
        why: "there is one of that name already: select it, or take another name".into(),
    }
}

/// There is no environment of that name.
pub(crate) fn missing(environment: &EnvironmentName) -> StoreError {
    StoreError::Refused {
        what: format!("removing the environment {environment}"),
        why: "there is none of that name".into(),
    }
}
