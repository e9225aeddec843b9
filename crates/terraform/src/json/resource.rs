//! Resources within modules: the part that planned values and states have in common.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Address, Key, Mode, ModulePath};
use serde::Serialize;
use serde_json::Value as Json;

/// One object of a resource.
#[derive(Debug, Serialize)]
pub struct Resource {
    pub address: String,
    pub mode: &'static str,
    #[serde(rename = "type")]
    pub kind: String,
    pub name: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<Json>,
    pub provider_name: String,
    pub schema_version: u64,
    /// None where nothing will be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Json>,
    pub sensitive_values: Json,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tainted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deposed_key: Option<Arc<str>>,
}

/// A module instance with what is in it.
#[derive(Debug, Default, Serialize)]
pub struct Module {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Resource>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub address: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub child_modules: Vec<Self>,
}

/// The word for a mode.
#[must_use]
pub fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Managed => "managed",
        Mode::Data => "data",
        Mode::Ephemeral => "ephemeral",
    }
}

/// The key of an instance.
#[must_use]
pub fn index(address: &Address) -> Option<Json> {
    address.key.as_ref().map(|key| match key {
        Key::Index(index) => Json::from(*index),
        Key::Name(name) => Json::from(name.as_ref()),
    })
}

/// The provider's address in a state's `provider`: `module.a.provider["host/ns/name"].alias` to `host/ns/name`.
#[must_use]
pub fn provider_name(provider: &str) -> String {
    let quoted = provider.split_once("provider[\"").and_then(|(_, rest)| rest.split_once("\"]"));
    quoted.map_or(provider, |(name, _)| name).to_owned()
}

/// The order in which Terraform writes changes and resources: shallow modules first, data sources before managed ones.
pub fn terraform_order(a: &Address, b: &Address) -> std::cmp::Ordering {
    let rank = |mode: Mode| u8::from(mode != Mode::Data);
    (a.module.0.len(), &a.module, rank(a.mode), &a.kind, &a.name, &a.key).cmp(&(
        b.module.0.len(),
        &b.module,
        rank(b.mode),
        &b.kind,
        &b.name,
        &b.key,
    ))
}

/// Puts resources into the tree of their modules. Each module's resources keep the order in which they come.
#[must_use]
pub fn tree(resources: impl IntoIterator<Item = (ModulePath, Resource)>) -> Module {
    let mut by_module: BTreeMap<ModulePath, Vec<Resource>> = BTreeMap::new();
    for (path, resource) in resources {
        by_module.entry(path).or_default().push(resource);
    }
    // A module without resources of its own is there for those that are in it.
    let paths: Vec<ModulePath> = by_module.keys().cloned().collect();
    for path in paths {
        let mut above = path.parent();
        while let Some(parent) = above {
            above = parent.parent();
            by_module.entry(parent).or_default();
        }
    }
    let mut children: BTreeMap<ModulePath, Vec<Module>> = BTreeMap::new();
    // Deeper modules come after those that hold them; from the back, each is whole when it is put into its parent.
    let mut all: Vec<(ModulePath, Vec<Resource>)> = by_module.into_iter().collect();
    all.sort_by_key(|(path, _)| path.0.len());
    let mut root = Module::default();
    while let Some((path, resources)) = all.pop() {
        let mut inner = children.remove(&path).unwrap_or_default();
        inner.sort_by(|a, b| a.address.cmp(&b.address));
        let module = Module { resources, address: path.to_string(), child_modules: inner };
        match path.parent() {
            Some(parent) => children.entry(parent).or_default().push(module),
            None => root = module,
        }
    }
    root
}
