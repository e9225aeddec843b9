//! The `backend` block: where Terraform's own file of the state is. Nothing is opened here.

use diag::{Diagnostic, Diagnostics, Span};
use lang::configuration::{Configuration, ConstantScope};
use lang::resolve::{Allowed, Names, Resolver};
use lang::syntax::Block;
use lang::{ProjectFiles, evaluate};
use value::{Type, convert};

/// The backend whose settings are read.
const LOCAL: &str = "local";
/// What its block may say.
const SETTINGS: [&str; 2] = ["path", "workspace_dir"];

/// What the block of a backend says.
#[derive(Default)]
pub(super) struct Backend {
    /// The file of the workspace `default`.
    pub path: Option<String>,
    /// The folder of the other workspaces.
    pub workspaces: Option<String>,
}

impl Backend {
    /// Reads the block of a root module.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(root: Option<&Configuration>, files: &dyn ProjectFiles) -> Result<Self, Diagnostics> {
        let Some(block) = root.and_then(|root| root.settings.backend.as_ref()) else { return Ok(Self::default()) };
        let kind = block.labels.first().map_or(block.kind.name.as_ref(), |label| label.name.as_ref());
        if kind != LOCAL {
            return Err(unsupported(kind, block.header()).into());
        }
        let mut faults = Diagnostics::default();
        unknown(block, &mut faults);
        let backend = Self {
            path: text(block, "path", files, &mut faults),
            workspaces: text(block, "workspace_dir", files, &mut faults),
        };
        if faults.is_empty() { Ok(backend) } else { Err(faults) }
    }
}

fn unsupported(kind: &str, place: Span) -> Diagnostic {
    Diagnostic::error("backend", format!("the backend \"{kind}\" is not supported"))
        .at(place)
        .hint("without a `backend` block, or with `local`, the state is kept beside the configuration")
}

fn unknown(block: &Block, faults: &mut Diagnostics) {
    let attributes = block.body.attributes.iter().map(|attribute| (&attribute.name, "unknown-attribute", "attribute"));
    let blocks = block.body.blocks.iter().map(|inner| (&inner.kind, "unknown-block", "block"));
    let attributes = attributes.filter(|(name, ..)| !SETTINGS.contains(&name.name.as_ref()));
    for (name, code, noun) in attributes.chain(blocks) {
        let fault = Diagnostic::error(code, format!("the backend \"{LOCAL}\" has no {noun} `{}`", name.name));
        faults.push(match diag::closest(&name.name, SETTINGS) {
            Some(meant) => fault.at(name.span).hint(format!("did you mean `{meant}`?")),
            None => fault.at(name.span).hint("it has `path` and `workspace_dir`"),
        });
    }
}

/// A text that needs nothing else; none where nothing is said, or null.
fn text(block: &Block, name: &str, files: &dyn ProjectFiles, faults: &mut Diagnostics) -> Option<String> {
    let mut expr = block.body.attribute(name)?.expr.clone();
    let names = Names::default();
    let allowed = Allowed { without_functions: true, ..Allowed::constant("the settings of a backend") };
    let mut resolver = Resolver::new(&names, allowed, &[]);
    resolver.expr(&mut expr);
    let found = resolver.finish().diagnostics;
    if !found.is_empty() {
        faults.extend(found);
        return None;
    }
    let scope = ConstantScope { files, project: "", environment: None };
    let value = match evaluate(&expr, &scope) {
        Ok(value) => value,
        Err(found) => {
            faults.extend(found);
            return None;
        }
    };
    let told = |message: String| Diagnostic::error("backend", message).at(expr.span);
    match convert(&value, &Type::String) {
        Ok(text) if text.is_null() => None,
        Ok(text) if text.as_str().is_some_and(|text| !text.is_empty()) => text.as_str().map(str::to_owned),
        Ok(_) => {
            faults.push(told(format!("`{name}` of the backend is empty")).hint("leave it out, or name a place"));
            None
        }
        Err(_) => {
            faults.push(told(format!("`{name}` of the backend is text")));
            None
        }
    }
}
