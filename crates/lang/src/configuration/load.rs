//! Loads a project: `mainstay.hcl`, the other `*.hcl` and Terraform's files of the root, and `environments/*.hcl`; no other folder.

use diag::Diagnostic;

use super::collect::Collector;
use super::read::{PROJECT_FILE, Reader};
use super::{Configuration, Loaded, cycles};
use crate::files::ProjectFiles;

/// Reads a project. Modules that it calls are not read; [`load_stack`](super::load_stack) does that.
#[must_use]
pub fn load(files: &dyn ProjectFiles) -> Loaded {
    let mut reader = Reader::new(files);
    let mut configuration = Configuration::default();
    let entries = reader.list("").unwrap_or_default();
    if entries.iter().any(|entry| entry.name == PROJECT_FILE) {
        let parsed = reader.project(&entries);
        if !reader.unbalanced {
            let collected = Collector::new(files, "", false).run(parsed);
            configuration = collected.configuration;
            let findings = collected.findings;
            if reader.is_partial {
                reader.diagnostics.extend(findings.blocks);
            } else {
                reader.diagnostics.extend(findings.all());
            }
            let circles = cycles::of_module(&configuration);
            reader.diagnostics.extend(circles.others.into_iter().chain(circles.selves));
        }
    } else if !reader.unbalanced {
        reader.diagnostics.push(
            Diagnostic::error("no-project", format!("there is no `{PROJECT_FILE}` here"))
                .hint("go to the project's folder, or make a project with `mainstay init`"),
        );
    }
    let mut diagnostics = reader.diagnostics;
    diagnostics.extend(reader.templates);
    diagnostics.sort();
    Loaded { sources: reader.sources, configuration, diagnostics }
}
