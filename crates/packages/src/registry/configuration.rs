//! What the configuration of Terraform's command line says about hosts: `credentials` and `host` blocks of `.terraformrc`, the
//! tokens that `terraform login` has stored, and those of the environment. Its other settings are others' to read.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use diag::{Diagnostic, Diagnostics, FileId};
use lang::syntax::{Block, Expr, ExprKind, parse};
use url::Host;

use super::token::{Token, host_of_variable};

/// Hosts' tokens and services.
#[derive(Debug, Clone, Default)]
pub struct CliConfiguration {
    tokens: BTreeMap<String, Token>,
    services: BTreeMap<String, BTreeMap<String, String>>,
}

impl CliConfiguration {
    /// Reads what the environment names: `TF_TOKEN_…`, `TF_CLI_CONFIG_FILE`, `HOME`. The environment's tokens come first, then
    /// those of `.terraformrc`, then those that were stored at a login.
    ///
    /// What cannot be read is told as diagnostics, errors or warnings, beside what could be.
    #[must_use]
    pub fn of_environment(variables: impl IntoIterator<Item = (String, String)>) -> (Self, Diagnostics) {
        let mut configuration = Self::default();
        let mut diagnostics = Diagnostics::default();
        let (mut named, mut home, mut tokens) = (None, None, Vec::new());
        for (name, value) in variables {
            match name.as_str() {
                "TF_CLI_CONFIG_FILE" if !value.is_empty() => named = Some(PathBuf::from(value)),
                "HOME" if !value.is_empty() => home = Some(PathBuf::from(value)),
                _ => {
                    if let Some(host) = host_of_variable(&name).filter(|_| !value.is_empty()) {
                        tokens.push((host, Token::new(value)));
                    }
                }
            }
        }
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
        configuration.tokens.extend(tokens);
        (configuration, diagnostics)
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
        for block in &parsed.tree.blocks {
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
