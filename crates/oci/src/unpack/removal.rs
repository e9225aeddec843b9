//! Removals: what a layer takes away from the layers below it. They are about lower layers only, whether they come before
//! or after what the same layer puts there.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::sys::stat::{Mode, SFlag, makedev, mknodat};
use xattr::FileExt as _;

use super::WhiteoutForm;
use super::apply::{Applier, Refusal};
use super::beneath::{Found, Step, look, make};

const OPAQUE: &str = "trusted.overlay.opaque";

impl Applier {
    /// Removes what lower layers have at a path.
    pub(super) fn remove_lower(&mut self, path: &Path) -> Result<(), Refusal> {
        if self.own.contains(path) {
            // The layer puts something else in the place of what it removes; only what lies below can be the lower's.
            return match self.root.folder(path, false)? {
                Step::Folder(_) => self.make_opaque(path),
                Step::Blocked(..) => Ok(()),
            };
        }
        let name = path.file_name().unwrap_or_default().to_owned();
        match self.form {
            WhiteoutForm::Apply => match self.root.folder(path.parent().unwrap_or(Path::new("")), false)? {
                Step::Folder(parent) => self.remove_not_own(&parent, &name, path),
                // What is not there needs no removing, and what a link leads to is not what was meant.
                Step::Blocked(..) => Ok(()),
            },
            WhiteoutForm::Overlay => {
                let parent = self.parent(path)?;
                match look(&parent, &name)? {
                    Found::Nothing => {
                        mknodat(&parent, name.as_os_str(), SFlag::S_IFCHR, Mode::empty(), makedev(0, 0))?;
                        Ok(())
                    }
                    // A folder that no entry made but one below it.
                    Found::Folder => self.make_opaque(path),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Removes what lower layers have in a folder.
    pub(super) fn make_opaque(&mut self, path: &Path) -> Result<(), Refusal> {
        match self.form {
            WhiteoutForm::Overlay => mark_opaque(self.folder(path)?),
            WhiteoutForm::Apply => match self.root.folder(path, false)? {
                Step::Blocked(..) => Ok(()),
                Step::Folder(folder) => {
                    for name in self.root.names(path)? {
                        self.remove_not_own(&folder, &name, &path.join(&name))?;
                    }
                    Ok(())
                }
            },
        }
    }

    /// Removes what lower layers have put at a name and below, and leaves what this one has.
    fn remove_not_own(&mut self, parent: &OwnedFd, name: &OsStr, path: &Path) -> Result<(), Refusal> {
        let is_folder = look(parent, name)? == Found::Folder;
        let own_at_or_below = self.own.range(path.to_owned()..).next().is_some_and(|it| it.starts_with(path));
        match (own_at_or_below, is_folder) {
            (true, true) => self.make_opaque(path),
            (true, false) => Ok(()),
            (false, _) => self.clear(parent, name, path),
        }
    }

    /// A folder where the same layer has removed what lower layers have: nothing of theirs shines through.
    pub(super) fn replace_whiteout(&mut self, path: &Path) -> Result<(), Refusal> {
        let parent = self.parent(path)?;
        let name = path.file_name().unwrap_or_default();
        self.root.remove(&parent, name, path)?;
        mark_opaque(make(&parent, name)?)
    }
}

fn mark_opaque(folder: OwnedFd) -> Result<(), Refusal> {
    let marked = File::from(folder).set_xattr(OPAQUE, b"y");
    marked
        .map_err(|fault| Refusal(format!("its folder cannot be marked as opaque, which needs root: {fault}")))
}
