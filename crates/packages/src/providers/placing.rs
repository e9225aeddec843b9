//! A package into its folder: checked, unpacked beside its place and put there as a whole, or linked where it lies unpacked already.
//! Which package, and what it has to be, is decided elsewhere.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use lang::ProviderAddress;

use super::error::{Error, Result};
use super::lock_file::ProviderLock;
use super::memo::Memo;
use super::sources::{Package, PackagePlace};
use super::{hash, layout};
use crate::Version;
use crate::error::Error as Fetching;
use crate::fetch::checksum::blocking;
use crate::fetch::http::Http;
use crate::fetch::{archive, tree};
use crate::settings::Limits;
use crate::source::ArchiveKind;

/// What is being placed.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub provider: ProviderAddress,
    pub version: Version,
    /// What is locked of this version.
    pub lock: Option<ProviderLock>,
}

/// How packages are placed.
#[derive(Debug, Clone)]
pub(crate) struct Placing {
    pub memo: Memo,
    pub limits: Limits,
}

impl Placing {
    /// Places a package at `target`, which is below `root`; answers its `h1:`.
    pub async fn place(
        &self,
        package: &Package,
        wanted: &Wanted,
        http: &Http,
        root: &Path,
        target: &Path,
    ) -> Result<String> {
        if let PackagePlace::Folder(folder) = &package.place {
            return self.link(wanted, package.promised.clone(), folder, root, target).await;
        }
        let Some(file) = package.archive(http).await? else { return Err(no_archive(package)) };
        let (placing, wanted) = (self.clone(), wanted.clone());
        let (name, promised) = (package.name.clone(), package.promised.clone());
        let (root, target) = (root.to_owned(), target.to_owned());
        blocking(move || placing.unpack(&file, &name, &promised, &wanted, &root, &target)).await?
    }

    /// Links to a package that lies unpacked elsewhere.
    pub async fn link(
        &self,
        wanted: &Wanted,
        promised: Vec<String>,
        folder: &Path,
        root: &Path,
        target: &Path,
    ) -> Result<String> {
        let (placing, wanted) = (self.clone(), wanted.clone());
        let (folder, root, target) = (folder.to_owned(), root.to_owned(), target.to_owned());
        blocking(move || {
            let folder = fs::canonicalize(&folder).map_err(Error::io("reading", &folder))?;
            let h1 = placing.memo.hash(&folder).map_err(Error::io("reading", &folder))?;
            check_promise(&promised, &[&h1], || folder.display().to_string())?;
            check_lock(&wanted, &[&h1])?;
            find_program(&folder, &wanted)?;
            let staging = staging(&root)?;
            let link = staging.path().join("package");
            std::os::unix::fs::symlink(&folder, &link).map_err(Error::io("making", &link))?;
            put(&link, &target)?;
            Ok(h1)
        })
        .await?
    }

    fn unpack(
        &self,
        file: &File,
        name: &str,
        promised: &[String],
        wanted: &Wanted,
        root: &Path,
        target: &Path,
    ) -> Result<String> {
        let zh = hash::of_zip(file).map_err(Error::io("reading", name))?;
        // What only an archive's hash is promised of is not even unpacked where it is another.
        if promised.iter().all(|hash| hash::scheme(hash) == Some("zh")) {
            check_promise(promised, &[&zh], || name.to_owned())?;
        }
        let staging = staging(root)?;
        let folder = staging.path().join("package");
        fs::create_dir(&folder).map_err(Error::io("making", &folder))?;
        let copy = file.try_clone().map_err(Error::io("reading", name))?;
        archive::unpack(copy, ArchiveKind::Zip, name, &folder, self.limits)?;
        make_executable(&find_program(&folder, wanted)?)?;
        let h1 = self.memo.hash(&folder).map_err(Error::io("reading", &folder))?;
        check_promise(promised, &[&zh, &h1], || name.to_owned())?;
        check_lock(wanted, &[&zh, &h1])?;
        let before = fs::canonicalize(&folder).map_err(Error::io("reading", &folder))?;
        put(&folder, target)?;
        self.memo.moved(&before, target);
        Ok(h1)
    }
}

fn no_archive(package: &Package) -> Error {
    let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
    Error::Fetching(Fetching::Archive(package.name.clone(), missing))
}

/// Whether a package has a hash that its server promises.
pub(crate) fn check_promise(promised: &[String], found: &[&str], name: impl Fn() -> String) -> Result<()> {
    if promised.is_empty() || found.iter().any(|hash| promised.iter().any(|it| it == hash)) {
        return Ok(());
    }
    Err(Error::Checksum { of: name(), expected: promised.to_vec(), found: found.join(", ") })
}

/// Whether a package is one that is locked.
pub(crate) fn check_lock(wanted: &Wanted, found: &[&str]) -> Result<()> {
    match &wanted.lock {
        Some(lock) if !lock.accepts(found.iter().copied()) => Err(Error::NotLocked {
            provider: wanted.provider.clone(),
            version: wanted.version.to_string(),
            found: found.iter().map(|hash| (*hash).to_owned()).collect(),
        }),
        _ => Ok(()),
    }
}

fn find_program(folder: &Path, wanted: &Wanted) -> Result<PathBuf> {
    let found = layout::program(folder, &wanted.provider).map_err(Error::io("reading", folder))?;
    found.ok_or_else(|| Error::NoProgram {
        name: wanted.provider.name().to_owned(),
        folder: folder.to_owned(),
    })
}

/// Archives that were not made on Unix say nothing about rights.
fn make_executable(program: &Path) -> Result<()> {
    let mode = fs::metadata(program).map_err(Error::io("reading", program))?.permissions().mode();
    if mode & 0o100 != 0 {
        return Ok(());
    }
    let mode = fs::Permissions::from_mode(mode | ((mode & 0o444) >> 2));
    fs::set_permissions(program, mode).map_err(Error::io("writing", program))
}

/// A folder on the same file system as the places of packages. Its name is no host's, so that nobody takes it for one.
fn staging(root: &Path) -> Result<tempfile::TempDir> {
    fs::create_dir_all(root).map_err(Error::io("making", root))?;
    let made = tempfile::Builder::new().prefix(STAGING).tempdir_in(root);
    made.map_err(Error::io("making a folder in", root))
}

/// What the names of unfinished packages begin with.
const STAGING: &str = ".staging-";

/// Puts a folder or a link at its place; what was there goes aside first, so that a reader never finds a part of either.
fn put(from: &Path, target: &Path) -> Result<()> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(Error::io("making", parent))?;
    }
    let aside = from.with_extension("before");
    match fs::rename(target, &aside) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io("moving", target)(e)),
        _ => {}
    }
    fs::rename(from, target).map_err(Error::io("making", target))?;
    tree::remove(&aside).map_err(Error::io("removing", aside))
}

/// Removes what a killed process had begun. Nobody else works here now.
pub(crate) fn remove_leftovers(root: &Path) -> Result<()> {
    for entry in fs::read_dir(root).map_err(Error::io("reading", root))? {
        let entry = entry.map_err(Error::io("reading", root))?;
        if entry.file_name().to_string_lossy().starts_with(STAGING) {
            tree::remove(&entry.path()).map_err(Error::io("removing", entry.path()))?;
        }
    }
    Ok(())
}
