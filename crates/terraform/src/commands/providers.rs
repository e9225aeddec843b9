//! `providers` and `providers schema`; what else stands under it has files of its own.

use std::collections::BTreeMap;

use lang::Configuration;
use lang::configuration::{NodeId, Tree};
use operations::stack::{LoadedStack, StackFolder};

use super::shared::{TEST_FILES, variables};
use super::{Context, DONE, FAILED};
use crate::arguments::{Flags, Given, Usage};
use crate::help::PROGRAM;
use crate::json;
use crate::names;
use crate::text::tree::{Branch, branches};
use crate::view::View;

const PROVIDERS: Usage = Usage {
    verb: "providers",
    arguments: "",
    least: 0,
    most: 0,
    about: "Show which providers the configuration and the state need. Under it: schema, lock, mirror.",
    flags: Flags { switches: &["no-color"], values: &["var", "var-file"], refused: &[TEST_FILES] },
};
const SCHEMA: Usage = Usage {
    verb: "providers schema",
    arguments: "-json",
    about: "Show what the providers of the configuration make.",
    flags: Flags { switches: &["json", "no-color"], values: &["var", "var-file"], refused: &[] },
    ..PROVIDERS
};
pub(super) async fn run(context: &Context, arguments: &[String]) -> u8 {
    let done = match arguments.split_first() {
        Some((verb, rest)) if verb == "schema" => schema(context, rest).await,
        Some((verb, rest)) if verb == "lock" => super::providers_lock::run(context, rest).await,
        Some((verb, rest)) if verb == "mirror" => super::providers_mirror::run(context, rest).await,
        _ => list(context, arguments).await,
    };
    match done {
        Ok(code) | Err(code) => code,
    }
}

/// The stack in a folder, without errors.
pub(super) fn open(context: &Context, view: &View, given: &Given) -> Result<(StackFolder, LoadedStack), u8> {
    let told = |fault| view.fault(&fault);
    let folder = context.stack().map_err(told)?;
    let mut stack = folder.load().map_err(told)?;
    let mut found = stack.diagnostics.clone();
    if !given.variables.is_empty() && !found.has_errors() {
        found.extend(folder.check_values(&mut stack, &variables(given, view)?));
    }
    if found.has_errors() {
        view.diagnostics(&found, &stack.sources);
        return Err(FAILED);
    }
    Ok((folder, stack))
}

async fn list(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &PROVIDERS, arguments)?;
    let view = View::new(false, given.is_on("no-color", false));
    let (folder, stack) = open(context, &view, &given)?;
    let told = |fault| view.fault(&fault);
    let state = folder.state(stack.tree.root()).await.map_err(told)?;
    let snapshot = state.store.snapshot(&state.environment).await.map_err(|fault| told(fault.into()))?;
    let required = branches(&of_module(&stack.tree, NodeId::ROOT));
    view.text(&format!("\nProviders required by configuration:\n.\n{required}\n"));
    let in_state: BTreeMap<String, ()> = snapshot
        .rows
        .iter()
        .map(|row| (json::resource::provider_name(&row.record.provider), ()))
        .filter(|(name, ())| !name.is_empty())
        .collect();
    if !in_state.is_empty() {
        let names: String = in_state.keys().map(|name| format!("    provider[{name}]\n")).collect();
        view.text(&format!("Providers required by state:\n\n{names}\n"));
    }
    Ok(DONE)
}

/// The providers of a module with the versions that it wants, and the modules that it calls.
fn of_module(tree: &Tree, node: NodeId) -> Vec<Branch> {
    let Some(here) = tree.node(node) else { return Vec::new() };
    let mut all: Vec<Branch> = required(&here.configuration)
        .into_iter()
        .map(|(name, versions)| {
            let versions = if versions.is_empty() { String::new() } else { format!(" {versions}") };
            Branch { text: format!("provider[{name}]{versions}"), inner: Vec::new() }
        })
        .collect();
    let mut calls: Vec<_> = here.configuration.calls.iter().zip(&here.children).collect();
    calls.sort_by(|a, b| a.0.name.name.cmp(&b.0.name.name));
    all.extend(calls.into_iter().map(|(call, child)| Branch {
        text: format!("module.{}", call.name.name),
        inner: child.map_or_else(Vec::new, |child| of_module(tree, child)),
    }));
    all
}

fn required(configuration: &Configuration) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for required in &configuration.settings.required_providers {
        let versions = required.version.as_ref().map_or("", |(text, _)| text.as_ref());
        found.insert(names::full_name(configuration, &required.name.name), versions.to_owned());
    }
    let configured = configuration.providers.iter().map(|it| it.name.name.clone());
    let of_resources = configuration.resources.iter().map(|it| names::provider_of(it).0);
    for name in configured.chain(of_resources) {
        found.entry(names::full_name(configuration, &name)).or_default();
    }
    found
}

async fn schema(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &SCHEMA, arguments)?;
    let view = View::new(false, true);
    if !given.is_on("json", false) {
        let text = format!("The `{PROGRAM} providers schema` command requires the `-json` flag.");
        return Err(view.usage(&text, ""));
    }
    let (folder, stack) = open(context, &view, &given)?;
    let schemas = folder.schemas(&stack).await.map_err(|fault| view.fault(&fault))?;
    view.data(&json::text(&json::schemas::schemas(&schemas)).unwrap_or_default());
    Ok(DONE)
}
