//! `mainstay validate`

use operations::{Checks, Fault, Workspace};
use serde_json::json;

use super::Context;
use crate::exit;
use crate::view;

/// Check the configuration; nothing is asked of any cluster
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay validate --json | jq .diagnostics")]
pub struct Validate {}

impl Validate {
    pub fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let (valid, diagnostics, sources) = match Workspace::open(context.project.as_deref(), Checks::All) {
            Ok(workspace) => (true, workspace.warnings, workspace.sources),
            Err(Fault::Configuration { diagnostics, sources }) => (false, diagnostics, *sources),
            Err(other) => return Err(other),
        };
        if context.screen.json {
            let list: Vec<_> = diagnostics.0.iter().map(|d| diag::to_json(d, &sources)).collect();
            context.screen.data(&json!({ "valid": valid, "diagnostics": list }));
        } else if valid {
            view::warnings(context.screen, &diagnostics, &sources);
            context.screen.line("The configuration is valid.");
        } else {
            return Err(Fault::Configuration { diagnostics, sources: Box::new(sources) });
        }
        Ok(if valid { exit::DONE } else { exit::USAGE })
    }
}
