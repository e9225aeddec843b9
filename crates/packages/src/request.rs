//! What a `module` block asks for. It is the caller's to find the blocks, and their texts must be known by then.

use std::path::PathBuf;

use diag::{Diagnostic, Diagnostics, Span};

use crate::source::SourceError;
use crate::{Constraints, Source};

/// A module that is called, and from where.
#[derive(Debug, Clone)]
pub struct ModuleRequest {
    /// The path of the call: `network`, or `network.subnets` for a call inside of the module `network`.
    pub key: String,
    /// Where it comes from.
    pub source: Source,
    /// Which versions are wanted; only of a registry's module.
    pub constraints: Option<Constraints>,
    /// The folder of the calling module, from that of the root module: `.` for the root module itself.
    pub caller: PathBuf,
    /// Where it is asked for.
    pub places: Places,
}

/// Where in the configuration a module is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Places {
    /// The block's header.
    pub block: Option<Span>,
    /// The value of `source`.
    pub source: Option<Span>,
    /// The value of `version`.
    pub version: Option<Span>,
}

impl ModuleRequest {
    /// Reads the texts of a block's `source` and `version`.
    ///
    /// # Errors
    /// Everything that is wrong with the two.
    pub fn parse(
        key: impl Into<String>,
        source: &str,
        version: Option<&str>,
        caller: impl Into<PathBuf>,
        places: Places,
    ) -> Result<Self, Diagnostics> {
        let mut faults = Diagnostics::default();
        let constraints = match version.map(Constraints::parse).transpose() {
            Ok(constraints) => constraints,
            Err(fault) => {
                let diagnostic = Diagnostic::error("module-version", "this is not a version constraint")
                    .summary("Invalid version constraint")
                    .because(fault.to_string())
                    .hint("write conditions with commas between them, such as `~> 1.2` or `>= 1.2, < 2.0`");
                faults.push(placed(diagnostic, places.version.or(places.block)));
                None
            }
        };
        let source = match Source::parse(source) {
            Ok(Source::Registry(registry)) => Some(Source::Registry(registry)),
            Ok(other) if version.is_some() => {
                let mut diagnostic = of_source(&SourceError::NoVersions(other.to_string()), places);
                if let Some(version) = places.version {
                    diagnostic = diagnostic.see(version, "a version is asked for here");
                }
                faults.push(diagnostic);
                None
            }
            Ok(other) => Some(other),
            Err(fault) => {
                faults.push(of_source(&fault, places));
                None
            }
        };
        match source {
            Some(source) if faults.is_empty() => {
                Ok(Self { key: key.into(), source, constraints, caller: caller.into(), places })
            }
            _ => Err(faults),
        }
    }

    /// The path of the calling module; empty for the root module.
    pub(crate) fn caller_key(&self) -> &str {
        self.key.rsplit_once('.').map_or("", |(caller, _)| caller)
    }
}

fn of_source(fault: &SourceError, places: Places) -> Diagnostic {
    let diagnostic = Diagnostic::error("module-source", fault.to_string()).hint(fault.hint());
    let diagnostic = match fault {
        SourceError::NoVersions(_) => diagnostic.summary("Invalid registry module source address"),
        _ => diagnostic,
    };
    placed(diagnostic, places.source.or(places.block))
}

fn placed(diagnostic: Diagnostic, place: Option<Span>) -> Diagnostic {
    match place {
        Some(place) => diagnostic.at(place),
        None => diagnostic,
    }
}
