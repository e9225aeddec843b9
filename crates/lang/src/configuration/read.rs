//! Reads and parses the files of one folder. What is in them is collected elsewhere.

use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, FileId, Sources, Span};

use super::grammar::without_repeated;
use crate::files::{Entry, EntryKind, FileError, ProjectFiles};
use crate::json;
use crate::syntax::{Body, parse, reread};

/// The largest file that is read. Places are 32-bit, and a configuration of this size is a mistake (a database dump, a build).
const FILE_BYTES_MAX: usize = 256 << 20;

/// The project's own file.
pub(super) const PROJECT_FILE: &str = "mainstay.hcl";

/// What a file may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// `mainstay.hcl`: everything.
    Project,
    /// Another `*.hcl` of the root: everything but `project`.
    Stack,
    /// `*.tf`, `*.tf.json`: Terraform's blocks.
    Terraform,
    /// `override.tf` and the like: Terraform's blocks, which change those of the other files.
    Override,
    /// `environments/*.hcl`: `environment`.
    Environment,
}

/// A parsed file.
pub(super) struct Source {
    pub kind: FileKind,
    pub body: Body,
}

/// Reads folders, one after the other, into one set of texts.
pub(super) struct Reader<'a> {
    pub files: &'a dyn ProjectFiles,
    pub sources: Sources,
    pub diagnostics: Diagnostics,
    /// Faults of templates that are looked into where they are worked out.
    pub templates: Diagnostics,
    /// Whether one of Terraform's files has faults of syntax. What could be read of it is looked at all the same, as Terraform does; only
    /// that a name is not there may be because of it.
    pub is_partial: bool,
    /// Whether something could not be read, or braces do not pair: which block a line belongs to is a guess then, and faults found
    /// by it would be guesses too.
    pub unbalanced: bool,
}

impl<'a> Reader<'a> {
    pub fn new(files: &'a dyn ProjectFiles) -> Self {
        Self {
            files,
            sources: Sources::default(),
            diagnostics: Diagnostics::default(),
            templates: Diagnostics::default(),
            is_partial: false,
            unbalanced: false,
        }
    }

    /// The entries of a folder; none after a fault.
    pub fn list(&mut self, folder: &str) -> Option<Vec<Entry>> {
        match self.files.list(folder) {
            Ok(entries) => Some(entries),
            Err(error) => {
                self.unreadable(if folder.is_empty() { "." } else { folder }, &error);
                None
            }
        }
    }

    /// The files of a project: `mainstay.hcl`, the other `*.hcl` and Terraform's files of the root, and `environments/*.hcl`.
    pub fn project(&mut self, root: &[Entry]) -> Vec<Source> {
        let mut parsed = Vec::new();
        parsed.extend(self.read(PROJECT_FILE, FileKind::Project));
        for name in file_names(root).filter(|name| *name != PROJECT_FILE) {
            if name.ends_with(".hcl") {
                parsed.extend(self.read(name, FileKind::Stack));
            } else if let Some(kind) = terraform_kind(name) {
                parsed.extend(self.read(name, kind));
            }
        }
        if root.iter().any(|e| e.name == "environments" && e.kind == EntryKind::Folder) {
            let entries = self.list("environments").unwrap_or_default();
            for name in file_names(&entries).filter(|name| name.ends_with(".hcl")) {
                parsed.extend(self.read(&format!("environments/{name}"), FileKind::Environment));
            }
        }
        parsed
    }

    /// Terraform's files of a folder; any other is no concern of it.
    pub fn module(&mut self, folder: &str, entries: &[Entry]) -> Vec<Source> {
        let mut parsed = Vec::new();
        for name in file_names(entries) {
            if let Some(kind) = terraform_kind(name) {
                let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                parsed.extend(self.read(&path, kind));
            }
        }
        parsed
    }

    fn read(&mut self, path: &str, kind: FileKind) -> Option<Source> {
        let (file, text) = self.text(path)?;
        let mut parsed = if path.ends_with(".json") { json::parse(file, &text) } else { parse(file, &text) };
        let is_terraform = matches!(kind, FileKind::Terraform | FileKind::Override);
        if is_terraform && !parsed.diagnostics.is_empty() && !path.ends_with(".json") {
            parsed = reread(file, &text, parsed);
        }
        if is_terraform {
            without_repeated(&mut parsed.tree, &mut parsed.diagnostics);
        }
        self.diagnostics.extend(parsed.diagnostics);
        self.templates.extend(parsed.templates);
        if is_terraform {
            self.is_partial |= parsed.unbalanced || self.diagnostics.has_errors();
        } else {
            self.unbalanced |= parsed.unbalanced;
        }
        Some(Source { kind, body: parsed.tree })
    }

    fn text(&mut self, path: &str) -> Option<(FileId, Arc<str>)> {
        let bytes = match self.files.read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.unreadable(path, &error);
                return None;
            }
        };
        if bytes.len() > FILE_BYTES_MAX {
            let message =
                format!("it has {} bytes; a configuration file has at most {FILE_BYTES_MAX}", bytes.len());
            self.diagnostics.push(Diagnostic::error("file-too-large", message).about(path));
            self.unbalanced = true;
            return None;
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                let text: Arc<str> = text.into();
                Some((self.sources.add(path, text.clone()), text))
            }
            Err(error) => {
                self.not_utf8(path, bytes, error.valid_up_to());
                None
            }
        }
    }

    fn unreadable(&mut self, path: &str, error: &FileError) {
        self.unbalanced = true;
        self.diagnostics.push(Diagnostic::error("unreadable-file", error.to_string()).about(path));
    }

    /// Shown at the first byte that is wrong, in the text as far as it can be read.
    fn not_utf8(&mut self, path: &str, bytes: &[u8], valid: usize) {
        self.unbalanced = true;
        let file: FileId = self.sources.add(path, String::from_utf8_lossy(bytes));
        let start = u32::try_from(valid).unwrap_or(0);
        self.diagnostics.push(
            Diagnostic::error("not-utf-8", "this file is not UTF-8 text")
                .at(Span { file, start, end: start + 3 })
                .label("this byte begins no character")
                .hint("save it as UTF-8"),
        );
    }
}

/// The files of a folder that an editor did not leave behind.
fn file_names(entries: &[Entry]) -> impl Iterator<Item = &str> {
    let is_left = |name: &str| {
        name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'))
    };
    entries.iter().filter(|e| e.kind == EntryKind::File).map(|e| e.name.as_str()).filter(move |n| !is_left(n))
}

/// What one of Terraform's files is by its name.
fn terraform_kind(name: &str) -> Option<FileKind> {
    let stem = name.strip_suffix(".tf").or_else(|| name.strip_suffix(".tf.json"))?;
    Some(if stem == "override" || stem.ends_with("_override") {
        FileKind::Override
    } else {
        FileKind::Terraform
    })
}
