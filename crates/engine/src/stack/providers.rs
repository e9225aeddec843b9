//! Which provider configuration makes which resource: local names, aliases, and what modules inherit. Providers are started here,
//! and their schemas fetched once for each; configuring them is a step of the walk.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use futures_util::future::join_all;
use lang::configuration::{Configuration, Import, NodeId, ProviderReference, Resource, Tree};
use lang::resolve::ResourceId;
use tokio::sync::SetOnce;

use super::planning::rows::block_of;
use super::provider::{KindSchema, ProviderSchema, Remark};
use super::{ProviderAddress, ProviderSource, ResourceProvider};
use crate::{Mode, Target};

/// Which provider configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProviderId(pub u32);

/// One configuration of a provider.
pub struct ConfiguredProvider {
    /// The provider.
    pub address: ProviderAddress,
    /// The module with the `provider` block; the root where there is none.
    pub node: NodeId,
    /// The block's place among the module's provider blocks; `None`: there is no block, and it is configured with nothing.
    pub block: Option<usize>,
    /// As [`crate::Record::provider`] has it.
    pub text: Arc<str>,
    /// Once it is configured.
    ready: SetOnce<Arc<dyn ResourceProvider>>,
}

/// All provider configurations of a stack that something uses.
#[derive(Default)]
pub struct StackProviders {
    configured: Vec<ConfiguredProvider>,
    by_place: HashMap<(NodeId, ProviderAddress, Option<Arc<str>>), ProviderId>,
    /// By node, then by resource; `None` after a fault.
    of_resources: Vec<Vec<Option<ProviderId>>>,
    /// Those of the root's `import` blocks, by their place; `None` after a fault.
    of_imports: Vec<Option<ProviderId>>,
    /// Those that the state names, by their text there.
    of_state: HashMap<Arc<str>, ProviderId>,
    /// Those whose functions are called.
    called: BTreeSet<ProviderAddress>,
    started: HashMap<ProviderAddress, Started>,
}

/// A provider that runs, and what it makes.
struct Started {
    provider: Arc<dyn ResourceProvider>,
    schema: Arc<ProviderSchema>,
}

impl StackProviders {
    /// Finds out which configuration each resource uses. `in_state`: what rows of the state name.
    pub(super) fn resolve(tree: &Tree, in_state: &BTreeSet<Arc<str>>) -> (Self, Diagnostics) {
        let mut all = Self::default();
        let mut faults = Diagnostics::default();
        for (at, node) in tree.nodes.iter().enumerate() {
            let id = NodeId(u32::try_from(at).unwrap_or(u32::MAX));
            let configuration = &node.configuration;
            let mut of_node = Vec::with_capacity(configuration.resources.len());
            // Most resources of a module use the same few.
            let mut known: HashMap<_, Option<ProviderId>> = HashMap::new();
            for resource in &configuration.resources {
                let (name, alias) = local_name(resource);
                let found = known.entry((name.clone(), alias.clone())).or_insert_with(|| {
                    let found = all.find(tree, id, &name, alias.as_ref());
                    if found.is_none() {
                        faults.push(not_present(resource, &name, alias.as_deref()));
                    }
                    found
                });
                of_node.push(*found);
            }
            all.of_resources.push(of_node);
            let called = configuration.provider_functions.iter();
            all.called.extend(called.map(|call| provider_address(configuration, &call.provider)));
        }
        for import in tree.root().map_or(&[][..], |root| &root.imports) {
            // What has a block is taken over by the provider of that.
            let described = match &import.to {
                Target::Resource(address) => block_of(tree, address),
                Target::Module(_) => None,
            };
            let found = match described {
                Some(at) => all.of_resource(at.node, at.resource),
                None => {
                    let (name, alias) = import_name(import);
                    all.find(tree, NodeId::ROOT, &name, alias.as_ref())
                }
            };
            all.of_imports.push(found);
        }
        for text in in_state {
            if let Some(id) = all.find_in_state(tree, text) {
                all.of_state.insert(text.clone(), id);
            }
        }
        (all, faults)
    }

    /// The configuration that a local name means in a module.
    fn find(
        &mut self,
        tree: &Tree,
        node: NodeId,
        name: &Arc<str>,
        alias: Option<&Arc<str>>,
    ) -> Option<ProviderId> {
        let mut at = node;
        let mut name = name.clone();
        let mut alias = alias.cloned();
        let mut address = provider_address(&tree.node(node)?.configuration, &name);
        loop {
            let here = tree.node(at)?;
            let declared = here.configuration.providers.iter().position(|provider| {
                provider.alias.as_ref().map(|a| &a.name) == alias.as_ref()
                    && provider_address(&here.configuration, &provider.name.name) == address
            });
            if declared.is_some() {
                return Some(self.intern(tree, at, address, alias, declared));
            }
            let Some((caller, call)) = here.caller else {
                // The root configures with nothing what nobody configures.
                return alias.is_none().then(|| self.intern(tree, at, address, None, None));
            };
            let above = tree.node(caller)?;
            let call = above.configuration.calls.get(call.0 as usize)?;
            let given = call
                .providers
                .as_ref()
                .and_then(|given| given.iter().find(|(inner, _)| inner.name == name && inner.alias == alias));
            match (given, &alias) {
                (Some((_, outer)), _) => {
                    name = outer.name.clone();
                    alias = outer.alias.clone();
                    address = provider_address(&above.configuration, &name);
                }
                (None, Some(_)) => return None,
                // The default configuration is inherited by what the provider is, not by what it is called.
                (None, None) => name = local_name_of(&above.configuration, &address),
            }
            at = caller;
        }
    }

    fn intern(
        &mut self,
        tree: &Tree,
        node: NodeId,
        address: ProviderAddress,
        alias: Option<Arc<str>>,
        block: Option<usize>,
    ) -> ProviderId {
        let key = (node, address.clone(), alias.clone());
        if let Some(known) = self.by_place.get(&key) {
            return *known;
        }
        let id = ProviderId(u32::try_from(self.configured.len()).unwrap_or(u32::MAX));
        let mut text = String::new();
        for name in tree.node(node).into_iter().flat_map(|node| &node.path) {
            text.push_str(&format!("module.{name}."));
        }
        text.push_str(&format!("provider[\"{address}\"]"));
        if let Some(alias) = &alias {
            text.push_str(&format!(".{alias}"));
        }
        self.configured.push(ConfiguredProvider {
            address,
            node,
            block,
            text: text.into(),
            ready: SetOnce::new(),
        });
        self.by_place.insert(key, id);
        id
    }

    /// The configuration that a row of the state names, or the one that is nearest above it.
    fn find_in_state(&mut self, tree: &Tree, text: &str) -> Option<ProviderId> {
        let (modules, address, alias) = parse_state_text(text)?;
        let mut node = NodeId::ROOT;
        for module in modules {
            let here = tree.node(node)?;
            let Some(call) = here.configuration.names.calls.get(module) else { break };
            let Some(Some(child)) = here.children.get(call.0 as usize) else { break };
            node = *child;
        }
        let name = local_name_of(&tree.node(node)?.configuration, &address);
        self.find(tree, node, &name, alias.map(Arc::from).as_ref())
    }

    /// Starts every provider that is used, and asks each for its schema.
    pub(super) async fn start(&mut self, source: &dyn ProviderSource) -> Diagnostics {
        let mut addresses = self.called.clone();
        addresses.extend(self.configured.iter().map(|configured| configured.address.clone()));
        let started = join_all(addresses.iter().map(async |address| {
            let provider = source.start(address).await?;
            let schema = provider.schema().await.map_err(|remarks| schema_failed(address, remarks))?;
            Ok(Started { provider, schema })
        }))
        .await;
        let mut faults = Diagnostics::default();
        for (address, started) in addresses.into_iter().zip(started) {
            match started {
                Ok(started) => {
                    self.started.insert(address, started);
                }
                Err(found) => {
                    let found: Diagnostics = found;
                    faults.extend(found);
                }
            }
        }
        faults
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[ConfiguredProvider] {
        &self.configured
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, id: ProviderId) -> Option<&ConfiguredProvider> {
        self.configured.get(id.0 as usize)
    }

    /// The configuration that a resource uses; `None` after a fault.
    #[must_use]
    pub fn of_resource(&self, node: NodeId, resource: ResourceId) -> Option<ProviderId> {
        self.of_resources.get(node.0 as usize)?.get(resource.0 as usize).copied().flatten()
    }

    /// The configuration that an `import` block of the root uses; `None` after a fault.
    #[must_use]
    pub fn of_import(&self, import: usize) -> Option<ProviderId> {
        self.of_imports.get(import).copied().flatten()
    }

    /// The configuration that a row of the state names; `None` where there is none any more.
    #[must_use]
    pub fn of_state(&self, text: &str) -> Option<ProviderId> {
        self.of_state.get(text).copied()
    }

    /// The provider without a configuration: for schemas, validation and upgrades.
    #[must_use]
    pub fn unconfigured(&self, id: ProviderId) -> Option<&Arc<dyn ResourceProvider>> {
        self.started(&self.get(id)?.address).map(|(provider, _)| provider)
    }

    /// A provider without a configuration, and what it makes; `None` if nothing uses it, or it could not be started.
    #[must_use]
    pub fn started(
        &self,
        address: &ProviderAddress,
    ) -> Option<(&Arc<dyn ResourceProvider>, &Arc<ProviderSchema>)> {
        self.started.get(address).map(|started| (&started.provider, &started.schema))
    }

    /// The provider, once it is configured.
    #[must_use]
    pub fn ready(&self, id: ProviderId) -> Option<&Arc<dyn ResourceProvider>> {
        self.get(id)?.ready.get()
    }

    /// Waits until a provider is configured; for ever if it never is.
    pub(super) async fn when_ready(&self, id: ProviderId) {
        match self.get(id) {
            Some(configured) => drop(configured.ready.wait().await),
            None => std::future::pending().await,
        }
    }

    pub(super) fn set_ready(&self, id: ProviderId, provider: Arc<dyn ResourceProvider>) {
        if let Some(configured) = self.get(id) {
            let _ = configured.ready.set(provider);
        }
    }

    /// What a provider makes.
    #[must_use]
    pub fn schema(&self, id: ProviderId) -> Option<&Arc<ProviderSchema>> {
        self.started(&self.get(id)?.address).map(|(_, schema)| schema)
    }

    /// What a kind of resource looks like.
    #[must_use]
    pub fn kind(&self, id: ProviderId, mode: Mode, kind: &str) -> Option<&KindSchema> {
        let schema = self.schema(id)?;
        match mode {
            Mode::Managed => schema.resources.get(kind),
            Mode::Data => schema.data.get(kind),
            Mode::Ephemeral => schema.ephemeral.get(kind),
        }
    }

    /// Schemas by provider, for whoever prints a plan.
    #[must_use]
    pub fn schemas(&self) -> HashMap<ProviderAddress, Arc<ProviderSchema>> {
        self.started.iter().map(|(address, started)| (address.clone(), started.schema.clone())).collect()
    }
}

/// The provider that a module calls by a name.
#[must_use]
pub fn provider_address(configuration: &Configuration, name: &str) -> ProviderAddress {
    let required = configuration.settings.required_providers.iter().find(|p| p.name.name.as_ref() == name);
    match required.and_then(|required| required.source.as_ref()) {
        Some((source, _)) => ProviderAddress::of_source(source),
        None => ProviderAddress::of_name(name),
    }
}

/// What a module calls a provider.
fn local_name_of(configuration: &Configuration, address: &ProviderAddress) -> Arc<str> {
    let required = &configuration.settings.required_providers;
    let named = required.iter().find(|required| {
        required.source.as_ref().is_some_and(|(source, _)| ProviderAddress::of_source(source) == *address)
    });
    named.map_or_else(|| address.name().into(), |required| required.name.name.clone())
}

/// The local name of a resource's provider, and which of its configurations.
fn local_name(resource: &Resource) -> (Arc<str>, Option<Arc<str>>) {
    match &resource.provider {
        Some(ProviderReference { name, alias, .. }) => (name.clone(), alias.clone()),
        None => (first_word(&resource.kind.name), None),
    }
}

/// The same of an `import` block.
fn import_name(import: &Import) -> (Arc<str>, Option<Arc<str>>) {
    match (&import.provider, &import.to) {
        (Some(ProviderReference { name, alias, .. }), _) => (name.clone(), alias.clone()),
        (None, Target::Resource(address)) => (first_word(address.kind.as_str()), None),
        (None, Target::Module(_)) => (Arc::from(""), None),
    }
}

/// The provider of a kind of resource, where nothing is said.
fn first_word(kind: &str) -> Arc<str> {
    kind.split_once('_').map_or(kind, |(first, _)| first).into()
}

/// Module names, provider and alias of `module.a.provider["registry.terraform.io/hashicorp/aws"].eu`.
fn parse_state_text(text: &str) -> Option<(Vec<&str>, ProviderAddress, Option<&str>)> {
    let (modules, rest) = text.split_once("provider[\"")?;
    let (address, alias) = rest.split_once("\"]")?;
    let modules = modules.split('.').filter(|part| !part.is_empty() && *part != "module");
    let alias = alias.strip_prefix('.');
    Some((modules.collect(), ProviderAddress::of_full(address), alias))
}

fn not_present(resource: &Resource, name: &str, alias: Option<&str>) -> Diagnostic {
    let named = alias.map_or_else(|| name.to_owned(), |alias| format!("{name}.{alias}"));
    Diagnostic::error(
        "provider-not-present",
        format!("Provider configuration not present: there is no configuration `{named}` here"),
    )
    .at(resource.provider.as_ref().map_or(resource.header, |reference| reference.span))
    .hint("declare it with a `provider` block, or hand it to the module with `providers`")
}

fn schema_failed(address: &ProviderAddress, remarks: Vec<Remark>) -> Diagnostics {
    Diagnostics(
        remarks
            .into_iter()
            .map(|remark| {
                Diagnostic::error(
                    "provider-schema",
                    format!("the provider {address} does not tell what it makes: {}", remark.summary),
                )
                .because(remark.detail)
            })
            .collect(),
    )
}
