//! The configuration in a plan's JSON: what is declared, with constants as values and the rest as names that are referred to.

use diag::Sources;
use engine::Mode;
use engine::stack::provider::KindSchema;
use lang::Configuration;
use lang::configuration::{Call, Dependency, NodeId, ProviderReference, Provisioner, Resource, Tree};
use lang::schema::{Block, Nesting};
use lang::syntax::{Body, Expr};
use operations::stack::Schemas;
use serde_json::{Map, Value as Json, json};

use super::resource::mode;
use crate::names::{self, Names};

/// What is declared in a tree of modules. `sources`: the texts that it was read from.
#[must_use]
pub fn configuration(tree: &Tree, sources: &Sources, schemas: &Schemas) -> Json {
    let mut writer = Writer { tree, sources, schemas, providers: Map::new() };
    let root = writer.module(NodeId::ROOT);
    let mut out = Map::new();
    if !writer.providers.is_empty() {
        out.insert("provider_config".into(), Json::Object(writer.providers));
    }
    out.insert("root_module".into(), root);
    Json::Object(out)
}

/// The schema of a resource block.
#[must_use]
pub fn kind_schema<'s>(
    schemas: &'s Schemas,
    provider: &str,
    mode: Mode,
    kind: &str,
) -> Option<&'s KindSchema> {
    let schema = schemas.get(provider)?;
    match mode {
        Mode::Managed => schema.resources.get(kind),
        Mode::Data => schema.data.get(kind),
        Mode::Ephemeral => schema.ephemeral.get(kind),
    }
}

struct Writer<'a> {
    tree: &'a Tree,
    sources: &'a Sources,
    schemas: &'a Schemas,
    providers: Map<String, Json>,
}

/// A provider's configuration as a plan names it: `aws.eu`, `module.a.module.b:aws`.
fn provider_key(module: &str, name: &str, alias: Option<&str>) -> String {
    let own = alias.map_or_else(|| name.to_owned(), |alias| format!("{name}.{alias}"));
    if module.is_empty() { own } else { format!("{module}:{own}") }
}

impl Writer<'_> {
    fn module(&mut self, id: NodeId) -> Json {
        let Some(node) = self.tree.node(id) else { return json!({}) };
        let (configuration, children) = (node.configuration.clone(), node.children.clone());
        let names = Names { configuration: &configuration, sources: self.sources };
        self.declared_providers(id, &configuration);
        let mut out = Map::new();
        let outputs: Map<String, Json> =
            configuration.outputs.iter().map(|it| (it.name.name.to_string(), output(&names, it))).collect();
        put(&mut out, "outputs", Json::Object(outputs));
        let mut resources: Vec<&Resource> = configuration.resources.iter().collect();
        resources.sort_by_key(|it| (it.mode != Mode::Managed, it.kind.name.clone(), it.name.name.clone()));
        let resources = resources.into_iter().map(|it| self.resource(id, &names, it)).collect();
        put(&mut out, "resources", Json::Array(resources));
        let mut calls = Map::new();
        for (call, child) in configuration.calls.iter().zip(children) {
            let inner = child.map_or_else(|| json!({}), |child| self.module(child));
            calls.insert(call.name.name.to_string(), self::call(&names, call, inner));
        }
        put(&mut out, "module_calls", Json::Object(calls));
        let variables = configuration.variables.iter().map(|it| {
            let mut variable = Map::new();
            if let Some(default) = &it.default {
                variable.insert("default".into(), super::values::known(default).unwrap_or(Json::Null));
            }
            if let Some(description) = &it.description {
                variable.insert("description".into(), json!(description));
            }
            flag(&mut variable, "sensitive", it.sensitive);
            (it.name.name.to_string(), Json::Object(variable))
        });
        put(&mut out, "variables", Json::Object(variables.collect()));
        Json::Object(out)
    }

    /// Configurations and requirements of providers that stand in a module.
    fn declared_providers(&mut self, id: NodeId, configuration: &Configuration) {
        let address = self.module_address(id);
        let key = |name: &str, alias: Option<&str>| provider_key(&address, name, alias);
        for required in &configuration.settings.required_providers {
            // What a call hands in is the caller's.
            if self.given(id, &required.name.name, None).is_some()
                || !required.aliases.is_empty() && id != NodeId::ROOT
            {
                continue;
            }
            let full = names::full_name(configuration, &required.name.name);
            let mut entry = Map::new();
            entry.insert("name".into(), json!(required.name.name));
            if let Some((version, _)) = &required.version {
                entry.insert("version_constraint".into(), json!(version));
            }
            if !address.is_empty() {
                entry.insert("module_address".into(), json!(address));
            }
            entry.insert("full_name".into(), json!(full));
            self.providers.insert(key(&required.name.name, None), Json::Object(entry));
        }
        let names = Names { configuration, sources: self.sources };
        for provider in &configuration.providers {
            let full = names::full_name(configuration, &provider.name.name);
            let alias = provider.alias.as_ref().map(|alias| alias.name.as_ref());
            let at = key(&provider.name.name, alias);
            let entry = self.providers.entry(at).or_insert_with(|| json!({}));
            let Json::Object(entry) = entry else { continue };
            entry.insert("name".into(), json!(provider.name.name));
            entry.insert("full_name".into(), json!(full));
            if let Some(alias) = alias {
                entry.insert("alias".into(), json!(alias));
            }
            if !address.is_empty() {
                entry.insert("module_address".into(), json!(address));
            }
            let block = self.schemas.get(&full).map(|schema| schema.provider.block.clone());
            let expressions =
                block.map(|block| expressions(&names, &provider.body, &block)).unwrap_or_default();
            put(entry, "expressions", Json::Object(expressions));
        }
    }

    /// `module.a.module.b`, without keys; nothing for the root.
    fn module_address(&self, id: NodeId) -> String {
        let path = self.tree.node(id).map_or(&[][..], |node| &node.path);
        path.iter().map(|it| format!("module.{it}")).collect::<Vec<_>>().join(".")
    }

    /// The configuration that a module's call hands in under a name: the caller, and what it is called there.
    fn given(&self, id: NodeId, name: &str, alias: Option<&str>) -> Option<(NodeId, ProviderReference)> {
        let (caller, call) = self.tree.node(id)?.caller?;
        let call = self.tree.node(caller)?.configuration.calls.get(call.0 as usize)?;
        let given = call.providers.as_ref()?;
        let found =
            given.iter().find(|(inner, _)| inner.name.as_ref() == name && inner.alias.as_deref() == alias);
        found.map(|(_, outer)| (caller, outer.clone()))
    }

    /// Whether a module needs a provider of itself: it configures or requires it, or has a resource of it.
    fn needs(&self, id: NodeId, full: &str) -> bool {
        let Some(node) = self.tree.node(id) else { return false };
        let configuration = &node.configuration;
        let is = |name: &str| names::full_name(configuration, name) == full;
        configuration.providers.iter().any(|it| it.alias.is_none() && is(&it.name.name))
            || configuration.settings.required_providers.iter().any(|it| is(&it.name.name))
            || configuration.resources.iter().any(|it| {
                let (name, alias) = names::provider_of(it);
                alias.is_none() && is(&name)
            })
    }

    /// The configuration that a local name means in a module. Where nothing is said, the outermost module around it that needs the
    /// provider has it.
    fn provider_key(&mut self, id: NodeId, name: &str, alias: Option<&str>) -> String {
        let Some(node) = self.tree.node(id) else { return provider_key("", name, alias) };
        let configuration = node.configuration.clone();
        let full = names::full_name(&configuration, name);
        let declares = configuration
            .providers
            .iter()
            .any(|it| it.name.name.as_ref() == name && it.alias.as_ref().map(|it| it.name.as_ref()) == alias);
        let mut at = id;
        if !declares {
            if let Some((caller, outer)) = self.given(id, name, alias) {
                return self.provider_key(caller, &outer.name, outer.alias.as_deref());
            }
            let mut above = node.caller;
            while let Some((caller, _)) = above {
                if self.needs(caller, &full) {
                    at = caller;
                }
                above = self.tree.node(caller).and_then(|node| node.caller);
            }
        }
        let address = self.module_address(at);
        let key = provider_key(&address, name, alias);
        self.providers.entry(key.clone()).or_insert_with(|| {
            let mut entry = json!({ "name": name, "full_name": full });
            if !address.is_empty() {
                entry["module_address"] = json!(address);
            }
            entry
        });
        key
    }

    fn resource(&mut self, id: NodeId, names: &Names<'_>, resource: &Resource) -> Json {
        let local = names::provider_of(resource);
        let full = names::full_name(names.configuration, &local.0);
        let key = self.provider_key(id, &local.0, local.1.as_deref());
        let schema = kind_schema(self.schemas, &full, resource.mode, &resource.kind.name);
        let mut out = Map::new();
        out.insert("address".into(), json!(names::resource(resource)));
        out.insert("mode".into(), json!(mode(resource.mode)));
        out.insert("type".into(), json!(resource.kind.name));
        out.insert("name".into(), json!(resource.name.name));
        out.insert("provider_config_key".into(), json!(key));
        let provisioners = resource.provisioners.iter().map(|it| provisioner(names, it)).collect();
        put(&mut out, "provisioners", Json::Array(provisioners));
        if let Some(schema) = schema {
            let expressions = expressions(names, &resource.body, &schema.block);
            put(&mut out, "expressions", Json::Object(expressions));
            out.insert("schema_version".into(), json!(schema.version));
        }
        repetition(&mut out, names, resource.count.as_ref(), resource.for_each.as_ref());
        depends_on(&mut out, names, &resource.depends_on);
        Json::Object(out)
    }
}

fn put(out: &mut Map<String, Json>, name: &str, value: Json) {
    let is_empty = match &value {
        Json::Array(elements) => elements.is_empty(),
        Json::Object(entries) => entries.is_empty(),
        _ => false,
    };
    if !is_empty {
        out.insert(name.into(), value);
    }
}

fn flag(out: &mut Map<String, Json>, name: &str, is_set: bool) {
    if is_set {
        out.insert(name.into(), Json::Bool(true));
    }
}

fn output(names: &Names<'_>, output: &lang::Output) -> Json {
    let mut out = Map::new();
    flag(&mut out, "sensitive", output.sensitive);
    out.insert("expression".into(), expression(names, &output.expr));
    depends_on(&mut out, names, &output.depends_on);
    if let Some(description) = &output.description {
        out.insert("description".into(), json!(description));
    }
    Json::Object(out)
}

fn call(names: &Names<'_>, call: &Call, inner: Json) -> Json {
    let mut out = Map::new();
    if let Some((source, _)) = &call.source {
        out.insert("source".into(), json!(source));
    }
    let given: Map<String, Json> = call
        .body
        .attributes
        .iter()
        .map(|it| (it.name.name.to_string(), expression(names, &it.expr)))
        .collect();
    put(&mut out, "expressions", Json::Object(given));
    repetition(&mut out, names, call.count.as_ref(), call.for_each.as_ref());
    out.insert("module".into(), inner);
    if let Some((version, _)) = &call.version {
        out.insert("version_constraint".into(), json!(version));
    }
    depends_on(&mut out, names, &call.depends_on);
    Json::Object(out)
}

fn provisioner(names: &Names<'_>, provisioner: &Provisioner) -> Json {
    let mut out = Map::new();
    out.insert("type".into(), json!(provisioner.kind.name));
    let given: Map<String, Json> = provisioner
        .body
        .attributes
        .iter()
        .map(|it| (it.name.name.to_string(), expression(names, &it.expr)))
        .collect();
    put(&mut out, "expressions", Json::Object(given));
    Json::Object(out)
}

fn repetition(out: &mut Map<String, Json>, names: &Names<'_>, count: Option<&Expr>, for_each: Option<&Expr>) {
    if let Some(count) = count {
        put(out, "count_expression", expression(names, count));
    }
    if let Some(for_each) = for_each {
        put(out, "for_each_expression", expression(names, for_each));
    }
}

fn depends_on(out: &mut Map<String, Json>, names: &Names<'_>, dependencies: &[Dependency]) {
    let all: Vec<Json> =
        dependencies.iter().filter_map(|it| names.reference(it.on)).map(Json::from).collect();
    put(out, "depends_on", Json::Array(all));
}

/// The arguments of a body, by its schema.
fn expressions(names: &Names<'_>, body: &Body, schema: &Block) -> Map<String, Json> {
    let mut out = Map::new();
    for attribute in &schema.attributes {
        if let Some(given) = body.attribute(&attribute.name) {
            out.insert(attribute.name.to_string(), expression(names, &given.expr));
        }
    }
    for nested in &schema.blocks {
        let mut inner = body
            .blocks_of(&nested.name)
            .map(|block| (block.labels.first(), Json::Object(expressions(names, &block.body, &nested.block))))
            .peekable();
        if inner.peek().is_none() {
            continue;
        }
        let value = match nested.nesting {
            Nesting::Single { .. } => inner.next().map_or(Json::Null, |(_, value)| value),
            Nesting::List | Nesting::Set => Json::Array(inner.map(|(_, value)| value).collect()),
            Nesting::Map { .. } => Json::Object(
                inner.filter_map(|(label, value)| Some((label?.name.to_string(), value))).collect(),
            ),
        };
        out.insert(nested.name.to_string(), value);
    }
    out
}

/// Its value as far as that needs nothing, and what it refers to.
fn expression(names: &Names<'_>, expr: &Expr) -> Json {
    let mut out = Map::new();
    if let Some(value) = names.written(expr).or_else(|| super::values::known(&names::constant(expr)?)) {
        out.insert("constant_value".into(), value);
    }
    let mut references = Vec::new();
    names.references(expr, &mut references);
    if !references.is_empty() {
        out.insert("references".into(), json!(references));
    }
    Json::Object(out)
}
