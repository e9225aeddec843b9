//! The texts that places point into.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

/// Names a text in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId(pub u32);

/// A piece of a text, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The text.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The smallest piece that holds both; both are of one text.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A place for people: counted from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// All texts that were read.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Source>,
}

#[derive(Debug, Clone)]
struct Source {
    path: Arc<str>,
    text: Arc<str>,
    /// Byte offset of each line's start; made when first asked for, since most texts have no fault.
    lines: OnceLock<Vec<u32>>,
}

impl Sources {
    /// Adds a text under the path by which people know it. Texts of 4 GiB or more are the caller's to refuse.
    pub fn add(&mut self, path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(Source { path: path.into(), text: text.into(), lines: OnceLock::new() });
        id
    }

    /// The path of a text.
    #[must_use]
    pub fn path(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |s| &s.path)
    }

    /// A text.
    #[must_use]
    pub fn text(&self, file: FileId) -> &str {
        self.files.get(file.0 as usize).map_or("", |s| &s.text)
    }

    /// A text, shared.
    #[must_use]
    pub fn shared_text(&self, file: FileId) -> Arc<str> {
        self.files.get(file.0 as usize).map_or_else(|| "".into(), |s| s.text.clone())
    }

    /// Paths and texts in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &str, &str)> {
        (0u32..).zip(&self.files).map(|(i, s)| (FileId(i), s.path.as_ref(), s.text.as_ref()))
    }

    /// Line and column of a byte.
    #[must_use]
    pub fn position(&self, file: FileId, offset: u32) -> Position {
        let Some(source) = self.files.get(file.0 as usize) else { return Position { line: 1, column: 1 } };
        let lines = source.lines();
        let line = lines.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = lines.get(line).copied().unwrap_or(0) as usize;
        let before = source.text.get(start..offset as usize).unwrap_or("");
        Position {
            line: u32::try_from(line + 1).unwrap_or(u32::MAX),
            column: u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX),
        }
    }

    /// Where a piece begins, as people write it: `main.tf:3`; `None` where its text is not there.
    #[must_use]
    pub fn place(&self, span: Span) -> Option<String> {
        self.files.get(span.file.0 as usize)?;
        Some(format!("{}:{}", self.path(span.file), self.position(span.file, span.start).line))
    }

    /// The whole lines that a piece touches: their text, the first one's number, and where in that text the piece is.
    pub(crate) fn excerpt(&self, span: Span) -> Option<(&str, usize, std::ops::Range<usize>)> {
        let source = self.files.get(span.file.0 as usize)?;
        let lines = source.lines();
        let first = lines.partition_point(|start| *start <= span.start).saturating_sub(1);
        let last = lines.partition_point(|start| *start < span.end.max(span.start + 1)).saturating_sub(1);
        // A fault in a long block is shown by its first lines.
        let last = last.min(first + 4);
        let start = *lines.get(first)? as usize;
        let end = lines.get(last + 1).map_or(source.text.len(), |next| *next as usize);
        let text = source.text.get(start..end)?.trim_end_matches(['\n', '\r']);
        let from = (span.start as usize - start).min(text.len());
        let to = (span.end as usize).saturating_sub(start).clamp(from, text.len());
        Some((text, first + 1, from..to))
    }
}

impl Source {
    fn lines(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let ends = self.text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
            std::iter::once(0).chain(ends.map(|(i, _)| u32::try_from(i + 1).unwrap_or(u32::MAX))).collect()
        })
    }
}
