//! Files of values, in both syntaxes. What is a fault was asked of `terraform plan`.

use diag::FileId;
use lang::syntax::Parsed;
use lang::values::{Given, parse_hcl, parse_json, parse_value};

fn shown(text: &str, parsed: &Parsed<Vec<Given>>) -> String {
    let at =
        |span: diag::Span| text.get(span.start as usize..span.end as usize).unwrap_or("outside").to_owned();
    if parsed.diagnostics.has_errors() {
        let faults = parsed.diagnostics.0.iter();
        let faults: Vec<String> =
            faults.map(|d| format!("{} @ {}", d.message, d.span.map_or_else(String::new, at))).collect();
        return faults.join(" | ");
    }
    let values = parsed.tree.iter().map(|g| format!("{} = {} @ {}", g.name.name, g.value, at(g.span)));
    values.collect::<Vec<_>>().join(" | ")
}

#[track_caller]
fn check(text: &str, expect: &str) {
    assert_eq!(shown(text, &parse_hcl(FileId(0), text)), expect, "in {text}");
}

#[track_caller]
fn check_json(text: &str, expect: &str) {
    assert_eq!(shown(text, &parse_json(FileId(0), text)), expect, "in {text}");
}

#[test]
fn values_are_expressions_that_need_nothing_else() {
    check("x = 1 + 2\ny = \"${1 + 1}a\"\n", "x = 3 @ 1 + 2 | y = \"2a\" @ \"${1 + 1}a\"");
    check("x = [for a in [1] : { (a) = a }]\n", "x = [{ 1 = 1 }] @ [for a in [1] : { (a) = a }]");
    check("x = true ? 1 : 2\ny = null\n", "x = 1 @ true ? 1 : 2 | y = null @ null");
    check("x = <<EOT\nabc\nEOT\n", "x = \"abc\\n\" @ <<EOT\nabc\nEOT");
    check("x = var.y\n", "a value given from outside cannot refer to anything @ var.y");
    check(
        "x = foo\ny = [bar, \"${baz}\"]\n",
        "a value given from outside cannot refer to anything @ foo | \
         a value given from outside cannot refer to anything @ bar | \
         a value given from outside cannot refer to anything @ baz",
    );
    check("x = upper(\"a\")\n", "a value given from outside cannot call a function @ upper");
    check("x = nope(y)\n", "a value given from outside cannot call a function @ nope");
    check("x = 1 + \"a\"\n", "`+` takes numbers @ \"a\"");
    check("x = [for a in [1] : b]\n", "a value given from outside cannot refer to anything @ b");
}

#[test]
fn a_file_of_values_has_names_once_and_no_blocks() {
    check("x = 1\nx = 2\n", "`x` is given twice @ x");
    check("x = 1\nfoo \"a\" {\n b = 1\n}\n", "a file of values has no blocks such as `foo` @ foo \"a\"");
    check("\"x\" = 1\n", "Invalid argument name @ \"");
    check("x =\ny = [\"a\"]\n", "Invalid expression @ \n");
}

#[test]
fn values_in_json_are_nothing_but_text() {
    check_json(
        r#"{"x":"${1}","y":[1,null,true],"//":"c"}"#,
        "x = \"${1}\" @ \"${1}\" | y = [1, null, true] @ [1,null,true]",
    );
    check_json(
        "{\"x\":{\"a\":1,\"//\":\"${c}\"}}",
        "x = { // = \"${c}\", a = 1 } @ {\"a\":1,\"//\":\"${c}\"}",
    );
    check_json(r#"{"x":1,"x":2}"#, "`x` is given twice @ \"x\"");
    check_json(r#"{"x":{"a":1,"a":2}}"#, "this object has \"a\" twice @ \"a\"");
    check_json(r#"[{"x":1}]"#, "a file of values is one JSON object @ [{\"x\":1}]");
    check_json(r#"{"x":1,}"#, "JSON takes no comma after the last element @ ,");
}

#[test]
fn one_value_may_come_alone() {
    let value = |text: &str| parse_value(FileId(0), text);
    assert_eq!(value("[1, \"a\"]").tree.to_string(), "[1, \"a\"]");
    assert!(value("a").diagnostics.has_errors());
    assert!(value("[1").diagnostics.has_errors());
}
