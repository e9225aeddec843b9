//! Folders as a whole: copied, removed, and their digest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// A copy of a folder; links are copied as links.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let mut pending = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = pending.pop() {
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
            if kind.is_dir() {
                fs::create_dir(&target)?;
                pending.push((entry.path(), target));
            } else if kind.is_symlink() {
                std::os::unix::fs::symlink(fs::read_link(entry.path())?, target)?;
            } else {
                fs::copy(entry.path(), target)?;
            }
        }
    }
    Ok(())
}

/// Removes a folder, or the link that stands in its place; that nothing is there is no fault.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match removed {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The digest of a package: `h1:` over its files. A link counts with its target's path instead of content.
pub(crate) fn digest(folder: &Path) -> io::Result<String> {
    let mut lines: Vec<(String, PathBuf, bool)> = Vec::new();
    let mut pending = vec![(folder.to_owned(), String::new())];
    while let Some((path, prefix)) = pending.pop() {
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let name = entry.file_name();
            // A name that is no text still counts, by an unambiguous form of it.
            let name = name.to_str().map_or_else(|| format!("{name:?}"), str::to_owned);
            let inside = format!("{prefix}{name}");
            if kind.is_dir() {
                pending.push((entry.path(), format!("{inside}/")));
            } else {
                lines.push((inside, entry.path(), kind.is_symlink()));
            }
        }
    }
    lines.sort();
    let mut digests = Vec::new();
    for (name, path, is_link) in lines {
        let mut hasher = Sha256::new();
        if is_link {
            hasher.update(b"link ");
            hasher.update(fs::read_link(&path)?.as_os_str().as_encoded_bytes());
        } else {
            io::copy(&mut fs::File::open(&path)?, &mut hasher)?;
        }
        // A line break in a name would make two lines of one.
        digests.push((name.replace('\\', "\\\\").replace('\n', "\\n"), hex::encode(hasher.finalize())));
    }
    Ok(h1_of(&digests))
}

/// `h1:` of names and the digests of their contents, as the Go modules' `h1` is defined (`golang.org/x/mod/sumdb/dirhash`): the
/// SHA-256, in Base64, of lines `digest  name`, sorted by name. A name with a line break in it has none.
pub(crate) fn h1(mut lines: Vec<(String, String)>) -> io::Result<String> {
    if let Some((name, _)) = lines.iter().find(|(name, _)| name.contains('\n')) {
        let cause = format!("the name {name:?} has a line break in it");
        return Err(io::Error::new(io::ErrorKind::InvalidData, cause));
    }
    lines.sort();
    Ok(h1_of(&lines))
}

fn h1_of(lines: &[(String, String)]) -> String {
    let mut whole = Sha256::new();
    for (name, digest) in lines {
        whole.update(format!("{digest}  {name}\n"));
    }
    format!("h1:{}", STANDARD.encode(whole.finalize()))
}
