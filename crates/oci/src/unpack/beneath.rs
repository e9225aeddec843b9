//! Folders beneath a root, reached one component at a time without following a symbolic link.
//!
//! Every access starts at a descriptor of the root and opens folder by folder with `O_NOFOLLOW`, so that nothing a layer
//! has put there, in whatever order, leads out. It decides nothing about entries.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Folder,
    File,
    Symlink,
    /// A character device 0:0: what a removal is in overlayfs.
    Whiteout,
    Other,
}

/// A root folder. Paths given to its methods are relative, without `.` and `..`.
pub(super) struct Root {
    path: PathBuf,
    fd: OwnedFd,
    /// The folder that was asked for last: most entries lie in the same folder as the one before.
    last: Option<(PathBuf, OwnedFd)>,
}

/// What opening a folder came upon.
pub(super) enum Step {
    /// It is open.
    Folder(OwnedFd),
    /// There is no folder at this path, which is the one asked for or a parent of it.
    Blocked(PathBuf, Found),
}

const OPEN: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

impl Root {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let fd = fs::File::open(path)?.into();
        Ok(Self { path: path.to_owned(), fd, last: None })
    }

    /// Opens a folder. With `create` those that are missing are made, with mode 0755 whatever the umask is.
    pub(super) fn folder(&mut self, path: &Path, create: bool) -> io::Result<Step> {
        if let Some((last, fd)) = &self.last
            && last == path
        {
            return Ok(Step::Folder(fd.try_clone()?));
        }
        let mut folder = self.fd.try_clone()?;
        let mut walked = PathBuf::new();
        for part in path {
            walked.push(part);
            folder = match openat(&folder, part, OPEN, Mode::empty()) {
                Ok(next) => next,
                Err(Errno::ENOENT) if create => make(&folder, part)?,
                Err(Errno::ENOENT) => return Ok(Step::Blocked(walked, Found::Nothing)),
                Err(Errno::ENOTDIR | Errno::ELOOP) => {
                    let found = look(&folder, part)?;
                    return Ok(Step::Blocked(walked, found));
                }
                Err(errno) => return Err(errno.into()),
            };
        }
        self.last = Some((path.to_owned(), folder.try_clone()?));
        Ok(Step::Folder(folder))
    }

    /// Removes what stands at a name of an open folder, with all that is in it. `path` is that of the name.
    pub(super) fn remove(&mut self, folder: &OwnedFd, name: &OsStr, path: &Path) -> io::Result<()> {
        match look(folder, name)? {
            Found::Nothing => Ok(()),
            Found::Folder => {
                self.last = None;
                // By path, which is safe here: opening `folder` has shown that no parent is a link, and only we write.
                fs::remove_dir_all(self.path.join(path))
            }
            _ => Ok(unlinkat(folder, name, UnlinkatFlags::NoRemoveDir)?),
        }
    }

    /// The names in a folder that [`Root::folder`] has opened.
    pub(super) fn names(&self, path: &Path) -> io::Result<Vec<std::ffi::OsString>> {
        fs::read_dir(self.path.join(path))?.map(|entry| Ok(entry?.file_name())).collect()
    }
}

/// Makes a folder with mode 0755 and opens it.
pub(super) fn make(folder: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
    mkdirat(folder, name, Mode::from_bits_truncate(0o755))?;
    let made = openat(folder, name, OPEN, Mode::empty())?;
    fchmod(&made, Mode::from_bits_truncate(0o755))?;
    Ok(made)
}

pub(super) fn look(folder: impl AsFd, name: &OsStr) -> io::Result<Found> {
    let stat: FileStat = match fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::ENOENT) => return Ok(Found::Nothing),
        Err(errno) => return Err(errno.into()),
    };
    Ok(match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFDIR => Found::Folder,
        SFlag::S_IFREG => Found::File,
        SFlag::S_IFLNK => Found::Symlink,
        SFlag::S_IFCHR if stat.st_rdev == 0 => Found::Whiteout,
        _ => Found::Other,
    })
}

impl Found {
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Nothing => "missing",
            Self::Folder => "a folder",
            Self::File => "a file",
            Self::Symlink => "a symbolic link",
            Self::Whiteout => "removed by the same layer",
            Self::Other => "neither a file nor a folder",
        }
    }
}
