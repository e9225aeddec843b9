//! The folder of a stack: where its files, its settings and its chosen workspace are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::Diagnostic;
use engine::EnvironmentName;
use lang::DiskFiles;

use crate::recording::RecordingFiles;
use crate::{Fault, Wiring};

/// The workspace that every stack has.
pub(super) const DEFAULT_WORKSPACE: &str = "default";

/// A folder with Terraform's configuration. Nothing in it has been read yet.
#[derive(Debug, Clone)]
pub struct StackFolder {
    /// The folder, absolute.
    pub root: PathBuf,
    /// Where modules and settings are kept: `.terraform`, unless `TF_DATA_DIR` says otherwise.
    pub data: PathBuf,
    /// What the composition root hands in.
    pub wiring: Wiring,
}

impl StackFolder {
    /// A folder.
    ///
    /// # Errors
    /// If it is not there.
    pub fn new(root: &Path, wiring: Wiring) -> Result<Self, Fault> {
        let root =
            root.canonicalize().map_err(|error| Fault::io("the folder cannot be used", root, &error))?;
        if !root.is_dir() {
            let fault =
                Diagnostic::error("no-folder", "this is not a folder").about(root.display().to_string());
            return Err(Fault::Usage(fault.into()));
        }
        let named = wiring.variables.get("TF_DATA_DIR").filter(|named| !named.is_empty());
        let data = root.join(named.map_or(".terraform", String::as_str));
        Ok(Self { root, data, wiring })
    }

    /// Its files, read as Terraform reads them: also outside of the folder.
    ///
    /// # Errors
    /// If the folder cannot be opened.
    pub(crate) fn files(&self) -> Result<Arc<RecordingFiles>, Fault> {
        let disk = DiskFiles::unconfined(&self.root)
            .map_err(|error| Fault::failed(Diagnostic::error("folder", error.to_string())))?;
        let home = self.wiring.variables.get("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        Ok(Arc::new(RecordingFiles::new(Arc::new(disk.with_home(home)))))
    }

    /// The chosen workspace: by `TF_WORKSPACE`, or by what `workspace select` wrote down.
    #[must_use]
    pub fn workspace(&self) -> EnvironmentName {
        let named = self.wiring.variables.get("TF_WORKSPACE").filter(|named| !named.is_empty()).cloned();
        let chosen = named.or_else(|| {
            let text = std::fs::read_to_string(self.data.join("environment")).ok()?;
            Some(text.trim().to_owned()).filter(|name| !name.is_empty())
        });
        EnvironmentName::new(chosen.unwrap_or_else(|| DEFAULT_WORKSPACE.to_owned()))
    }

    /// Chooses a workspace for the runs to come.
    ///
    /// # Errors
    /// If it cannot be written down.
    pub fn choose_workspace(&self, name: &EnvironmentName) -> Result<(), Fault> {
        let file = self.data.join("environment");
        std::fs::create_dir_all(&self.data)
            .and_then(|()| std::fs::write(&file, name.as_str()))
            .map_err(|error| Fault::io("the choice of a workspace could not be written", &file, &error))
    }
}
