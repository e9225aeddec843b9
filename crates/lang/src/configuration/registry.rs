//! Registries of images: the `registry` blocks of the project. Nothing is asked of any; a password is only named here.

use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Span};
use value::Value;

use crate::syntax::Block;

/// What is set for a registry.
#[derive(Debug, Clone)]
pub struct Registry {
    /// Its host and port, as references name it.
    pub host: Arc<str>,
    /// Where its block begins.
    pub header: Span,
    /// Who we are there.
    pub username: Option<Arc<str>>,
    /// The environment variable that holds the password.
    pub password_env: Option<Arc<str>>,
    /// Where its images are looked for first.
    pub mirrors: Vec<Arc<str>>,
    /// Whether it is spoken to without TLS; none: on loopback only.
    pub plain_http: Option<bool>,
}

/// The registries of the project's block.
pub(super) fn registries(block: &Block, decoded: &Value, faults: &mut Diagnostics) -> Vec<Registry> {
    let settings = decoded.get("registry");
    let mut found: Vec<Registry> = Vec::new();
    for registry in block.body.blocks_of("registry") {
        let Some(label) = registry.labels.first() else { continue };
        // One of the same name was said to be so when the block was decoded.
        if found.iter().any(|first| first.host == label.name) {
            continue;
        }
        let settings = settings.as_ref().and_then(|all| all.get(&label.name));
        let get = |key: &str| settings.as_ref()?.get(key);
        let text = |key: &str| get(key)?.as_str().map(Arc::<str>::from);
        let (username, password_env) = (text("username"), text("password_env"));
        if username.is_some() != password_env.is_some() {
            let missing = if username.is_some() { "password_env" } else { "username" };
            let fault = Diagnostic::error(
                "missing-attribute",
                format!("a name and a password go together: `{missing}` is missing"),
            );
            faults.push(fault.at(registry.header()).hint(format!("add `{missing}`, or leave both out")));
        }
        let mirrors = get("mirrors");
        let mirrors = mirrors.as_ref().and_then(Value::as_slice).unwrap_or_default();
        found.push(Registry {
            host: label.name.clone(),
            header: registry.header(),
            username,
            password_env,
            mirrors: mirrors.iter().filter_map(|mirror| mirror.as_str().map(Arc::from)).collect(),
            plain_http: get("plain_http").as_ref().and_then(Value::as_bool),
        });
    }
    found
}
