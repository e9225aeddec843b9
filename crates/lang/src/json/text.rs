//! JSON strings: escapes, and where in the file each character of a decoded text stands.

use std::sync::Arc;

use diag::Span;

/// A string: its text with escapes done, and its place with the quotes.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub text: Arc<str>,
    pub span: Span,
}

impl Text {
    /// Where bytes of the decoded text stand in the file; `source` is the file's text.
    pub fn places(&self, source: &str) -> Places {
        let start = self.span.start + 1;
        let raw = source.get(start as usize..(self.span.end as usize).saturating_sub(1)).unwrap_or("");
        let mut after_escapes = Vec::new();
        if raw.contains('\\') {
            decode(raw, |decoded, raw| after_escapes.push((decoded, raw)), |_, _, _| {});
        }
        Places { start, after_escapes }
    }
}

/// From offsets in a decoded text to offsets in the file.
pub(super) struct Places {
    start: u32,
    /// After each escape: the offset in the decoded text and in the raw one, ascending.
    after_escapes: Vec<(u32, u32)>,
}

impl Places {
    /// The offset in the file of an offset in the decoded text.
    pub fn of(&self, decoded: u32) -> u32 {
        let before = self.after_escapes.partition_point(|(at, _)| *at <= decoded);
        let (text, raw) =
            before.checked_sub(1).and_then(|i| self.after_escapes.get(i)).copied().unwrap_or((0, 0));
        self.start + raw + (decoded - text)
    }
}

/// What is between the quotes, with escapes done. `escape` is told the offsets after each escape, decoded and raw; `fault` the raw
/// offset, length and message of each fault. A lone half of a surrogate pair becomes U+FFFD, as Terraform has it.
pub(super) fn decode(
    raw: &str,
    mut escape: impl FnMut(u32, u32),
    mut fault: impl FnMut(usize, usize, String),
) -> String {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let mut text = String::with_capacity(raw.len());
    let mut at = 0;
    while let Some(c) = raw.get(at..).and_then(|rest| rest.chars().next()) {
        if c != '\\' {
            if u32::from(c) < 0x20 {
                fault(at, 1, "a control character stands in a JSON text as an escape only".to_owned());
            }
            text.push(c);
            at += c.len_utf8();
            continue;
        }
        let rest = raw.get(at..).unwrap_or("");
        let kind = rest.get(1..).and_then(|r| r.chars().next());
        let length = 1 + kind.map_or(0, char::len_utf8);
        let length = match kind {
            Some(c @ ('"' | '\\' | '/')) => {
                text.push(c);
                length
            }
            Some('b') => push(&mut text, '\u{8}'),
            Some('f') => push(&mut text, '\u{c}'),
            Some('n') => push(&mut text, '\n'),
            Some('r') => push(&mut text, '\r'),
            Some('t') => push(&mut text, '\t'),
            Some('u') => match unicode(rest) {
                Some((c, length)) => {
                    text.push(c);
                    length
                }
                None => {
                    fault(at, length, "`\\u` needs four hexadecimal digits".to_owned());
                    length
                }
            },
            Some(other) => {
                fault(at, length, format!("JSON has no escape `\\{other}`"));
                text.push(other);
                length
            }
            None => {
                fault(at, length, "nothing follows this backslash".to_owned());
                length
            }
        };
        at += length;
        escape(offset(text.len()), offset(at));
    }
    text
}

fn push(text: &mut String, c: char) -> usize {
    text.push(c);
    2
}

/// At `\u`: the character and how long its escapes are.
fn unicode(rest: &str) -> Option<(char, usize)> {
    let unit = |from: usize| {
        let digits = rest.get(from..from + 4)?;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok()).flatten()
    };
    let first = unit(2)?;
    if !(0xd800..0xe000).contains(&first) {
        return Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6));
    }
    let second = rest.get(6..8).filter(|sign| *sign == "\\u").and_then(|_| unit(8));
    match second {
        Some(second) if first < 0xdc00 && (0xdc00..0xe000).contains(&second) => {
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            Some((char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12))
        }
        _ => Some((char::REPLACEMENT_CHARACTER, 6)),
    }
}
