//! Where state is kept: what a `backend` block says, and the store that it means. `terraform { backend "…" {} }` says it for a project
//! as for a folder of Terraform's.

mod given;
mod postgres;
mod settings;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use engine::Store;
use lang::ProjectFiles;
use lang::configuration::Configuration;
use store::{KeyRing, PostgresOptions, S3Backend, S3Store, SqlStore};
use value::Value;

use crate::Fault;
use settings::Settings;

pub use given::GivenSettings;

/// Where a project keeps its state where nothing else is said, from its folder.
pub(crate) const STATE: &str = ".mainstay/state.db";
/// The keys that states are sealed with. They never leave the machine.
const KEYS: &str = ".mainstay/keys";

/// What the block of a backend says.
pub(crate) enum Backend {
    /// SQLite in `.mainstay`.
    Local(LocalBackend),
    /// A bucket.
    S3(Box<S3Backend>),
    /// A schema in a database.
    Postgres {
        /// Ours.
        options: PostgresOptions,
        /// The schema that Terraform keeps its states in.
        terraform_schema: String,
    },
}

/// Where Terraform keeps its states in files.
#[derive(Default)]
pub(crate) struct LocalBackend {
    /// The file of the workspace `default`.
    pub path: Option<String>,
    /// The folder of the other workspaces.
    pub workspaces: Option<String>,
}

impl Default for Backend {
    fn default() -> Self {
        Self::Local(LocalBackend::default())
    }
}

impl Backend {
    /// Reads the block of a root module. `given`: settings that count more than its own; `variables`: the process's environment, for
    /// what may be left out of it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(
        root: Option<&Configuration>,
        files: &dyn ProjectFiles,
        given: &GivenSettings,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, Diagnostics> {
        let Some(block) = root.and_then(|root| root.settings.backend.as_ref()) else {
            return Ok(Self::default());
        };
        let kind = block.labels.first().map_or(block.kind.name.as_ref(), |label| label.name.as_ref());
        let mut settings = Settings::of_block(kind, block, files)?;
        settings.extend(given);
        match Self::of_settings(settings, variables)? {
            Some(backend) => Ok(backend),
            None => Err(Diagnostic::error("backend", format!("the backend \"{kind}\" is not supported"))
                .at(block.header())
                .hint("there are \"local\" (the default), \"s3\" and \"pg\"")
                .into()),
        }
    }

    /// The backend of a kind with these settings, as `terraform_remote_state` has them; `None`: there is no such kind.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn of_config(
        kind: &str,
        config: &Value,
        variables: &BTreeMap<String, String>,
    ) -> Result<Option<Self>, Diagnostics> {
        Self::of_settings(Settings::of_value(kind, config)?, variables)
    }

    fn of_settings(
        mut settings: Settings,
        variables: &BTreeMap<String, String>,
    ) -> Result<Option<Self>, Diagnostics> {
        let backend = match settings.kind.as_str() {
            "local" => Self::Local(LocalBackend {
                path: settings.text("path"),
                workspaces: settings.text("workspace_dir"),
            }),
            "s3" => {
                let read = S3Backend::read(&settings.arguments(), variables);
                return match read {
                    Ok(backend) => Ok(Some(Self::S3(Box::new(backend)))),
                    Err(faults) => Err(settings.placed(faults)),
                };
            }
            "pg" => postgres::backend(&mut settings, variables),
            _ => return Ok(None),
        };
        settings.finish()?;
        Ok(Some(backend))
    }

    /// The store. `root`: the folder of the project or stack, absolute.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub async fn open(&self, root: &Path, variables: &BTreeMap<String, String>) -> Result<Kept, Fault> {
        let keys = keys(root, variables);
        Ok(match self {
            Self::Local(_) => {
                let store = SqlStore::open(&root.join(STATE), keys.clone()).await?;
                keep_from_repository(root)?;
                Kept { keys, store: Arc::new(store), foreign: Foreign::Files, notes: Diagnostics::default() }
            }
            Self::S3(backend) => {
                let bucket = Arc::new(S3Store::connect(&backend.options, keys.clone())?);
                Kept {
                    keys,
                    store: bucket.clone(),
                    foreign: Foreign::Bucket(bucket),
                    notes: backend.notes.clone(),
                }
            }
            Self::Postgres { options, terraform_schema } => {
                let store = Arc::new(SqlStore::connect(options, keys.clone()).await?);
                let foreign = Foreign::Database(store.clone(), terraform_schema.clone());
                Kept { keys, store, foreign, notes: Diagnostics::default() }
            }
        })
    }
}

/// Where state is kept, opened.
#[derive(Clone)]
pub(crate) struct Kept {
    /// What unseals it.
    pub keys: KeyRing,
    /// The store.
    pub store: Arc<dyn Store>,
    /// Where Terraform's own state would be.
    pub foreign: Foreign,
    /// What of the block means nothing here.
    pub notes: Diagnostics,
}

/// Where Terraform keeps its own states.
#[derive(Clone)]
pub(crate) enum Foreign {
    /// In files.
    Files,
    /// In the same bucket.
    Bucket(Arc<S3Store>),
    /// In a schema of the same database.
    Database(Arc<SqlStore>, String),
}

/// The keys of a project or stack.
pub(crate) fn keys(root: &Path, variables: &BTreeMap<String, String>) -> KeyRing {
    KeyRing::open(&root.join(KEYS), variables.clone())
}

/// Keys and states stand beside the configuration, and belong into no repository.
fn keep_from_repository(root: &Path) -> Result<(), Fault> {
    let file = root.join(".mainstay/.gitignore");
    if file.exists() {
        return Ok(());
    }
    std::fs::write(&file, "*\n").map_err(|error| Fault::io("it could not be written", &file, &error))
}
