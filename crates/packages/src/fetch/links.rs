//! Symbolic links of a package stay inside of it: a package must not make a module read, or a tool follow, what is elsewhere on
//! this machine. It looks at links only; paths of an archive are checked before anything is written.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};

/// A path that has more links than this in it is a circle, as the kernel has it.
const LINKS_MAX: u32 = 40;

/// Every link below the folder.
pub(crate) fn check_all(folder: &Path) -> Result<()> {
    let mut pending = vec![folder.to_owned()];
    while let Some(path) = pending.pop() {
        for entry in fs::read_dir(&path).map_err(Error::io("reading", &path))? {
            let entry = entry.map_err(Error::io("reading", &path))?;
            let kind = entry.file_type().map_err(Error::io("reading", entry.path()))?;
            if kind.is_symlink() {
                check(folder, &entry.path())?;
            } else if kind.is_dir() {
                pending.push(entry.path());
            }
        }
    }
    Ok(())
}

/// One link, which is below the folder.
pub(crate) fn check(folder: &Path, link: &Path) -> Result<()> {
    let inside = link.strip_prefix(folder).unwrap_or(link);
    match stays_inside(folder, inside) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::Forbidden(format!("a link that leads out of it, `{}`", inside.display()))),
        Err(source) => Err(Error::io("reading", link)(source)),
    }
}

/// Follows a path step by step, as the kernel would, with the folder as the top: going above it is leading out, even where nothing
/// is at the end.
fn stays_inside(folder: &Path, path: &Path) -> io::Result<bool> {
    let mut ahead: Vec<PathBuf> = parts(path);
    let mut at: Vec<PathBuf> = Vec::new();
    let mut links = 0;
    while let Some(part) = ahead.pop() {
        if part.as_os_str() == ".." {
            if at.pop().is_none() {
                return Ok(false);
            }
            continue;
        }
        at.push(part);
        let here = folder.join(at.iter().collect::<PathBuf>());
        match fs::read_link(&here) {
            Ok(target) => {
                links += 1;
                if target.is_absolute() || links > LINKS_MAX {
                    return Ok(false);
                }
                at.pop();
                ahead.extend(parts(&target));
            }
            // No link, or nothing at all: the path goes on by its names.
            Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotFound) => {}
            Err(e) if e.kind() == io::ErrorKind::NotADirectory => {}
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

/// The last part first, so that the next one is taken from the end.
fn parts(path: &Path) -> Vec<PathBuf> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(PathBuf::from(name)),
        Component::ParentDir => Some(PathBuf::from("..")),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    });
    let mut parts: Vec<PathBuf> = parts.collect();
    parts.reverse();
    parts
}
