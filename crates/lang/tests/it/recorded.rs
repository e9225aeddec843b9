//! Every form of expression, and every conversion, against what Terraform answered (see `expressions/record.py`).
//!
//! It needs no Terraform. Values, their types, what is unknown and what is sensitive have to be the same; of an error only that it
//! is one, since ours have words of their own (`expressions.rs` and `faults/` are about those).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use diag::{Diagnostics, FileId};
use lang::eval::type_constraint;
use lang::resolve::{Allowed, Names, Resolver};
use lang::syntax::{Expr, parse, parse_expression};
use lang::{MemoryFiles, ProjectFiles, Reference, Scope, evaluate_with};
use value::{Kind, Marks, Type, Value, convert};

use crate::functions::{indented, print, type_text};

struct NoFiles(MemoryFiles);

impl Scope for NoFiles {
    fn get(&self, reference: Reference) -> Result<Value, diag::Diagnostic> {
        Err(diag::Diagnostic::error("unknown-name", format!("{reference:?} has no value here")))
    }

    fn files(&self) -> &dyn ProjectFiles {
        &self.0
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/expressions")
}

/// The value of an expression that may name `variables` as `var`, which is an object.
fn value_of(mut expr: Expr, variables: &Value) -> Result<Value, Diagnostics> {
    let names = Names::default();
    let mut resolver = Resolver::new(&names, Allowed::constant("a test"), &["var"]);
    resolver.expr(&mut expr);
    let resolved = resolver.finish();
    if resolved.diagnostics.has_errors() {
        return Err(resolved.diagnostics);
    }
    evaluate_with(&expr, &NoFiles(MemoryFiles::default()), std::slice::from_ref(variables))
}

/// The variables of `project/main.tf`: their defaults, and unknown values where there is none.
fn variables() -> Value {
    let text = fs::read_to_string(folder().join("project/main.tf")).unwrap();
    let parsed = parse(FileId(0), &text);
    assert!(!parsed.diagnostics.has_errors(), "{}", parsed.diagnostics);
    let nothing = Value::object::<&str>([]);
    let values = parsed.tree.blocks.iter().map(|block| {
        let ty = block.body.attribute("type").map_or(Type::Dynamic, |written| {
            type_constraint(&written.expr, &NoFiles(MemoryFiles::default())).unwrap()
        });
        let value = match block.body.attribute("default") {
            Some(default) => convert(&value_of(default.expr.clone(), &nothing).unwrap(), &ty).unwrap(),
            None => Value::unknown(ty),
        };
        let hidden = block.body.attribute("sensitive").is_some();
        let name = block.labels[0].name.to_string();
        (name, if hidden { value.with_marks(Marks::SENSITIVE) } else { value })
    });
    Value::object(values.collect::<Vec<_>>())
}

fn parsed(text: &str) -> Result<Expr, Diagnostics> {
    let parsed = parse_expression(FileId(0), text);
    if parsed.diagnostics.has_errors() { Err(parsed.diagnostics) } else { Ok(parsed.tree) }
}

/// The value of a case: an expression, or `EXPRESSION as TYPE`.
fn evaluated(text: &str, variables: &Value) -> Result<Value, String> {
    let text = text.replace('⏎', "\n");
    let said = |faults: Diagnostics| faults.0.first().map_or_else(String::new, |d| d.message.clone());
    let Some((expression, ty)) = text.rsplit_once(" as ") else {
        return parsed(&text).and_then(|expr| value_of(expr, variables)).map_err(said);
    };
    let constraint = parsed(ty).map_err(said)?;
    let ty = type_constraint(&constraint, &NoFiles(MemoryFiles::default())).map_err(said)?;
    let value = parsed(expression).and_then(|expr| value_of(expr, variables)).map_err(said)?;
    convert(&value, &ty).map_err(|error| error.to_string())
}

/// What Mainstay answers, in the form of a case file.
fn answer(case: &str, variables: &Value) -> String {
    let inner = case.strip_prefix("type(").and_then(|rest| rest.strip_suffix(')'));
    match evaluated(inner.unwrap_or(case), variables) {
        Err(message) => format!("! {message}"),
        // The console shows the type of an unknown value as it is known now; `dynamic` is what it calls any type.
        Ok(value) if inner.is_some() => indented(&type_text(&value.ty(), 0)),
        Ok(value) => {
            let mut out = String::new();
            match (value.is_sensitive(), value.kind()) {
                // At its top the console shows a null without its type only where it has none.
                (false, Kind::Null(Type::Dynamic)) => out.push_str("null"),
                _ => print(&value, 0, &mut out),
            }
            indented(&out)
        }
    }
}

/// The cases in their order: place, expression, what was recorded and what is said instead on purpose.
fn cases() -> Vec<(String, String, String, String)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let mut cases: Vec<(String, String, String, String)> = Vec::new();
    for path in files.iter().filter(|p| p.extension().is_some_and(|e| e == "txt")) {
        let name = path.file_name().unwrap().to_string_lossy();
        for (number, line) in fs::read_to_string(path).unwrap().lines().enumerate() {
            if let Some(expression) = line.strip_prefix("> ") {
                let place = format!("{name}:{}", number + 1);
                cases.push((place, expression.to_owned(), String::new(), String::new()));
            } else if let Some(last) = cases.last_mut() {
                if let Some(ours) = line.strip_prefix("~ ") {
                    last.3 += &format!("{}\n", ours.trim_end());
                } else if line.starts_with("  ") || line.starts_with("! ") {
                    last.2 += &format!("{}\n", line.trim_end());
                }
            }
        }
    }
    cases
}

/// The expressions of `not-yet.list`, each with the reason that stands above it.
fn not_yet() -> BTreeMap<String, String> {
    let text = fs::read_to_string(folder().join("not-yet.list")).unwrap();
    let mut reason = "";
    let mut listed = BTreeMap::new();
    for line in text.lines() {
        match line.strip_prefix("# ") {
            Some(said) => reason = said,
            None if line.is_empty() => {}
            None => {
                assert!(!reason.is_empty(), "`{line}` is listed without a reason above it");
                listed.insert(line.to_owned(), reason.to_owned());
            }
        }
    }
    listed
}

#[test]
fn expressions_answer_what_terraform_answered() {
    let variables = variables();
    let not_yet = not_yet();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    let cases = cases();
    for (place, expression, recorded, ours) in &cases {
        seen.insert(expression.as_str());
        let wanted = if ours.is_empty() { recorded } else { ours };
        let found = answer(expression, &variables);
        let found: String = found.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        let both_fail = wanted.starts_with('!') && found.starts_with('!');
        let same = both_fail || &found == wanted;
        match (same, not_yet.contains_key(expression)) {
            (true, true) => {
                wrong.push(format!("{place}: {expression}\nis right now: take it off not-yet.list\n"))
            }
            (false, false) => wrong.push(format!("{place}: {expression}\nwanted\n{wanted}got\n{found}")),
            _ => {}
        }
    }
    for expression in not_yet.keys().filter(|e| !seen.contains(e.as_str())) {
        wrong.push(format!("not-yet.list: there is no case `{expression}`\n"));
    }
    assert!(wrong.is_empty(), "{} of {}\n\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
