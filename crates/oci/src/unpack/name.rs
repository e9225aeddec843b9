//! Names in a layer: made relative to the root, and told apart from the markers of removals. No file is looked at.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// The kernel's limit for a path.
const NAME_BYTES_MAX: usize = 4096;
/// Removing a tree holds a file open for each level, of which 1024 is a common limit. Real images stay below 60.
const DEPTH_MAX: usize = 200;

/// What a name in a layer means. Paths are relative, without `.` and `..`; empty is the root.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LayerName {
    /// Something at this path.
    Path(PathBuf),
    /// What lower layers have at this path is removed.
    Removed(PathBuf),
    /// What lower layers have in the folder at this path is removed.
    Opaque(PathBuf),
    /// Bookkeeping of aufs, which means nothing elsewhere.
    Bookkeeping,
}

/// Reads a name. The error says why it is refused.
pub(crate) fn parse(name: &[u8]) -> Result<LayerName, String> {
    let path = relative(name)?;
    let last = path.file_name().map(|it| it.as_bytes().to_vec()).unwrap_or_default();
    let parent = path.parent().map(Path::to_owned).unwrap_or_default();
    if parent.iter().any(|part| part.as_bytes().starts_with(WHITEOUT)) {
        // aufs keeps folders such as `.wh..wh.plnk/`.
        return match parent.iter().any(|part| part.as_bytes().starts_with(b".wh..wh.")) {
            true => Ok(LayerName::Bookkeeping),
            false => Err("it lies inside of a removal".into()),
        };
    }
    Ok(match last.strip_prefix(WHITEOUT) {
        None => LayerName::Path(path),
        Some(_) if last == OPAQUE => LayerName::Opaque(parent),
        Some(rest) if rest.starts_with(WHITEOUT) => LayerName::Bookkeeping,
        Some(b"" | b"." | b"..") => return Err("it is a removal of nothing".into()),
        Some(rest) => LayerName::Removed(parent.join(OsStr::from_bytes(rest))),
    })
}

/// A path of a layer relative to its root.
pub(crate) fn relative(name: &[u8]) -> Result<PathBuf, String> {
    if name.is_empty() {
        return Err("it has no name".into());
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(format!("its name has {} bytes, more than the {NAME_BYTES_MAX} of a path", name.len()));
    }
    if name.contains(&0) {
        return Err("its name has a NUL byte".into());
    }
    if name.starts_with(b"/") {
        return Err("its name is absolute; names in a layer are relative to the image's root".into());
    }
    let mut path = PathBuf::new();
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err("its name has `..`, which could lead out of the image".into()),
            part => path.push(OsStr::from_bytes(part)),
        }
    }
    if path.components().count() > DEPTH_MAX {
        return Err(format!("it lies more than {DEPTH_MAX} folders deep"));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_removals_and_what_leads_out_is_refused() {
        assert_eq!(parse(b"./a//b/"), Ok(LayerName::Path("a/b".into())));
        assert_eq!(parse(b"./"), Ok(LayerName::Path("".into())));
        assert_eq!(parse(b"a/.wh.b"), Ok(LayerName::Removed("a/b".into())));
        assert_eq!(parse(b"a/.wh..wh..opq"), Ok(LayerName::Opaque("a".into())));
        assert_eq!(parse(b".wh..wh.plnk/1.2"), Ok(LayerName::Bookkeeping));
        for bad in
            [&b""[..], b"/a", b"../a", b"a/../../b", b".wh.", b".wh...", b"a/.wh.../b", b".wh.a/b", b"a\0b"]
        {
            assert!(parse(bad).is_err(), "{} was taken", String::from_utf8_lossy(bad));
        }
        assert!(parse("a/".repeat(300).as_bytes()).is_err());
    }
}
