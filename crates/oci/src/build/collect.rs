//! What a layer is made of, as a sorted list of nodes: every file, folder and link, with where it comes from. It reads
//! folders and metadata, and no file's content except that of programs.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Component, Path, PathBuf};

use super::program;
use super::{FileEntry, LayerSpec};
use crate::{Error, Platform, Result};

/// Nodes by their path in the image, relative to its root. In this order a folder comes before what lies in it.
pub(super) type Nodes = BTreeMap<PathBuf, Node>;

/// One entry of a layer that is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) what: What,
    pub(super) mode: u32,
    pub(super) owner: (u32, u32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// `implied`: only because something lies in it.
    Folder {
        implied: bool,
    },
    File(FileSource),
    Symlink(PathBuf),
}

/// A file of this machine, as it was when it was collected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileSource {
    pub(super) path: PathBuf,
    /// What it is for, for messages.
    pub(super) purpose: String,
    pub(super) stamp: Stamp,
}

/// What changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) size: u64,
    pub(super) device: u64,
    pub(super) inode: u64,
    /// Seconds and nanoseconds.
    pub(super) mtime: (i64, i64),
    /// Seconds and nanoseconds. Unlike the mtime nobody can set it, so that it gives away a file which was replaced by one
    /// of the same size and time.
    pub(super) ctime: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.size(),
            device: metadata.dev(),
            inode: metadata.ino(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            ctime: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

const FOLDER_MODE: u32 = 0o755;

/// The nodes of a layer, without the folders above them.
pub(super) fn collect(layer: &LayerSpec, platform: &Platform) -> Result<Nodes> {
    let mut nodes = Nodes::new();
    for entry in &layer.files {
        add_entry(&mut nodes, entry)?;
    }
    for file in program::closure(&layer.programs, platform)? {
        let purpose = format!("needed by the program {}", file.program.display());
        let metadata = fs::metadata(&file.source).map_err(|fault| missing(&file.source, &purpose, &fault))?;
        let owner = (0, 0);
        let node = file_node(&file.source, &purpose, &metadata, None, owner);
        insert(&mut nodes, inside(&file.destination)?, node)?;
    }
    Ok(nodes)
}

/// Adds a node; a folder may come twice, and so may the same file.
pub(super) fn insert(nodes: &mut Nodes, path: PathBuf, node: Node) -> Result<()> {
    match nodes.entry(path) {
        Slot::Vacant(slot) => drop(slot.insert(node)),
        Slot::Occupied(mut slot) => match (&slot.get().what, &node.what) {
            (What::Folder { .. }, What::Folder { implied: true }) => {}
            (What::Folder { .. }, What::Folder { implied: false }) => drop(slot.insert(node)),
            (What::File(one), What::File(other))
                if one.path == other.path && *slot.get() == with_purpose(&node, one) => {}
            (one, other) => {
                let (one, other) = (describe(one), describe(other));
                let cause =
                    format!("two things are to stand at /{}: {one} and {other}", slot.key().display());
                return Err(Error::BadSpec { cause });
            }
        },
    }
    Ok(())
}

/// The node as if it were for the purpose of another: what a file is for does not make it another file.
fn with_purpose(node: &Node, like: &FileSource) -> Node {
    let mut node = node.clone();
    if let What::File(file) = &mut node.what {
        file.purpose.clone_from(&like.purpose);
    }
    node
}

fn describe(what: &What) -> String {
    match what {
        What::Folder { .. } => "a folder".into(),
        What::File(file) => format!("the file {}", file.path.display()),
        What::Symlink(target) => format!("a link to {}", target.display()),
    }
}

fn add_entry(nodes: &mut Nodes, entry: &FileEntry) -> Result<()> {
    let purpose = format!("the source of {}", entry.destination.display());
    let destination = inside(&entry.destination)?;
    if let Some(mode) = entry.mode.filter(|mode| *mode > 0o7777) {
        let cause = format!("{:o} is not a file mode, for {}", mode, entry.destination.display());
        return Err(Error::BadSpec { cause });
    }
    let metadata = fs::metadata(&entry.source).map_err(|fault| missing(&entry.source, &purpose, &fault))?;
    if metadata.is_dir() {
        return walk(nodes, entry, &purpose, destination);
    }
    if destination.as_os_str().is_empty() || entry.destination.as_os_str().as_bytes().ends_with(b"/") {
        let (source, to) = (entry.source.display(), entry.destination.display());
        let cause = format!("{source} is a file and {to} a folder; name the file that it becomes");
        return Err(Error::BadSpec { cause });
    }
    refuse_special(&entry.source, &purpose, &metadata)?;
    let node = file_node(&entry.source, &purpose, &metadata, entry.mode, entry.owner);
    insert(nodes, destination, node)
}

/// A folder with all that is in it. Recursion is replaced by a list, because a tree may be deeper than a stack.
fn walk(nodes: &mut Nodes, entry: &FileEntry, purpose: &str, destination: PathBuf) -> Result<()> {
    let folder = |owner| Node { what: What::Folder { implied: false }, mode: FOLDER_MODE, owner };
    insert(nodes, destination.clone(), folder(entry.owner))?;
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let path = entry.source.join(&below);
        let children = fs::read_dir(&path).map_err(|fault| missing(&path, purpose, &fault))?;
        for child in children {
            let child = child.map_err(|fault| missing(&path, purpose, &fault))?;
            let (source, below) = (child.path(), below.join(child.file_name()));
            let to = destination.join(&below);
            if child.file_name().as_bytes().starts_with(b".wh.") {
                let cause = "has a name that stands for a removal in an image".into();
                return Err(Error::Source { path: source, purpose: purpose.into(), cause });
            }
            let metadata =
                fs::symlink_metadata(&source).map_err(|fault| missing(&source, purpose, &fault))?;
            let node = if metadata.is_dir() {
                open.push(below);
                folder(entry.owner)
            } else if metadata.is_symlink() {
                let target = fs::read_link(&source).map_err(|fault| missing(&source, purpose, &fault))?;
                check_link(&source, &below, &target, purpose)?;
                Node { what: What::Symlink(target), mode: 0o777, owner: entry.owner }
            } else {
                refuse_special(&source, purpose, &metadata)?;
                file_node(&source, purpose, &metadata, entry.mode, entry.owner)
            };
            insert(nodes, to, node)?;
        }
    }
    Ok(())
}

/// Refuses a link that leads out of the folder that it is in: in the image it would lead to something else, or nothing.
fn check_link(source: &Path, below: &Path, target: &Path, purpose: &str) -> Result<()> {
    let mut depth = below.components().count() - 1;
    let mut inside = true;
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => inside = false,
        }
    }
    if inside {
        return Ok(());
    }
    let cause = format!("is a link to {}, which leads out of the folder that is copied", target.display());
    Err(Error::Source { path: source.to_owned(), purpose: purpose.to_owned(), cause })
}

fn refuse_special(path: &Path, purpose: &str, metadata: &Metadata) -> Result<()> {
    let kind = metadata.file_type();
    let what = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_socket() => "a socket",
        () if kind.is_fifo() => "a named pipe",
        () => "a device",
    };
    let cause = format!("is {what}, which cannot be put into an image");
    Err(Error::Source { path: path.to_owned(), purpose: purpose.to_owned(), cause })
}

fn file_node(path: &Path, purpose: &str, metadata: &Metadata, mode: Option<u32>, owner: (u32, u32)) -> Node {
    // Of the mode only this one bit is the same in every checkout; the rest is the umask of whoever made it.
    let usual = if metadata.mode() & 0o100 == 0 { 0o644 } else { 0o755 };
    let stamp = Stamp::of(metadata);
    let what = What::File(FileSource { path: path.to_owned(), purpose: purpose.to_owned(), stamp });
    Node { what, mode: mode.unwrap_or(usual), owner }
}

/// A path in the image relative to its root.
fn inside(destination: &Path) -> Result<PathBuf> {
    let bad =
        |what: &str| Error::BadSpec { cause: format!("the destination {} {what}", destination.display()) };
    if !destination.is_absolute() {
        return Err(bad("is not absolute"));
    }
    let mut path = PathBuf::new();
    for part in destination.components() {
        match part {
            Component::Normal(part) if part.as_bytes().starts_with(b".wh.") => {
                return Err(bad("has a name that stands for a removal in an image"));
            }
            Component::Normal(part) => path.push(part),
            Component::ParentDir => return Err(bad("has `..` in it")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Ok(path)
}

fn missing(path: &Path, purpose: &str, fault: &io::Error) -> Error {
    let cause = match fault.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        _ => format!("cannot be read: {fault}"),
    };
    Error::Source { path: path.to_owned(), purpose: purpose.to_owned(), cause }
}
