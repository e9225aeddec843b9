//! Texts in which some bytes are no UTF-8, as comments in older encodings are. Each of these bytes is put as a character of a private
//! area while the text is worked on, and as itself again when it is written.

use std::borrow::Cow;

/// Of the bytes 0x80 to 0xFF. A character takes three bytes here, as the sign for what cannot be read does.
const AREA: u32 = 0xF780;

/// A text that was read, and whether bytes in it are no UTF-8.
pub struct Decoded {
    /// The text.
    pub text: String,
    is_foreign: bool,
}

impl Decoded {
    /// The text of some bytes; none, where it could not be told from bytes which characters are its own.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        let bytes = match String::from_utf8(bytes) {
            Ok(text) => return Some(Self { text, is_foreign: false }),
            Err(error) => error.into_bytes(),
        };
        let mut text = String::with_capacity(bytes.len() + 16);
        for chunk in bytes.utf8_chunks() {
            if chunk.valid().contains(is_in_area) {
                return None;
            }
            text.push_str(chunk.valid());
            text.extend(
                chunk.invalid().iter().filter_map(|byte| char::from_u32(AREA + u32::from(*byte) - 0x80)),
            );
        }
        Some(Self { text, is_foreign: true })
    }

    /// Whether a piece of the text has bytes that are no UTF-8.
    pub fn is_foreign(&self, piece: &str) -> bool {
        self.is_foreign && piece.contains(is_in_area)
    }

    /// The text as it can be shown, each character at the byte at which it was.
    pub fn shown(&self) -> Cow<'_, str> {
        if !self.is_foreign {
            return Cow::Borrowed(&self.text);
        }
        let sign = |c| if is_in_area(c) { char::REPLACEMENT_CHARACTER } else { c };
        self.text.chars().map(sign).collect()
    }

    /// The bytes of a text that was made of this one.
    pub fn encode(&self, made: String) -> Vec<u8> {
        if !self.is_foreign {
            return made.into_bytes();
        }
        let mut bytes = Vec::with_capacity(made.len());
        for c in made.chars() {
            match u8::try_from(u32::from(c).wrapping_sub(AREA)) {
                Ok(offset @ 0..0x80) => bytes.push(0x80 + offset),
                _ => bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        bytes
    }
}

fn is_in_area(c: char) -> bool {
    (AREA..AREA + 0x80).contains(&u32::from(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Decoded {
        Decoded::new(bytes.to_vec()).expect("a text")
    }

    #[test]
    fn bytes_that_are_no_text_come_back_as_they_were() {
        let bytes = b"a = 1 # \xe9t\xe9 \xc3\xa9 \xf0\x9f";
        let text = decoded(bytes);
        assert!(text.is_foreign(&text.text) && !text.is_foreign("a = 1"));
        assert_eq!(text.encode(text.text.clone()), bytes);
        assert_eq!(text.shown().len(), text.text.len());
        assert_eq!(text.shown(), "a = 1 # \u{fffd}t\u{fffd} é \u{fffd}\u{fffd}");
    }

    #[test]
    fn characters_of_the_area_are_a_texts_own() {
        let text = decoded("# \u{f7e9}".as_bytes());
        assert!(!text.is_foreign(&text.text));
        assert_eq!(text.encode(text.text.clone()), "# \u{f7e9}".as_bytes());
        assert!(Decoded::new([b"\xe9", "\u{f7e9}".as_bytes()].concat()).is_none());
    }
}
