//! A layer's blob as a tar: decompressed by what its first bytes say, with blob digest and diff id checked at the end.
//!
//! What is read before the end is not checked yet. Whoever unpacks keeps it aside until [`LayerStream::finish`] has said
//! that it is what it should be.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use crate::archive::{Archive, Entry, Fault};
use crate::layout::VerifiedReader;
use crate::{Descriptor, Digest, Error, Layout, Limits, Result};

const BUFFER_BYTES: usize = 128 * 1024;

type Compressed = BufReader<VerifiedReader<File>>;

/// A layer that is being read.
pub(crate) struct LayerStream {
    layer: Descriptor,
    archive: Archive<VerifiedReader<Bounded>>,
}

impl LayerStream {
    pub(crate) fn open(layout: &Layout, layer: &Descriptor, limits: &Limits) -> Result<Self> {
        let wrong = |cause| Error::WrongBlob { promised: layer.digest, cause };
        let (found, promised) = (layout.blob_size(&layer.digest)?, layer.size);
        if found != promised {
            return Err(wrong(format!("there are {found} of {promised}")));
        }
        let file = layout.open_blob(&layer.digest)?;
        let compressed = BufReader::with_capacity(BUFFER_BYTES, VerifiedReader::new(file));
        let content = Content::new(compressed).map_err(|fault| wrong(fault.to_string()))?;
        // Beside the content that is allowed, a header and a long name for each entry that is allowed.
        let left = limits.bytes.saturating_add(limits.entries.saturating_mul(4096));
        let archive = Archive::new(VerifiedReader::new(Bounded { content, left }));
        Ok(Self { layer: layer.clone(), archive })
    }

    /// The next entry; none at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>> {
        let layer = self.layer.digest;
        self.archive.next().map_err(|Fault { entry, cause }| Error::Layer { layer, entry, cause })
    }

    /// Reads what is left, and checks the digest of the blob and, if one is given, that of its content.
    pub(crate) fn finish(self, diff_id: Option<&Digest>) -> Result<()> {
        let layer = self.layer.digest;
        let broken = |fault: io::Error| Error::Layer {
            layer,
            entry: "the end".into(),
            cause: format!("the layer cannot be read on: {fault}"),
        };
        let mut content = self.archive.into_inner();
        io::copy(&mut content, &mut io::sink()).map_err(broken)?;
        let (found, compressed) = content.into_parts();
        let (blob, size) = compressed.content.into_inner().into_inner().finish().map_err(broken)?;
        let wrong = |cause| Err(Error::WrongBlob { promised: layer, cause });
        if blob != layer || size != self.layer.size {
            return wrong(format!("they are {size}, and their digest is {blob}"));
        }
        match diff_id {
            Some(promised) if *promised != found => {
                wrong(format!("their content should have the diff id {promised}, and has {found}"))
            }
            _ => Ok(()),
        }
    }
}

/// Reads the content of the current entry.
impl Read for LayerStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.archive.read(buffer)
    }
}

/// What a blob holds.
enum Content {
    Gzip(flate2::bufread::MultiGzDecoder<Compressed>),
    Zstd(zstd::stream::read::Decoder<'static, Compressed>),
    Plain(Compressed),
}

impl Content {
    fn new(mut compressed: Compressed) -> io::Result<Self> {
        let start = compressed.fill_buf()?;
        Ok(if start.starts_with(&[0x1f, 0x8b]) {
            Self::Gzip(flate2::bufread::MultiGzDecoder::new(compressed))
        } else if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Self::Zstd(zstd::stream::read::Decoder::with_buffer(compressed)?)
        } else {
            Self::Plain(compressed)
        })
    }

    fn into_inner(self) -> Compressed {
        match self {
            Self::Gzip(it) => it.into_inner(),
            Self::Zstd(it) => it.finish(),
            Self::Plain(it) => it,
        }
    }
}

/// Ends a layer that goes on for longer than any layer within the limits could: a few kilobytes can stand for terabytes.
struct Bounded {
    content: Content,
    left: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.content {
            Content::Gzip(it) => it.read(buffer),
            Content::Zstd(it) => it.read(buffer),
            Content::Plain(it) => it.read(buffer),
        }?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other("its uncompressed size is beyond what the limits allow"))?;
        Ok(count)
    }
}
