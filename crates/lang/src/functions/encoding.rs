//! Base64, URL and character encodings.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use value::Value;

use super::arguments::{Arguments, Failure};
use super::signature::{Function, Parameter, Shape};

const STR: &[Parameter] = &[Parameter::new("str", Shape::String)];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "base64encode",
        STR,
        Shape::String,
        |a| Ok(Value::string(STANDARD.encode(a.text(0)))),
        "The text in Base64.",
    ),
    Function::new("base64decode", STR, Shape::String, base64_decode, "The text that Base64 says."),
    Function::new("base64gzip", STR, Shape::String, base64_gzip, "The text compressed by gzip, in Base64."),
    Function::new(
        "urlencode",
        STR,
        Shape::String,
        |a| Ok(Value::string(url_encode(a.text(0)))),
        "The text as it may stand in a URL's query.",
    ),
    Function::new(
        "textencodebase64",
        &[Parameter::new("string", Shape::String), Parameter::new("encoding", Shape::String)],
        Shape::String,
        text_encode,
        "The text in a character encoding, in Base64.",
    ),
    Function::new(
        "textdecodebase64",
        &[Parameter::new("source", Shape::String), Parameter::new("encoding", Shape::String)],
        Shape::String,
        text_decode,
        "The text that Base64 says in a character encoding.",
    ),
];

/// Reads what Go's decoder reads: the bits of the last symbol that no byte has room for may be anything.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The bytes that Base64 says; line ends in it do not count. The error is where it goes wrong.
pub(super) fn from_base64(encoded: &str) -> Result<Vec<u8>, usize> {
    let decoded = if encoded.contains(['\n', '\r']) {
        LENIENT.decode(encoded.replace(['\n', '\r'], ""))
    } else {
        LENIENT.decode(encoded)
    };
    decoded.map_err(|e| match e {
        base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
        base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => encoded.len(),
    })
}

fn base64_decode(a: &Arguments<'_>) -> Result<Value, Failure> {
    let encoded = a.text(0);
    let bytes = from_base64(encoded).map_err(|_| {
        Failure::showing(None, |show| {
            format!("failed to decode base64 data {}", show(format!("{encoded:?}")))
        })
    })?;
    String::from_utf8(bytes)
        .map(Value::string)
        .map_err(|_| Failure::call("the result of decoding the provided string is not valid UTF-8"))
}

fn base64_gzip(a: &Arguments<'_>) -> Result<Value, Failure> {
    let fault = |e: std::io::Error| Failure::call(format!("failed to compress: {e}"));
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(a.text(0).as_bytes()).map_err(fault)?;
    Ok(Value::string(STANDARD.encode(encoder.finish().map_err(fault)?)))
}

fn url_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// A character encoding, by its IANA name or an alias of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charset {
    Utf8,
    /// With a byte-order mark; big-endian where one is written.
    Utf16,
    Utf16Le,
    Utf16Be,
    Ascii,
    Latin1,
    Windows1252,
}

/// What the bytes 0x80 to 0x9F are in windows-1252; five of them are nothing.
const WINDOWS_1252: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“',
    '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

impl Charset {
    fn find(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "utf-8" | "csutf8" => Self::Utf8,
            "utf-16" | "csutf16" => Self::Utf16,
            "utf-16le" | "csutf16le" => Self::Utf16Le,
            "utf-16be" | "csutf16be" => Self::Utf16Be,
            "us-ascii" | "ascii" | "iso-ir-6" | "iso646-us" | "us" | "ibm367" | "cp367" | "csascii"
            | "ansi_x3.4-1968" => Self::Ascii,
            "iso-8859-1" | "iso_8859-1" | "iso_8859-1:1987" | "iso-ir-100" | "latin1" | "l1" | "ibm819"
            | "cp819" | "csisolatin1" => Self::Latin1,
            "windows-1252" | "cswindows1252" => Self::Windows1252,
            _ => return None,
        })
    }

    /// Its name in messages.
    fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16 => "UTF-16",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Ascii => "US-ASCII",
            Self::Latin1 => "ISO_8859-1:1987",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// `None` if a character is not one of the encoding's.
    fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Utf16Le => Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            Self::Utf16Be => Some(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            Self::Utf16 => {
                Some([0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect())
            }
            Self::Ascii | Self::Latin1 | Self::Windows1252 => text.chars().map(|c| self.byte(c)).collect(),
        }
    }

    fn byte(self, c: char) -> Option<u8> {
        let code = u8::try_from(u32::from(c)).ok();
        match self {
            Self::Ascii => code.filter(u8::is_ascii),
            Self::Windows1252 if c != '\0' && WINDOWS_1252.contains(&c) => {
                WINDOWS_1252.iter().position(|known| *known == c).and_then(|at| u8::try_from(at + 0x80).ok())
            }
            Self::Windows1252 => code.filter(|b| !(0x80..0xA0).contains(b)),
            _ => code,
        }
    }

    /// `None` if bytes say nothing in the encoding.
    fn decode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
            Self::Utf16Le => utf16(bytes, u16::from_le_bytes),
            Self::Utf16Be => utf16(bytes, u16::from_be_bytes),
            Self::Utf16 => match bytes {
                [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
                [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
                _ => None,
            },
            Self::Ascii => bytes.is_ascii().then(|| bytes.iter().copied().map(char::from).collect()),
            Self::Latin1 => Some(bytes.iter().copied().map(char::from).collect()),
            Self::Windows1252 => bytes
                .iter()
                .map(|&byte| match byte {
                    0x80..=0x9F => Some(WINDOWS_1252[usize::from(byte) - 0x80]).filter(|c| *c != '\0'),
                    other => Some(char::from(other)),
                })
                .collect(),
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, []) = bytes.as_chunks::<2>() else { return None };
    char::decode_utf16(pairs.iter().copied().map(unit)).collect::<Result<_, _>>().ok()
}

fn charset(a: &Arguments<'_>) -> Result<Charset, Failure> {
    let name = a.text(1);
    Charset::find(name).ok_or_else(|| {
        Failure::showing(Some(1), |show| {
            format!("{} is not a supported IANA encoding name or alias", show(format!("{name:?}")))
        })
        .hint("supported are UTF-8, UTF-16, UTF-16LE, UTF-16BE, US-ASCII, ISO-8859-1 and windows-1252")
    })
}

fn text_encode(a: &Arguments<'_>) -> Result<Value, Failure> {
    let charset = charset(a)?;
    let bytes = charset.encode(a.text(0)).ok_or_else(|| {
        let message =
            format!("the given string contains characters that cannot be represented in {}", charset.name());
        Failure::at(0, message)
    })?;
    Ok(Value::string(STANDARD.encode(bytes)))
}

fn text_decode(a: &Arguments<'_>) -> Result<Value, Failure> {
    let charset = charset(a)?;
    let bytes = from_base64(a.text(0)).map_err(|at| {
        Failure::at(0, format!("the given value has an invalid base64 symbol at offset {at}"))
    })?;
    charset.decode(&bytes).map(Value::string).ok_or_else(|| {
        let message =
            format!("the given string contains symbols that are not defined for {}", charset.name());
        Failure::at(0, message)
    })
}
