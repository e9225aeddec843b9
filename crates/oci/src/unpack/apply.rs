//! Puts the entries of one layer into a root folder, in the order in which they come.
//!
//! It trusts nothing that an entry says: see `name` for what a name may be and `beneath` for how a path is reached. What
//! it has written when it refuses an entry is of no worth; the caller throws the root away.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::{
    FchmodatFlags, Mode, SFlag, UtimensatFlags, fchmod, fchmodat, futimens, makedev, mknodat, utimensat,
};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, fchown, fchownat, linkat, symlinkat};
use xattr::FileExt as _;

use super::beneath::{Found, Root, Step, look};
use super::name::{LayerName, parse, relative};
use super::{Limits, Ownership, UnpackOptions, WhiteoutForm};
use crate::archive::{Entry, Kind};
use crate::layout::copy;
use crate::{Digest, Error, Result};

/// Why an entry is refused.
pub(super) struct Refusal(pub(super) String);

impl From<io::Error> for Refusal {
    fn from(fault: io::Error) -> Self {
        Self(format!("it cannot be unpacked: {fault}"))
    }
}

impl From<nix::errno::Errno> for Refusal {
    fn from(errno: nix::errno::Errno) -> Self {
        io::Error::from(errno).into()
    }
}

impl From<String> for Refusal {
    fn from(cause: String) -> Self {
        Self(cause)
    }
}

/// What a folder gets when nothing more is written into it.
struct FolderEnd {
    mode: u32,
    mtime: u64,
}

pub(super) struct Applier {
    pub(super) root: Root,
    layer: Digest,
    pub(super) form: WhiteoutForm,
    options: UnpackOptions,
    /// What this layer has put there. Removals are about lower layers only, and may come after.
    pub(super) own: BTreeSet<PathBuf>,
    folders: BTreeMap<PathBuf, FolderEnd>,
    used: Limits,
}

impl Applier {
    /// `used` is what lower layers have used of the limits.
    pub(super) fn new(
        root: &Path,
        layer: Digest,
        form: WhiteoutForm,
        options: UnpackOptions,
        used: Limits,
    ) -> Result<Self> {
        let opened = Root::open(root).map_err(Error::io("open", root))?;
        let mut folders = BTreeMap::new();
        // The root is a container's `/`, which must be open to all of its users; a temporary folder has mode 0700.
        let root_mode = Mode::from_bits_truncate(0o755);
        fchmodat(AT_FDCWD, root, root_mode, FchmodatFlags::FollowSymlink)
            .map_err(|errno| Error::io("set the mode of", root)(errno.into()))?;
        folders.insert(PathBuf::new(), FolderEnd { mode: 0o755, mtime: 0 });
        Ok(Self { root: opened, layer, form, options, own: BTreeSet::new(), folders, used })
    }

    /// Puts one entry there. `content` is read to the end of the entry's.
    pub(super) fn apply(&mut self, entry: &Entry, content: &mut impl Read) -> Result<()> {
        self.try_apply(entry, content).map_err(|Refusal(cause)| self.refuse(entry.shown(), cause))
    }

    /// Gives folders their modes and times, which is done last because writing into them changes the one and may need
    /// another of the other. Returns what has been used of the limits.
    pub(super) fn finish(mut self) -> Result<Limits> {
        let folders = std::mem::take(&mut self.folders);
        // Backwards, a folder comes after all that lies in it.
        for (path, end) in folders.iter().rev() {
            self.finish_folder(path, end)
                .map_err(|Refusal(cause)| self.refuse(path.to_string_lossy().into_owned(), cause))?;
        }
        Ok(self.used)
    }

    fn finish_folder(&mut self, path: &Path, end: &FolderEnd) -> Result<(), Refusal> {
        if let Step::Folder(folder) = self.root.folder(path, false)? {
            fchmod(&folder, Mode::from_bits_truncate(end.mode))?;
            futimens(&folder, &time(end.mtime), &time(end.mtime))?;
        }
        Ok(())
    }

    fn refuse(&self, entry: String, cause: String) -> Error {
        Error::Layer { layer: self.layer, entry, cause }
    }

    fn try_apply(&mut self, entry: &Entry, content: &mut impl Read) -> Result<(), Refusal> {
        self.count(entry)?;
        match parse(&entry.name)? {
            LayerName::Path(path) => self.put(path, entry, content),
            LayerName::Removed(path) => self.remove_lower(&path),
            LayerName::Opaque(path) => self.make_opaque(&path),
            LayerName::Bookkeeping => Ok(()),
        }
    }

    fn count(&mut self, entry: &Entry) -> Result<(), Refusal> {
        let limits = self.options.limits;
        self.used.entries += 1;
        if self.used.entries > limits.entries {
            return Err(Refusal(format!(
                "the image has more than {} entries, which is the limit",
                limits.entries
            )));
        }
        self.used.bytes = self.used.bytes.saturating_add(entry.size);
        if self.used.bytes > limits.bytes {
            let (size, limit) = (entry.size, limits.bytes);
            return Err(Refusal(format!(
                "with its {size} bytes the image is larger than the limit of {limit}"
            )));
        }
        Ok(())
    }

    fn put(&mut self, path: PathBuf, entry: &Entry, content: &mut impl Read) -> Result<(), Refusal> {
        let Some(name) = path.file_name().map(OsStr::to_owned) else {
            return match entry.kind {
                Kind::Folder => self.put_folder(path, entry),
                _ => Err(Refusal("the image's root is not a folder".into())),
            };
        };
        if entry.kind == Kind::Folder {
            return self.put_folder(path, entry);
        }
        let parent = self.parent(&path)?;
        // Looked up before anything is removed: the link may be to what stands at this very name.
        if entry.kind == Kind::HardLink {
            return self.put_hard_link(path, &parent, &name, entry);
        }
        self.clear(&parent, &name, &path)?;
        match entry.kind {
            Kind::File => self.put_file(&parent, &name, entry, content)?,
            Kind::Symlink => {
                if entry.link.is_empty() || entry.link.contains(&0) {
                    return Err(Refusal("it is a symbolic link to nothing".into()));
                }
                symlinkat(OsStr::from_bytes(&entry.link), &parent, name.as_os_str())?;
                self.own_by_name(&parent, &name, entry)?;
            }
            Kind::Fifo => self.put_node(&parent, &name, entry, SFlag::S_IFIFO)?,
            Kind::CharDevice => self.put_node(&parent, &name, entry, SFlag::S_IFCHR)?,
            Kind::BlockDevice => self.put_node(&parent, &name, entry, SFlag::S_IFBLK)?,
            Kind::Folder | Kind::HardLink => {}
        }
        self.own.insert(path);
        Ok(())
    }

    /// Opens the folder that a path lies in, and makes it if no entry has.
    pub(super) fn parent(&mut self, path: &Path) -> Result<OwnedFd, Refusal> {
        self.folder(path.parent().unwrap_or(Path::new("")))
    }

    /// Opens a folder, and makes it if no entry has.
    pub(super) fn folder(&mut self, path: &Path) -> Result<OwnedFd, Refusal> {
        loop {
            match self.root.folder(path, true)? {
                Step::Folder(folder) => return Ok(folder),
                Step::Blocked(at, Found::Whiteout) => self.replace_whiteout(&at)?,
                Step::Blocked(at, found) => {
                    let at = at.display();
                    return Err(Refusal(format!(
                        "it leads through `{at}`, {}, which is not followed",
                        found.shown()
                    )));
                }
            }
        }
    }

    /// Removes what stands at a name, and forgets it.
    pub(super) fn clear(&mut self, parent: &OwnedFd, name: &OsStr, path: &Path) -> Result<(), Refusal> {
        if look(parent, name)? == Found::Folder {
            // All that lies below a path sorts right after it.
            let from = || path.to_owned()..;
            let folders: Vec<_> = self
                .folders
                .range(from())
                .map(|(it, _)| it.clone())
                .take_while(|it| it.starts_with(path))
                .collect();
            for it in &folders {
                self.folders.remove(it);
            }
            let own: Vec<_> = self.own.range(from()).take_while(|it| it.starts_with(path)).cloned().collect();
            for it in &own {
                self.own.remove(it);
            }
        }
        self.root.remove(parent, name, path)?;
        Ok(())
    }

    fn put_folder(&mut self, path: PathBuf, entry: &Entry) -> Result<(), Refusal> {
        if let Some(name) = path.file_name() {
            let parent = self.parent(&path)?;
            if let Found::File | Found::Symlink | Found::Other = look(&parent, name)? {
                self.clear(&parent, name, &path)?;
            }
        }
        let folder = self.folder(&path)?;
        if self.options.ownership == Ownership::Keep {
            fchown(&folder, Some(Uid::from_raw(entry.uid)), Some(Gid::from_raw(entry.gid)))?;
        }
        let folder = File::from(folder);
        self.put_xattrs(&folder, entry)?;
        self.folders.insert(path.clone(), FolderEnd { mode: self.mode(entry), mtime: entry.mtime });
        self.own.insert(path);
        Ok(())
    }

    fn put_file(
        &mut self,
        parent: &OwnedFd,
        name: &OsStr,
        entry: &Entry,
        content: &mut impl Read,
    ) -> Result<(), Refusal> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mut file = File::from(openat(parent, name, flags, Mode::from_bits_truncate(0o600))?);
        copy(content, &mut file)?;
        // In this order: changing the owner clears setuid bits and file capabilities.
        if self.options.ownership == Ownership::Keep {
            fchown(&file, Some(Uid::from_raw(entry.uid)), Some(Gid::from_raw(entry.gid)))?;
        }
        fchmod(&file, Mode::from_bits_truncate(self.mode(entry)))?;
        self.put_xattrs(&file, entry)?;
        futimens(&file, &time(entry.mtime), &time(entry.mtime))?;
        Ok(())
    }

    fn put_hard_link(
        &mut self,
        path: PathBuf,
        parent: &OwnedFd,
        name: &OsStr,
        entry: &Entry,
    ) -> Result<(), Refusal> {
        let shown = String::from_utf8_lossy(&entry.link).into_owned();
        let target =
            relative(&entry.link).map_err(|cause| format!("it is a hard link to `{shown}`: {cause}"))?;
        let refuse = |what: &str| Err(Refusal(format!("it is a hard link to `{shown}`, which {what}")));
        let Some(target_name) = target.file_name() else { return refuse("is the root") };
        let folder = match self.root.folder(target.parent().unwrap_or(Path::new("")), false)? {
            Step::Folder(folder) => folder,
            Step::Blocked(_, Found::Nothing) => return refuse("the image does not have so far"),
            Step::Blocked(at, found) => {
                return refuse(&format!("leads through `{}`, {}", at.display(), found.shown()));
            }
        };
        match look(&folder, target_name)? {
            Found::File => {}
            Found::Nothing => return refuse("the image does not have so far"),
            found => return refuse(&format!("is {}", found.shown())),
        }
        if target != path {
            self.clear(parent, name, &path)?;
            // Without AT_SYMLINK_FOLLOW a link in the last place would itself be linked, never followed.
            linkat(&folder, target_name, parent, name, AtFlags::empty())?;
        }
        self.own.insert(path);
        Ok(())
    }

    fn put_node(&self, parent: &OwnedFd, name: &OsStr, entry: &Entry, kind: SFlag) -> Result<(), Refusal> {
        let (major, minor) = entry.device;
        if kind != SFlag::S_IFIFO {
            if !self.options.devices {
                return Err(Refusal("it is a device node, which an image may not have".into()));
            }
            // Overlayfs would take it for a removal, which a layer says otherwise.
            if (major, minor) == (0, 0) {
                return Err(Refusal("it is the device 0:0, which stands for a removal".into()));
            }
        }
        mknodat(parent, name, kind, Mode::empty(), makedev(major.into(), minor.into()))?;
        self.own_by_name(parent, name, entry)?;
        fchmodat(parent, name, Mode::from_bits_truncate(self.mode(entry)), FchmodatFlags::FollowSymlink)?;
        Ok(())
    }

    fn own_by_name(&self, parent: &OwnedFd, name: &OsStr, entry: &Entry) -> Result<(), Refusal> {
        if self.options.ownership == Ownership::Keep {
            let (uid, gid) = (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid));
            fchownat(parent, name, Some(uid), Some(gid), AtFlags::AT_SYMLINK_NOFOLLOW)?;
        }
        let (mtime, flags) = (time(entry.mtime), UtimensatFlags::NoFollowSymlink);
        utimensat(parent, name, &mtime, &mtime, flags)?;
        Ok(())
    }

    fn put_xattrs(&self, file: &File, entry: &Entry) -> Result<(), Refusal> {
        if self.options.ownership == Ownership::Drop {
            return Ok(());
        }
        let kept = |name: &str| {
            // `user.overlay.*` would steer an overlay that is mounted with `userxattr`.
            name == "security.capability" || (name.starts_with("user.") && !name.starts_with("user.overlay."))
        };
        for (name, value) in entry.xattrs.iter().filter(|(name, _)| kept(name)) {
            match file.set_xattr(name, value) {
                Err(fault) if fault.raw_os_error() == Some(nix::libc::ENOTSUP) => {
                    tracing::warn!(
                        entry = entry.shown(),
                        attribute = name,
                        "the disk cannot hold an attribute"
                    );
                }
                other => other.map_err(|fault| Refusal(format!("its attribute {name:?}: {fault}")))?,
            }
        }
        Ok(())
    }

    fn mode(&self, entry: &Entry) -> u32 {
        let mode = if self.options.setuid { entry.mode } else { entry.mode & 0o1777 };
        match (self.options.ownership, entry.kind) {
            (Ownership::Drop, Kind::Folder) => mode | 0o700,
            _ => mode,
        }
    }
}

fn time(seconds: u64) -> TimeSpec {
    TimeSpec::new(i64::try_from(seconds).unwrap_or(0), 0)
}
