//! Hashes of provider packages, as lock files have them: `h1:` over the names and contents of the files, which is the same of an
//! archive and of the folder that it is unpacked into, and `zh:` over an archive as it is sent.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::fetch::tree::h1;

/// `h1:` of an unpacked package. As Terraform's, it follows links: what they lead to counts under their name.
pub(crate) fn of_folder(folder: &Path) -> io::Result<String> {
    let mut lines = Vec::new();
    for (name, path) in files(folder)? {
        let mut hasher = Sha256::new();
        io::copy(&mut File::open(&path)?, &mut hasher)?;
        lines.push((name, hex::encode(hasher.finalize())));
    }
    h1(lines)
}

/// The files of a package by their names inside of it, sorted.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    // The folder itself may be a link; inside of it, folders are not followed through links, so that there is no circle.
    let mut pending = vec![(fs::canonicalize(folder)?, String::new())];
    while let Some((path, prefix)) = pending.pop() {
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|name| {
                io::Error::new(io::ErrorKind::InvalidData, format!("the name {name:?} is no text"))
            })?;
            let inside = format!("{prefix}{name}");
            if entry.file_type()?.is_dir() {
                pending.push((entry.path(), format!("{inside}/")));
            } else {
                found.push((inside, entry.path()));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// `h1:` of a packed package, without unpacking it to the disk.
pub(crate) fn of_archive(file: &File, name: &str, unpacked_bytes_max: u64) -> Result<String> {
    let damaged = |e: zip::result::ZipError| Error::Archive(name.to_owned(), io::Error::other(e));
    let mut archive = zip::ZipArchive::new(io::BufReader::new(file)).map_err(damaged)?;
    let mut lines = Vec::new();
    let mut left = unpacked_bytes_max;
    for place in 0..archive.len() {
        let mut entry = archive.by_index(place).map_err(damaged)?;
        let inside = entry.name().map_err(damaged)?.into_owned();
        let mut hasher = Sha256::new();
        let read = io::copy(&mut entry.by_ref().take(left.saturating_add(1)), &mut hasher)
            .map_err(|e| Error::Archive(name.to_owned(), e))?;
        left = left.checked_sub(read).ok_or_else(|| Error::TooLarge {
            what: format!("what is in {name}"),
            limit: format!("{unpacked_bytes_max} bytes"),
        })?;
        lines.push((inside, hex::encode(hasher.finalize())));
    }
    h1(lines).map_err(|e| Error::Archive(name.to_owned(), e))
}

/// `zh:` of a packed package.
pub(crate) fn of_zip(mut file: &File) -> io::Result<String> {
    io::Seek::rewind(&mut file)?;
    let mut hasher = Sha256::new();
    io::copy(&mut file, &mut hasher)?;
    Ok(format!("zh:{}", hex::encode(hasher.finalize())))
}

/// The scheme of a hash: `h1` or `zh`, or one of a Terraform to come.
pub(crate) fn scheme(hash: &str) -> Option<&str> {
    hash.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| !scheme.is_empty())
}
