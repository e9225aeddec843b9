//! The lock of providers, `.terraform.lock.hcl`: which version of each is used, and which hashes its packages have. Read strictly and
//! written byte for byte as Terraform does, so that both can work in one folder. Modules have a lock of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use diag::{Diagnostic, Diagnostics, FileId};
use lang::ProviderAddress;
use lang::syntax::{Block, Expr, ExprKind, parse};

use super::{address, hash};
use crate::manifest::write_whole;
use crate::{Constraints, Version};

/// The lock's file, in the folder of the root module.
pub const PROVIDER_LOCK_FILE: &str = ".terraform.lock.hcl";

const HEADER: &str = "# This file is maintained automatically by \"terraform init\".\n# Manual edits may be lost in future updates.\n";

/// What is locked.
#[derive(Debug, Clone)]
pub struct ProviderLocks {
    path: PathBuf,
    /// Whether there is a file.
    exists: bool,
    /// Whether the file has the hashes in another order than ours: Terraform writes it again then.
    is_disordered: bool,
    locks: BTreeMap<ProviderAddress, ProviderLock>,
}

/// What is locked of a provider.
#[derive(Debug, Clone)]
pub struct ProviderLock {
    /// The version that is used.
    pub version: Version,
    /// What was asked for when it was chosen, in the normal form. Nothing is decided by it.
    pub constraints: Constraints,
    /// Hashes of its packages on all platforms; any of them will do.
    pub hashes: BTreeSet<String>,
}

impl ProviderLock {
    /// Whether a package with these hashes is one that is locked. Where nothing is known, nothing is refused.
    #[must_use]
    pub fn accepts<'a>(&self, hashes: impl IntoIterator<Item = &'a str>) -> bool {
        !self.is_checked() || hashes.into_iter().any(|hash| self.hashes.contains(hash))
    }

    /// Whether there are hashes of a scheme that this program knows.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.hashes.iter().any(|it| matches!(hash::scheme(it), Some("h1" | "zh")))
    }
}

impl ProviderLocks {
    /// Reads the lock of a root module; one that does not exist is empty.
    ///
    /// # Errors
    /// Everything that is wrong with the file.
    pub fn read(root: &Path) -> Result<Self, Diagnostics> {
        let path = root.join(PROVIDER_LOCK_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path, exists: false, is_disordered: false, locks: BTreeMap::new() });
            }
            Err(e) => return Err(fault(PROVIDER_LOCK_FILE.to_owned(), e.to_string()).into()),
        };
        let Reading { locks, is_disordered, faults } = read(&text);
        if faults.is_empty() { Ok(Self { path, exists: true, is_disordered, locks }) } else { Err(faults) }
    }

    /// A provider's lock.
    #[must_use]
    pub fn get(&self, address: &ProviderAddress) -> Option<&ProviderLock> {
        self.locks.get(address)
    }

    /// All of them, in the order of the file.
    #[must_use]
    pub fn all(&self) -> Vec<(&ProviderAddress, &ProviderLock)> {
        let mut all: Vec<_> = self.locks.iter().collect();
        all.sort_by(|a, b| address::in_order(a.0, b.0));
        all
    }

    /// Whether nothing is locked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.locks.is_empty()
    }

    /// Whether there is a file.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.exists
    }

    pub(crate) fn set(&mut self, address: ProviderAddress, lock: ProviderLock) {
        self.locks.insert(address, lock);
    }

    /// Leaves out what is not wanted any more.
    pub(crate) fn retain(&mut self, is_wanted: impl Fn(&ProviderAddress) -> bool) {
        self.locks.retain(|address, _| is_wanted(address));
    }

    /// Whether the same providers are locked, whatever their versions.
    pub(crate) fn has_same_providers(&self, other: &Self) -> bool {
        self.locks.keys().eq(other.locks.keys())
    }

    /// Whether a file with the same versions and hashes need not be written again. As for Terraform, constraints alone are no reason.
    pub(crate) fn is_written_by(&self, other: &Self) -> bool {
        let of = |locks: &Self| -> Vec<_> {
            let all = locks.locks.iter();
            all.map(|(address, lock)| (address.clone(), lock.version.to_string(), lock.hashes.clone()))
                .collect()
        };
        of(self) == of(other) && !other.is_disordered
    }

    /// Writes the file, as a whole or not at all.
    pub(crate) fn write(&mut self) -> crate::error::Result<()> {
        write_whole(&self.path, &self.text())?;
        self.exists = true;
        self.is_disordered = false;
        Ok(())
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = HEADER.to_owned();
        for (address, lock) in self.all() {
            // Writing into a string does not fail.
            let _ = write!(text, "\nprovider \"{address}\" {{\n");
            let constraints = lock.constraints.normal_text();
            let _ = if constraints.is_empty() {
                writeln!(text, "  version = \"{}\"", lock.version)
            } else {
                write!(text, "  version     = \"{}\"\n  constraints = \"{constraints}\"\n", lock.version)
            };
            if !lock.hashes.is_empty() {
                text.push_str("  hashes = [\n");
                for hash in &lock.hashes {
                    let _ = writeln!(text, "    \"{hash}\",");
                }
                text.push_str("  ]\n");
            }
            text.push_str("}\n");
        }
        text
    }
}

fn fault(place: String, cause: impl Into<String>) -> Diagnostic {
    Diagnostic::error("provider-lock", "the lock file of providers cannot be read")
        .summary("Failed to read dependency lock file")
        .about(place)
        .because(cause)
        .hint("restore the file from the repository, or remove it and run `init`")
}

/// What a text says.
struct Reading {
    locks: BTreeMap<ProviderAddress, ProviderLock>,
    is_disordered: bool,
    faults: Diagnostics,
}

fn read(text: &str) -> Reading {
    let parsed = parse(FileId(0), text);
    // Places are told as lines, since the file is none of the configuration's.
    let at = |offset: u32, cause: String| {
        let line = text.get(..offset as usize).map_or(1, |before| before.matches('\n').count() + 1);
        fault(format!("{PROVIDER_LOCK_FILE}:{line}"), cause)
    };
    let mut faults = Diagnostics::default();
    for found in parsed.diagnostics {
        faults.push(at(found.span.map_or(0, |span| span.start), found.to_string()));
    }
    for attribute in &parsed.tree.attributes {
        let name = &attribute.name.name;
        faults.push(at(
            attribute.name.span.start,
            format!("an argument named \"{name}\" is not expected here"),
        ));
    }
    let (mut locks, mut is_disordered) = (BTreeMap::new(), false);
    for block in &parsed.tree.blocks {
        let start = block.header().start;
        if &*block.kind.name != "provider" {
            let kind = &block.kind.name;
            faults.push(at(start, format!("blocks of type \"{kind}\" are not expected here")));
            continue;
        }
        match read_block(block) {
            Ok((address, _)) if locks.contains_key(&address) => {
                faults.push(at(start, format!("the provider {address} is locked a second time")));
            }
            Ok((address, lock)) => {
                is_disordered |= is_out_of_order(block, &lock.hashes);
                locks.insert(address, lock);
            }
            Err(causes) => faults.extend(causes.into_iter().map(|cause| at(start, cause))),
        }
    }
    Reading { locks, is_disordered, faults }
}

/// Whether a block has its hashes otherwise than sorted and each once.
fn is_out_of_order(block: &Block, hashes: &BTreeSet<String>) -> bool {
    let written = block.body.attribute("hashes").map(|attribute| &attribute.expr.kind);
    let Some(ExprKind::Tuple(elements)) = written else { return false };
    !elements.iter().filter_map(text_of).eq(hashes.iter().cloned())
}

fn read_block(block: &Block) -> Result<(ProviderAddress, ProviderLock), Vec<String>> {
    let mut causes = Vec::new();
    let [label] = &block.labels[..] else {
        return Err(vec!["a `provider` has one label, its address".to_owned()]);
    };
    let address = ProviderAddress::of_source(&label.name);
    if let Err(cause) = address::check(&address) {
        causes.push(format!("\"{}\" is no provider: {cause}", label.name));
    } else if address.as_str() != &*label.name {
        causes.push(format!("the provider must be written as \"{address}\", the whole of its address"));
    }
    for attribute in &block.body.attributes {
        let name = &*attribute.name.name;
        if !matches!(name, "version" | "constraints" | "hashes") {
            causes.push(format!("an argument named \"{name}\" is not expected here"));
        }
    }
    for inner in &block.body.blocks {
        causes.push(format!("blocks of type \"{}\" are not expected here", inner.kind.name));
    }
    let mut text = |name: &str| {
        let found = block.body.attribute(name)?;
        let text = text_of(&found.expr);
        if text.is_none() {
            causes.push(format!("`{name}` is a text in quotes"));
        }
        text
    };
    let (version, constraints) = (text("version"), text("constraints"));
    let version = match version {
        Some(text) => match Version::parse(&text) {
            Ok(version) if version.to_string() == text => Some(version),
            Ok(version) => {
                causes.push(format!("the version must be written in its normal form, \"{version}\""));
                None
            }
            Err(e) => {
                causes.push(e.to_string());
                None
            }
        },
        None if block.body.attribute("version").is_none() => {
            causes.push("`version` is missing".to_owned());
            None
        }
        None => None,
    };
    let constraints = match constraints.map(|text| (Constraints::parse(&text), text)) {
        None => Constraints::merged([]),
        Some((Ok(read), text)) => {
            let merged = Constraints::merged([&read]);
            if merged.normal_text() != text {
                let normal = merged.normal_text();
                causes.push(format!("the constraints must be written in their normal form, \"{normal}\""));
            }
            merged
        }
        Some((Err(e), _)) => {
            causes.push(format!("the constraints are invalid: {e}"));
            Constraints::merged([])
        }
    };
    let hashes = block.body.attribute("hashes").map(|attribute| read_hashes(&attribute.expr)).transpose();
    let hashes = hashes.unwrap_or_else(|cause| {
        causes.push(cause);
        None
    });
    match version {
        Some(version) if causes.is_empty() => {
            Ok((address, ProviderLock { version, constraints, hashes: hashes.unwrap_or_default() }))
        }
        _ => Err(causes),
    }
}

fn read_hashes(expr: &Expr) -> Result<BTreeSet<String>, String> {
    let ExprKind::Tuple(elements) = &expr.kind else {
        return Err("`hashes` is a list of texts in quotes".to_owned());
    };
    if elements.is_empty() {
        return Err("`hashes` is either left out or has at least one hash".to_owned());
    }
    let mut hashes = BTreeSet::new();
    for element in elements {
        let text = text_of(element).ok_or("`hashes` is a list of texts in quotes")?;
        if hash::scheme(&text).is_none() {
            return Err(format!("\"{text}\" is no hash: it has to start with a scheme and a colon"));
        }
        hashes.insert(text);
    }
    Ok(hashes)
}

fn text_of(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Literal(value) => value.as_str().map(str::to_owned),
        _ => None,
    }
}
