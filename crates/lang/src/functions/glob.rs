//! Patterns of file names for `fileset`: `*`, `?`, `[a-z]`, `{a,b}`, `\` and `**`, which is any number of folders.

use crate::{Entry, EntryKind, FileError, ProjectFiles};

/// The most patterns that `{…}` in one may stand for: braces in braces would otherwise fill the memory.
const ALTERNATIVES_MAX: usize = 1000;

/// The most folders that are looked into: symbolic links that lead back to a folder above them have no end.
const FOLDERS_MAX: usize = 100_000;

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
        Ok(Self(expanded.iter().map(String::as_str).map(parts).collect()))
    }
}

/// The parts between slashes; several `**` one after another are one.
fn parts(pattern: &str) -> Vec<String> {
    let mut parts: Vec<String> = pattern.split('/').map(str::to_owned).collect();
    parts.dedup_by(|a, b| a == "**" && b == "**");
    parts
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

/// Why files could not be found.
#[derive(Debug)]
pub(super) enum Fault {
    /// A folder lies outside of the project or cannot be read.
    File(FileError),
    /// More folders than a project has.
    Endless,
}

impl From<FileError> for Fault {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

/// The files below a folder that match, relative to it. A folder that is not there has none.
///
/// # Errors
/// If a folder lies outside of the project or cannot be read, or the folders do not end.
pub(super) fn find(files: &dyn ProjectFiles, folder: &str, pattern: &Pattern) -> Result<Vec<String>, Fault> {
    let mut walk = Walk { files, folder, found: Vec::new(), listed: 0 };
    for parts in &pattern.0 {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        walk.below("", &parts)?;
    }
    Ok(walk.found)
}

struct Walk<'a> {
    files: &'a dyn ProjectFiles,
    folder: &'a str,
    found: Vec<String>,
    /// Folders looked into so far.
    listed: usize,
}

impl Walk<'_> {
    /// Adds what matches the parts of the pattern below a folder, which is relative to the one that is searched.
    fn below(&mut self, below: &str, parts: &[&str]) -> Result<(), Fault> {
        let Some((part, rest)) = parts.split_first() else { return Ok(()) };
        let joined = |name: &str| if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        // A part without wildcards is looked up, not searched for; it may be `..`, which stays inside the project or is refused.
        if !part.contains(['*', '?', '[', '\\']) {
            let below = joined(part);
            match (self.files.kind(&format!("{}/{below}", self.folder))?, rest.is_empty()) {
                (Some(EntryKind::File), true) => self.found.push(below),
                (Some(EntryKind::Folder), false) => self.below(&below, rest)?,
                _ => {}
            }
            return Ok(());
        }
        let any_depth = *part == "**";
        if any_depth && !rest.is_empty() {
            // `**` is no folder at all, or one with the same pattern below it.
            self.below(below, rest)?;
        }
        for entry in self.list(below)? {
            if !any_depth && !matches(part, &entry.name) {
                continue;
            }
            match (entry.kind, rest.is_empty()) {
                (EntryKind::File, true) => self.found.push(joined(&entry.name)),
                (EntryKind::Folder, _) if any_depth => self.below(&joined(&entry.name), parts)?,
                (EntryKind::Folder, false) => self.below(&joined(&entry.name), rest)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn list(&mut self, below: &str) -> Result<Vec<Entry>, Fault> {
        self.listed += 1;
        if self.listed > FOLDERS_MAX {
            return Err(Fault::Endless);
        }
        let folder =
            if below.is_empty() { self.folder.to_owned() } else { format!("{}/{below}", self.folder) };
        match self.files.list(&folder) {
            Err(FileError::NotFound { .. }) => Ok(Vec::new()),
            other => Ok(other?),
        }
    }
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
