//! What a configuration requires of this program and of providers, as far as versions tell. Nothing is looked for here.

use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Span};
use engine::stack::provider_address;
use lang::configuration::Tree;
use packages::{Constraints, Version};

/// The version of Terraform that a stack's `required_version` is held against.
const TERRAFORM: &str = "1.11.4";

/// What the addresses of providers begin with that are part of the program.
const BUILTIN: &str = "terraform.io/builtin/";

/// Versions that are written wrong, and those that this program does not answer to.
pub(super) fn check(tree: &Tree) -> Diagnostics {
    let mut faults = Diagnostics::default();
    for node in &tree.nodes {
        let settings = &node.configuration.settings;
        faults.extend(settings.required_versions.iter().filter_map(|(text, span)| unmet(text, *span)));
        let required = settings.required_providers.iter().filter_map(|provider| provider.version.as_ref());
        let configured = node.configuration.providers.iter().filter_map(|provider| provider.version.as_ref());
        faults.extend(required.chain(configured).filter_map(|(text, span)| read(text, *span).err()));
    }
    faults
}

/// Versions of what is built in, of which there is one.
pub(super) fn of_builtin(tree: &Tree) -> Diagnostics {
    let mut faults = Diagnostics::default();
    for node in &tree.nodes {
        let configuration = &node.configuration;
        let required = configuration.settings.required_providers.iter().map(|it| (&it.name, &it.version));
        let configured = configuration.providers.iter().map(|it| (&it.name, &it.version));
        for (name, version) in required.chain(configured) {
            let Some((text, span)) = version else { continue };
            if Constraints::parse(text).is_err() {
                continue;
            }
            let address = provider_address(configuration, &name.name);
            if address.as_str().starts_with(BUILTIN) && faults.is_empty() {
                faults.push(
                    Diagnostic::error(
                        "builtin-version",
                        format!("{address} is built in, and has no versions of its own"),
                    )
                    .at(*span)
                    .hint("leave the version out"),
                );
            }
        }
    }
    faults
}

#[expect(clippy::result_large_err, reason = "a fault is rare, and told at once")]
fn read(text: &Arc<str>, span: Span) -> Result<Constraints, Diagnostic> {
    Constraints::parse(text).map_err(|error| {
        Diagnostic::error("invalid-version", "Invalid version constraint").because(error.to_string()).at(span)
    })
}

/// A required version that this program does not answer to.
fn unmet(text: &Arc<str>, span: Span) -> Option<Diagnostic> {
    let constraints = match read(text, span) {
        Ok(constraints) => constraints,
        Err(fault) => return Some(fault),
    };
    if constraints.allow(&Version::parse(TERRAFORM).ok()?) {
        return None;
    }
    let fault = Diagnostic::error("required-version", "Unsupported Terraform Core version");
    let why = format!("this configuration wants {text}, and this program speaks the language of {TERRAFORM}");
    Some(fault.because(why).at(span))
}
