//! Faults and warnings.

use diag::{Diagnostics, Sources};
use operations::Fault;
use serde_json::json;

use super::Screen;

/// Why it was not done.
pub fn fault(screen: &Screen, fault: &Fault) {
    let none = Sources::default();
    let sources = match fault {
        Fault::Configuration { sources, .. } => sources,
        _ => &none,
    };
    if screen.json {
        let faults: Vec<_> = fault.diagnostics().0.iter().map(|d| diag::to_json(d, sources)).collect();
        screen.data(&json!({ "event": "failed", "faults": faults }));
        return;
    }
    let diagnostics = fault.diagnostics();
    eprintln!("{}", diag::render_all(diagnostics, sources, screen.style()));
    let errors = diagnostics.0.iter().filter(|d| d.severity == diag::Severity::Error).count();
    if errors > 1 {
        eprintln!("\n{errors} faults");
    }
}

/// Warnings, before the result.
pub fn warnings(screen: &Screen, diagnostics: &Diagnostics, sources: &Sources) {
    if !screen.json && !diagnostics.is_empty() {
        eprintln!("{}\n", diag::render_all(diagnostics, sources, screen.style()));
    }
}
