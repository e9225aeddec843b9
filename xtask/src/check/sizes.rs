//! Files and functions stay small: a ratchet. What is over a limit today is listed in `xtask/sizes.txt` with its size, and may
//! only shrink; nothing new may go over.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::house;

/// Large files are where well-known codebases hurt; a file is split before it has this many lines.
const FILE_LINES_MAX: usize = 600;
/// A function that does not fit on a screen or two does more than one thing.
const FUNCTION_LINES_MAX: usize = 100;
const RATCHET: &str = "xtask/sizes.txt";

pub fn check() -> Result<()> {
    let found = oversized()?;
    let path = house::root().join(RATCHET);
    let listed = parse(&fs::read_to_string(&path).unwrap_or_default());
    let mut faults = Vec::new();
    for (place, lines) in &found {
        match listed.get(place) {
            None => faults.push(format!("{place} has {lines} lines: split it")),
            Some(allowed) if lines > allowed => {
                faults.push(format!("{place} grew from {allowed} to {lines} lines: it may only shrink"));
            }
            Some(_) => {}
        }
    }
    if !faults.is_empty() {
        bail!(
            "{}\nlimits: {FILE_LINES_MAX} lines a file, {FUNCTION_LINES_MAX} a function",
            faults.join("\n")
        );
    }
    // What shrank is written down, so that it cannot grow again.
    if found != listed {
        let text: String = found.iter().map(|(place, lines)| format!("{lines} {place}\n")).collect();
        fs::write(&path, text).with_context(|| format!("{RATCHET} cannot be written"))?;
        eprintln!("check sizes: {RATCHET} was tightened; commit it");
    }
    Ok(())
}

fn parse(text: &str) -> BTreeMap<String, usize> {
    let rows = text.lines().filter_map(|row| row.split_once(' '));
    rows.filter_map(|(lines, place)| Some((place.to_owned(), lines.parse().ok()?))).collect()
}

fn oversized() -> Result<BTreeMap<String, usize>> {
    let mut found = BTreeMap::new();
    for file in house::files(".rs")? {
        let text = fs::read_to_string(house::root().join(&file))
            .with_context(|| format!("{} cannot be read", file.display()))?;
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            found.insert(file.display().to_string(), lines);
        }
        for (name, lines) in functions(&text).into_iter().filter(|(_, lines)| *lines > FUNCTION_LINES_MAX) {
            found.insert(format!("{}:{name}", file.display()), lines);
        }
    }
    Ok(found)
}

/// Functions and their lengths. The text is formatted: a function ends at the first `}` that is indented like its head.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let head = line.trim_start();
        let indent = line.len() - head.len();
        let Some(name) = function_name(head) else { continue };
        // A declaration in a trait ends with its head.
        let head_end = lines[at..].iter().find(|l| l.trim_end().ends_with([';', '{', '}']));
        if head_end.is_some_and(|l| l.trim_end().ends_with(';')) {
            continue;
        }
        let close = format!("{}}}", &line[..indent]);
        let end = lines[at..].iter().position(|l| l.trim_end() == close || (*l == *line && l.ends_with('}')));
        if let Some(length) = end {
            found.push((name.to_owned(), length + 1));
        }
    }
    found
}

fn function_name(head: &str) -> Option<&str> {
    let mut rest = head;
    for word in ["pub ", "pub(crate) ", "pub(super) ", "const ", "async ", "unsafe ", "extern \"C\" "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let name = rest.strip_prefix("fn ")?;
    name.split(|c: char| !(c.is_alphanumeric() || c == '_')).next()
}

#[cfg(test)]
mod tests {
    use super::functions;

    #[test]
    fn a_function_ends_where_its_head_is_indented() {
        let text = "impl X {\n    pub async fn a(&self) {\n        if b {\n        }\n    }\n}\nfn c() {}\ntrait T {\n    fn d();\n}\n";
        assert_eq!(functions(text), [("a".to_owned(), 4), ("c".to_owned(), 1)]);
    }
}
