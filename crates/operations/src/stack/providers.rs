//! Where a stack's providers come from, and how it reads the states of other stacks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use builtin::{Builtin, RemoteStateFault, RemoteStates};
use diag::{Diagnostic, Diagnostics};
use engine::stack::provider::ProviderSchema;
use engine::stack::{ProviderAddress, ProviderSource, ResourceProvider, provider_address};
use engine::{EnvironmentName, StateStore};
use lang::configuration::Tree;
use store::{KeyRing, SqlStore, TerraformState, v4};
use value::Value;

use super::accounts::OfAccount;
use super::programs::{Given, ProgramSource};
use super::{LoadedStack, StackFolder};
use crate::Fault;
use crate::backend::{Backend, Foreign, LocalBackend, STATE};

/// Providers of a stack's folder.
pub struct StackProviderSource {
    states: Arc<OtherStates>,
    programs: ProgramSource,
}

impl StackProviderSource {
    /// For the stack in a folder, whose programs are given what they are.
    #[must_use]
    pub fn new(folder: &StackFolder, given: Given) -> Self {
        let states = OtherStates { root: folder.root.clone(), variables: folder.wiring.variables.clone() };
        let programs = ProgramSource { place: folder.place(), wiring: folder.wiring.clone(), given };
        Self { states: Arc::new(states), programs }
    }
}

#[async_trait]
impl ProviderSource for StackProviderSource {
    async fn start(&self, provider: &ProviderAddress) -> Result<Arc<dyn ResourceProvider>, Diagnostics> {
        if provider.as_str() == builtin::ADDRESS {
            return Ok(Arc::new(Builtin::new(self.states.clone())));
        }
        let below = self.programs.plugin(provider).await?.provider();
        let declared = self.programs.given.declared(provider);
        let accounts = declared.map_or_else(Vec::new, |declared| declared.accounts.clone());
        Ok(match &self.programs.given {
            Given::Declared { environment, .. } if !accounts.is_empty() => {
                let (provider, environment) = (provider.clone(), environment.clone());
                Arc::new(OfAccount { below, provider, environment, accounts })
            }
            _ => below,
        })
    }
}

/// What the providers of a stack make, by their full names.
pub type Schemas = BTreeMap<String, Arc<ProviderSchema>>;

impl StackFolder {
    /// The schemas of all providers that a stack's modules use.
    ///
    /// # Errors
    /// If one of them cannot be run, or does not tell.
    pub async fn schemas(&self, stack: &LoadedStack) -> Result<Schemas, Fault> {
        let source = StackProviderSource::new(self, Given::Ours);
        let mut schemas = Schemas::new();
        for address in used(&stack.tree) {
            let provider = source.start(&address).await.map_err(Fault::Failed)?;
            let schema = provider.schema().await.map_err(|remarks| {
                let first = remarks.into_iter().next().map(|remark| remark.summary).unwrap_or_default();
                let fault = Diagnostic::error(
                    "provider-schema",
                    format!("the provider {address} does not tell what it makes"),
                );
                Fault::failed(fault.because(first))
            })?;
            schemas.insert(address.to_string(), schema);
        }
        Ok(schemas)
    }
}

/// The providers of a tree of modules: those that are required, configured, or that a resource is made by.
fn used(tree: &Tree) -> BTreeSet<ProviderAddress> {
    let mut found = BTreeSet::new();
    for node in &tree.nodes {
        let configuration = &node.configuration;
        let required = configuration.settings.required_providers.iter().map(|it| it.name.name.clone());
        let configured = configuration.providers.iter().map(|it| it.name.name.clone());
        let of_resources = configuration.resources.iter().map(|it| match &it.provider {
            Some(reference) => reference.name.clone(),
            None => {
                it.kind.name.split_once('_').map_or_else(|| it.kind.name.clone(), |(first, _)| first.into())
            }
        });
        let names: BTreeSet<Arc<str>> = required.chain(configured).chain(of_resources).collect();
        found.extend(names.iter().map(|name| provider_address(configuration, name)));
    }
    found
}

/// States of other stacks: those that Mainstay keeps, and files in Terraform's format.
struct OtherStates {
    root: PathBuf,
    variables: BTreeMap<String, String>,
}

#[async_trait]
impl RemoteStates for OtherStates {
    async fn outputs(
        &self,
        backend: &str,
        config: &Value,
        workspace: Option<&str>,
    ) -> Result<Option<Vec<(String, Value)>>, RemoteStateFault> {
        let workspace = workspace.unwrap_or("default");
        let kept = match self.backend(backend, config)? {
            Backend::Local(local) => return self.local(&local, workspace).await,
            other => other.open(&self.root, &self.variables).await.map_err(|fault| unreadable(&fault))?,
        };
        let environment = EnvironmentName::new(workspace);
        let theirs = match &kept.foreign {
            Foreign::Files => None,
            Foreign::Bucket(bucket) => {
                let there = bucket.terraform_state(&environment).await;
                match there.map_err(|error| RemoteStateFault::Read(error.to_string()))? {
                    TerraformState::New(object) => Some((object.bytes, object.address)),
                    // Ours goes on from there. Where both were written, ours is what this program knows to be true.
                    TerraformState::Other(_) | TerraformState::TakenOver | TerraformState::Absent => None,
                }
            }
            Foreign::Database(database, schema) => {
                let text = database.terraform_document(schema, workspace).await;
                let text = text.map_err(|error| RemoteStateFault::Read(error.to_string()))?;
                text.map(|text| (text.into_bytes(), format!("{schema}.states")))
            }
        };
        let snapshot = kept.store.snapshot(&environment).await;
        let snapshot = snapshot.map_err(|error| RemoteStateFault::Read(error.to_string()))?;
        match theirs {
            _ if snapshot.serial > 0 => Ok(Some(plain(snapshot.outputs))),
            Some((bytes, name)) => outputs_of(&bytes, &name).map(Some),
            None => Ok(None),
        }
    }

    fn check(&self, backend: &str, config: &Value) -> Result<(), RemoteStateFault> {
        // What is unknown yet is looked at when it is known.
        if !config.is_wholly_known() {
            return if matches!(backend, "local" | "s3" | "pg") {
                Ok(())
            } else {
                Err(RemoteStateFault::UnknownBackend)
            };
        }
        self.backend(backend, config).map(drop)
    }
}

impl OtherStates {
    fn backend(&self, kind: &str, config: &Value) -> Result<Backend, RemoteStateFault> {
        match Backend::of_config(kind, config, &self.variables) {
            Ok(Some(backend)) => Ok(backend),
            Ok(None) => Err(RemoteStateFault::UnknownBackend),
            Err(faults) => {
                let told: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
                Err(RemoteStateFault::Configuration(told.join("; ")))
            }
        }
    }

    async fn local(
        &self,
        local: &LocalBackend,
        workspace: &str,
    ) -> Result<Option<Vec<(String, Value)>>, RemoteStateFault> {
        let path = local.path.as_deref().unwrap_or("terraform.tfstate");
        let file = if workspace == "default" {
            self.root.join(path)
        } else {
            let folder = local.workspaces.as_deref().unwrap_or("terraform.tfstate.d");
            self.root.join(folder).join(workspace).join("terraform.tfstate")
        };
        // A state that was taken over goes on in Mainstay's store beside the file; other files are what they are.
        let beside = self.root.join(path);
        if beside.file_name().is_some_and(|name| name == "terraform.tfstate")
            && let Some(outputs) = self.kept(beside.parent().unwrap_or(&self.root), workspace).await?
        {
            return Ok(Some(plain(outputs)));
        }
        read_file(&file).await
    }
    /// The outputs of a stack whose state Mainstay keeps in its folder.
    async fn kept(
        &self,
        folder: &Path,
        workspace: &str,
    ) -> Result<Option<Vec<(String, Value)>>, RemoteStateFault> {
        let file = folder.join(STATE);
        if !file.is_file() {
            return Ok(None);
        }
        let failed = |error: &dyn std::fmt::Display| {
            RemoteStateFault::Read(format!("the state in {} cannot be read: {error}", file.display()))
        };
        let keys = KeyRing::open(&folder.join(".mainstay/keys"), self.variables.clone());
        let store = SqlStore::open(&file, keys).await.map_err(|error| failed(&error))?;
        let snapshot =
            store.snapshot(&EnvironmentName::new(workspace)).await.map_err(|error| failed(&error))?;
        Ok((snapshot.serial > 0).then_some(snapshot.outputs))
    }
}

async fn read_file(file: &Path) -> Result<Option<Vec<(String, Value)>>, RemoteStateFault> {
    let bytes = match tokio::fs::read(file).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RemoteStateFault::Read(format!("{}: {error}", file.display()))),
    };
    outputs_of(&bytes, &file.display().to_string()).map(Some)
}

/// What is secret there is so here only where this configuration says it.
fn plain(outputs: Vec<(String, Value)>) -> Vec<(String, Value)> {
    outputs.into_iter().map(|(name, value)| (name, value.unmark_deep().0)).collect()
}

fn unreadable(fault: &Fault) -> RemoteStateFault {
    let told: Vec<&str> = fault.diagnostics().0.iter().map(|it| it.message.as_str()).collect();
    RemoteStateFault::Read(told.join("; "))
}

/// The outputs of a document.
fn outputs_of(bytes: &[u8], name: &str) -> Result<Vec<(String, Value)>, RemoteStateFault> {
    let document = v4::read(bytes, name, &v4::BuiltinShapes).map_err(|faults| {
        let first = faults.0.into_iter().next();
        RemoteStateFault::Read(
            first.map_or_else(|| format!("{name} is no state"), |fault| format!("{name}: {}", fault.message)),
        )
    })?;
    Ok(plain(document.outputs))
}
