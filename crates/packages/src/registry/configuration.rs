//! What the configuration of Terraform's command line says: `credentials` and `host` blocks of `.terraformrc`, the tokens that
//! `terraform login` has stored and those of the environment, and where providers come from. Nothing is looked for here.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use diag::{Diagnostic, Diagnostics, FileId};
use lang::syntax::{Attribute, Block, Expr, ExprKind, parse};
use url::Host;

use super::installation;
use super::settings::{ProviderSettings, expanded};
use super::token::{Token, host_of_variable};

/// Hosts' tokens and services, and where providers come from.
#[derive(Debug, Clone, Default)]
pub struct CliConfiguration {
    tokens: BTreeMap<String, Token>,
    services: BTreeMap<String, BTreeMap<String, String>>,
    providers: ProviderSettings,
    /// The environment's variables that texts of the configuration may name.
    variables: Variables,
}

/// Variables of the environment. They may be secret, and are not shown.
#[derive(Clone, Default)]
struct Variables(BTreeMap<String, String>);

impl Variables {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl std::fmt::Debug for Variables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Variables(…)")
    }
}

impl CliConfiguration {
    /// Reads what the environment names: `TF_TOKEN_…`, `TF_CLI_CONFIG_FILE`, `TF_PLUGIN_CACHE_DIR`, `HOME`. The environment's tokens
    /// come first, then those of `.terraformrc`, then those that were stored at a login.
    ///
    /// What cannot be read is told as diagnostics, errors or warnings, beside what could be.
    #[must_use]
    pub fn of_environment(variables: impl IntoIterator<Item = (String, String)>) -> (Self, Diagnostics) {
        let variables = Variables(variables.into_iter().collect());
        let mut configuration = Self { variables, ..Self::default() };
        let mut diagnostics = Diagnostics::default();
        let get = |name: &str| configuration.variables.get(name).map(PathBuf::from);
        let (named, home) = (get("TF_CLI_CONFIG_FILE"), get("HOME"));
        if let Some(home) = &home {
            configuration.read_stored(&home.join(".terraform.d/credentials.tfrc.json"), &mut diagnostics);
        }
        match (&named, &home) {
            (Some(path), _) => configuration.read_named(path, &mut diagnostics),
            (None, Some(home)) => {
                configuration.read_file(&home.join(".terraformrc"), false, &mut diagnostics)
            }
            (None, None) => {}
        }
        configuration.read_variables();
        if let Some(cache) = &configuration.providers.cache
            && let Err(e) = fs::read_dir(cache)
        {
            let fault =
                Diagnostic::warning("cli-configuration", "the shared cache of providers cannot be opened");
            let fault = fault.about(cache.display().to_string()).because(e.to_string());
            diagnostics.push(fault.hint("make the folder; until then providers are installed without it"));
            configuration.providers.cache = None;
        }
        (configuration, diagnostics)
    }

    /// What the environment says itself, which comes before what files say.
    fn read_variables(&mut self) {
        let variables = self.variables.clone();
        for (name, value) in &variables.0 {
            if let Some(host) = host_of_variable(name).filter(|_| !value.is_empty()) {
                self.tokens.insert(host, Token::new(value.clone()));
            }
        }
        if let Some(cache) = variables.get("TF_PLUGIN_CACHE_DIR") {
            self.providers.cache = Some(cache.into());
        }
        if let Some(value) = variables.get("TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE") {
            self.providers.cache_may_break_lock = !matches!(value, "0" | "false");
        }
        self.providers.implied = ProviderSettings::implied(|name| variables.get(name));
    }

    /// Where providers come from and are kept.
    #[must_use]
    pub fn providers(&self) -> &ProviderSettings {
        &self.providers
    }

    /// With other settings of providers.
    #[must_use]
    pub fn with_providers(mut self, providers: ProviderSettings) -> Self {
        self.providers = providers;
        self
    }

    /// A variable of the environment that it was read from.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name)
    }

    /// With a token for a host.
    #[must_use]
    pub fn with_token(mut self, host: impl Into<String>, token: Token) -> Self {
        self.tokens.insert(host.into(), token);
        self
    }

    /// With a service of a host, which is not asked for its services then.
    #[must_use]
    pub fn with_service(mut self, host: &str, service: &str, url: &str) -> Self {
        self.services.entry(host.to_owned()).or_default().insert(service.to_owned(), url.to_owned());
        self
    }

    /// A host's token.
    #[must_use]
    pub fn token(&self, host: &str) -> Option<&Token> {
        self.tokens.get(host)
    }

    /// A host's services if they are written down: URLs by the service's name.
    #[must_use]
    pub fn services(&self, host: &str) -> Option<&BTreeMap<String, String>> {
        self.services.get(host)
    }

    fn read_named(&mut self, path: &Path, diagnostics: &mut Diagnostics) {
        self.read_file(path, true, diagnostics);
    }

    fn read_file(&mut self, path: &Path, is_named: bool, diagnostics: &mut Diagnostics) {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound && !is_named => return,
            Err(e) => {
                let fault = Diagnostic::warning(
                    "cli-configuration",
                    "the command line's configuration cannot be read",
                );
                let hint = if is_named { "correct TF_CLI_CONFIG_FILE" } else { "correct the file's rights" };
                diagnostics.push(fault.about(path.display().to_string()).because(e.to_string()).hint(hint));
                return;
            }
        };
        self.take(&text, &path.display().to_string(), diagnostics);
    }

    /// Reads the text of a `.terraformrc`.
    fn take(&mut self, text: &str, path: &str, diagnostics: &mut Diagnostics) {
        let text = &installation::with_overrides_as_attribute(text);
        let parsed = parse(FileId(0), text);
        // Places are told as lines, since the file is none of the project's.
        let place = |offset: u32| {
            let line = text.get(..offset as usize).map_or(1, |before| before.matches('\n').count() + 1);
            format!("{path}:{line}")
        };
        for mut fault in parsed.diagnostics {
            fault.subject = fault.span.take().map(|span| place(span.start)).or_else(|| Some(path.to_owned()));
            fault.related.clear();
            diagnostics.push(fault);
        }
        for attribute in &parsed.tree.attributes {
            self.setting(attribute, text);
        }
        for block in &parsed.tree.blocks {
            if &*block.kind.name == "provider_installation" {
                let (read, faults) = installation::read(block);
                self.providers.installation = Some(read);
                // Not to know a mirror could mean to ask a registry that must not be asked: this is no warning.
                diagnostics.extend(faults.into_iter().map(|(offset, message)| {
                    let fault = Diagnostic::error("provider-installation", message).about(place(offset));
                    fault.summary("Invalid provider_installation method block").hint("correct the file")
                }));
                continue;
            }
            let taken = match &*block.kind.name {
                "credentials" => self.credentials(block),
                "host" => self.host(block),
                "credentials_helper" => Err((
                    "`credentials_helper` is not supported".to_owned(),
                    "give the token in TF_TOKEN_… or in a `credentials` block",
                )),
                _ => Ok(()),
            };
            if let Err((message, hint)) = taken {
                let fault = Diagnostic::warning("cli-configuration", message);
                diagnostics.push(fault.about(place(block.header().start)).hint(hint));
            }
        }
    }

    /// A setting outside of all blocks; those that are not ours are passed over.
    fn setting(&mut self, attribute: &Attribute, text: &str) {
        let span = attribute.expr.span;
        match &*attribute.name.name {
            "plugin_cache_dir" => {
                // As written: `${HOME}` is the environment's here, and no template.
                let written = text.get(span.start as usize..span.end as usize).unwrap_or("");
                let path = expanded(written.trim_matches('"'), |name| self.variables.get(name));
                self.providers.cache =
                    Some(path.into()).filter(|path: &PathBuf| !path.as_os_str().is_empty());
            }
            "plugin_cache_may_break_dependency_lock_file" => {
                let value = match &attribute.expr.kind {
                    ExprKind::Literal(value) => value.as_bool(),
                    _ => None,
                };
                self.providers.cache_may_break_lock = value.unwrap_or(false);
            }
            _ => {}
        }
    }

    fn credentials(&mut self, block: &Block) -> Result<(), (String, &'static str)> {
        let host = label(block)?;
        let token = block.body.attribute("token").and_then(|attribute| text_of(&attribute.expr));
        let fault = || (format!("the credentials of {host} have no token"), "write `token = \"…\"`");
        self.tokens.insert(host.clone(), Token::new(token.ok_or_else(fault)?));
        Ok(())
    }

    fn host(&mut self, block: &Block) -> Result<(), (String, &'static str)> {
        let host = label(block)?;
        let hint = "write `services = { \"modules.v1\" = \"https://…\" }`";
        let fault = || (format!("the services of {host} are no names and URLs"), hint);
        let services = block.body.attribute("services").ok_or_else(fault)?;
        let ExprKind::Object(items) = &services.expr.kind else { return Err(fault()) };
        let mut found = BTreeMap::new();
        for item in items {
            let pair = text_of(&item.key).zip(text_of(&item.value));
            let (name, url) = pair.ok_or_else(fault)?;
            found.insert(name, url);
        }
        self.services.insert(host, found);
        Ok(())
    }

    /// `{"credentials": {"host": {"token": "…"}}}`.
    fn read_stored(&mut self, path: &Path, diagnostics: &mut Diagnostics) {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return,
            Err(e) => {
                let fault = Diagnostic::warning("cli-configuration", "the stored credentials cannot be read");
                diagnostics.push(fault.about(path.display().to_string()).because(e.to_string()));
                return;
            }
        };
        match serde_json::from_str::<Stored>(&text) {
            Ok(stored) => {
                for (host, credentials) in stored.credentials {
                    if let Some(host) = comparable(&host) {
                        self.tokens.insert(host, Token::new(credentials.token));
                    }
                }
            }
            Err(e) => {
                let fault = Diagnostic::warning("cli-configuration", "the stored credentials are damaged");
                // The library's own words could repeat a part of the secret.
                let at = format!("at line {}, column {}", e.line(), e.column());
                diagnostics.push(fault.about(path.display().to_string()).because(at).hint("log in again"));
            }
        }
    }
}

#[derive(serde::Deserialize)]
struct Stored {
    #[serde(default)]
    credentials: BTreeMap<String, StoredToken>,
}

#[derive(serde::Deserialize)]
struct StoredToken {
    token: String,
}

fn label(block: &Block) -> Result<String, (String, &'static str)> {
    let kind = &block.kind.name;
    let fault = || (format!("`{kind}` does not name one host"), "write the host's name in quotes after it");
    let [host] = &block.labels[..] else { return Err(fault()) };
    comparable(&host.name).ok_or_else(fault)
}

/// A host's name in the form in which hosts are compared, with its port if it has one.
fn comparable(host: &str) -> Option<String> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) => (name, Some(port.parse::<u16>().ok()?)),
        None => (host, None),
    };
    let name = Host::parse(name).ok()?;
    Some(match port {
        None | Some(443) => name.to_string(),
        Some(port) => format!("{name}:{port}"),
    })
}

/// A text without interpolation, or a bare name.
fn text_of(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Literal(value) => value.as_str().map(str::to_owned),
        ExprKind::Name(name) => Some(name.to_string()),
        _ => None,
    }
}
