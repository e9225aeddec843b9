//! `init`, `get` and `modules`.

use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use lang::configuration::{NodeId, Tree};
use operations::Fault;
use operations::stack::{GivenSettings, LoadedStack, StackFolder};
use packages::{Event, LockMode, ProviderSetup, Settings};
use serde_json::json;

use super::shared::{TEST_FILES, locking, variables, view};
use super::{Context, DONE, FAILED, installing};
use crate::arguments::{Flags, Given, Refused, Usage};
use crate::help::PROGRAM;
use crate::text::tree::branches;
use crate::view::View;

const INIT: Usage = Usage {
    verb: "init",
    arguments: "",
    least: 0,
    most: 0,
    about: "Prepare a folder: install modules and providers, and open the state.",
    flags: Flags {
        switches: &[
            "json",
            "no-color",
            "input",
            "upgrade",
            "reconfigure",
            "migrate-state",
            "force-copy",
            "get",
            "backend",
            "lock",
            "ignore-remote-version",
        ],
        values: &["backend-config", "lockfile", "lock-timeout", "plugin-dir", "var", "var-file"],
        refused: &[TEST_FILES, FROM_MODULE],
    },
};
const GET: Usage = Usage {
    verb: "get",
    about: "Install the modules that the configuration calls.",
    flags: Flags { switches: &["update", "no-color"], values: &[], refused: &[TEST_FILES] },
    ..INIT
};
const MODULES: Usage = Usage {
    verb: "modules",
    about: "Show the modules that the configuration calls.",
    flags: Flags { switches: &["json", "no-color"], values: &["var", "var-file"], refused: &[TEST_FILES] },
    ..INIT
};

const FROM_MODULE: Refused =
    Refused { names: &["from-module"], why: "copy the module's files into the folder instead" };

/// What one may do next.
const NEXT: &str = "You may now begin working with Terraform. Try running \"terraform plan\" to see\nany changes that are required for your infrastructure. All Terraform commands\nshould now work.\n\nIf you ever set or change modules or backend configuration for Terraform,\nrerun this command to reinitialize your working directory. If you forget, other\ncommands will detect it and remind you to do so if necessary.";

pub(super) async fn init(context: &Context, arguments: &[String]) -> u8 {
    match attempt_init(context, arguments).await {
        Ok(code) | Err(code) => code,
    }
}

async fn attempt_init(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &INIT, arguments)?;
    let view = view(&given);
    view.begin();
    check_flags(&given, &view)?;
    let told = |fault| view.fault(&fault);
    let folder = context.stack().map_err(told)?;
    if !folder.is_configured().map_err(told)? {
        view.step(
            "output_init_empty_message",
            "Terraform initialized in an empty directory!\n\nThe directory has no Terraform configuration files. You may begin working\nwith Terraform immediately by creating Terraform configuration files.",
        );
        return Ok(DONE);
    }
    let has_backend = given.is_on("backend", true);
    if has_backend {
        view.step("initializing_backend_message", "Initializing the backend...");
    }
    let upgrade = given.is_on("upgrade", false);
    let lock = if given.value("lockfile").is_some() { LockMode::ReadOnly } else { LockMode::Write };
    let mut stack = if given.is_on("get", true) {
        install(&folder, &view, Settings { upgrade, lock, ..Settings::default() }).await?
    } else {
        folder.load().map_err(told)?
    };
    let mut found = stack.diagnostics.clone();
    if !given.variables.is_empty() && !found.has_errors() {
        found.extend(folder.check_values(&mut stack, &variables(&given, &view)?));
    }
    found.extend(settings(&folder, &stack, &given).map_err(told)?);
    found.extend(folder.preparation(&stack, has_backend));
    view.diagnostics(&found, &stack.sources);
    if found.has_errors() {
        return Err(FAILED);
    }
    let mut made = None;
    if has_backend {
        let state = folder.state(stack.tree.root()).await.map_err(told)?;
        view.notes(&state.notes, &stack.sources);
        let snapshot = state.store.snapshot(&state.environment).await;
        made = Some(snapshot.map_err(|fault| told(fault.into()))?);
    }
    view.step("initializing_provider_plugin_message", "Initializing provider plugins...");
    let setup = ProviderSetup {
        upgrade,
        lock,
        plugin_folders: given.values("plugin-dir").iter().map(Into::into).collect(),
        ..ProviderSetup::default()
    };
    let progress = installing::progress(&view);
    let installed = folder.ensure(&stack, made.as_ref(), setup, progress).await.map_err(told)?;
    installing::outcome(&view, &installed, &folder.installed_providers().map_err(told)?);
    view.text("\n");
    view.step(
        "output_init_success_message",
        &view.paint.good("Terraform has been successfully initialized!"),
    );
    // Automation needs no advice.
    if context.variable("TF_IN_AUTOMATION").is_none() {
        view.text("\n");
        view.step("output_init_success_cli_message", NEXT);
    }
    Ok(DONE)
}

/// Keeps what `-backend-config` says. Without it what was said before holds, unless the folder is to be prepared anew.
fn settings(folder: &StackFolder, stack: &LoadedStack, given: &Given) -> Result<Diagnostics, Fault> {
    let mut found = Diagnostics::default();
    let texts = given.values("backend-config");
    if given.is_on("reconfigure", false) {
        folder.forget_settings();
    }
    let settings = GivenSettings::parse(texts, &folder.root)?;
    if settings.is_empty() {
        return Ok(found);
    }
    if stack.tree.root().is_some_and(|root| root.settings.backend.is_some()) {
        folder.keep_settings(&settings)?;
    } else {
        found.push(
            Diagnostic::warning("backend", "Missing backend configuration")
                .because("-backend-config was used without a `backend` block in the configuration")
                .hint("write `terraform { backend \"s3\" {} }`, or leave the flag out"),
        );
    }
    Ok(found)
}

fn check_flags(given: &Given, view: &View) -> Result<(), u8> {
    locking(given, view)?;
    if given.is_on("migrate-state", false) && given.is_on("reconfigure", false) {
        return Err(view.usage(
            "Invalid init options",
            "The -migrate-state and -reconfigure options are mutually-exclusive.",
        ));
    }
    if given.value("lockfile").is_some() && given.is_on("upgrade", false) {
        return Err(view.usage("The -upgrade flag conflicts with -lockfile=readonly.", ""));
    }
    match given.value("lockfile") {
        None | Some("readonly") => Ok(()),
        Some(other) => {
            Err(view.usage("Invalid lock file mode", &format!("-lockfile is `readonly`, and not {other:?}.")))
        }
    }
}

pub(super) async fn get(context: &Context, arguments: &[String]) -> u8 {
    match attempt_get(context, arguments).await {
        Ok(code) | Err(code) => code,
    }
}

async fn attempt_get(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &GET, arguments)?;
    let view = view(&given);
    let folder = context.stack().map_err(|fault| view.fault(&fault))?;
    let settings = Settings { upgrade: given.is_on("update", false), ..Settings::default() };
    let stack = install(&folder, &view, settings).await?;
    view.diagnostics(&stack.diagnostics, &stack.sources);
    Ok(if stack.diagnostics.has_errors() { FAILED } else { DONE })
}

async fn install(folder: &StackFolder, view: &View, settings: Settings) -> Result<LoadedStack, u8> {
    let told = |fault| view.fault(&fault);
    let has_calls = folder.load().map_err(told)?.tree.root().is_some_and(|root| !root.calls.is_empty());
    if !has_calls {
        // There is nothing to install, and what was installed before is forgotten.
    } else if settings.upgrade {
        view.step("upgrading_modules_message", "Upgrading modules...");
    } else {
        view.step("initializing_modules_message", "Initializing modules...");
    }
    let shown = *view;
    let progress = move |event: Event| match event {
        Event::Fetching { key, source, version } => {
            let version = version.map(|it| format!(" {it}")).unwrap_or_default();
            shown.line(&format!("Downloading {source}{version} for {key}..."));
        }
        Event::Installed { key, folder } => shown.log(&format!("{key} in {}", folder.display())),
        Event::Waiting { folder } => {
            shown.line(&format!("Waiting for another installation into {}...", folder.display()));
        }
        Event::Retrying { url, cause } => shown.line(&format!("Trying {url} again: {cause}")),
        Event::Warning(warning) => shown.diagnostics(&warning.into(), &diag::Sources::default()),
    };
    let installed = folder.install(settings, Arc::new(progress)).await.map_err(told)?;
    Ok(installed.stack)
}

/// All modules that the configuration calls.
pub(super) async fn modules(context: &Context, arguments: &[String]) -> u8 {
    match attempt_modules(context, arguments) {
        Ok(code) | Err(code) => code,
    }
}

fn attempt_modules(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &MODULES, arguments)?;
    let is_json = given.is_on("json", false);
    let view = View::new(false, is_json || given.is_on("no-color", false));
    let told = |fault| view.fault(&fault);
    let folder = context.stack().map_err(told)?;
    let mut stack = folder.load().map_err(told)?;
    let mut found = stack.diagnostics.clone();
    if !given.variables.is_empty() && !found.has_errors() {
        found.extend(folder.check_values(&mut stack, &variables(&given, &view)?));
    }
    if found.has_errors() {
        view.diagnostics(&found, &stack.sources);
        return Err(FAILED);
    }
    if is_json {
        let mut rows = Vec::new();
        records(&stack.tree, NodeId::ROOT, &mut rows);
        view.data(&json!({ "format_version": "1.0", "modules": rows }).to_string());
    } else if stack.tree.nodes.len() < 2 {
        view.text(&format!(
            "\nNo modules found in configuration. `{PROGRAM} init` installs those that are called.\n"
        ));
    } else {
        view.text("\nModules declared by configuration:\n.\n");
        view.text(&format!("{}\n", branches(&called(&stack.tree, NodeId::ROOT))));
    }
    Ok(DONE)
}

/// The calls of a module by name, with the called modules.
fn calls(tree: &Tree, node: NodeId) -> Vec<(&lang::configuration::Call, Option<NodeId>)> {
    let Some(here) = tree.node(node) else { return Vec::new() };
    let mut calls: Vec<_> = here.configuration.calls.iter().zip(here.children.iter().copied()).collect();
    calls.sort_by(|a, b| a.0.name.name.cmp(&b.0.name.name));
    calls
}

fn records(tree: &Tree, node: NodeId, rows: &mut Vec<serde_json::Value>) {
    for (call, child) in calls(tree, node) {
        let source = call.source.as_ref().map_or("", |(text, _)| text.as_ref());
        let version = call.version.as_ref().map_or("", |(text, _)| text.as_ref());
        rows.push(json!({ "key": call.name.name, "source": source, "version": version }));
        if let Some(child) = child {
            records(tree, child, rows);
        }
    }
}

fn called(tree: &Tree, node: NodeId) -> Vec<crate::text::tree::Branch> {
    let branch = |(call, child): (&lang::configuration::Call, Option<NodeId>)| {
        let source = call.source.as_ref().map_or("", |(text, _)| text.as_ref());
        let version = call.version.as_ref().map(|(text, _)| format!(" ({text})")).unwrap_or_default();
        crate::text::tree::Branch {
            text: format!("{:?}[{source}]{version}", call.name.name),
            inner: child.map_or_else(Vec::new, |child| called(tree, child)),
        }
    };
    calls(tree, node).into_iter().map(branch).collect()
}
