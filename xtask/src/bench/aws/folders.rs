//! Copies of folders. A symbolic link is copied as one: the example has one, and a provider in `.terraform` is one.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::house;

/// Copies what git knows or would know of a folder in the repository: nothing that somebody's own commands left there.
pub fn copy_listed(repository: &Path, folder: &str, to: &Path) -> Result<()> {
    let files = house::files("")?;
    let mut copied = 0;
    for file in files.iter().filter_map(|file| file.strip_prefix(folder).ok()) {
        copy_one(&repository.join(folder).join(file), &to.join(file))?;
        copied += 1;
    }
    if copied == 0 {
        bail!("there is no file in {folder}");
    }
    Ok(())
}

/// Copies everything in a folder.
pub fn copy_whole(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        // That of a link is that of the link itself.
        if entry.file_type()?.is_dir() {
            copy_whole(&entry.path(), &to)?;
        } else {
            copy_one(&entry.path(), &to)?;
        }
    }
    Ok(())
}

fn copy_one(from: &Path, to: &Path) -> Result<()> {
    let context = || format!("{} could not be copied to {}", from.display(), to.display());
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(context)?;
    }
    if from.is_symlink() {
        return symlink(fs::read_link(from)?, to).with_context(context);
    }
    fs::copy(from, to).map(drop).with_context(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_example_has_its_links_and_nothing_that_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let (listed, whole) = (folder.path().join("listed"), folder.path().join("whole"));
        copy_listed(&house::root(), "examples/aws", &listed).unwrap();
        assert!(!listed.join("terraform/.terraform").exists());
        copy_whole(&listed, &whole).unwrap();
        for copy in [&listed, &whole] {
            assert!(copy.join("stacks/network/main.tf").is_file());
            let link = copy.join("terraform/settings.tf");
            assert!(link.is_symlink() && link.is_file());
        }
    }
}
