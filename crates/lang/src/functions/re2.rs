//! Regular expressions in the RE2 dialect, on the engine of the `regex` crate.
//!
//! The two agree on nearly everything: no back references, no look-around, leftmost-first. Where they differ the pattern is
//! rewritten: in RE2 `\d`, `\w`, `\s` and `\b` are ASCII, `\Q…\E` quotes, and a class has no set operations. It matches nothing itself.

use regex::Regex;

/// The most repetitions that RE2 accepts in `x{n}`.
const REPEAT_MAX: u32 = 1000;

/// What may stand in `[:…:]`.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// The pattern, compiled.
///
/// # Errors
/// What is wrong with it, as a phrase that begins in lower case.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    let translated = translate(pattern)?;
    Regex::new(&translated).map_err(|e| match e {
        regex::Error::CompiledTooBig(limit) => {
            format!("the expression needs more than {limit} bytes when compiled")
        }
        // The last line says what is wrong; those before it draw the pattern.
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            match last.trim().trim_start_matches("error: ") {
                "unclosed group" => format!("missing closing ) in {pattern}"),
                "unopened group" => format!("unexpected ) in {pattern}"),
                other => other.to_owned(),
            }
        }
    })
}

fn translate(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    // Where the repetition that has just ended began, in what is left of the pattern.
    let mut repeated: Option<&str> = None;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let before = repeated.take();
        if is_repetition(rest) {
            let length = if c == '{' { after.find('}').map_or(1, |end| end + 2) } else { 1 };
            if let Some(first) = before {
                let shown = &first[..first.len() - rest.len() + length];
                return Err(format!("invalid nested repetition operator in {shown}"));
            }
            let lazy = usize::from(rest[length..].starts_with('?'));
            repeat(&rest[..length + lazy], &mut out)?;
            repeated = Some(rest);
            rest = &rest[length + lazy..];
            continue;
        }
        rest = match c {
            '\\' => escape(after, &mut out)?,
            '[' => class(after, &mut out)?,
            '{' => {
                out.push_str("\\{");
                after
            }
            '(' if after.starts_with('?') => group(after, &mut out)?,
            _ => {
                out.push(c);
                after
            }
        };
    }
    Ok(out)
}

/// `after` begins behind a backslash that is not in a class. Answers what follows the escape.
fn escape<'p>(after: &'p str, out: &mut String) -> Result<&'p str, String> {
    let Some(c) = after.chars().next() else {
        return Err("trailing backslash at end of expression".to_owned());
    };
    let rest = &after[c.len_utf8()..];
    match c {
        'Q' => {
            let (quoted, rest) = rest.split_once("\\E").unwrap_or((rest, ""));
            out.push_str(&regex::escape(quoted));
            return Ok(rest);
        }
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str("[\\t\\n\\x0C\\r ]"),
        'S' => out.push_str("[^\\t\\n\\x0C\\r ]"),
        'b' => out.push_str("(?-u:\\b)"),
        'B' => out.push_str("(?-u:\\B)"),
        'A' | 'z' => {
            out.push('\\');
            out.push(c);
        }
        _ => return literal_escape(c, rest, out),
    }
    Ok(rest)
}

/// Escapes that mean the same inside and outside of a class.
fn literal_escape<'p>(c: char, rest: &'p str, out: &mut String) -> Result<&'p str, String> {
    match c {
        'a' | 'f' | 't' | 'n' | 'r' | 'v' => {
            out.push('\\');
            out.push(c);
            Ok(rest)
        }
        // The braces behind these are no repetition.
        'p' | 'P' | 'x' => {
            let braced = rest.strip_prefix('{').and_then(|inner| inner.find('}')).map_or(0, |end| end + 2);
            out.push('\\');
            out.push(c);
            out.push_str(&rest[..braced]);
            Ok(&rest[braced..])
        }
        // Octal: `\0` to `\377`, but `\1` to `\9` alone would be back references, which there are not.
        '0'..='7' => {
            let digits = rest.chars().take(2).take_while(|d| d.is_digit(8)).count();
            if c != '0' && digits == 0 {
                return Err(format!("invalid escape sequence in \\{c}"));
            }
            let text = format!("{c}{}", &rest[..digits]);
            let code = u32::from_str_radix(&text, 8).unwrap_or_default();
            out.push_str(&format!("\\x{{{code:X}}}"));
            Ok(&rest[digits..])
        }
        c if c.is_ascii_punctuation() => {
            out.push_str(&regex::escape(&c.to_string()));
            Ok(rest)
        }
        c => Err(format!("invalid escape sequence in \\{c}")),
    }
}

/// `after` begins behind `[`. In RE2 only a leading `^` and `]`, ranges, escapes and `[:name:]` are special in a class.
fn class<'p>(after: &'p str, out: &mut String) -> Result<&'p str, String> {
    out.push('[');
    let mut rest = after;
    if let Some(negated) = rest.strip_prefix('^') {
        out.push('^');
        rest = negated;
    }
    let mut first = true;
    loop {
        let Some(c) = rest.chars().next() else { return Err(format!("missing closing ] in [{after}")) };
        let next = &rest[c.len_utf8()..];
        rest = match c {
            ']' if !first => {
                out.push(']');
                return Ok(next);
            }
            '[' if next.starts_with(':') && next[1..].contains(":]") => {
                let end = next[1..].find(":]").map_or(next.len(), |at| at + 3);
                let name = next[1..end - 2].trim_start_matches('^');
                if !CLASSES.contains(&name) {
                    return Err(format!("invalid character class range in [{}", &next[..end]));
                }
                out.push('[');
                out.push_str(&next[..end]);
                &next[end..]
            }
            '\\' => class_escape(next, out)?,
            '[' | ']' | '&' | '~' => {
                out.push('\\');
                out.push(c);
                next
            }
            // `--` would be a set operation; a hyphen at an end or behind a range is a literal one.
            '-' if first || next.starts_with([']', '-']) => {
                out.push_str("\\-");
                next
            }
            _ => {
                out.push(c);
                next
            }
        };
        first = false;
    }
}

fn class_escape<'p>(after: &'p str, out: &mut String) -> Result<&'p str, String> {
    let Some(c) = after.chars().next() else {
        return Err("trailing backslash at end of expression".to_owned());
    };
    let rest = &after[c.len_utf8()..];
    match c {
        'd' => out.push_str("0-9"),
        'w' => out.push_str("0-9A-Za-z_"),
        's' => out.push_str("\\t\\n\\x0C\\r "),
        'D' => out.push_str("[^0-9]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        'S' => out.push_str("[^\\t\\n\\x0C\\r ]"),
        _ => return literal_escape(c, rest, out),
    }
    Ok(rest)
}

/// Whether `*`, `+`, `?` or `{n,m}` comes next; a brace that does not read so is a literal one.
fn is_repetition(rest: &str) -> bool {
    let Some(body) = rest.strip_prefix('{') else { return rest.starts_with(['*', '+', '?']) };
    let Some((body, _)) = body.split_once('}') else { return false };
    let mut bounds = body.splitn(2, ',');
    let number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    bounds.next().is_some_and(number) && bounds.next().is_none_or(|s| s.is_empty() || number(s))
}

fn repeat(operator: &str, out: &mut String) -> Result<(), String> {
    let bounds = operator.trim_matches(['{', '}', '?']);
    let too_many = |n: &str| n.len() > 9 || n.parse::<u32>().is_ok_and(|n| n > REPEAT_MAX);
    if operator.starts_with('{') && bounds.split(',').any(too_many) {
        return Err(format!("invalid repeat count in {{{bounds}}}"));
    }
    out.push_str(operator);
    Ok(())
}

/// `after` begins with the `?` of `(?`: flags and names are passed on, everything else RE2 does not have either.
fn group<'p>(after: &'p str, out: &mut String) -> Result<&'p str, String> {
    let inner = &after[1..];
    let is_named = inner.starts_with("P<")
        || (inner.starts_with('<') && !inner.starts_with("<=") && !inner.starts_with("<!"));
    let flags = inner.bytes().take_while(|b| matches!(b, b'i' | b'm' | b's' | b'U' | b'-')).count();
    if !is_named && !matches!(inner.as_bytes().get(flags), Some(b':' | b')')) {
        let shown: String = inner.chars().take(1).collect();
        return Err(format!("invalid or unsupported Perl syntax in (?{shown}"));
    }
    out.push_str("(?");
    Ok(inner)
}
