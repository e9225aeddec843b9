//! A memo of hashes: which `h1:` a package had, as long as its files are the ones that were read.
//!
//! A provider is hundreds of megabytes, and every plan has to know that the installed one is the locked one. A package's hash is
//! kept under what identifies the state of each of its files: device, inode, size, and the times of the last change of content and
//! of inode, in nanoseconds. For us that is as good as a hash: every write to a file moves its time of inode change (ctime), which no
//! call sets to a value of one's choice, so that whoever can change a file unseen can change the clock or the disk beneath the file
//! system, and this program as well. The one gap is a write in the same tick of the clock in which the file was read; files that
//! young are not remembered. Who can write the memo can write the lock file and the installation, too: it lies in the same user's
//! folders.
//!
//! A memo that is missing, damaged or cannot be written costs a second hash, and nothing else.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::hash;
use crate::manifest::write_whole;

/// Longer than a tick of any kernel's clock, which is at most 10 ms.
const TICK: Duration = Duration::from_millis(50);
/// Where times are whole seconds: longer than one, with some room for a server's clock.
const COARSE_TICK: Duration = Duration::from_secs(3);

/// Where hashes are remembered.
#[derive(Debug, Clone)]
pub(crate) struct Memo {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    /// The package's folder, for people who look.
    package: PathBuf,
    files: Vec<Stamp>,
    h1: String,
}

/// The state of a file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    name: String,
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
    inode_changed: (i64, i64),
}

impl Memo {
    /// In the user's cache if there is one, so that stacks that share a package share its hash; else in a stack's data folder.
    pub fn new<'a>(variable: impl Fn(&str) -> Option<&'a str>, data: &Path) -> Self {
        let cache = variable("XDG_CACHE_HOME").map(PathBuf::from).filter(|it| it.is_absolute());
        let home = || variable("HOME").map(|home| Path::new(home).join(".cache"));
        let cache = cache.or_else(home).map(|cache| cache.join("mainstay"));
        Self { folder: cache.unwrap_or_else(|| data.to_owned()).join("provider-hashes") }
    }

    /// `h1:` of an unpacked package: remembered, or worked out and remembered.
    pub fn hash(&self, package: &Path) -> io::Result<String> {
        let package = fs::canonicalize(package)?;
        let file = self.file(&package);
        let mut before = stamps(&package)?;
        if let Some(known) = read(&file)
            && known.files == before
        {
            return Ok(known.h1);
        }
        // What has just been unpacked is almost old enough to be remembered.
        if let Some(wait) = until_settled(&before)
            && wait <= TICK
        {
            std::thread::sleep(wait);
            before = stamps(&package)?;
        }
        let is_settled = until_settled(&before).is_none();
        let h1 = hash::of_folder(&package)?;
        if is_settled && stamps(&package)? == before {
            self.remember(&file, &Remembered { package, files: before, h1: h1.clone() });
        }
        Ok(h1)
    }

    /// A package has another place now, and the same files.
    pub fn moved(&self, from: &Path, to: &Path) {
        let (Some(known), Ok(package)) = (read(&self.file(from)), fs::canonicalize(to)) else { return };
        self.remember(&self.file(&package), &Remembered { package: package.clone(), ..known });
        // One that stays is never looked at again.
        let _ = fs::remove_file(self.file(from));
    }

    fn file(&self, package: &Path) -> PathBuf {
        self.folder.join(format!("{}.json", key(package)))
    }

    fn remember(&self, file: &Path, remembered: &Remembered) {
        let Ok(text) = serde_json::to_string(remembered) else { return };
        // Without a memo everything works, only slower: a folder that cannot be written is no fault.
        if fs::create_dir_all(&self.folder).is_ok()
            && let Err(error) = write_whole(file, &text)
        {
            tracing::debug!("the hash of a provider is not remembered: {error}");
        }
    }
}

fn key(package: &Path) -> String {
    hex::encode(Sha256::digest(package.as_os_str().as_encoded_bytes()))
}

fn read(file: &Path) -> Option<Remembered> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

fn stamps(package: &Path) -> io::Result<Vec<Stamp>> {
    hash::files(package)?
        .into_iter()
        .map(|(name, path)| {
            // Through links, as the hash goes.
            let found = fs::metadata(path)?;
            Ok(Stamp {
                name,
                device: found.dev(),
                inode: found.ino(),
                size: found.size(),
                changed: (found.mtime(), found.mtime_nsec()),
                inode_changed: (found.ctime(), found.ctime_nsec()),
            })
        })
        .collect()
}

/// How long until a write would be seen in the files' times; `None` if it would be by now.
fn until_settled(files: &[Stamp]) -> Option<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let of_file = |stamp: &Stamp| {
        let (seconds, nanoseconds) = stamp.inode_changed;
        let tick = if nanoseconds == 0 { COARSE_TICK } else { TICK };
        let changed = Duration::new(u64::try_from(seconds).ok()?, u32::try_from(nanoseconds).ok()?);
        (changed + tick).checked_sub(now).filter(|left| !left.is_zero())
    };
    files.iter().filter_map(of_file).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_remembered_until_a_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("package");
        fs::create_dir(&package).unwrap();
        fs::write(package.join("terraform-provider-x"), "one").unwrap();
        let memo = Memo { folder: folder.path().join("memo") };
        let first = memo.hash(&package).unwrap();
        assert_eq!(first, hash::of_folder(&package).unwrap());
        let file = fs::read_dir(folder.path().join("memo")).unwrap().next().unwrap().unwrap().path();
        // The memo is believed: a word of ours in it is what is answered.
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replace(&first, "h1:remembered")).unwrap();
        assert_eq!(memo.hash(&package).unwrap(), "h1:remembered");
        // The same size and the same time of change, and still another file.
        let time = fs::metadata(package.join("terraform-provider-x")).unwrap().modified().unwrap();
        fs::write(package.join("terraform-provider-x"), "two").unwrap();
        let file = File::options().write(true).open(package.join("terraform-provider-x")).unwrap();
        file.set_modified(time).unwrap();
        assert_eq!(memo.hash(&package).unwrap(), hash::of_folder(&package).unwrap());
    }

    use std::fs::File;
}
