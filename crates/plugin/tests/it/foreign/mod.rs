//! Providers that others' frameworks make. What they are made of is installed once, in a folder of the user's cache.

mod python;
mod rust;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder in the user's cache, ours alone until this is dropped.
struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// The folder of a name, which says the version of what is in it.
    fn of(name: &str) -> Option<Self> {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
        let Some(cache) = cache.map(|cache| cache.join("mainstay")) else {
            println!("skipped: there is no cache folder for {name}");
            return None;
        };
        fs::create_dir_all(&cache).unwrap();
        let lock = File::create(cache.join(format!("{name}.lock"))).unwrap();
        lock.lock().unwrap();
        Some(Self { path: cache.join(name), _lock: lock })
    }

    /// Whether everything was installed; what was begun and not finished is begun anew.
    fn is_whole(&self) -> bool {
        self.path.join("whole").exists()
    }

    fn finish(&self) {
        fs::write(self.path.join("whole"), "").unwrap();
    }
}

/// Whether a command could be run and succeeded.
fn ran(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// Processes whose command line names the folder.
fn children(folder: &Path) -> Vec<u32> {
    let folder = folder.display().to_string();
    let each = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let command = fs::read(entry.path().join("cmdline")).ok()?;
        String::from_utf8_lossy(&command).contains(&folder).then_some(pid)
    });
    each.collect()
}
