//! The project that a person stands in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Sources};
use lang::{Configuration, DiskFiles, ProjectFiles};

use crate::Fault;
use crate::recording::RecordingFiles;

/// The file that makes a folder a project.
const MAIN: &str = "mainstay.hcl";

/// A project's folder and its valid configuration.
#[derive(Debug)]
pub struct Workspace {
    /// The project's folder.
    pub root: PathBuf,
    /// The texts that warnings point into.
    pub sources: Sources,
    /// What is perhaps not meant.
    pub warnings: Diagnostics,
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) files: Arc<RecordingFiles>,
}

/// How far a configuration is looked at before anything is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    /// Every block is evaluated, for every environment.
    All,
    /// Only what shows without evaluating: for what goes on to evaluate all of it, as planning does, and for what only asks.
    Shape,
}

impl Workspace {
    /// The project in this folder, or in the nearest one upwards from where we are.
    ///
    /// # Errors
    /// If there is none, or its configuration is invalid: then with all of its faults.
    pub fn open(folder: Option<&Path>, checks: Checks) -> Result<Self, Fault> {
        let disk = disk(folder)?;
        let root = disk.root().to_owned();
        let files = Arc::new(RecordingFiles::new(Arc::new(disk)));
        let (configuration, sources, warnings) = load(files.clone(), checks)?;
        Ok(Self { root, sources, warnings, configuration, files })
    }
}

/// The files of the project in this folder, or in the nearest one upwards from where we are.
pub(crate) fn disk(folder: Option<&Path>) -> Result<DiskFiles, Fault> {
    let root = match folder {
        Some(folder) if folder.join(MAIN).is_file() => folder.to_owned(),
        Some(folder) => return Err(no_project(folder)),
        None => {
            let here =
                std::env::current_dir().map_err(|e| Fault::io("the present folder", Path::new("."), &e))?;
            let found = here.ancestors().find(|f| f.join(MAIN).is_file()).map(Path::to_owned);
            found.ok_or_else(|| no_project(&here))?
        }
    };
    let disk =
        DiskFiles::new(&root).map_err(|e| Fault::failed(Diagnostic::error("project", e.to_string())))?;
    Ok(disk.with_home(std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)))
}

/// A configuration from files; its faults if it has any.
pub(crate) fn load(
    files: Arc<RecordingFiles>,
    checks: Checks,
) -> Result<(Arc<Configuration>, Sources, Diagnostics), Fault> {
    let loaded = lang::load(files.as_ref());
    let mut diagnostics = loaded.diagnostics;
    // Where there is one fault all of them are told. What is at fault is left out of the configuration, so that looking further at
    // the rest finds no fault twice.
    if checks == Checks::All || diagnostics.has_errors() {
        diagnostics.extend(lang::validate(&loaded.configuration, files.as_ref()));
    }
    diagnostics.sort();
    if diagnostics.has_errors() {
        return Err(Fault::Configuration { diagnostics, sources: Box::new(loaded.sources) });
    }
    Ok((Arc::new(loaded.configuration), loaded.sources, diagnostics))
}

fn no_project(folder: &Path) -> Fault {
    Fault::Usage(
        Diagnostic::error("no-project", format!("there is no project here: no `{MAIN}`"))
            .about(folder.display().to_string())
            .hint(
                "go to the project's folder, name it with `--project DIR`, or begin one with `mainstay init`",
            )
            .into(),
    )
}
