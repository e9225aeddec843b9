//! Writes a layer: a tar, compressed, as a blob. What comes out depends on the nodes and the files' content alone.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use tar::{EntryType, Header};

use super::collect::{FileSource, Node, Nodes, Stamp, What};
use crate::image::MediaType;
use crate::layout::BlobWriter;
use crate::{Descriptor, Error, Hasher, Layer, Layout, Result};

/// Every registry and engine takes gzip, the older ones nothing else. A program of 22 MB becomes 6.3 MB at level 6, the
/// usual one, and 6.6 MB at level 3, in two fifths of the time; a deployment waits for this.
const LEVEL: u32 = 3;
/// RFC 1952: the operating system is unknown, so that the bytes are the same from any.
const ANY_SYSTEM: u8 = 255;

/// Writes the layer's blob.
pub(super) fn layer(layout: &Layout, nodes: &Nodes) -> Result<Layer> {
    let mut tar = tar::Builder::new(begin(layout)?);
    for (path, node) in nodes {
        append(&mut tar, path, node)?;
    }
    end(layout, tar.into_inner().map_err(Error::io("write a layer to", layout.root()))?)
}

/// Stores a tar that somebody else made as a layer.
pub(crate) fn compress(layout: &Layout, tar: impl Read) -> Result<Layer> {
    let mut layer = begin(layout)?;
    crate::layout::copy(tar, &mut layer).map_err(Error::io("write a layer to", layout.root()))?;
    end(layout, layer)
}

fn begin(layout: &Layout) -> Result<Hashed<GzEncoder<BlobWriter>>> {
    let blob = layout.blob_writer()?;
    let inner = GzBuilder::new().mtime(0).operating_system(ANY_SYSTEM).write(blob, Compression::new(LEVEL));
    Ok(Hashed { inner, hasher: Hasher::default() })
}

fn end(layout: &Layout, layer: Hashed<GzEncoder<BlobWriter>>) -> Result<Layer> {
    let Hashed { inner, hasher } = layer;
    let blob = inner.finish().map_err(Error::io("write a layer to", layout.root()))?;
    let (digest, size) = blob.finish(None)?;
    let descriptor = Descriptor::new(MediaType::LAYER_GZIP, digest, size);
    Ok(Layer { descriptor, diff_id: hasher.finish() })
}

fn append<W: Write>(tar: &mut tar::Builder<W>, path: &Path, node: &Node) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(node.mode);
    header.set_uid(node.owner.0.into());
    header.set_gid(node.owner.1.into());
    header.set_mtime(0);
    header.set_size(0);
    let bad = |fault: io::Error| Error::BadSpec {
        cause: format!("/{} cannot stand in a layer: {fault}", path.display()),
    };
    match &node.what {
        What::Folder { .. } => {
            header.set_entry_type(EntryType::Directory);
            tar.append_data(&mut header, path.join(""), io::empty()).map_err(bad)
        }
        What::Symlink(target) => {
            header.set_entry_type(EntryType::Symlink);
            tar.append_link(&mut header, path, target).map_err(bad)
        }
        What::File(source) => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(source.stamp.size);
            append_file(tar, &mut header, path, source)
        }
    }
}

fn append_file<W: Write>(
    tar: &mut tar::Builder<W>,
    header: &mut Header,
    path: &Path,
    source: &FileSource,
) -> Result<()> {
    let refuse =
        |cause: String| Error::Source { path: source.path.clone(), purpose: source.purpose.clone(), cause };
    let unreadable = |fault: io::Error| refuse(format!("cannot be read: {fault}"));
    let changed = || refuse("was changed while it was read; build again when it is at rest".into());
    let file = File::open(&source.path).map_err(unreadable)?;
    let stamp = |file: &File| file.metadata().map(|it| Stamp::of(&it)).map_err(unreadable);
    if stamp(&file)? != source.stamp {
        return Err(changed());
    }
    let mut content = BufReader::with_capacity(128 * 1024, (&file).take(source.stamp.size));
    tar.append_data(header, path, &mut content).map_err(unreadable)?;
    if stamp(&file)? != source.stamp {
        return Err(changed());
    }
    Ok(())
}

/// Hashes what is written, before it is compressed.
struct Hashed<W> {
    inner: W,
    hasher: Hasher,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
