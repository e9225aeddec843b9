//! Paths: where modules are installed, where a local module is, and which package a folder belongs to. Nothing is fetched here.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::{LocalSource, Source};

/// A folder's name has at most this many bytes.
const NAME_BYTES_MAX: usize = 255;

/// Where a configuration and its modules are.
#[derive(Debug, Clone)]
pub struct Place {
    /// The folder of the root module.
    pub root: PathBuf,
    /// The folder of what is installed, from that of the root module: `.terraform`, or what `TF_DATA_DIR` says.
    pub data: PathBuf,
}

impl Place {
    /// A root module with its `.terraform` beside it.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), data: PathBuf::from(".terraform") }
    }

    /// The folder of the installed modules, from that of the root module.
    pub(super) fn modules_inside(&self) -> PathBuf {
        self.data.join("modules")
    }

    /// The folder of the installed modules.
    #[must_use]
    pub fn modules(&self) -> PathBuf {
        self.root.join(self.modules_inside())
    }

    /// The folder of the installed providers.
    #[must_use]
    pub fn providers(&self) -> PathBuf {
        self.root.join(&self.data).join("providers")
    }

    /// A module's own folder among them, from that of the root module.
    pub(super) fn package(&self, key: &str) -> Result<PathBuf> {
        let names_a_file = key.is_empty() || key.starts_with('.') || key.contains(['/', '\\', '\0']);
        if key.len() > NAME_BYTES_MAX || names_a_file {
            return Err(Error::DeepPath);
        }
        Ok(self.modules_inside().join(key))
    }

    /// The folder of a local module, from that of the root module, and that it is one.
    pub(super) fn local(&self, caller: &Path, source: &LocalSource) -> Result<PathBuf> {
        let lexical = clean(&caller.join(source.path()));
        let not_there = |e| Error::NoFolder(lexical.display().to_string(), e);
        let root = self.root.canonicalize().map_err(Error::io("reading", &self.root))?;
        let found = self.root.join(caller).join(source.path()).canonicalize().map_err(not_there)?;
        fs::read_dir(&found).map_err(not_there)?;
        // Terraform writes the path as it is unless links lead elsewhere.
        if lexical.is_relative() && clean(&root.join(&lexical)) == found {
            return Ok(lexical);
        }
        Ok(match found.strip_prefix(&root) {
            Ok(inside) if inside.as_os_str().is_empty() => PathBuf::from("."),
            Ok(inside) => inside.to_owned(),
            Err(_) => found,
        })
    }

    /// A module that is part of a package reaches nothing outside of it.
    pub(super) fn check_reach(&self, manifest: &Manifest, caller: &str, folder: &Path) -> Result<()> {
        let Some(package) = package_of(manifest, caller) else { return Ok(()) };
        let package = self.root.join(self.package(package)?);
        let package = package.canonicalize().map_err(Error::io("reading", &package))?;
        let found = self.root.join(folder).canonicalize().map_err(Error::io("reading", folder))?;
        if found.starts_with(&package) {
            return Ok(());
        }
        Err(Error::LeavesPackage { path: folder.display().to_string() })
    }
}

/// The path of the nearest module, from here to the root, that was fetched.
fn package_of<'a>(manifest: &Manifest, mut key: &'a str) -> Option<&'a str> {
    while !key.is_empty() {
        let entry = manifest.modules.get(key)?;
        if !matches!(Source::parse(&entry.source), Ok(Source::Local(_))) {
            return Some(key);
        }
        key = key.rsplit_once('.').map_or("", |(caller, _)| caller);
    }
    None
}

/// Without needless steps; `.` if nothing is left.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(parts.components().next_back(), Some(Component::Normal(_))) => {
                parts.pop();
            }
            Component::ParentDir if parts.has_root() => {}
            other => parts.push(other),
        }
    }
    if parts.as_os_str().is_empty() { PathBuf::from(".") } else { parts }
}

/// A folder inside of a package; `*` in a part stands for exactly one folder.
pub(super) fn subfolder(package: &Path, inside: &str) -> Result<PathBuf> {
    let mut found = PathBuf::new();
    for part in inside.split('/') {
        if part.contains(['*', '?', '[']) && !package.join(&found).join(part).exists() {
            let name = only_match(&package.join(&found), part)?;
            found.push(name);
        } else {
            found.push(part);
        }
    }
    if package.join(&found).is_dir() { Ok(found) } else { Err(Error::NoSubfolder(inside.to_owned())) }
}

fn only_match(folder: &Path, pattern: &str) -> Result<String> {
    let entries = fs::read_dir(folder).map_err(|_| Error::NoSubfolder(pattern.to_owned()))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut matching: Vec<String> =
        names.filter(|name| matches(pattern, name) && folder.join(name).is_dir()).collect();
    match (matching.pop(), matching.len()) {
        (Some(only), 0) => Ok(only),
        (last, others) => {
            let found = others + usize::from(last.is_some());
            Err(Error::Ambiguous { pattern: pattern.to_owned(), found })
        }
    }
}

/// `*` stands for any letters; as in shells, names that start with a point have to be meant.
fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|start| name.strip_prefix(start)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, name, expect) in [
            ("*", "repo-1.0", true),
            ("*", ".git", false),
            ("repo-*", "repo-1.0", true),
            ("repo-*", "other", false),
            ("a*b*c", "a1b2c", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expect, "{pattern} {name}");
        }
        assert_eq!(clean(Path::new("./a/../..//b/.")), Path::new("../b"));
        assert_eq!(clean(Path::new("./a/..")), Path::new("."));
    }
}
