//! From files to declarations: reads, parses, collects, resolves. It reads `mainstay.hcl`, the other `*.hcl` and `*.tf` of the root,
//! and `environments/*.hcl`; no other folder.

use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, FileId, Sources, Span};

use super::collect::Collector;
use super::{Configuration, Loaded};
use crate::files::{EntryKind, FileError, ProjectFiles};
use crate::syntax::{Body, parse};

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
    /// `*.tf`: Terraform's blocks.
    Terraform,
    /// `environments/*.hcl`: `environment`.
    Environment,
}

/// A parsed file.
pub(super) struct Source {
    pub kind: FileKind,
    pub body: Body,
}

/// Reads a project.
#[must_use]
pub fn load(files: &dyn ProjectFiles) -> Loaded {
    let mut reader =
        Reader { files, sources: Sources::default(), diagnostics: Diagnostics::default(), unbalanced: false };
    let parsed = reader.read_all();
    let mut diagnostics = reader.diagnostics;
    let mut configuration = Configuration::default();
    // Where braces do not pair, which block a line belongs to is a guess, and faults found by it would be guesses too.
    if !reader.unbalanced {
        let collector = Collector::new(files);
        let (collected, faults) = collector.run(parsed);
        configuration = collected;
        diagnostics.extend(faults);
    }
    diagnostics.sort();
    Loaded { sources: reader.sources, configuration, diagnostics }
}

struct Reader<'a> {
    files: &'a dyn ProjectFiles,
    sources: Sources,
    diagnostics: Diagnostics,
    unbalanced: bool,
}

impl Reader<'_> {
    fn read_all(&mut self) -> Vec<Source> {
        let mut parsed = Vec::new();
        let root = match self.files.list("") {
            Ok(entries) => entries,
            Err(error) => {
                self.unreadable(".", &error);
                return parsed;
            }
        };
        let names = || root.iter().filter(|e| e.kind == EntryKind::File).map(|e| e.name.as_str());
        if names().any(|name| name == PROJECT_FILE) {
            parsed.extend(self.read(PROJECT_FILE, FileKind::Project));
        } else {
            self.unbalanced = true;
            self.diagnostics.push(
                Diagnostic::error("no-project", format!("there is no `{PROJECT_FILE}` here"))
                    .hint("go to the project's folder, or make a project with `mainstay init`"),
            );
            return parsed;
        }
        for name in names().filter(|name| *name != PROJECT_FILE && !name.starts_with('.')) {
            if name.ends_with(".hcl") {
                parsed.extend(self.read(name, FileKind::Stack));
            } else if name.ends_with(".tf") {
                self.refuse_override(name);
                parsed.extend(self.read(name, FileKind::Terraform));
            } else if name.ends_with(".tf.json") {
                self.not_yet(name, "configuration in JSON is not supported yet");
            } else if name == "terraform.tfvars" || name.ends_with(".auto.tfvars") {
                self.not_yet(name, "values in `.tfvars` files are not supported yet: put them into `variables` of an environment");
            }
        }
        if root.iter().any(|e| e.name == "environments" && e.kind == EntryKind::Folder) {
            match self.files.list("environments") {
                Ok(entries) => {
                    let files =
                        entries.iter().filter(|e| e.kind == EntryKind::File && e.name.ends_with(".hcl"));
                    for entry in files.filter(|e| !e.name.starts_with('.')) {
                        parsed.extend(
                            self.read(&format!("environments/{}", entry.name), FileKind::Environment),
                        );
                    }
                }
                Err(error) => self.unreadable("environments", &error),
            }
        }
        parsed
    }

    fn read(&mut self, path: &str, kind: FileKind) -> Option<Source> {
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
            return None;
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let text: Arc<str> = match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(error) => {
                self.not_utf8(path, bytes, error.valid_up_to());
                return None;
            }
        };
        let file = self.sources.add(path, text.clone());
        let parsed = parse(file, &text);
        self.diagnostics.extend(parsed.diagnostics);
        self.unbalanced |= parsed.unbalanced;
        Some(Source { kind, body: parsed.tree })
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

    fn not_yet(&mut self, path: &str, message: &str) {
        self.diagnostics.push(Diagnostic::error("not-supported", message).about(path));
    }

    fn refuse_override(&mut self, name: &str) {
        if name == "override.tf" || name.ends_with("_override.tf") {
            self.not_yet(name, "override files are not supported yet");
        }
    }
}
