//! Environments and their clusters. Their settings need nothing but constants and are decoded when loading.

use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Span};
use value::Value;

use super::scope::ConstantScope;
use crate::ProviderAddress;
use crate::blocks;
use crate::eval::Scope;
use crate::resolve::{Allowed, Names, Resolver, VariableId};
use crate::schema::{Rule, decode};
use crate::syntax::{Block, Body, Expr, ExprKind};

/// The environment that is there without being declared.
const DEFAULT_ENVIRONMENT: &str = "dev";

/// The cluster that is there where an environment declares none.
const DEFAULT_CLUSTER: &str = "local";

/// Where the HTTP entry listens that `up` starts, unless a cluster says otherwise: loopback, a port that needs no rights.
const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

/// An environment.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its name.
    pub name: Arc<str>,
    /// Where its block begins; `None` for the `dev` that is there without being declared.
    pub header: Option<Span>,
    /// The values that it gives to variables, constants all.
    pub variables: Vec<EnvironmentValue>,
    /// Whether caution counts more than speed.
    pub protected: bool,
    /// Its clusters in the order of the text; at least one.
    pub clusters: Vec<Cluster>,
    /// What it gives to the programs of providers, in the order of the text.
    pub providers: Vec<EnvironmentProvider>,
    /// Environment variables of every service.
    pub env: Pairs,
    /// Environment variables of services by their names.
    pub services: Vec<(Arc<str>, Pairs)>,
}

/// Names with texts.
pub type Pairs = Vec<(Arc<str>, Arc<str>)>;

/// What an environment gives to the program of a provider.
#[derive(Debug, Clone)]
pub struct EnvironmentProvider {
    /// The provider.
    pub address: ProviderAddress,
    /// Where the block begins.
    pub header: Span,
    /// The accounts that the environment works in; empty: nothing is said of them.
    pub accounts: Vec<Arc<str>>,
    /// Environment variables with their values.
    pub env: Vec<(Arc<str>, Arc<str>)>,
    /// Environment variables, with what those of Mainstay are called that they are taken from.
    pub env_from: Vec<(Arc<str>, Arc<str>)>,
}

/// A value that an environment gives to a variable.
#[derive(Debug, Clone)]
pub struct EnvironmentValue {
    /// The variable.
    pub variable: VariableId,
    /// Its value, resolved.
    pub expr: Expr,
}

/// A place where services run.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Its name.
    pub name: Arc<str>,
    /// Where its block begins; `None` for the `local` that is there without being declared.
    pub header: Option<Span>,
    /// What runs the services: `agent`.
    pub driver: Arc<str>,
    /// The agent's socket; `None` for this machine's own.
    pub socket: Option<Arc<str>>,
    /// Where the HTTP entry of an agent listens that `up` starts.
    pub listen: Arc<str>,
}

impl Environment {
    /// The `dev` that is there without being declared.
    pub(super) fn implied() -> Self {
        Self {
            name: DEFAULT_ENVIRONMENT.into(),
            header: None,
            variables: Vec::new(),
            protected: false,
            clusters: vec![Cluster::implied()],
            providers: Vec::new(),
            env: Vec::new(),
            services: Vec::new(),
        }
    }

    /// A cluster by name.
    #[must_use]
    pub fn cluster(&self, name: &str) -> Option<&Cluster> {
        self.clusters.iter().find(|c| c.name.as_ref() == name)
    }
}

impl Cluster {
    fn implied() -> Self {
        Self {
            name: DEFAULT_CLUSTER.into(),
            header: None,
            driver: "agent".into(),
            socket: None,
            listen: DEFAULT_LISTEN.into(),
        }
    }
}

/// An environment from its block.
pub(super) fn environment(
    name: Arc<str>,
    block: &mut Block,
    names: &Names,
    scope: &ConstantScope<'_>,
    faults: &mut Diagnostics,
) -> Environment {
    let header = block.header();
    let variables = take(&mut block.body, "variables");
    let mut resolver = Resolver::new(names, Allowed::constant("an environment"), &[]);
    resolver.body(&mut block.body);
    faults.extend(resolver.finish().diagnostics);
    let scope = ConstantScope { environment: Some(&name), ..*scope };
    let what = format!("environment \"{name}\"");
    let decoded = decode(&block.body, header, &what, &blocks::ENVIRONMENT, &[], &scope);
    faults.extend(decoded.diagnostics);
    let value = decoded.value;
    let mut clusters: Vec<Cluster> = Vec::new();
    let settings = value.get("cluster");
    for cluster in block.body.blocks_of("cluster") {
        let Some(label) = cluster.labels.first() else { continue };
        check_name(&label.name, label.span, "cluster", faults);
        if clusters.iter().any(|c| c.name == label.name) {
            continue;
        }
        let settings = settings.as_ref().and_then(|s| s.get(&label.name));
        let text = |key: &str| settings.as_ref()?.get(key)?.as_str().map(Arc::<str>::from);
        clusters.push(Cluster {
            name: label.name.clone(),
            header: Some(cluster.header()),
            driver: text("driver").unwrap_or_else(|| "agent".into()),
            socket: text("socket"),
            listen: text("listen").unwrap_or_else(|| DEFAULT_LISTEN.into()),
        });
    }
    if clusters.is_empty() {
        clusters.push(Cluster::implied());
    }
    let providers = providers(block, &value, faults);
    let services = services(block, &value, names, faults);
    Environment {
        providers,
        services,
        env: pairs(&value, "env"),
        protected: value.get("protected").and_then(|v| v.as_bool()).unwrap_or(false),
        header: Some(header),
        variables: variables.map_or_else(Vec::new, |expr| values(expr, names, &scope, faults)),
        clusters,
        name,
    }
}

/// The `provider` blocks of an environment.
fn providers(block: &Block, decoded: &Value, faults: &mut Diagnostics) -> Vec<EnvironmentProvider> {
    let mut found: Vec<EnvironmentProvider> = Vec::new();
    let settings = decoded.get("provider");
    for provider in block.body.blocks_of("provider") {
        let Some(label) = provider.labels.first() else { continue };
        let address = ProviderAddress::of_source(&label.name);
        if let Some(first) = found.iter().find(|first| first.address == address) {
            let fault = Diagnostic::error("duplicate-provider", format!("{address} is described twice"));
            faults.push(fault.at(label.span).see(first.header, "first here").hint("remove one of them"));
            continue;
        }
        let settings = settings.as_ref().and_then(|all| all.get(&label.name));
        let get = |key: &str| settings.as_ref()?.get(key);
        let pairs = |key: &str| settings.as_ref().map_or_else(Vec::new, |settings| pairs(settings, key));
        let (env, env_from) = (pairs("env"), pairs("env_from"));
        if let Some((twice, _)) = env.iter().find(|(name, _)| env_from.iter().any(|(other, _)| other == name))
        {
            let fault = Diagnostic::error("duplicate-attribute", format!("`{twice}` is given twice"));
            let fault = fault.because("it is in `env` and in `env_from`").hint("remove it from one of them");
            faults.push(fault.at(provider.header()));
        }
        found.push(EnvironmentProvider {
            address,
            header: provider.header(),
            accounts: get("accounts").as_ref().and_then(Value::as_slice).map_or_else(Vec::new, |all| {
                all.iter().filter_map(|account| account.as_str().map(Arc::from)).collect()
            }),
            env,
            env_from,
        });
    }
    found
}

/// The `service` blocks of an environment.
fn services(
    block: &Block,
    decoded: &Value,
    names: &Names,
    faults: &mut Diagnostics,
) -> Vec<(Arc<str>, Pairs)> {
    let settings = decoded.get("service");
    let mut found = Vec::new();
    for service in block.body.blocks_of("service") {
        let Some(label) = service.labels.first() else { continue };
        if !names.services.contains_key(&label.name) {
            let fault = Diagnostic::error("undeclared", format!("there is no service `{}`", label.name))
                .at(label.span);
            faults.push(match names.closest("service", &label.name) {
                Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                None => fault.hint(format!("declare it with `service \"{}\" {{ … }}`", label.name)),
            });
            continue;
        }
        let settings = settings.as_ref().and_then(|all| all.get(&label.name));
        found.push((label.name.clone(), settings.map_or_else(Vec::new, |settings| pairs(&settings, "env"))));
    }
    found
}

/// The texts of a map.
fn pairs(settings: &Value, key: &str) -> Pairs {
    let map = settings.get(key);
    let entries = map.as_ref().and_then(Value::as_entries).into_iter().flatten();
    entries.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.into()))).collect()
}

/// The entries of `variables = { … }`.
fn values(expr: Expr, names: &Names, _scope: &dyn Scope, faults: &mut Diagnostics) -> Vec<EnvironmentValue> {
    let items = match expr.kind {
        ExprKind::Object(items) => items,
        ExprKind::Broken => return Vec::new(),
        _ => {
            faults.push(
                Diagnostic::error("invalid-variables", "`variables` is written as an object")
                    .at(expr.span)
                    .hint("write `variables = { name = value }`"),
            );
            return Vec::new();
        }
    };
    let mut given: Vec<EnvironmentValue> = Vec::new();
    let mut places: std::collections::HashMap<VariableId, Span> = std::collections::HashMap::new();
    for mut item in items {
        let span = item.key.span;
        let ExprKind::Literal(key) = &item.key.kind else {
            faults.push(
                Diagnostic::error("invalid-variables", "the name of a variable is a plain name here")
                    .at(span),
            );
            continue;
        };
        let Some(name) = key.as_str() else { continue };
        let Some(variable) = names.variables.get(name).copied() else {
            let fault = Diagnostic::error("undeclared", format!("there is no variable `{name}`")).at(span);
            faults.push(match names.closest("var", name) {
                Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                None => fault.hint(format!("declare it with `variable \"{name}\" {{}}`")),
            });
            continue;
        };
        if let Some(first) = places.insert(variable, span) {
            faults.push(
                Diagnostic::error("duplicate-attribute", format!("`{name}` is given twice"))
                    .at(span)
                    .see(first, "first here")
                    .hint("remove one of them"),
            );
            continue;
        }
        let mut resolver = Resolver::new(names, Allowed::constant("the values of an environment"), &[]);
        resolver.expr(&mut item.value);
        faults.extend(resolver.finish().diagnostics);
        given.push(EnvironmentValue { variable, expr: item.value });
    }
    given
}

/// Takes an attribute out of a body.
pub(super) fn take(body: &mut Body, name: &str) -> Option<Expr> {
    let at = body.attributes.iter().position(|a| a.name.name.as_ref() == name)?;
    Some(body.attributes.remove(at).expr)
}

/// A name that addresses and host names are made of.
pub(super) fn check_name(name: &str, span: Span, noun: &str, faults: &mut Diagnostics) {
    if let Some((_, hint)) = Rule::Name.fault(&Value::string(name)) {
        let fault =
            Diagnostic::error("invalid-name", format!("{name:?} cannot be the name of a {noun}")).at(span);
        let better = better_name(name);
        faults.push(if better.is_empty() || better == name {
            fault.hint(hint)
        } else {
            fault.because(hint).hint(format!("write \"{better}\""))
        });
    }
}

fn better_name(name: &str) -> String {
    let letters: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .collect();
    let trimmed = letters.trim_matches('-').trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    if trimmed.len() <= 40 { trimmed.to_owned() } else { String::new() }
}
