//! What is in a folder that is to be uploaded.
//!
//! Links are followed, as Terraform does; a link to a folder that it is in is a fault, not a loop. Nothing is opened here.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fault::Fault;

/// Folders and files, parents first; paths relative to the folder, with `/`.
#[derive(Debug, Default)]
pub(crate) struct SourceTree {
    /// Without the folder itself.
    pub(crate) folders: Vec<String>,
    /// Here, and there.
    pub(crate) files: Vec<(PathBuf, String)>,
}

impl SourceTree {
    /// Walks a folder.
    pub(crate) fn of(folder: &Path) -> Result<Self, Fault> {
        let mut tree = Self::default();
        let real = fs::canonicalize(folder).map_err(|error| unreadable(folder, &error.to_string()))?;
        tree.walk(folder, "", &mut vec![real])?;
        Ok(tree)
    }

    fn walk(&mut self, folder: &Path, prefix: &str, above: &mut Vec<PathBuf>) -> Result<(), Fault> {
        let failed = |error: std::io::Error| unreadable(folder, &error.to_string());
        let mut entries =
            fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                return Err(unreadable(&path, "its name is not UTF-8"));
            };
            let there = format!("{prefix}{name}");
            let kind = fs::metadata(&path).map_err(|error| unreadable(&path, &error.to_string()))?;
            if kind.is_file() {
                self.files.push((path, there));
                continue;
            }
            if !kind.is_dir() {
                return Err(unreadable(&path, "it is neither a file nor a folder"));
            }
            let real = fs::canonicalize(&path).map_err(|error| unreadable(&path, &error.to_string()))?;
            if above.contains(&real) {
                return Err(unreadable(&path, "it is a link to a folder that it is in"));
            }
            above.push(real);
            self.folders.push(there.clone());
            self.walk(&path, &format!("{there}/"), above)?;
            above.pop();
        }
        Ok(())
    }
}

fn unreadable(path: &Path, cause: &str) -> Fault {
    Fault::new("source-not-read", format!("{} cannot be uploaded: {cause}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::SourceTree;

    #[test]
    fn links_are_followed_and_empty_folders_kept() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/empty")).unwrap();
        fs::write(folder.path().join("a/one"), "1").unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        let tree = SourceTree::of(folder.path()).unwrap();
        assert_eq!(tree.folders, ["a", "a/empty", "b", "b/empty"]);
        assert_eq!(
            tree.files.iter().map(|(_, there)| there.as_str()).collect::<Vec<_>>(),
            ["a/one", "b/one"]
        );
    }

    #[test]
    fn a_link_to_a_folder_above_and_one_to_nothing_are_faults() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        symlink("..", folder.path().join("a/up")).unwrap();
        let fault = format!("{:?}", SourceTree::of(folder.path()).unwrap_err());
        assert!(fault.contains("it is a link to a folder that it is in"), "{fault}");
        fs::remove_file(folder.path().join("a/up")).unwrap();
        symlink("nowhere", folder.path().join("a/up")).unwrap();
        let fault = format!("{:?}", SourceTree::of(folder.path()).unwrap_err());
        assert!(fault.contains("a/up cannot be uploaded"), "{fault}");
    }
}
