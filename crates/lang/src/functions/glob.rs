//! Patterns of file names for `fileset`: `*`, `?`, `[a-z]`, `{a,b}`, `\` and `**`, which is any number of folders.

use crate::{EntryKind, FileError, ProjectFiles};

/// The most patterns that `{…}` in one may stand for: braces in braces would otherwise fill the memory.
const ALTERNATIVES_MAX: usize = 1000;

/// A pattern, with its alternatives written out, each as the parts between its slashes.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Vec<String>>);

impl Pattern {
    /// From its text.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut expanded = Vec::new();
        expand(text, &mut expanded)?;
        for part in expanded.iter().flat_map(|pattern| pattern.split('/')) {
            check(part)?;
        }
        Ok(Self(expanded.iter().map(|pattern| pattern.split('/').map(str::to_owned).collect()).collect()))
    }
}

/// Writes out the first `{a,b}` and what follows it.
fn expand(text: &str, out: &mut Vec<String>) -> Result<(), &'static str> {
    if out.len() >= ALTERNATIVES_MAX {
        return Err("too many alternatives in pattern");
    }
    let mut depth = 0usize;
    let (mut open, mut commas) = (0, Vec::new());
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => _ = bytes.next(),
            b'{' => {
                if depth == 0 {
                    open = at;
                }
                depth += 1;
            }
            b',' if depth == 1 => commas.push(at),
            b'}' if depth == 1 => {
                let mut start = open + 1;
                commas.push(at);
                for comma in commas {
                    expand(&format!("{}{}{}", &text[..open], &text[start..comma], &text[at + 1..]), out)?;
                    start = comma + 1;
                }
                return Ok(());
            }
            b'}' if depth > 0 => depth -= 1,
            _ => {}
        }
    }
    if depth > 0 {
        return Err("syntax error in pattern");
    }
    out.push(text.to_owned());
    Ok(())
}

fn check(part: &str) -> Result<(), &'static str> {
    let mut rest = part;
    while let Some(c) = rest.chars().next() {
        rest = match c {
            '[' => class_end(&rest[1..]).ok_or("syntax error in pattern")?,
            '\\' => {
                let mut chars = rest[1..].chars();
                chars.next().ok_or("syntax error in pattern")?;
                chars.as_str()
            }
            _ => &rest[c.len_utf8()..],
        };
    }
    Ok(())
}

/// What follows a class; `class` begins behind its `[`.
fn class_end(class: &str) -> Option<&str> {
    let mut rest = class.strip_prefix('^').unwrap_or(class);
    let mut count = 0;
    loop {
        let c = rest.chars().next()?;
        rest = &rest[c.len_utf8()..];
        match c {
            ']' if count > 0 => return Some(rest),
            ']' => return None,
            '\\' => rest = &rest[rest.chars().next()?.len_utf8()..],
            _ => {}
        }
        count += 1;
    }
}

/// The files below a folder that match, relative to it. A folder that is not there has none.
///
/// # Errors
/// If a folder lies outside of the project or cannot be read.
pub(super) fn find(
    files: &dyn ProjectFiles,
    folder: &str,
    pattern: &Pattern,
) -> Result<Vec<String>, FileError> {
    let mut found = Vec::new();
    for parts in &pattern.0 {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        walk(files, folder, "", &parts, &mut found)?;
    }
    Ok(found)
}

fn walk(
    files: &dyn ProjectFiles,
    folder: &str,
    below: &str,
    parts: &[&str],
    found: &mut Vec<String>,
) -> Result<(), FileError> {
    let Some((part, rest)) = parts.split_first() else { return Ok(()) };
    let joined = |name: &str| if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
    let path = |name: &str| format!("{folder}/{name}");
    // A part without wildcards is looked up, not searched for; it may be `..`, which stays inside the project or is refused.
    if !part.contains(['*', '?', '[', '\\']) {
        let below = joined(part);
        return match (files.kind(&path(&below))?, rest.is_empty()) {
            (Some(EntryKind::File), true) => {
                found.push(below);
                Ok(())
            }
            (Some(EntryKind::Folder), false) => walk(files, folder, &below, rest, found),
            _ => Ok(()),
        };
    }
    let here = if below.is_empty() { folder.to_owned() } else { path(below) };
    let entries = match files.list(&here) {
        Ok(entries) => entries,
        Err(FileError::NotFound { .. }) => return Ok(()),
        Err(other) => return Err(other),
    };
    if *part == "**" {
        // No folder at all, or one more with the same pattern below it.
        if !rest.is_empty() {
            walk(files, folder, below, rest, found)?;
        }
        for entry in entries {
            match entry.kind {
                EntryKind::File if rest.is_empty() => found.push(joined(&entry.name)),
                EntryKind::Folder => walk(files, folder, &joined(&entry.name), parts, found)?,
                EntryKind::File => {}
            }
        }
        return Ok(());
    }
    for entry in entries {
        if !matches(part, &entry.name) {
            continue;
        }
        match (entry.kind, rest.is_empty()) {
            (EntryKind::File, true) => found.push(joined(&entry.name)),
            (EntryKind::Folder, false) => walk(files, folder, &joined(&entry.name), rest, found)?,
            _ => {}
        }
    }
    Ok(())
}

/// Whether a name matches a part of a pattern. It goes back only to the last `*`, so that its time is bounded by the product of the
/// lengths.
fn matches(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    let mut star: Option<(&str, &str)> = None;
    loop {
        if let Some(rest) = pattern.strip_prefix('*') {
            pattern = rest;
            star = Some((rest, name));
            continue;
        }
        if name.is_empty() && pattern.is_empty() {
            return true;
        }
        if let Some((rest, left)) = one(pattern, name) {
            (pattern, name) = (rest, left);
            continue;
        }
        let Some((after, from)) = star else { return false };
        let Some(c) = from.chars().next() else { return false };
        (pattern, name) = (after, &from[c.len_utf8()..]);
        star = Some((after, name));
    }
}

/// One character of the name against the pattern's next element; what is left of both if it fits.
fn one<'p, 'n>(pattern: &'p str, name: &'n str) -> Option<(&'p str, &'n str)> {
    let (wanted, c) = (pattern.chars().next()?, name.chars().next()?);
    let (after, left) = (&pattern[wanted.len_utf8()..], &name[c.len_utf8()..]);
    match wanted {
        '?' => Some((after, left)),
        '[' => {
            let end = class_end(after)?;
            let class = &after[..after.len() - end.len() - 1];
            in_class(class, c).then_some((end, left))
        }
        '\\' => {
            let literal = after.chars().next()?;
            (literal == c).then(|| (&after[literal.len_utf8()..], left))
        }
        literal => (literal == c).then_some((after, left)),
    }
}

fn in_class(class: &str, c: char) -> bool {
    let (negated, class) = match class.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, class),
    };
    let mut chars = class.chars().peekable();
    let mut found = false;
    let literal = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| match chars.next() {
        Some('\\') => chars.next(),
        other => other,
    };
    while let Some(low) = literal(&mut chars) {
        let mut high = low;
        if chars.peek() == Some(&'-') {
            chars.next();
            high = literal(&mut chars).unwrap_or('-');
        }
        found |= (low..=high).contains(&c);
    }
    found != negated
}
