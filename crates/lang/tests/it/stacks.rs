//! Stacks of Terraform's files: what is said about broken ones, and what others become.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Severity, Style, render_all};
use lang::configuration::{Call, LoadedTree, ModuleFolders};
use lang::{DiskFiles, load_stack};

/// Modules in local folders.
struct Local;

impl ModuleFolders for Local {
    fn folder(&mut self, _: &[Arc<str>], call: &Call, caller: &str) -> Result<Arc<str>, Box<Diagnostic>> {
        let (source, span) = call.source.as_ref().expect("a call without a source is not asked for");
        let told = |text: &str| Box::new(Diagnostic::error("no-module", text.to_owned()).at(*span));
        if !source.starts_with("./") && !source.starts_with("../") {
            return Err(told("the tests have local modules only"));
        }
        if call.version.is_some() {
            return Err(told("a local module has no version"));
        }
        Ok(lang::files::tidy(&format!("{caller}/{source}").replace("//", "/")).trim_start_matches('/').into())
    }
}

/// Everything that is wrong with a stack, whoever tells it.
fn found(loaded: &LoadedTree) -> Diagnostics {
    loaded.findings.clone().all()
}

fn told(loaded: &LoadedTree) -> String {
    render_all(&found(loaded), &loaded.sources, Style::Plain)
}

fn lines(loaded: &LoadedTree, found: &Diagnostics) -> BTreeSet<(String, usize)> {
    let errors = found.0.iter().filter(|d| d.severity == Severity::Error);
    let spans = errors.filter_map(|d| d.span);
    spans
        .map(|span| {
            let line = loaded.sources.position(span.file, span.start).line;
            (loaded.sources.path(span.file).to_owned(), line as usize)
        })
        .collect()
}

/// The broken configurations that were recorded from the oracle.
fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../mainstay/tests/terraform/broken")
}

/// What the oracle says when it does this.
fn faults(case: &Path, verb: &str) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(case.join("recorded.json")).expect("a recording");
    let recorded: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let mut faults = recorded[verb]["diagnostics"].as_array().cloned().unwrap_or_default();
    faults.retain(|fault| fault["severity"] == "error");
    faults
}

fn place(fault: &serde_json::Value) -> Option<(String, usize)> {
    let line = usize::try_from(fault["line"].as_u64()?).ok().filter(|line| *line > 0)?;
    Some((fault["file"].as_str()?.to_owned(), line))
}

/// The lines at which the oracle sees a fault when it does this.
fn recorded(case: &Path, verb: &str) -> BTreeSet<(String, usize)> {
    faults(case, verb).iter().filter_map(place).collect()
}

fn without_place(case: &Path, verb: &str) -> usize {
    faults(case, verb).iter().filter(|fault| place(fault).is_none()).count()
}

/// Faults that need a provider's schema, a value or a version are told elsewhere: the cases with those are listed. Every other recorded
/// fault is found when a stack is loaded, at the line where the oracle sees it and by the verb that tells it, and nothing is said of a
/// configuration that it takes.
#[test]
fn every_fault_that_needs_no_value_is_found_where_the_oracle_sees_it() {
    let listed: BTreeSet<&str> =
        include_str!("elsewhere.txt").lines().filter(|l| !l.starts_with('#')).collect();
    let mut cases: Vec<PathBuf> =
        fs::read_dir(corpus()).expect("the corpus").map(|entry| entry.expect("an entry").path()).collect();
    cases.sort();
    let mut elsewhere = BTreeSet::new();
    let mut wrong = String::new();
    for case in &cases {
        let name = case.file_name().expect("a name").to_string_lossy().into_owned();
        let files = DiskFiles::unconfined(case).expect("a case");
        let loaded = load_stack(&files, &mut Local);
        let (blocks, references) = (&loaded.findings.blocks, &loaded.findings.references);
        let mut validated = lines(&loaded, blocks);
        if !blocks.has_errors() {
            validated.extend(lines(&loaded, references));
        }
        for (verb, found) in [("init", lines(&loaded, blocks)), ("validate", validated)] {
            let wanted = recorded(case, verb);
            // Where the oracle tells no place, it is right to tell one.
            let is_more = found.difference(&wanted).count() > without_place(case, verb);
            if wanted.is_subset(&found) && !is_more {
                continue;
            }
            elsewhere.insert(name.clone());
            if !listed.contains(name.as_str()) {
                wrong += &format!(
                    "{name}: {verb} of the oracle sees faults at {wanted:?}, and here\n{}",
                    told(&loaded)
                );
            }
        }
    }
    let found_here: Vec<_> = listed.iter().filter(|name| !elsewhere.contains(**name)).collect();
    assert!(wrong.is_empty(), "{wrong}");
    assert!(found_here.is_empty(), "these are found when loading: {found_here:?}");
}
