//! The folder that a case runs in, and the files that are put into it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use super::selection;

/// A folder `case` in a temporary one.
pub struct Folder {
    above: tempfile::TempDir,
}

impl Folder {
    pub fn new() -> Self {
        let mut above = tempfile::Builder::new().prefix("replay-").tempdir().expect("a temporary folder");
        above.disable_cleanup(selection::keeps_folders());
        fs::create_dir(above.path().join("case")).expect("a folder");
        Self { above }
    }

    /// The temporary folder: a home, and what the commands said.
    pub fn above(&self) -> &Path {
        self.above.path()
    }

    pub fn path(&self) -> PathBuf {
        self.above().join("case")
    }

    /// Puts the files of a folder over those that are there; names in `but` are left out, and so is what `fmt` was recorded to say.
    pub fn put(&self, from: &Path, but: &[&str]) {
        put(from, &self.path(), but);
    }

    /// Writes down an answer as it is compared, where the folder is kept.
    pub fn note(&self, name: &str, record: &Map<String, Json>) {
        if selection::keeps_folders() {
            let text = serde_json::to_string_pretty(record).expect("JSON");
            fs::write(self.above().join(name), text).expect("a file");
        }
    }

    /// Deletes a file, or a folder and all that is in it.
    pub fn remove(&self, name: &str) {
        let target = self.path().join(name);
        let done = if target.is_dir() { fs::remove_dir_all(&target) } else { fs::remove_file(&target) };
        done.unwrap_or_else(|e| panic!("{}: {e}", target.display()));
    }
}

fn put(from: &Path, to: &Path, but: &[&str]) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if but.contains(&name.as_str()) || name.ends_with(".fmt") {
            continue;
        }
        let target = to.join(&name);
        if path.is_dir() {
            put(&path, &target, but);
        } else {
            fs::copy(&path, &target).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
    }
}
