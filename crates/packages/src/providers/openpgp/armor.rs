//! ASCII armour (RFC 9580, 6): binary data between lines of dashes. Its checksum, which protects nothing that a signature does not, is
//! passed over, as the standard asks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN PGP ";
const END: &str = "-----END PGP ";

/// The data of every block of a text.
pub(super) fn blocks(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut lines = text.lines().map(str::trim_end);
    let mut found = Vec::new();
    while lines.by_ref().any(|line| line.starts_with(BEGIN)) {
        found.push(block(&mut lines)?);
    }
    if found.is_empty() { Err("there is no `-----BEGIN PGP …` line".to_owned()) } else { Ok(found) }
}

/// What follows a first line.
fn block<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Result<Vec<u8>, String> {
    let (mut data, mut is_in_headers) = (String::new(), true);
    for line in lines {
        if line.starts_with(END) {
            return STANDARD.decode(&data).map_err(|e| format!("the armour is damaged: {e}"));
        }
        if is_in_headers {
            // Headers end with an empty line, which some leave out where there are none.
            is_in_headers = !line.is_empty() && line.contains(": ");
            if is_in_headers || line.is_empty() {
                continue;
            }
        }
        if !line.starts_with('=') {
            data.push_str(line);
        }
    }
    Err("there is no `-----END PGP …` line".to_owned())
}

/// Whether data is armoured: the first byte of a packet is never a dash.
pub(super) fn is_armored(data: &[u8]) -> bool {
    data.trim_ascii_start().starts_with(BEGIN.as_bytes())
}
