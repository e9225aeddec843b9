//! Stacks of Terraform's files: what is said about broken ones, and what others become.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::{Diagnostic, Severity, Sources, Style, render_all};
use lang::configuration::{Call, Configuration, IgnoreChanges, LoadedTree, ModuleFolders, NodeId};
use lang::{DiskFiles, MemoryFiles, VariableSource, load_stack, stack_variables};
use value::{Marks, Value};

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

fn memory(all: &[(&str, &str)]) -> MemoryFiles {
    MemoryFiles(all.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect())
}

fn told(loaded: &LoadedTree) -> String {
    render_all(&loaded.diagnostics, &loaded.sources, Style::Plain)
}

#[track_caller]
fn load(files: &[(&str, &str)]) -> LoadedTree {
    let loaded = load_stack(&memory(files), &mut Local);
    assert!(loaded.diagnostics.is_empty(), "{}", told(&loaded));
    loaded
}

#[track_caller]
fn root(files: &[(&str, &str)]) -> Arc<Configuration> {
    load(files).tree.nodes[0].configuration.clone()
}

/// Loads files whose lines with a fault end in `#!`, as the oracle has it, and compares.
#[track_caller]
fn check(files: &[(&str, &str)]) {
    let marked: BTreeSet<(String, usize)> = files
        .iter()
        .flat_map(|(path, text)| {
            let lines = text.lines().enumerate().filter(|(_, line)| line.contains("#!"));
            lines.map(|(i, _)| ((*path).to_owned(), i + 1)).collect::<Vec<_>>()
        })
        .collect();
    let loaded = load_stack(&memory(files), &mut Local);
    assert_eq!(fault_lines(&loaded), marked, "{}", told(&loaded));
}

fn fault_lines(loaded: &LoadedTree) -> BTreeSet<(String, usize)> {
    let errors = loaded.diagnostics.0.iter().filter(|d| d.severity == Severity::Error);
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

/// The lines at which the oracle sees a fault when it loads or validates a configuration.
fn recorded(case: &Path) -> BTreeSet<(String, usize)> {
    let text = fs::read_to_string(case.join("recorded.json")).expect("a recording");
    let recorded: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let phases = ["init", "validate"].into_iter().filter_map(|phase| recorded.get(phase));
    phases
        .flat_map(|phase| phase["diagnostics"].as_array().cloned().unwrap_or_default())
        .filter(|d| d["severity"] == "error")
        .filter_map(|d| {
            let line = usize::try_from(d["line"].as_u64()?).ok()?;
            Some((d["file"].as_str()?.to_owned(), line))
        })
        .collect()
}

/// Faults that need a provider's schema or a value are the planner's: the cases with those are listed. Every other recorded fault is
/// found when a stack is loaded, at the line where the oracle sees it, and nothing is said of a configuration that it takes.
#[test]
fn every_fault_that_needs_no_value_is_found_where_the_oracle_sees_it() {
    let listed: BTreeSet<&str> = include_str!("elsewhere.txt").lines().filter(|l| !l.starts_with('#')).collect();
    let mut cases: Vec<PathBuf> =
        fs::read_dir(corpus()).expect("the corpus").map(|entry| entry.expect("an entry").path()).collect();
    cases.sort();
    let mut elsewhere = BTreeSet::new();
    let mut wrong = String::new();
    for case in &cases {
        let name = case.file_name().expect("a name").to_string_lossy().into_owned();
        let files = DiskFiles::unconfined(case).expect("a case");
        let loaded = load_stack(&files, &mut Local);
        let (found, wanted) = (fault_lines(&loaded), recorded(case));
        let missing: Vec<_> = wanted.difference(&found).collect();
        if !missing.is_empty() {
            if !listed.contains(name.as_str()) {
                wrong += &format!("{name}: the oracle sees faults at {missing:?}\n");
            }
            elsewhere.insert(name.clone());
        }
        if wanted.is_empty() && loaded.diagnostics.has_errors() && !listed.contains(name.as_str()) {
            wrong += &format!("{name}: the oracle loads this\n{}", told(&loaded));
            elsewhere.insert(name);
        }
    }
    let found_here: Vec<_> = listed.iter().filter(|name| !elsewhere.contains(**name)).collect();
    assert!(wrong.is_empty(), "{wrong}");
    assert!(found_here.is_empty(), "these are found when loading: {found_here:?}");
}
