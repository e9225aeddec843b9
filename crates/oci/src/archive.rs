//! Reads a tar as a layer has it: ustar, GNU long names, PAX. It reads from a stream, once, and holds one entry's header.
//!
//! What comes here was made by strangers, so that every length is checked before it is believed. It does not judge names
//! and links (`unpack` does), and refuses sparse files, which no image builder writes.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read};

use tar::{EntryType, Header};

const BLOCK: usize = 512;
/// Long names and extended attributes: the kernel allows 4 KiB for a path and 64 KiB for an attribute.
const EXTENSION_BYTES_MAX: u64 = 1024 * 1024;

/// Why a tar cannot be read on, and where.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The entry at fault, or after which the tar broke off.
    pub(crate) entry: String,
    pub(crate) cause: String,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    HardLink,
    Symlink,
    CharDevice,
    BlockDevice,
    Folder,
    Fifo,
}

/// The header of one entry.
#[derive(Debug)]
pub(crate) struct Entry {
    /// As it stands in the tar.
    pub(crate) name: Vec<u8>,
    pub(crate) kind: Kind,
    /// Permission bits, with setuid, setgid and sticky.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Unix seconds.
    pub(crate) mtime: u64,
    /// Bytes of content; 0 for all but files.
    pub(crate) size: u64,
    /// Target of a link, as it stands in the tar.
    pub(crate) link: Vec<u8>,
    /// Major and minor number of a device.
    pub(crate) device: (u32, u32),
    pub(crate) xattrs: BTreeMap<String, Vec<u8>>,
}

impl Entry {
    pub(crate) fn shown(&self) -> String {
        shown(&self.name)
    }
}

pub(crate) fn shown(name: &[u8]) -> String {
    /// Enough to find the entry by; a hostile name may have a megabyte.
    const CHARS_MAX: usize = 200;
    String::from_utf8_lossy(name).chars().take(CHARS_MAX).collect()
}

/// A tar that is being read.
pub(crate) struct Archive<R> {
    inner: R,
    /// Content of the current entry that has not been read.
    content: u64,
    /// Zeros after it, up to the next block.
    padding: u64,
    /// The current entry, for messages.
    at: String,
}

/// What extension headers said about the entry after them.
#[derive(Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    pax: BTreeMap<String, Vec<u8>>,
}

impl<R: Read> Archive<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, content: 0, padding: 0, at: "the first entry".into() }
    }

    pub(crate) fn into_inner(self) -> R {
        self.inner
    }

    /// The next entry, or none at the end. What was not read of the last one's content is skipped.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, Fault> {
        let mut extensions = Extensions::default();
        loop {
            let rest = self.content + self.padding;
            self.skip(rest)?;
            let Some(header) = self.header()? else { return Ok(None) };
            let size = header.entry_size().map_err(|fault| self.fault(format!("its size: {fault}")))?;
            match header.entry_type() {
                EntryType::GNULongName => extensions.name = Some(until_nul(self.extension(size)?)),
                EntryType::GNULongLink => extensions.link = Some(until_nul(self.extension(size)?)),
                EntryType::XHeader => {
                    let bytes = self.extension(size)?;
                    extensions.pax = pax(&bytes).ok_or_else(|| self.fault("its PAX header is malformed"))?;
                }
                // It holds for all entries after it; those that images have are comments.
                EntryType::XGlobalHeader => drop(self.extension(size)?),
                _ => return self.entry(&header, size, extensions).map(Some),
            }
        }
    }

    fn entry(&mut self, header: &Header, size: u64, mut extensions: Extensions) -> Result<Entry, Fault> {
        let mut pax = std::mem::take(&mut extensions.pax);
        let name = pax.remove("path").or(extensions.name).unwrap_or_else(|| header.path_bytes().into_owned());
        self.at = shown(&name);
        let kind = match header.entry_type() {
            EntryType::Regular | EntryType::Continuous if name.ends_with(b"/") => Kind::Folder,
            EntryType::Regular | EntryType::Continuous => Kind::File,
            EntryType::Link => Kind::HardLink,
            EntryType::Symlink => Kind::Symlink,
            EntryType::Char => Kind::CharDevice,
            EntryType::Block => Kind::BlockDevice,
            EntryType::Directory => Kind::Folder,
            EntryType::Fifo => Kind::Fifo,
            EntryType::GNUSparse => return Err(self.fault("it is a sparse file, which is not supported")),
            other => {
                return Err(self.fault(format!("its type {:?} is not known", char::from(other.as_byte()))));
            }
        };
        if pax.keys().any(|key| key.starts_with("GNU.sparse.")) {
            return Err(self.fault("it is a sparse file, which is not supported"));
        }
        let number = |key: &str, from_header: io::Result<u64>| match pax.get(key) {
            Some(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            None => from_header.ok(),
        };
        let size = number("size", Ok(size)).ok_or_else(|| self.fault("its PAX size is not a number"))?;
        let owner = |key, from_header| {
            let id = number(key, from_header).and_then(|id| u32::try_from(id).ok());
            id.ok_or_else(|| self.fault(format!("its {key} is not a number of 32 bits")))
        };
        let (uid, gid) = (owner("uid", header.uid())?, owner("gid", header.gid())?);
        // A fraction of a second is dropped, and a time before 1970 becomes 1970.
        let mtime = match pax.get("mtime").and_then(|text| std::str::from_utf8(text).ok()) {
            Some(text) => text.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0),
            None => header.mtime().unwrap_or(0),
        };
        let mode = header.mode().map_err(|fault| self.fault(format!("its mode: {fault}")))? & 0o7777;
        let link = pax.remove("linkpath").or(extensions.link);
        let link = link.or_else(|| header.link_name_bytes().map(|it| it.into_owned())).unwrap_or_default();
        let device = match kind {
            Kind::CharDevice | Kind::BlockDevice => {
                let part = |it: io::Result<Option<u32>>| it.ok().flatten();
                part(header.device_major())
                    .zip(part(header.device_minor()))
                    .ok_or_else(|| self.fault("its device number is malformed"))?
            }
            _ => (0, 0),
        };
        const XATTR: &str = "SCHILY.xattr.";
        let xattrs = pax
            .into_iter()
            .filter_map(|(key, value)| key.strip_prefix(XATTR).map(|name| (name.to_owned(), value)))
            .collect();
        // Only files have content. A size that stands at anything else is a leftover of some writers for hard links.
        let size = if kind == Kind::File { size } else { 0 };
        self.expect(size);
        Ok(Entry { name, kind, mode, uid, gid, mtime, size, link, device, xattrs })
    }

    fn header(&mut self) -> Result<Option<Header>, Fault> {
        let mut header = Header::new_old();
        let mut filled = 0;
        while filled < BLOCK {
            match self.inner.read(&mut header.as_mut_bytes()[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(self.fault("the tar ends inside the header after it")),
                Ok(count) => filled += count,
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(fault) => return Err(self.broken(&fault)),
            }
        }
        let bytes = header.as_bytes();
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        // The checksum is made as if its own field, bytes 148 to 155, were blanks.
        let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
        let expected = sum(&bytes[..148]) + 8 * u32::from(b' ') + sum(&bytes[156..]);
        if header.cksum().ok() != Some(expected) {
            return Err(self.fault("the header after it has a wrong checksum; it is not a tar, or damaged"));
        }
        Ok(Some(header))
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, Fault> {
        if size > EXTENSION_BYTES_MAX {
            return Err(self.fault(format!("the extension header after it claims {size} bytes")));
        }
        self.expect(size);
        let mut bytes = Vec::new();
        // `self` is a reader of exactly the content that was announced.
        self.read_to_end(&mut bytes).map_err(|fault| self.broken(&fault))?;
        Ok(bytes)
    }

    fn expect(&mut self, size: u64) {
        self.content = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    fn skip(&mut self, count: u64) -> Result<(), Fault> {
        let skipped = io::copy(&mut (&mut self.inner).take(count), &mut io::sink());
        let skipped = skipped.map_err(|fault| self.broken(&fault))?;
        if skipped < count {
            return Err(self.fault("the tar ends inside its content"));
        }
        (self.content, self.padding) = (0, 0);
        Ok(())
    }

    fn fault(&self, cause: impl Into<String>) -> Fault {
        Fault { entry: self.at.clone(), cause: cause.into() }
    }

    fn broken(&self, fault: &io::Error) -> Fault {
        self.fault(format!("the layer cannot be read on: {fault}"))
    }
}

/// Reads the content of the current entry. An end before that of the content is a fault.
impl<R: Read> Read for Archive<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(usize::try_from(self.content).unwrap_or(usize::MAX));
        if count == 0 {
            return Ok(0);
        }
        let count = self.inner.read(&mut buffer[..count])?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the tar ends inside its content"));
        }
        self.content -= count as u64;
        Ok(count)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.entry, self.cause)
    }
}

fn until_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.truncate(end);
    bytes
}

/// The records of a PAX header, `<length> <key>=<value>\n`. Values are bytes and may hold line ends, so that only the
/// length says where one stops.
fn pax(mut bytes: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut records = BTreeMap::new();
    while !bytes.is_empty() {
        let blank = bytes.iter().position(|byte| *byte == b' ')?;
        let length: usize = std::str::from_utf8(&bytes[..blank]).ok()?.parse().ok()?;
        let record = bytes.get(blank + 1..length)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|byte| *byte == b'=')?;
        let key = std::str::from_utf8(&record[..equals]).ok()?;
        // An empty value takes back what a global header said; there is none.
        if equals + 1 < record.len() {
            records.insert(key.to_owned(), record[equals + 1..].to_vec());
        }
        bytes = &bytes[length..];
    }
    Some(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pax_record_is_as_long_as_it_says_whatever_is_in_it() {
        let records = pax(b"10 path=a\n16 k=line\n4 b=c\n").unwrap();
        assert_eq!(records["path"], b"a");
        assert_eq!(records["k"], b"line\n4 b=c");
        for bad in ["10 path=ab\n", "99 path=a\n", "path=a\n", "0 a=b\n", "5 abc\n", "-1 a=b\n"] {
            assert!(pax(bad.as_bytes()).is_none(), "{bad:?} was taken");
        }
    }
}
