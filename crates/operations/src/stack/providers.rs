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
use store::{KeyRing, SqlStore, v4};
use value::Value;

use super::{LoadedStack, STATE, StackFolder};
use crate::Fault;

/// Providers of a stack's folder.
pub struct StackProviderSource {
    states: Arc<OtherStates>,
}

impl StackProviderSource {
    /// For the stack in a folder. `keys` unseal states that Mainstay keeps elsewhere.
    #[must_use]
    pub fn new(root: PathBuf, variables: BTreeMap<String, String>) -> Self {
        Self { states: Arc::new(OtherStates { root, variables }) }
    }
}

#[async_trait]
impl ProviderSource for StackProviderSource {
    async fn start(&self, provider: &ProviderAddress) -> Result<Arc<dyn ResourceProvider>, Diagnostics> {
        if provider.as_str() == builtin::ADDRESS {
            return Ok(Arc::new(Builtin::new(self.states.clone())));
        }
        Err(Diagnostic::error("no-provider", format!("the provider {provider} cannot be run yet"))
            .because("providers that are programs of their own are not supported by this version")
            .hint("`terraform_data` and `terraform_remote_state` of terraform.io/builtin/terraform are built in")
            .into())
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
        let source = StackProviderSource::new(self.root.clone(), self.wiring.variables.clone());
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

/// The settings of the backend `local`.
const LOCAL: [&str; 2] = ["path", "workspace_dir"];

#[async_trait]
impl RemoteStates for OtherStates {
    async fn outputs(
        &self,
        backend: &str,
        config: &Value,
        workspace: Option<&str>,
    ) -> Result<Option<Vec<(String, Value)>>, RemoteStateFault> {
        self.check(backend, config)?;
        let text = |name: &str| config.get(name).and_then(|it| it.as_str().map(str::to_owned));
        let workspace = workspace.unwrap_or("default");
        let path = text("path").unwrap_or_else(|| "terraform.tfstate".into());
        let file = if workspace == "default" {
            self.root.join(&path)
        } else {
            let folder = text("workspace_dir").unwrap_or_else(|| "terraform.tfstate.d".into());
            self.root.join(folder).join(workspace).join("terraform.tfstate")
        };
        // A state that was taken over goes on in Mainstay's store beside the file; other files are what they are.
        let beside = self.root.join(&path);
        if beside.file_name().is_some_and(|name| name == "terraform.tfstate")
            && let Some(outputs) = self.kept(beside.parent().unwrap_or(&self.root), workspace).await?
        {
            // What is secret there is so here only where this configuration says it.
            let plain = outputs.into_iter().map(|(name, value)| (name, value.unmark_deep().0));
            return Ok(Some(plain.collect()));
        }
        read_file(&file).await
    }

    fn check(&self, backend: &str, config: &Value) -> Result<(), RemoteStateFault> {
        if backend != "local" {
            return Err(RemoteStateFault::UnknownBackend);
        }
        if config.is_null() || !config.is_known() {
            return Ok(());
        }
        let Some(entries) = config.as_entries() else {
            return Err(RemoteStateFault::Configuration("an object is required".into()));
        };
        match entries.keys().find(|name| !LOCAL.contains(&name.as_ref())) {
            Some(name) => Err(RemoteStateFault::Configuration(format!("unexpected attribute {name:?}"))),
            None => Ok(()),
        }
    }
}

impl OtherStates {
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
    let name = file.display().to_string();
    let document = v4::read(&bytes, &name, &v4::BuiltinShapes).map_err(|faults| {
        let first = faults.0.into_iter().next();
        RemoteStateFault::Read(
            first.map_or_else(|| format!("{name} is no state"), |fault| format!("{name}: {}", fault.message)),
        )
    })?;
    // What was sensitive there is so only as far as this configuration says it.
    Ok(Some(document.outputs.into_iter().map(|(name, value)| (name, value.unmark_deep().0)).collect()))
}
