//! Archives into a folder. Nothing is written outside of it, whatever the archive says: paths are checked part by part, links are
//! made after everything else and then checked, and what is neither file, folder nor link is refused.
//!
//! Owners, times and rights other than "may be executed" are not taken over.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::fetch::links;
use crate::settings::Limits;
use crate::source::ArchiveKind;

/// A decoder of xz may need as much as the largest preset's dictionary, and no more.
const XZ_MEMORY_KIB_MAX: u32 = 128 << 10;
/// A link's target is a path.
const LINK_BYTES_MAX: u64 = 4096;

/// Unpacks a whole archive into an empty folder. `name` is what messages call it.
pub(crate) fn unpack(
    mut file: File,
    kind: ArchiveKind,
    name: &str,
    folder: &Path,
    limits: Limits,
) -> Result<()> {
    let damaged = |e| Error::Archive(name.to_owned(), e);
    file.rewind().map_err(damaged)?;
    let mut target =
        Target { folder, name, limits, bytes: 0, entries: 0, links: Vec::new(), copies: Vec::new() };
    let reader = BufReader::with_capacity(1 << 16, file);
    match kind {
        ArchiveKind::Zip => zip(reader, &mut target)?,
        ArchiveKind::Tar => tar(reader, &mut target)?,
        ArchiveKind::TarGzip => tar(flate2::bufread::MultiGzDecoder::new(reader), &mut target)?,
        ArchiveKind::TarBzip2 => tar(bzip2::bufread::MultiBzDecoder::new(reader), &mut target)?,
        ArchiveKind::TarXz => {
            tar(lzma_rust2::XzReader::new_mem_limit(reader, true, XZ_MEMORY_KIB_MAX), &mut target)?;
        }
        ArchiveKind::TarZstd => {
            tar(zstd::stream::read::Decoder::with_buffer(reader).map_err(damaged)?, &mut target)?;
        }
    }
    target.finish()
}

/// The folder that is written into, and what is still to be done.
struct Target<'a> {
    folder: &'a Path,
    name: &'a str,
    limits: Limits,
    bytes: u64,
    entries: u64,
    /// Path and target. While files are written there is no link that a path could lead through.
    links: Vec<(PathBuf, PathBuf)>,
    /// Path, and the file that it is the same as.
    copies: Vec<(PathBuf, PathBuf)>,
}

impl Target<'_> {
    fn damaged(&self, error: io::Error) -> Error {
        Error::Archive(self.name.to_owned(), error)
    }

    fn count(&mut self) -> Result<()> {
        self.entries += 1;
        if self.entries > self.limits.entries_max {
            let limit = format!("{} files", self.limits.entries_max);
            return Err(Error::TooLarge { what: self.name.to_owned(), limit });
        }
        Ok(())
    }

    /// The place of an entry; `None` for the folder itself.
    fn place(&self, path: &Path) -> Result<Option<PathBuf>> {
        let mut place = PathBuf::new();
        for part in path.components() {
            match part {
                Component::Normal(part) => place.push(part),
                Component::CurDir => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                    let path = path.display();
                    return Err(Error::Forbidden(format!("a path that leads out of it, `{path}`")));
                }
            }
        }
        Ok((!place.as_os_str().is_empty()).then(|| self.folder.join(place)))
    }

    fn folder(&mut self, path: &Path) -> Result<()> {
        match self.place(path)? {
            Some(place) => fs::create_dir_all(&place).map_err(Error::io("making", place)),
            None => Ok(()),
        }
    }

    fn file(&mut self, path: &Path, executable: bool, content: &mut impl Read) -> Result<()> {
        let Some(place) = self.place(path)? else { return Ok(()) };
        make_parent(&place)?;
        // An archive may hold a name twice; the later one counts, and never writes through anything.
        match fs::remove_file(&place) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(Error::io("replacing", place)(e)),
            _ => {}
        }
        let mut file = File::create_new(&place).map_err(Error::io("writing", &place))?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = content.read(&mut buffer).map_err(|e| self.damaged(e))?;
            if read == 0 {
                break;
            }
            self.bytes += read as u64;
            if self.bytes > self.limits.unpacked_bytes_max {
                let limit = format!("{} bytes", self.limits.unpacked_bytes_max);
                return Err(Error::TooLarge { what: format!("what is in {}", self.name), limit });
            }
            file.write_all(&buffer[..read]).map_err(Error::io("writing", &place))?;
        }
        if executable {
            set_executable(&file).map_err(Error::io("writing", &place))?;
        }
        Ok(())
    }

    fn link(&mut self, path: &Path, target: PathBuf) -> Result<()> {
        if let Some(place) = self.place(path)? {
            self.links.push((place, target));
        }
        Ok(())
    }

    fn copy(&mut self, path: &Path, original: &Path) -> Result<()> {
        if let (Some(place), Some(original)) = (self.place(path)?, self.place(original)?) {
            self.copies.push((place, original));
        }
        Ok(())
    }

    /// Makes what had to wait, and checks the links.
    fn finish(mut self) -> Result<()> {
        for (place, original) in std::mem::take(&mut self.copies) {
            let size = fs::metadata(&original).map_err(|e| self.damaged(e))?.len();
            self.bytes += size;
            if self.bytes > self.limits.unpacked_bytes_max {
                let limit = format!("{} bytes", self.limits.unpacked_bytes_max);
                return Err(Error::TooLarge { what: format!("what is in {}", self.name), limit });
            }
            make_parent(&place)?;
            fs::copy(&original, &place).map_err(Error::io("writing", &place))?;
        }
        for (place, target) in &self.links {
            make_parent(place)?;
            std::os::unix::fs::symlink(target, place).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => {
                    let inside = place.strip_prefix(self.folder).unwrap_or(place).display();
                    Error::Forbidden(format!("a link where something else is, `{inside}`"))
                }
                _ => Error::io("making", place)(error),
            })?;
            // One that leads out is refused at once, so that the next one's folders are not made through it.
            links::check(self.folder, place)?;
        }
        links::check_all(self.folder)
    }
}

fn make_parent(place: &Path) -> Result<()> {
    match place.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(Error::io("making", parent)),
        None => Ok(()),
    }
}

fn set_executable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode();
    // Whoever may read may execute.
    file.set_permissions(fs::Permissions::from_mode(mode | ((mode & 0o444) >> 2)))
}

fn tar(reader: impl Read, target: &mut Target<'_>) -> Result<()> {
    let mut archive = tar::Archive::new(reader);
    let entries = archive.entries().map_err(|e| target.damaged(e))?;
    for entry in entries {
        let mut entry = entry.map_err(|e| target.damaged(e))?;
        target.count()?;
        let path = entry.path().map_err(|e| target.damaged(e))?.into_owned();
        let link = entry.link_name().map_err(|e| target.damaged(e))?.map(std::borrow::Cow::into_owned);
        let kind = entry.header().entry_type();
        match (kind, link) {
            (tar::EntryType::Directory, _) => target.folder(&path)?,
            (tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse, _) => {
                let executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
                target.file(&path, executable, &mut entry)?;
            }
            (tar::EntryType::Symlink, Some(link)) => target.link(&path, link)?,
            (tar::EntryType::Link, Some(original)) => target.copy(&path, &original)?,
            // Notes of the whole archive, as git writes one with its commit.
            (tar::EntryType::XGlobalHeader, _) => {}
            (kind, _) => {
                let path = path.display();
                return Err(Error::Forbidden(format!("an entry of the kind {:?}, `{path}`", kind)));
            }
        }
    }
    Ok(())
}

fn zip(reader: BufReader<File>, target: &mut Target<'_>) -> Result<()> {
    let damaged = |e: zip::result::ZipError| io::Error::other(e);
    let mut archive = zip::ZipArchive::new(reader).map_err(|e| target.damaged(damaged(e)))?;
    for place in 0..archive.len() {
        target.count()?;
        let mut entry = archive.by_index(place).map_err(|e| target.damaged(damaged(e)))?;
        let name = entry.name().map_err(|e| target.damaged(damaged(e)))?.into_owned();
        let path = PathBuf::from(&name);
        if entry.is_dir() {
            target.folder(&path)?;
        } else if entry.is_symlink() {
            let mut link = String::new();
            entry.by_ref().take(LINK_BYTES_MAX).read_to_string(&mut link).map_err(|e| target.damaged(e))?;
            target.link(&path, PathBuf::from(link))?;
        } else {
            let executable = entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
            target.file(&path, executable, &mut entry)?;
        }
    }
    Ok(())
}
