//! The lock of modules, in `mainstay.lock.hcl`: which version of a registry's module, which commit of a repository, and which
//! content of an archive this project uses. It belongs into the project's repository.
//!
//! ```hcl
//! module "registry.terraform.io/acme/network/aws" {
//!   version = "1.2.0"
//!   hash    = "h1:…"
//! }
//!
//! module "git::https://example.com/network.git?ref=main" {
//!   commit = "…"
//! }
//! ```
//!
//! A module that is used in two versions has two blocks. Blocks of other kinds are left as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use diag::FileId;
use lang::syntax::{Block, ExprKind, parse};

use crate::error::{Error, Result};
use crate::manifest::write_whole;
use crate::{Constraints, Version};

/// The lock's file, in the folder of the root module.
pub const LOCK_FILE: &str = "mainstay.lock.hcl";

const HEADER: &str = "# Written by `init`. It belongs into the repository: modules are checked against it.\n";

/// What is locked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lock {
    path: PathBuf,
    text: String,
    /// By the package's name, then by its version if it has one.
    pins: BTreeMap<String, BTreeMap<Option<Version>, Pin>>,
    /// What the present configuration uses.
    used: BTreeSet<(String, Option<Version>)>,
    /// Everything that is not a block of ours, as written.
    rest: String,
}

/// What a package has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pin {
    /// `h1:…` over its files.
    Digest(String),
    /// A git commit.
    Commit(String),
}

impl Pin {
    pub fn text(&self) -> &str {
        match self {
            Self::Digest(text) | Self::Commit(text) => text,
        }
    }
}

impl Lock {
    /// Reads the lock of a root module; one that does not exist is empty.
    pub fn read(root: &Path) -> Result<Self> {
        let path = root.join(LOCK_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(Error::io("reading", path)(e)),
        };
        let parsed = parse(FileId(0), &text);
        let damaged = |offset: u32, cause: &str| {
            let line = text.get(..offset as usize).map_or(1, |before| before.matches('\n').count() + 1);
            Error::Unreadable { path: path.clone(), cause: format!("line {line}: {cause}") }
        };
        if let Some(fault) = parsed.diagnostics.into_iter().next() {
            return Err(damaged(fault.span.map_or(0, |span| span.start), &fault.message));
        }
        let mut pins: BTreeMap<String, BTreeMap<Option<Version>, Pin>> = BTreeMap::new();
        let (mut rest, mut end) = (String::new(), 0);
        for block in parsed.tree.blocks_of("module") {
            let (name, version, pin) =
                read_block(block).map_err(|cause| damaged(block.header().start, &cause))?;
            pins.entry(name).or_default().insert(version, pin);
            rest.push_str(text.get(end..block.kind.span.start as usize).unwrap_or(""));
            end = block_end(&text, block);
        }
        rest.push_str(text.get(end..).unwrap_or(""));
        let rest = rest.replace(HEADER, "").trim().to_owned();
        Ok(Self { path, text, pins, used: BTreeSet::new(), rest })
    }

    /// The newest locked version that the constraints allow.
    pub fn version(&self, name: &str, constraints: Option<&Constraints>) -> Option<Version> {
        let versions = self.pins.get(name)?.keys().flatten();
        versions.filter(|version| constraints.is_none_or(|c| c.allow(version))).max().cloned()
    }

    pub fn pin(&self, name: &str, version: Option<&Version>) -> Option<&Pin> {
        self.pins.get(name)?.get(&version.cloned())
    }

    /// Locks what has been installed or found to be right.
    pub fn set(&mut self, name: &str, version: Option<&Version>, pin: Pin) {
        self.pins.entry(name.to_owned()).or_default().insert(version.cloned(), pin);
        self.used.insert((name.to_owned(), version.cloned()));
    }

    /// Writes the lock if it changed. Of a whole configuration, what it does not use is left out.
    pub fn write(&mut self, is_whole: bool) -> Result<()> {
        if is_whole {
            for (name, pins) in &mut self.pins {
                pins.retain(|version, _| self.used.contains(&(name.clone(), version.clone())));
            }
            self.pins.retain(|_, pins| !pins.is_empty());
        }
        let text = self.compose();
        // A project without packages gets no file.
        if text == self.text || (self.text.is_empty() && self.pins.is_empty()) {
            return Ok(());
        }
        write_whole(&self.path, &text)?;
        self.text = text;
        Ok(())
    }

    fn compose(&self) -> String {
        let mut text = HEADER.to_owned();
        if !self.rest.is_empty() {
            text.push('\n');
            text.push_str(&self.rest);
            text.push('\n');
        }
        for (name, pins) in &self.pins {
            for (version, pin) in pins {
                // Writing into a string does not fail.
                let _ = write!(text, "\nmodule {} {{\n", quoted(name));
                let _ = match (version, pin) {
                    (Some(version), Pin::Digest(digest)) => {
                        write!(text, "  version = \"{version}\"\n  hash    = \"{digest}\"\n}}\n")
                    }
                    (Some(version), Pin::Commit(commit)) => {
                        write!(text, "  version = \"{version}\"\n  commit  = \"{commit}\"\n}}\n")
                    }
                    (None, Pin::Digest(digest)) => write!(text, "  hash = \"{digest}\"\n}}\n"),
                    (None, Pin::Commit(commit)) => write!(text, "  commit = \"{commit}\"\n}}\n"),
                };
            }
        }
        text
    }
}

/// A text in quotes, with what has a meaning in them written so that it has none.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{}\"", text.replace("${", "$${").replace("%{", "%%{"))
}

/// Behind the block's closing brace and the end of its line.
fn block_end(text: &str, block: &Block) -> usize {
    let body = block.body.span.end as usize;
    let after = text.get(body..).unwrap_or("");
    // The body ends before or behind its brace.
    let brace = if text.get(..body).is_some_and(|before| before.trim_end().ends_with('}')) {
        0
    } else {
        after.find('}').map_or(0, |at| at + 1)
    };
    let line = after.get(brace..).and_then(|rest| rest.find('\n')).map_or(after.len(), |at| brace + at + 1);
    body + line
}

fn read_block(block: &Block) -> Result<(String, Option<Version>, Pin), String> {
    let [name] = &block.labels[..] else { return Err("a `module` has one name, its package's".to_owned()) };
    let text = |attribute: &str| match block.body.attribute(attribute).map(|found| &found.expr.kind) {
        None => Ok(None),
        Some(ExprKind::Literal(value)) if value.as_str().is_some() => Ok(value.as_str().map(str::to_owned)),
        Some(_) => Err(format!("`{attribute}` is a text in quotes")),
    };
    let version = text("version")?.map(|v| Version::parse(&v)).transpose().map_err(|e| e.to_string())?;
    let pin = match (text("hash")?, text("commit")?) {
        (Some(hash), None) if hash.starts_with("h1:") => Pin::Digest(hash),
        (Some(_), None) => return Err("`hash` starts with `h1:`".to_owned()),
        (None, Some(commit)) if is_commit(&commit) => Pin::Commit(commit),
        (None, Some(_)) => return Err("`commit` is a whole commit's number".to_owned()),
        _ => return Err("a `module` has either `hash` or `commit`".to_owned()),
    };
    Ok((name.name.to_string(), version, pin))
}

/// 40 hexadecimal digits, or 64 of a repository with SHA-256: what is handed to `git` is nothing else.
pub(crate) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}
