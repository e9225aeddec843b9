//! Values in the query of a request: percent-encoding and back. It knows no path.

use std::fmt::Write as _;

/// Encodes all but RFC 3986's unreserved characters, so that no value can change a query.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The value of `name` in a query. None: it is not there, or is not UTF-8 in proper percent-encoding.
pub(super) fn value(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = query?.split('&');
    let (_, encoded) = pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?;
    decode(encoded)
}

fn decode(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => digit(rest.next()?)? << 4 | digit(rest.next()?)?,
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_survives_the_query() {
        for text in ["web-1", "a b&c=d%e?f#g", "größe/€", ""] {
            let query = format!("other=1&name={}", encode(text));
            assert_eq!(value(Some(&query), "name").as_deref(), Some(text));
        }
    }

    #[test]
    fn broken_encoding_is_no_value() {
        for query in ["name=%", "name=%4", "name=%zz", "name=%ff", "nam=1"] {
            assert_eq!(value(Some(query), "name"), None, "{query}");
        }
    }
}
