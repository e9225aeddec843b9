//! The second reading of a file of Terraform: at which lines the oracle, whose answers these are, stumbles, and over what.

use std::collections::BTreeSet;
use std::sync::Arc;

use diag::Diagnostic;
use lang::configuration::{Call, ModuleFolders};
use lang::{MemoryFiles, load_stack};

struct NoModules;

impl ModuleFolders for NoModules {
    fn folder(&mut self, _: &[Arc<str>], call: &Call, _: &str) -> Result<Arc<str>, Box<Diagnostic>> {
        Err(Box::new(Diagnostic::error("no-module", "there are no modules").at(call.header)))
    }
}

/// Line and summary of each fault of loading.
#[track_caller]
fn check(text: &str, wanted: &str) {
    let files = MemoryFiles([("main.tf".to_owned(), text.as_bytes().to_vec())].into_iter().collect());
    let loaded = load_stack(&files, &mut NoModules);
    let told: BTreeSet<(u32, &str)> = loaded
        .findings
        .blocks
        .0
        .iter()
        .map(|fault| {
            let span = fault.span.expect("a place");
            let summary = fault.summary.as_deref().unwrap_or(&fault.message);
            (loaded.sources.position(span.file, span.start).line, summary)
        })
        .collect();
    let told: Vec<String> = told.iter().map(|(line, summary)| format!("{line} {summary}")).collect();
    assert_eq!(told.join(" | "), wanted, "{text}");
}

#[test]
fn syntax_is_at_fault_where_the_oracle_sees_it() {
    check(
        r#"resource "terraform_data" "a" { input = 1
}
"#,
        "1 Invalid single-argument block definition",
    );
    check(
        r#"variable "a" { foo {}

  type = number
}
"#,
        "1 Argument definition required | 2 Invalid single-argument block definition",
    );
    check("locals {\n  a = [1, 2\n  b = 3\n}\n", "3 Missing item separator");
    check(
        r#"locals {
  a = "x
  b = 3
}
"#,
        "2 Invalid multi-line string | 2 Unterminated template string | 3 Invalid multi-line string | 4 Invalid multi-line string",
    );
    check("locals {\n  a = {\n    b = 1 c = 2\n  }\n  d =\n}\n", "3 Missing attribute separator");
    check(
        r#"locals {
  a = f(1
}
output "o" { value = 1 }
"#,
        "3 Missing argument separator",
    );
    check(
        r#"locals {
  a = "${x"
}
"#,
        "2 Invalid multi-line string | 2 Unclosed template interpolation sequence | 3 Invalid multi-line string",
    );
    check(
        "locals {\n  a = [for k v in x : k]\n  b = @\n}\n",
        "2 Invalid 'for' expression | 3 Invalid character",
    );
    check(
        r#"resource "terraform_data" "a" {
  input = 1
"#,
        "1 Unclosed configuration block",
    );
    check(
        r#"locals {
  a = "%{ if x }y"
  a = 1
}
"#,
        "2 Unexpected end of template | 3 Attribute redefined",
    );
    check(
        r#"resource "terraform_data"
"a" {
}
"#,
        "1 Invalid block definition | 1 Missing name for resource",
    );
    check(
        r#"locals {
  "a" = 1
}
"#,
        "2 Invalid argument name",
    );
    check("locals {\n  a = 1,\n  b = 2\n}\n", "2 Unexpected comma after argument");
    check("locals {\n  a = <<EOT\nx\n}\n", "5 Unterminated template string");
}
