//! What a call and the module that it calls have to agree on: arguments and variables, references and outputs, providers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Span};

use super::Configuration;
use super::findings::Findings;
use super::terraform::{Call, ProviderReference, Resource};
use super::tree::{NodeId, Tree};
use crate::address::{Address, Target};
use crate::resolve::CallId;

/// A module that was read.
pub(super) struct Module {
    pub configuration: Arc<Configuration>,
    /// Where outputs of its calls are named: by call, which output and where.
    by_call: HashMap<CallId, Vec<(u32, Span)>>,
    outputs: HashSet<Arc<str>>,
    is_project: bool,
}

impl Module {
    pub fn new(
        configuration: Arc<Configuration>,
        places: Vec<(CallId, u32, Span)>,
        is_project: bool,
    ) -> Self {
        let mut by_call: HashMap<CallId, Vec<(u32, Span)>> = HashMap::new();
        for (call, output, span) in places {
            by_call.entry(call).or_default().push((output, span));
        }
        let outputs = configuration.outputs.iter().map(|output| output.name.name.clone()).collect();
        Self { configuration, by_call, outputs, is_project }
    }
}

/// Everything that a call and what it calls have to agree on.
pub(super) fn check(caller: &Module, id: CallId, called: &Module, findings: &mut Findings) {
    let Some(call) = caller.configuration.call(id) else { return };
    arguments(call, &called.configuration, &mut findings.references);
    if caller.is_project {
        outputs(caller, id, call, called, &mut findings.references);
    }
    providers(&caller.configuration, call, &called.configuration, &mut findings.blocks);
}

fn arguments(call: &Call, called: &Configuration, faults: &mut Diagnostics) {
    let name = &call.name.name;
    let variables = || called.variables.iter().map(|variable| variable.name.name.as_ref());
    let mut given: HashSet<&str> = HashSet::with_capacity(call.body.attributes.len());
    for attribute in &call.body.attributes {
        let argument = attribute.name.name.as_ref();
        given.insert(argument);
        if called.names.variables.contains_key(argument) {
            continue;
        }
        let fault =
            Diagnostic::error("unknown-attribute", format!("module \"{name}\" has no variable `{argument}`"))
                .at(attribute.name.span);
        faults.push(match diag::closest(argument, variables()) {
            Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
            None => fault.hint(format!("declare it in the module with `variable \"{argument}\" {{}}`")),
        });
    }
    for variable in called.variables.iter().filter(|variable| variable.default.is_none()) {
        let wanted = &variable.name.name;
        if !given.contains(wanted.as_ref()) {
            faults.push(
                Diagnostic::error("missing-attribute", format!("module \"{name}\" needs `{wanted}`"))
                    .at(call.header)
                    .see(variable.header, "the variable")
                    .hint(format!("add `{wanted} = …`, or give the variable a `default`")),
            );
        }
    }
}

/// In a module of Terraform an output that is not there is at fault only where it comes to asking for it.
fn outputs(caller: &Module, id: CallId, call: &Call, called: &Module, faults: &mut Diagnostics) {
    let missing: Vec<bool> = call.outputs.iter().map(|(name, _)| !called.outputs.contains(name)).collect();
    if !missing.contains(&true) {
        return;
    }
    for (output, span) in caller.by_call.get(&id).into_iter().flatten() {
        let at = *output as usize;
        let Some((name, _)) = call.outputs.get(at).filter(|_| missing.get(at) == Some(&true)) else {
            continue;
        };
        let fault =
            Diagnostic::error("undeclared", format!("module \"{}\" has no output `{name}`", call.name.name))
                .summary("Unsupported attribute")
                .at(*span);
        faults.push(match diag::closest(name, called.outputs.iter().map(AsRef::as_ref)) {
            Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
            None => fault.hint(format!("declare it in the module with `output \"{name}\" {{ value = … }}`")),
        });
    }
}

/// The address of a provider, as far as names tell it: what `required_providers` says, or HashiCorp's of that name.
fn provider_source(configuration: &Configuration, name: &str) -> String {
    let required = configuration.settings.required_providers.iter().find(|r| r.name.name.as_ref() == name);
    let source = required.and_then(|required| required.source.as_ref());
    let source = source.map_or_else(|| format!("hashicorp/{name}"), |(source, _)| source.to_lowercase());
    let source = source.strip_prefix("registry.terraform.io/").unwrap_or(&source).to_owned();
    if source.contains('/') { source } else { format!("hashicorp/{source}") }
}

/// Providers that are passed under a name that one side says nothing of, so that it is only assumed which are meant.
fn assumed(caller: &Configuration, call: &Call, called: &Configuration, faults: &mut Diagnostics) {
    let is_required = |configuration: &Configuration, name: &str| {
        configuration.settings.required_providers.iter().any(|required| required.name.name.as_ref() == name)
    };
    let unknown = |fault: Diagnostic, reference: &ProviderReference| {
        let name = &reference.name;
        fault.at(reference.span).hint(format!("name it in `required_providers`: `{name} = {{ source = … }}`"))
    };
    for (inside, outside) in call.providers.as_deref().unwrap_or_default() {
        let is_own = |provider: &super::terraform::ProviderConfiguration| {
            provider.name.name == inside.name
                && provider.alias.as_ref().map(|alias| &alias.name) == inside.alias.as_ref()
        };
        let is_asked = called.settings.required_providers.iter().any(|required| {
            required.aliases.iter().any(|alias| alias.name == inside.name && alias.alias == inside.alias)
        });
        let is_declared = called.providers.iter().any(is_own) || is_asked;
        if inside.alias.is_some() && !is_declared && is_required(called, &inside.name) {
            let message = format!("the module asks for no configuration `{inside}`");
            faults.push(unknown(Diagnostic::error("undefined-provider", message), inside));
        } else if !is_declared && !is_required(called, &inside.name) {
            let message = format!("the module does not say which provider `{inside}` is");
            faults.push(unknown(Diagnostic::warning("undefined-provider", message), inside));
        }
        if outside.alias.is_none() && !is_required(caller, &outside.name) {
            let message = format!("nothing says which provider `{outside}` is");
            faults.push(unknown(Diagnostic::warning("undefined-provider", message), outside));
        }
    }
}

fn providers(caller: &Configuration, call: &Call, called: &Configuration, faults: &mut Diagnostics) {
    assumed(caller, call, called, faults);
    let own: Vec<_> = called.providers.iter().filter(|p| !is_proxy(p)).collect();
    // A stack is there once, and may come after others.
    if let Some(provider) = own.first().filter(|_| !call.is_stack) {
        let places = [&call.count, &call.for_each].into_iter().flatten().map(|expr| expr.span);
        let after = call.depends_on.first().map(|dependency| dependency.span);
        for place in places.chain(after) {
            faults.push(
                Diagnostic::error(
                    "module-with-providers",
                    format!(
                        "module \"{}\" has neither `count` nor `for_each` nor `depends_on`",
                        call.name.name
                    ),
                )
                .at(place)
                .see(provider.header, "the module configures a provider of its own")
                .hint("configure the provider here, and pass it on with `providers = { … }`"),
            );
        }
    }
    let passed: &[(ProviderReference, ProviderReference)] = call.providers.as_deref().unwrap_or_default();
    for (inside, outside) in passed {
        if let Some(provider) = own.iter().find(|p| {
            p.name.name == inside.name && p.alias.as_ref().map(|a| &a.name) == inside.alias.as_ref()
        }) {
            faults.push(
                Diagnostic::error(
                    "module-with-providers",
                    format!("the module configures `{inside}` itself"),
                )
                .at(inside.span)
                .see(provider.header, "here")
                .hint("take the configuration out of the module, or do not pass one"),
            );
        }
        let (one, other) = (provider_source(called, &inside.name), provider_source(caller, &outside.name));
        if one != other {
            faults.push(
                Diagnostic::error("wrong-provider", format!("`{inside}` of the module is `{one}`, and `{outside}` is `{other}`"))
                    .at(outside.span)
                    .hint("pass a configuration of the same provider, or name its `source` in `required_providers` of both"),
            );
        }
    }
    let is_passed = |alias: &ProviderReference| {
        passed.iter().any(|(inside, _)| inside.name == alias.name && inside.alias == alias.alias)
    };
    for required in &called.settings.required_providers {
        for alias in required.aliases.iter().filter(|alias| !is_passed(alias)) {
            faults.push(
                Diagnostic::error(
                    "missing-provider",
                    format!("module \"{}\" needs the provider `{alias}`", call.name.name),
                )
                .at(call.header)
                .see(alias.span, "the module asks for it here")
                .hint(format!("pass one: `providers = {{ {alias} = … }}`")),
            );
        }
    }
}

/// A configuration without anything in it, by which older modules say that they want one passed.
fn is_proxy(provider: &super::terraform::ProviderConfiguration) -> bool {
    provider.body.attributes.is_empty() && provider.body.blocks.is_empty()
}

/// What only the whole tree tells: configurations of providers that somebody has to have, and blocks that only the root may hold.
pub(super) fn check_tree(tree: &Tree, findings: &mut Findings) {
    let mut seen: HashSet<*const Configuration> = HashSet::new();
    for node in &tree.nodes {
        let configuration = &node.configuration;
        if !seen.insert(Arc::as_ptr(configuration)) {
            continue;
        }
        let is_root = node.caller.is_none();
        // A stack may be used with Terraform as well, for which it is a root.
        let is_stack = node.caller.is_some_and(|(caller, call)| {
            let call = tree.node(caller).and_then(|above| above.configuration.call(call));
            call.is_some_and(|call| call.is_stack)
        });
        match is_root {
            true => imports(tree, configuration, &mut findings.blocks),
            false if !is_stack => below_root(configuration, &mut findings.blocks),
            false => {}
        }
        configured(configuration, is_root, &mut findings.references);
        outputs_of(configuration, is_root, &mut findings.references);
    }
}

/// Objects that are taken over twice, and providers where a resource says which is its own.
fn imports(tree: &Tree, configuration: &Configuration, faults: &mut Diagnostics) {
    let mut seen: HashMap<&Target, Span> = HashMap::new();
    for import in &configuration.imports {
        if import.key.is_none() && import.module_keys.is_empty() {
            match seen.get(&import.to) {
                Some(first) => faults.push(
                    Diagnostic::error("import-twice", format!("there are two imports into `{}`", import.to))
                        .summary(format!("Duplicate import configuration for \"{}\"", import.to))
                        .at(import.to_span)
                        .see(*first, "first here")
                        .hint("take one of them out"),
                ),
                None => {
                    seen.insert(&import.to, import.to_span);
                }
            }
        }
        let (Some(provider), Target::Resource(address)) = (&import.provider, &import.to) else { continue };
        let Some(resource) = declared(tree, address) else { continue };
        let is_its = address.module.is_root()
            && own_provider(resource) == (provider.name.as_ref(), provider.alias.as_deref());
        if !is_its {
            faults.push(
                Diagnostic::error(
                    "import-provider",
                    "an import into a declared resource has the provider of that resource",
                )
                .at(provider.span)
                .see(resource.header, "declared here")
                .hint("leave `provider` out, and say it in the resource"),
            );
        }
    }
}

/// The resource at an address, whatever its keys.
fn declared<'t>(tree: &'t Tree, address: &Address) -> Option<&'t Resource> {
    let mut node = NodeId::ROOT;
    for step in address.module.0.iter() {
        let here = tree.node(node)?;
        let call = here.configuration.names.calls.get(&step.name)?;
        node = here.children.get(call.0 as usize).copied().flatten()?;
    }
    let kind: Arc<str> = address.kind.as_str().into();
    tree.node(node)?.configuration.find_resource(address.mode, &kind, &address.name)
}

/// The provider of a resource: what it says, or what the first word of its kind does.
fn own_provider(resource: &Resource) -> (&str, Option<&str>) {
    match &resource.provider {
        Some(provider) => (&provider.name, provider.alias.as_deref()),
        None => (resource.kind.name.split('_').next().unwrap_or_default(), None),
    }
}

/// Blocks that mean nothing below the root.
fn below_root(configuration: &Configuration, faults: &mut Diagnostics) {
    for provider in
        configuration.providers.iter().filter(|provider| is_proxy(provider) && provider.version.is_none())
    {
        faults.push(
            Diagnostic::warning(
                "empty-provider",
                format!("this block says nothing of the provider `{}`", provider.name.name),
            )
            .at(provider.header)
            .because("older modules asked in this way for a configuration to be passed to them")
            .hint(
                "name the provider in `required_providers` instead, an alias in its `configuration_aliases`",
            ),
        );
    }
    for import in &configuration.imports {
        faults.push(
            Diagnostic::error("misplaced-block", "only the root module can have `import` blocks")
                .summary("Invalid import configuration")
                .at(import.header)
                .hint("move it to the root module, and name the resource with its module: `module.NAME.…`"),
        );
    }
    if let Some(backend) = &configuration.settings.backend {
        faults.push(
            Diagnostic::warning(
                "ignored-backend",
                format!("this `{}` block has no effect", backend.kind.name),
            )
            .at(backend.header())
            .because("there is one state for everything, and the root module says where it is")
            .hint("leave it out"),
        );
    }
}

/// Whether every configuration of a provider that a module names is there.
fn configured(configuration: &Configuration, is_root: bool, faults: &mut Diagnostics) {
    let mut known: HashSet<(&str, Option<&str>)> = HashSet::new();
    for provider in &configuration.providers {
        known.insert((&provider.name.name, provider.alias.as_ref().map(|alias| alias.name.as_ref())));
    }
    for required in &configuration.settings.required_providers {
        for alias in &required.aliases {
            known.insert((&alias.name, alias.alias.as_deref()));
        }
    }
    let resources = configuration.resources.iter().filter_map(|resource| resource.provider.as_ref());
    let calls = configuration.calls.iter().flat_map(|call| call.providers.iter().flatten());
    let imports = configuration.imports.iter().filter_map(|import| import.provider.as_ref());
    let named = resources.chain(calls.map(|(_, outside)| outside)).chain(imports);
    for reference in named {
        let Some(alias) = reference.alias.as_deref() else { continue };
        if known.contains(&(reference.name.as_ref(), Some(alias))) {
            continue;
        }
        let name = &reference.name;
        let fault = Diagnostic::error(
            "provider-not-present",
            format!("the provider `{name}` has no configuration `{alias}`"),
        )
        .at(reference.span);
        let aliases = known.iter().filter(|(n, _)| *n == name.as_ref()).filter_map(|(_, alias)| *alias);
        faults.push(match diag::closest(alias, aliases) {
            Some(meant) => fault.hint(format!("did you mean `{name}.{meant}`?")),
            None if is_root => {
                fault.hint(format!("declare it with `provider \"{name}\" {{ alias = \"{alias}\" }}`"))
            }
            None => fault.hint(format!(
                "ask for it with `configuration_aliases = [{name}.{alias}]` in `required_providers`"
            )),
        });
    }
}

/// What only outputs of the root, or only those of other modules may be.
fn outputs_of(configuration: &Configuration, is_root: bool, faults: &mut Diagnostics) {
    for output in configuration.outputs.iter().filter(|output| is_root && output.ephemeral) {
        faults.push(
            Diagnostic::error("ephemeral-output", "an output of the root module cannot be ephemeral")
                .at(output.header)
                .because("outputs of the root module are stored")
                .hint("leave `ephemeral` out, and the output, if its value must not be stored"),
        );
    }
}
