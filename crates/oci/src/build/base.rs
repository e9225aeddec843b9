//! The image below a build: its blobs are taken over, and its folders and links looked up, so that what is put over it
//! stands where it seems to stand. A folder `bin` put over a link `bin` would hide all that the link leads to.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Base;
use super::collect::{Node, Nodes, What, insert};
use crate::archive::Kind;
use crate::layout::{from_json, private_folder, replace_file, to_json};
use crate::unpack::{LayerName, LayerStream, parse_name};
use crate::{Error, Image, Layout, Limits, Platform, Result, import};

/// The kernel's own limit for links on the way of one path.
const LINKS_MAX: usize = 40;

/// Finds the base, and puts its blobs into the layout.
pub(super) fn take(base: &Base, platform: &Platform, layout: &Layout) -> Result<Option<Image>> {
    let (from, image) = match base {
        Base::Scratch => return Ok(None),
        Base::Layout { path, reference } => {
            let from = Layout::open(path)?;
            let image = from.resolve(reference.as_deref(), platform)?;
            (from, image)
        }
        Base::DockerArchive { path } => {
            let digest = import::docker_archive(path, layout)?;
            (layout.clone(), layout.resolve(Some(&digest.to_string()), platform)?)
        }
    };
    if !platform.runs(&image.config.platform) {
        let cause = format!("it is for {}, and not for {platform}", image.config.platform);
        return Err(Error::Unusable { digest: image.digest, cause });
    }
    for layer in &image.manifest.layers {
        layout.put_blob(from.open_blob(&layer.digest)?, layer)?;
    }
    Ok(Some(image))
}

/// The folders and links of an image.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Tree {
    /// By path relative to the root. What is neither is not kept.
    places: BTreeMap<PathBuf, Place>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Place {
    Folder { mode: u32, owner: (u32, u32) },
    Link(PathBuf),
}

impl Tree {
    /// Reads the layers of an image, or what an earlier build noted about it.
    pub(super) fn of_image(layout: &Layout, image: &Image) -> Result<Self> {
        let folder = layout.root().join("cache");
        // Named after the topmost layer too, so that it can be told when the image is gone.
        let top = image.manifest.layers.last().map(|it| it.digest.hex()).unwrap_or_default();
        let name = format!("tree-{}-{top}.json", image.digest.hex());
        // A note that cannot be read is made again.
        if let Ok(bytes) = std::fs::read(folder.join(&name))
            && let Ok(tree) = from_json(&bytes, String::new)
        {
            return Ok(tree);
        }
        let mut tree = Self::default();
        for layer in image.layers() {
            let mut stream = LayerStream::open(layout, &layer.descriptor, &Limits::default())?;
            while let Some(entry) = stream.next()? {
                let refuse =
                    |cause| Error::Layer { layer: layer.descriptor.digest, entry: entry.shown(), cause };
                match parse_name(&entry.name).map_err(refuse)? {
                    LayerName::Bookkeeping => {}
                    LayerName::Removed(path) => tree.remove(&path, true),
                    LayerName::Opaque(path) => tree.remove(&path, false),
                    LayerName::Path(path) => {
                        let place = match entry.kind {
                            Kind::Folder => {
                                Some(Place::Folder { mode: entry.mode, owner: (entry.uid, entry.gid) })
                            }
                            Kind::Symlink => Some(Place::Link(bytes_path(&entry.link))),
                            _ => None,
                        };
                        tree.set(path, place);
                    }
                }
            }
            stream.finish(Some(&layer.diff_id))?;
        }
        // Paths that are not UTF-8 cannot be noted; such an image is read at each build.
        if let Ok(bytes) = to_json(&tree) {
            private_folder(&folder)?;
            replace_file(&folder, &name, &bytes)?;
        }
        Ok(tree)
    }

    /// Puts the nodes of the next layer where they really stand, and adds the folders above them. Folders that are there
    /// keep mode and owner.
    pub(super) fn place(&self, nodes: Nodes) -> Result<Nodes> {
        let mut placed = Nodes::new();
        for (path, mut node) in nodes {
            let at = match node.what {
                What::Folder { .. } => self.resolve(&path)?,
                What::File(_) | What::Symlink(_) => match (path.parent(), path.file_name()) {
                    (Some(parent), Some(name)) => self.resolve(parent)?.join(name),
                    _ => path.clone(),
                },
            };
            // From the top, so that each is known before what lies in it. The root needs no entry.
            let above: Vec<_> = at.ancestors().skip(1).filter(|it| !it.as_os_str().is_empty()).collect();
            for folder in above.into_iter().rev() {
                let what = What::Folder { implied: true };
                let node = self.like_lower(folder, Node { what, mode: 0o755, owner: (0, 0) });
                insert(&mut placed, folder.to_owned(), node)?;
            }
            if at.as_os_str().is_empty() {
                continue;
            }
            node = self.like_lower(&at, node);
            insert(&mut placed, at, node)?;
        }
        Ok(placed)
    }

    /// Takes over what a layer has put there.
    pub(super) fn add(&mut self, nodes: &Nodes) {
        for (path, node) in nodes {
            let place = match &node.what {
                What::Folder { .. } => Some(Place::Folder { mode: node.mode, owner: node.owner }),
                What::Symlink(target) => Some(Place::Link(target.clone())),
                What::File(_) => None,
            };
            self.set(path.clone(), place);
        }
    }

    fn like_lower(&self, path: &Path, mut node: Node) -> Node {
        if let (What::Folder { .. }, Some(Place::Folder { mode, owner })) =
            (&node.what, self.places.get(path))
        {
            (node.mode, node.owner) = (*mode, *owner);
        }
        node
    }

    fn set(&mut self, path: PathBuf, place: Option<Place>) {
        if !matches!(place, Some(Place::Folder { .. })) {
            self.remove(&path, true);
        }
        if let Some(place) = place {
            self.places.insert(path, place);
        }
    }

    /// Forgets what lies below a path, and with `itself` the path too.
    fn remove(&mut self, path: &Path, itself: bool) {
        // All that lies below a path sorts right after it.
        let below =
            self.places.range(path.to_owned()..).map(|(it, _)| it).take_while(|it| it.starts_with(path));
        let gone: Vec<_> = below.filter(|it| itself || *it != path).cloned().collect();
        for path in gone {
            self.places.remove(&path);
        }
    }

    /// Where a path really stands, with all links followed as a process in the image would follow them.
    fn resolve(&self, path: &Path) -> Result<PathBuf> {
        let mut links = 0;
        let mut at = PathBuf::new();
        let mut left: Vec<PathBuf> = parts(path);
        while let Some(part) = left.pop() {
            if part.as_os_str() == ".." {
                at.pop();
                continue;
            }
            at.push(part);
            if let Some(Place::Link(target)) = self.places.get(&at) {
                links += 1;
                if links > LINKS_MAX {
                    let cause = format!("/{} leads through more than {LINKS_MAX} links", path.display());
                    return Err(Error::BadSpec { cause });
                }
                match target.is_absolute() {
                    true => at.clear(),
                    false => drop(at.pop()),
                }
                left.extend(parts(target));
            }
        }
        Ok(at)
    }
}

/// The components of a path, the last one first.
fn parts(path: &Path) -> Vec<PathBuf> {
    let named =
        path.components().rev().filter(|it| matches!(it, Component::Normal(_) | Component::ParentDir));
    named.map(|it| PathBuf::from(it.as_os_str())).collect()
}

fn bytes_path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}
