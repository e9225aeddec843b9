//! Whatever the text is: no panic, no endless loop, and a layout that is the same when it is made again.

use std::sync::Arc;

use diag::{Diagnostic, FileId};
use lang::configuration::{Call, ModuleFolders};
use lang::syntax::{parse, parse_expression, parse_template, tokenize};
use lang::{MemoryFiles, load_stack};
use proptest::prelude::*;

const SHOP: &str = include_str!("shop.hcl");

fn read(text: &str) {
    let tokens = tokenize(text);
    let mut at = 0;
    for token in &tokens {
        assert!(token.start >= at && token.end >= token.start, "tokens overlap");
        assert!(text.is_char_boundary(token.start as usize) && text.is_char_boundary(token.end as usize));
        at = token.end;
    }
    let _ = parse(FileId(0), text);
    let _ = parse_expression(FileId(0), text);
    let _ = parse_template(FileId(0), text);
    if let Ok(formatted) = lang::format(text, FileId(0)) {
        let again = lang::format(&formatted, FileId(0)).expect("a layout of what has no fault has none");
        assert_eq!(again, formatted, "formatting twice changes the text");
    }
}

fn project(text: &[u8]) -> MemoryFiles {
    let files = [("mainstay.hcl".to_owned(), text.to_vec())];
    MemoryFiles(files.into_iter().collect())
}

/// Loads and validates, as any command does.
fn load(text: &[u8]) {
    let files = project(text);
    let loaded = lang::load(&files);
    let faults = lang::validate(&loaded.configuration, &files);
    let _ = diag::render_all(&loaded.diagnostics, &loaded.sources, diag::Style::Plain);
    let _ = diag::render_all(&faults, &loaded.sources, diag::Style::Plain);
}

/// No module is found, which is a fault as any other.
struct NoModules;

impl ModuleFolders for NoModules {
    fn folder(&mut self, _: &[Arc<str>], call: &Call, _: &str) -> Result<Arc<str>, Box<Diagnostic>> {
        Err(Box::new(Diagnostic::error("no-module", "there are no modules").at(call.header)))
    }
}

/// Loads and shows a stack of one of Terraform's files.
fn load_terraform(name: &str, text: &str) -> Vec<Diagnostic> {
    let files = MemoryFiles([(name.to_owned(), text.as_bytes().to_vec())].into_iter().collect());
    let loaded = load_stack(&files, &mut NoModules);
    let faults = loaded.findings.all();
    let _ = diag::render_all(&faults, &loaded.sources, diag::Style::Plain);
    faults.0
}

/// Pieces that meet each other in ways that people did not think of.
fn piece() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "{", "}", "[", "]", "(", ")", "\"", "${", "%{", "~}", "$${", "<<EOT\n", "<<-EOT\n", "EOT\n", "\n",
        "=", "=>", ",", ":", "::", ".", "...", "*", "?", "-", "!", "&&", "#", "//", "/*", "*/", "\\",
        "\\u12", "'", "\u{201c}", "é", "\u{feff}", "for", " in ", " if ", "else", "endif", "endfor", "a",
        "var", ".x", "1", "1e9", "0.5", "true", "null", "\t", "\r\n", "service ", "\"web\" ", "dynamic ",
        "each.key", "self",
    ]);
    fixed.prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn any_text_can_be_read(text in ".{0,200}") {
        read(&text);
    }

    #[test]
    fn any_pieces_can_be_read(pieces in prop::collection::vec(piece(), 0..60)) {
        read(&pieces.concat());
    }

    #[test]
    fn any_pieces_can_be_a_file_of_terraform(pieces in prop::collection::vec(piece(), 0..60)) {
        let text = pieces.concat();
        load_terraform("main.tf", &text);
        load_terraform("main.tf.json", &text);
        load_terraform("main.tf", &format!("locals {{\n  a = {text}\n}}\n"));
    }

    #[test]
    fn any_bytes_can_be_loaded(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        load(&bytes);
    }

    #[test]
    fn a_configuration_with_a_piece_out_of_place_can_be_loaded(at in 0..SHOP.len(), length in 0..40usize, piece in piece()) {
        let mut bytes = SHOP.as_bytes().to_vec();
        let end = (at + length).min(bytes.len());
        bytes.splice(at..end, piece.bytes());
        load(&bytes);
        if let Ok(text) = std::str::from_utf8(&bytes) {
            read(text);
        }
    }
}

#[test]
fn what_is_nested_too_deep_is_a_fault_and_no_crash() {
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("{ a = ", "}"),
        ("\"${", "}\""),
        ("-", ""),
        ("!", ""),
        ("f(", ")"),
        ("true ? 1 : ", "1"),
    ] {
        let text = format!("{}1{}", open.repeat(20_000), close.repeat(20_000));
        let parsed = parse_expression(FileId(0), &text);
        assert!(parsed.diagnostics.0.iter().any(|d| d.code == "too-deep"), "{open}");
    }
    let blocks = format!("{}{}", "a {\n".repeat(20_000), "}\n".repeat(20_000));
    assert!(parse(FileId(0), &blocks).diagnostics.0.iter().any(|d| d.code == "too-deep"));
    let directives = format!("\"{}{}\"", "%{if true}".repeat(20_000), "%{endif}".repeat(20_000));
    assert!(parse_expression(FileId(0), &directives).diagnostics.0.iter().any(|d| d.code == "too-deep"));
}

#[test]
fn the_second_reading_of_a_file_of_terraform_is_no_deeper() {
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("{ a = ", "}"),
        ("\"${", "}\""),
        ("-", ""),
        ("f(", ")"),
        ("true ? 1 : ", "1"),
        ("[for a in ", ": a]"),
        ("a[", "]"),
        ("\"%{if ", "}%{endif}\""),
    ] {
        for times in [99, 20_000] {
            let text =
                format!("locals {{\n  a = {}1 1{}\n  b = \n}}\n", open.repeat(times), close.repeat(times));
            assert!(!load_terraform("main.tf", &text).is_empty(), "{open}");
        }
    }
    let blocks = format!("{}a = \n{}", "a {\n".repeat(20_000), "}\n".repeat(20_000));
    assert!(!load_terraform("main.tf", &blocks).is_empty());
}

#[test]
fn many_faults_are_told_in_time() {
    let lines: String = (0..50_000).map(|i| format!("a{i} = @ # \n")).collect();
    assert!(load_terraform("main.tf", &format!("locals {{\n{lines}}}\n")).len() >= 50_000);
}

#[test]
fn a_long_chain_is_no_deep_tree() {
    for (first, more) in [("1", " + 1"), ("true", " && true"), ("\"a\"", " == \"a\"")] {
        let text = format!("{first}{}", more.repeat(100_000));
        let parsed = parse_expression(FileId(0), &text);
        assert!(!parsed.diagnostics.has_errors());
        lang::evaluate(&parsed.tree, &Nothing(MemoryFiles::default())).expect("a value");
    }
    let steps = format!("a{}", ".b".repeat(100_000));
    assert!(!parse_expression(FileId(0), &steps).diagnostics.has_errors());
}

#[test]
fn a_long_line_of_locals_that_refer_to_each_other_is_evaluated() {
    let mut text = String::from("project {\n  name = \"shop\"\n}\nlocals {\n  a0 = 1\n");
    for i in 1..20_000 {
        text.push_str(&format!("  a{i} = local.a{} + 1\n", i - 1));
    }
    text.push_str("}\noutput \"last\" {\n  value = local.a19999\n}\n");
    let files = project(text.as_bytes());
    let loaded = lang::load(&files);
    assert!(loaded.diagnostics.is_empty(), "{}", loaded.diagnostics);
    let (values, faults) = lang::evaluate_locals(&loaded.configuration, &Nothing(files));
    assert!(faults.is_empty());
    assert_eq!(values.last(), Some(&value::Value::number(20_000)));
}

#[test]
fn a_configuration_of_ten_megabytes_is_loaded_whole() {
    let mut text = String::with_capacity(11 << 20);
    text.push_str("project {\n  name = \"shop\"\n}\n");
    let mut services = 0;
    while text.len() < 10 << 20 {
        text.push_str(
            &SHOP
                .replace("project {\n  name = \"shop\"\n}\n", "")
                .replace("\"web\"", &format!("\"web-{services}\""))
                .split("# once")
                .next()
                .unwrap_or("")
                .replace("\"worker\"", &format!("\"worker-{services}\"")),
        );
        services += 1;
    }
    let files = project(text.as_bytes());
    let loaded = lang::load(&files);
    assert!(
        loaded.diagnostics.is_empty(),
        "{}",
        loaded.diagnostics.0.first().map_or(String::new(), ToString::to_string)
    );
    assert_eq!(loaded.configuration.services.len(), services * 2);
}

struct Nothing(MemoryFiles);

impl lang::Scope for Nothing {
    fn get(&self, reference: lang::Reference) -> Result<value::Value, diag::Diagnostic> {
        Err(diag::Diagnostic::error("test", format!("{reference:?} has no value")))
    }

    fn files(&self) -> &dyn lang::ProjectFiles {
        &self.0
    }
}
