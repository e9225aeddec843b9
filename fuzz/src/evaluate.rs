//! Expressions and templates are evaluated with values of every kind: known, unknown, refined, null, marked.

use diag::{Diagnostic, FileId};
use lang::resolve::{Allowed, Names, Resolver};
use lang::syntax::{self, Expr, Parsed};
use lang::{MemoryFiles, ProjectFiles, Reference, Scope, evaluate_with};
use value::{Marks, Refinements, Type, Value};

struct Nothing(MemoryFiles);

impl Scope for Nothing {
    fn get(&self, _: Reference) -> Result<Value, Diagnostic> {
        Err(Diagnostic::error("unknown-name", "nothing has a value here"))
    }

    fn files(&self) -> &dyn ProjectFiles {
        &self.0
    }
}

/// The names that an input may use: short, so that the fuzzer finds them.
fn variables() -> Vec<(&'static str, Value)> {
    let object = |n: i64| Value::object([("a", Value::number(n)), ("b", Value::string("x"))]);
    let sure = Refinements { not_null: true, ..Refinements::default() };
    vec![
        ("s", Value::string("text é")),
        ("n", Value::number(7)),
        ("l", Value::list(Type::String, vec![Value::string("a"), Value::string("b")])),
        ("t", Value::set(Type::String, [Value::string("b"), Value::string("a")])),
        ("m", Value::map(Type::Number, [("a", Value::number(1)), ("b", Value::number(2))])),
        ("o", Value::tuple(vec![object(1), object(2)])),
        ("z", Value::null(Type::String)),
        ("zl", Value::null(Type::list(Type::String))),
        ("zz", Value::null(Type::Dynamic)),
        ("x", Value::string("secret").with_marks(Marks::SENSITIVE)),
        ("xl", Value::list(Type::Number, vec![Value::number(1)]).with_marks(Marks::SENSITIVE)),
        ("e", Value::string("short-lived").with_marks(Marks::EPHEMERAL)),
        ("u", Value::refined(Type::String, sure)),
        ("ub", Value::unknown(Type::Bool)),
        ("un", Value::unknown(Type::Number)),
        ("ul", Value::unknown(Type::list(Type::Number))),
        ("um", Value::unknown(Type::map(Type::String))),
        ("ut", Value::unknown(Type::set(Type::String))),
        ("uo", Value::unknown(Type::object([("a", Type::String)]))),
        ("uu", Value::unknown(Type::Dynamic)),
        ("h", Value::list(Type::String, vec![Value::string("a"), Value::unknown(Type::String)])),
    ]
}

/// An expression is evaluated.
pub fn expression(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    value(syntax::parse_expression(FileId(0), text));
}

/// A text is evaluated as the template that it is.
pub fn template(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(value) = value(syntax::parse_template(FileId(0), text)) {
        // A template of one interpolation is that value; every other is a text.
        let text = matches!(value.ty(), Type::String) || !value.is_known();
        assert!(text || value.is_null() || !bytes.starts_with(b"a"), "a template gave {value}");
    }
}

fn value(parsed: Parsed<Expr>) -> Option<Value> {
    let mut tree = parsed.tree;
    let variables = variables();
    let bound: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
    let slots: Vec<Value> = variables.into_iter().map(|(_, value)| value).collect();
    let names = Names::default();
    // Broken pieces are evaluated too: what comes of them is unknown.
    let mut resolver = Resolver::new(&names, Allowed::all("an input"), &bound);
    resolver.expr(&mut tree);
    if resolver.finish().diagnostics.has_errors() {
        return None;
    }
    let value = evaluate_with(&tree, &Nothing(MemoryFiles::default()), &slots).ok()?;
    // What a value says of itself must not fail either.
    let shown = format!("{value} {value:?} {:?}", value.ty());
    assert!(!value.is_sensitive() || !shown.contains("secret\""), "a secret is shown: {shown}");
    Some(value)
}
