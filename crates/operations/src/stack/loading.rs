//! From a stack's folder to its tree of modules: with what is installed, or installing what is missing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Sources};
use lang::configuration::{Call, Findings, LoadedTree, ModuleFolders, Tree, load_stack};
use lang::{EntryKind, ProjectFiles};
use packages::{
    CliConfiguration, Completeness, InstalledModules, Installer, ModuleRequest, Place, Places, Progress,
    Settings, Silent,
};

use super::{StackFolder, requirements};
use crate::Fault;
use crate::backend::Backend;
use crate::recording::RecordingFiles;

/// The code of the fault that a module is not there.
const NOT_INSTALLED: &str = "module-not-installed";

/// A stack's configuration.
#[derive(Clone)]
pub struct LoadedStack {
    /// The modules.
    pub tree: Arc<Tree>,
    /// The texts that places point into.
    pub sources: Arc<Sources>,
    /// The files that were read and will be.
    pub files: Arc<RecordingFiles>,
    /// Faults and warnings of the configuration that everybody is told who reads it.
    pub diagnostics: Diagnostics,
    /// Faults of what is named in it: told by who validates it or plans it.
    pub references: Diagnostics,
    /// Faults that only who plans it is told.
    pub planning: Diagnostics,
}

/// How closely a stack is looked at. Each step is taken where the one before it found no errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// At its blocks: whoever needs to know which modules and providers there are.
    Blocks,
    /// At what expressions refer to, too: whoever validates or evaluates.
    References,
    /// At what only a plan is hindered by, too.
    Planning,
}

impl LoadedStack {
    /// What is wrong with it, looked at so closely; the warnings are among it.
    #[must_use]
    pub fn look(&self, look: Look) -> Diagnostics {
        let mut found = self.diagnostics.clone();
        for (step, more) in [(Look::References, &self.references), (Look::Planning, &self.planning)] {
            if look >= step && !found.has_errors() {
                found.extend(more.clone());
            }
        }
        found.sort();
        found
    }

    /// The same as a fault where there are errors, and the warnings otherwise.
    ///
    /// # Errors
    /// If there are errors.
    pub fn checked(&self, look: Look) -> Result<Diagnostics, Fault> {
        let found = self.look(look);
        if found.has_errors() { Err(self.fault(found)) } else { Ok(found) }
    }

    /// Faults with the texts that their places point into.
    #[must_use]
    pub fn fault(&self, diagnostics: Diagnostics) -> Fault {
        Fault::Configuration { diagnostics, sources: Box::new(self.sources.as_ref().clone()) }
    }
}

/// What an installation came to.
pub struct Installed {
    /// The configuration with all of its modules.
    pub stack: LoadedStack,
}

impl StackFolder {
    /// What only who prepares the folder is told: what is wrong with where the state is, and with what providers are required.
    #[must_use]
    pub fn preparation(&self, stack: &LoadedStack, has_backend: bool) -> Diagnostics {
        let mut faults = requirements::of_builtin(&stack.tree);
        let read = || {
            let given = self.settings().map_err(|fault| fault.diagnostics().clone())?;
            Backend::read(stack.tree.root(), stack.files.as_ref(), &given, &self.wiring.variables)
        };
        if has_backend && let Err(found) = read() {
            faults.extend(found);
        }
        faults
    }

    /// Reads the configuration with the modules that are installed. Faults are in what it answers.
    ///
    /// # Errors
    /// If the folder cannot be read at all.
    pub fn load(&self) -> Result<LoadedStack, Fault> {
        let mut folders = Found { installed: None, place: self.place(), goes_on: false };
        self.load_with(&mut folders)
    }

    /// Reads the configuration and installs the modules that are missing, as the settings say.
    ///
    /// # Errors
    /// If the folder cannot be read at all, or what was installed cannot be written down.
    pub async fn install(&self, settings: Settings, progress: Arc<dyn Progress>) -> Result<Installed, Fault> {
        let (cli, told) = CliConfiguration::of_environment(self.wiring.variables.clone());
        if told.has_errors() {
            return Err(Fault::Usage(told));
        }
        let installer =
            Installer::open(self.place(), settings, cli, progress).await.map_err(Fault::Failed)?;
        let mut folders = Installing { installer: &installer };
        let stack = tokio::task::block_in_place(|| self.load_with(&mut folders))?;
        let whole = if stack.diagnostics.has_errors() { Completeness::Part } else { Completeness::Whole };
        installer.finish(whole).map_err(Fault::Failed)?;
        Ok(Installed { stack })
    }

    /// The same of a project: its root with the stacks that it calls, from these files. Modules that are missing are installed.
    ///
    /// # Errors
    /// If the folder cannot be read at all, or what was installed cannot be written down.
    pub(crate) async fn load_project(&self, files: Arc<RecordingFiles>) -> Result<LoadedStack, Fault> {
        let stack = self.load_files(files.clone())?;
        if stack.diagnostics.0.iter().all(|fault| fault.code != NOT_INSTALLED) {
            return Ok(stack);
        }
        let (cli, told) = CliConfiguration::of_environment(self.wiring.variables.clone());
        if told.has_errors() {
            return Err(Fault::Usage(told));
        }
        let settings = Settings::default();
        let installer =
            Installer::open(self.place(), settings, cli, Arc::new(Silent)).await.map_err(Fault::Failed)?;
        let mut folders = Installing { installer: &installer };
        let stack = tokio::task::block_in_place(|| self.load_from(files, &mut folders))?;
        let whole = if stack.diagnostics.has_errors() { Completeness::Part } else { Completeness::Whole };
        installer.finish(whole).map_err(Fault::Failed)?;
        Ok(stack)
    }

    /// Whether there is any configuration in the folder.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn is_configured(&self) -> Result<bool, Fault> {
        let entries = self.files()?.list("").unwrap_or_default();
        let is_configuration = |name: &str| [".tf", ".tf.json", ".hcl"].iter().any(|end| name.ends_with(end));
        Ok(entries.iter().any(|entry| entry.kind == EntryKind::File && is_configuration(&entry.name)))
    }

    /// The same from other files than the folder's.
    pub(super) fn load_files(&self, files: Arc<RecordingFiles>) -> Result<LoadedStack, Fault> {
        self.load_from(files, &mut Found { installed: None, place: self.place(), goes_on: true })
    }

    fn load_with(&self, folders: &mut dyn ModuleFolders) -> Result<LoadedStack, Fault> {
        self.load_from(self.files()?, folders)
    }

    fn load_from(
        &self,
        files: Arc<RecordingFiles>,
        folders: &mut dyn ModuleFolders,
    ) -> Result<LoadedStack, Fault> {
        let LoadedTree { sources, tree, findings } = load_stack(files.as_ref(), folders);
        let Findings { blocks: mut diagnostics, references, planning } = findings;
        diagnostics.extend(requirements::check(&tree));
        diagnostics.sort();
        Ok(LoadedStack {
            tree: Arc::new(tree),
            sources: Arc::new(sources),
            files,
            diagnostics,
            references,
            planning,
        })
    }
}

/// Modules that are installed. What was installed is read when the first module is looked for that is not a local folder.
struct Found {
    installed: Option<InstalledModules>,
    place: Place,
    /// Whether called modules are read where the root module has faults of its own, as Terraform does only while it installs them.
    goes_on: bool,
}

impl ModuleFolders for Found {
    fn folder(&mut self, path: &[Arc<str>], call: &Call, caller: &str) -> Result<Arc<str>, Box<Diagnostic>> {
        let request = request(path, call, caller)?;
        if self.installed.is_none() {
            self.installed = Some(InstalledModules::read(self.place.clone()).map_err(first)?);
        }
        let Some(installed) = &self.installed else { return Err(Box::new(not_installed(call))) };
        let found = installed.find(&request).map_err(first)?;
        Ok(text(&found.folder))
    }

    fn goes_on(&self) -> bool {
        self.goes_on
    }
}

/// Installs each module as it is met.
struct Installing<'a> {
    installer: &'a Installer,
}

impl ModuleFolders for Installing<'_> {
    fn folder(&mut self, path: &[Arc<str>], call: &Call, caller: &str) -> Result<Arc<str>, Box<Diagnostic>> {
        let request = request(path, call, caller)?;
        let installing = self.installer.install(&request);
        let installed = tokio::runtime::Handle::current().block_on(installing).map_err(first)?;
        Ok(text(&installed.folder))
    }
}

fn request(path: &[Arc<str>], call: &Call, caller: &str) -> Result<ModuleRequest, Box<Diagnostic>> {
    let Some((source, at)) = &call.source else { return Err(Box::new(not_installed(call))) };
    let version = call.version.as_ref();
    let places = Places { block: Some(call.header), source: Some(*at), version: version.map(|(_, at)| *at) };
    let caller = if caller.is_empty() { PathBuf::from(".") } else { PathBuf::from(caller) };
    ModuleRequest::parse(path.join("."), source, version.map(|(text, _)| text.as_ref()), caller, places)
        .map_err(first)
}

fn not_installed(call: &Call) -> Diagnostic {
    Diagnostic::error(NOT_INSTALLED, format!("Module not installed: {}", call.name.name))
        .at(call.header)
        .hint("install the modules of this configuration with `init`")
}

/// The first of some faults: a module is reported once.
fn first(faults: Diagnostics) -> Box<Diagnostic> {
    let unknown = || Diagnostic::error("module", "the module cannot be had");
    Box::new(faults.0.into_iter().next().unwrap_or_else(unknown))
}

/// A folder as paths inside a configuration are written.
fn text(folder: &Path) -> Arc<str> {
    let text = folder.to_string_lossy();
    text.strip_prefix("./").unwrap_or(&text).into()
}
