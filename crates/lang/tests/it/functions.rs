//! The functions against what Terraform answered to the same expressions (see `functions/record.sh`), evaluated as text.
//!
//! It needs no Terraform. It covers values, types of unknown results, marks and the text of errors; how an error is drawn with
//! its place is the evaluator's own to test.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diag::{Diagnostic, FileId};
use lang::resolve::{Allowed, Names, Resolver};
use lang::syntax::parse_expression;
use lang::{DiskFiles, ProjectFiles, Reference, Scope, evaluate_with, functions};
use value::{Kind, Marks, Type, Value};

struct Project(DiskFiles);

impl Scope for Project {
    fn get(&self, reference: Reference) -> Result<Value, Diagnostic> {
        match reference {
            Reference::PathCwd => Ok(Value::string(self.0.root().to_string_lossy().into_owned())),
            _ => Err(Diagnostic::error("unknown-name", "nothing has a value here")),
        }
    }

    fn files(&self) -> &dyn ProjectFiles {
        &self.0
    }

    // The console draws too.
    fn may_draw(&self) -> bool {
        true
    }

    fn now(&self) -> Option<SystemTime> {
        Some(UNIX_EPOCH + Duration::from_secs(1_764_047_045))
    }

    fn plan_time(&self) -> Option<SystemTime> {
        Some(UNIX_EPOCH + Duration::from_secs(1_764_047_000))
    }
}

fn project() -> Project {
    let disk = DiskFiles::new(folder().join("project")).unwrap();
    // As in `record.sh`.
    Project(disk.with_home(Some("/home/ada".into())))
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/functions")
}

/// The variables of `project/main.tf`, none of which is set.
fn variables() -> Value {
    let object = Type::object([("a", Type::String), ("b", Type::Number)]);
    Value::object([
        ("s", Value::unknown(Type::String)),
        ("l", Value::unknown(Type::list(Type::String))),
        ("any", Value::unknown(Type::Dynamic)),
        ("m", Value::unknown(Type::map(Type::String))),
        ("o", Value::unknown(object)),
        ("n", Value::unknown(Type::Number)),
        ("b", Value::unknown(Type::Bool)),
        ("st", Value::unknown(Type::set(Type::String))),
        ("secret", Value::unknown(Type::String).with_marks(Marks::SENSITIVE)),
    ])
}

/// What Mainstay answers, in the form of a case file.
fn answer(expression: &str, project: &Project) -> String {
    // `type` is not a function but a command of Terraform's console.
    let inner = expression.strip_prefix("type(").and_then(|rest| rest.strip_suffix(')'));
    let mut parsed = parse_expression(FileId(0), inner.unwrap_or(expression));
    let fault = |fault: &Diagnostic| format!("! {}", fault.message);
    if let Some(first) = parsed.diagnostics.0.first() {
        return fault(first);
    }
    let names = Names::default();
    let mut resolver =
        Resolver::new(&names, Allowed { random: true, ..Allowed::constant("a test") }, &["var"]);
    resolver.expr(&mut parsed.tree);
    if let Some(first) = resolver.finish().diagnostics.0.first() {
        return fault(first);
    }
    match evaluate_with(&parsed.tree, project, &[variables()]) {
        Err(faults) => faults.0.first().map_or_else(|| "! no reason".to_owned(), fault),
        Ok(value) if inner.is_some() => indented(&type_text(&value.ty(), 0)),
        Ok(value) => {
            let mut out = String::new();
            print(&value, 0, &mut out);
            indented(&out)
        }
    }
}

pub(crate) fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// A recorded error in the words of our evaluator: it names parameter and function its own way, and ends without a full stop.
fn in_our_words(recorded: &str, expression: &str) -> String {
    let Some(message) = recorded.strip_prefix("! ") else { return recorded.to_owned() };
    let message = message.strip_suffix('.').unwrap_or(message);
    let function = function_of(expression);
    if let Some((parameter, why)) =
        message.strip_prefix("Invalid value for \"").and_then(|rest| rest.split_once("\" parameter: "))
    {
        // `list of string required`, and `a string is required`: we say the latter in both cases.
        let kinds = ["list", "set", "map", "string", "number", "bool"];
        let (place, rest) =
            why.rsplit_once(": ").map_or((String::new(), why), |(p, rest)| (format!("{p}: "), rest));
        let why = match rest.strip_suffix(" required") {
            Some(kind) if kinds.iter().any(|k| kind.starts_with(k)) => format!("{place}a {kind} is required"),
            _ => why.to_owned(),
        };
        return format!("! `{parameter}` of `{function}`: {why}");
    }
    match message.strip_prefix("Call to function \"").and_then(|rest| rest.split_once("\" failed: ")) {
        Some((function, why)) => format!("! `{function}`: {why}"),
        None => format!("! {message}"),
    }
}

fn function_of(expression: &str) -> &str {
    let inner = expression.strip_prefix("type(").unwrap_or(expression);
    inner.split('(').next().unwrap_or_default()
}

/// A type as the console's `type` prints it.
pub(crate) fn type_text(ty: &Type, depth: usize) -> String {
    let pad = "    ".repeat(depth + 1);
    let end = "    ".repeat(depth);
    match ty {
        Type::Dynamic => "dynamic".to_owned(),
        Type::List(t) | Type::Set(t) | Type::Map(t) if matches!(**t, Type::Tuple(_) | Type::Object(_)) => {
            format!("{}(\n{pad}{},\n{end})", ty.kind_name(), type_text(t, depth + 1))
        }
        Type::List(t) | Type::Set(t) | Type::Map(t) => format!("{}({})", ty.kind_name(), type_text(t, depth)),
        Type::Tuple(ts) if ts.is_empty() => "tuple([])".to_owned(),
        Type::Tuple(ts) => {
            let lines: String = ts.iter().map(|t| format!("{pad}{},\n", type_text(t, depth + 1))).collect();
            format!("tuple([\n{lines}{end}])")
        }
        Type::Object(o) => {
            let line = |(name, a): (&std::sync::Arc<str>, &value::Attribute)| {
                format!("{pad}{name}: {},\n", type_text(&a.ty, depth + 1))
            };
            let lines: String = o.attributes.iter().map(line).collect();
            format!("object({{\n{lines}{end}}})")
        }
        primitive => primitive.to_string(),
    }
}

/// A value as the console prints it.
pub(crate) fn print(value: &Value, depth: usize, out: &mut String) {
    if value.is_sensitive() {
        return out.push_str("(sensitive value)");
    }
    match value.kind() {
        Kind::Unknown(_) => out.push_str("(known after apply)"),
        Kind::Null(ty) => match ty {
            Type::Dynamic => out.push_str("null"),
            Type::Tuple(_) | Type::Object(_) => _ = write!(out, "null /* {} */", ty.kind_name()),
            Type::List(element) | Type::Set(element) | Type::Map(element) => {
                _ = write!(out, "to{}(null) /* of {} */", ty.kind_name(), type_text(element, depth))
            }
            primitive => _ = write!(out, "to{primitive}(null)"),
        },
        Kind::Bool(b) => _ = write!(out, "{b}"),
        Kind::Number(n) => _ = write!(out, "{n}"),
        Kind::String(text) if text.contains('\n') => {
            let (open, pad) =
                if depth == 0 { ("<<EOT", String::new()) } else { ("<<-EOT", "  ".repeat(depth)) };
            _ = writeln!(out, "{open}");
            for line in text.split('\n') {
                _ = writeln!(out, "{pad}{line}");
            }
            _ = write!(out, "{pad}EOT");
        }
        Kind::String(text) => _ = write!(out, "{}", quoted(text)),
        Kind::List(_, elements) => sequence("tolist([", elements, "])", depth, out),
        Kind::Set(_, elements) => sequence("toset([", elements, "])", depth, out),
        Kind::Tuple(elements) => sequence("[", elements, "]", depth, out),
        Kind::Map(_, entries) => mapping("tomap({", entries, "})", depth, out),
        Kind::Object(entries) => mapping("{", entries, "}", depth, out),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => _ = write!(out, "\\x{:02x}", u32::from(c)),
            '\u{80}'..='\u{a0}' | '\u{2028}' => _ = write!(out, "\\u{:04x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out + "\""
}

fn sequence(open: &str, elements: &[Value], close: &str, depth: usize, out: &mut String) {
    out.push_str(open);
    if !elements.is_empty() {
        out.push('\n');
        for element in elements {
            out.push_str(&"  ".repeat(depth + 1));
            print(element, depth + 1, out);
            out.push_str(",\n");
        }
        out.push_str(&"  ".repeat(depth));
    }
    out.push_str(close);
}

fn mapping(
    open: &str,
    entries: &BTreeMap<std::sync::Arc<str>, Value>,
    close: &str,
    depth: usize,
    out: &mut String,
) {
    out.push_str(open);
    if !entries.is_empty() {
        out.push('\n');
        for (key, element) in entries {
            _ = write!(out, "{}{} = ", "  ".repeat(depth + 1), quoted(key));
            print(element, depth + 1, out);
            out.push('\n');
        }
        out.push_str(&"  ".repeat(depth));
    }
    out.push_str(close);
}

struct Case {
    place: String,
    expression: String,
    recorded: Vec<String>,
    /// What Mainstay answers instead, where it differs on purpose.
    ours: Vec<String>,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for path in files.iter().filter(|p| p.extension().is_some_and(|e| e == "txt")) {
        let name = path.file_name().unwrap().to_string_lossy();
        for (number, line) in std::fs::read_to_string(path).unwrap().lines().enumerate() {
            if let Some(expression) = line.strip_prefix("> ") {
                cases.push(Case {
                    place: format!("{name}:{}", number + 1),
                    expression: expression.to_owned(),
                    recorded: Vec::new(),
                    ours: Vec::new(),
                });
            } else if let Some(ours) = line.strip_prefix("~ ") {
                cases.last_mut().unwrap().ours.push(ours.to_owned());
            } else if line.starts_with("  ") || line.starts_with('!') {
                cases.last_mut().unwrap().recorded.push(line.trim_end().to_owned());
            }
        }
    }
    cases
}

#[test]
fn functions_answer_what_terraform_answered() {
    let project = project();
    let mut differing = Vec::new();
    let cases = cases();
    for case in &cases {
        let wanted = if case.ours.is_empty() {
            in_our_words(&case.recorded.join("\n"), &case.expression)
        } else {
            case.ours.join("\n")
        };
        let answer = answer(&case.expression, &project);
        let answer = answer.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        if answer != wanted {
            differing.push(format!("{}: {}\nwanted\n{wanted}\ngot\n{answer}\n", case.place, case.expression));
        }
    }
    assert!(
        differing.is_empty(),
        "{} of {} differ\n\n{}",
        differing.len(),
        cases.len(),
        differing.join("\n")
    );
}

/// What a call is called with, as far as a case is about it.
fn about(case: &Case, what: &str) -> bool {
    match what {
        "a fault" => case.recorded.iter().chain(&case.ours).any(|line| line.starts_with('!')),
        "null" => case.expression.contains("null"),
        "an unknown" => case.expression.contains("var."),
        _ => ["sensitive(", "var.secret"].iter().any(|mark| case.expression.contains(mark)),
    }
}

#[test]
fn every_function_has_five_cases_with_faults_nulls_unknowns_and_marks() {
    let cases = cases();
    let mut missing = Vec::new();
    let all: Vec<&str> = functions::names().chain(["try", "can"]).collect();
    assert_eq!(all.len(), 118, "Terraform 1.11 has as many functions");
    for name in all {
        let of_it: Vec<&Case> = cases.iter().filter(|c| function_of(&c.expression) == name).collect();
        if of_it.len() < 5 {
            missing.push(format!("{name}: {} cases", of_it.len()));
        }
        for what in ["a fault", "null", "an unknown", "a mark"] {
            if !of_it.iter().any(|case| about(case, what)) {
                missing.push(format!("{name}: no case with {what}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn the_signatures_are_those_that_terraform_prints() {
    let path = folder().join("signatures.json");
    let recorded: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut ours = functions::metadata();
    let described = ours["function_signatures"].as_object_mut().unwrap();
    for (name, function) in described.iter_mut() {
        let text = function.as_object_mut().unwrap().remove("description");
        assert!(
            text.is_some_and(|text| text.as_str().is_some_and(|t| !t.is_empty())),
            "{name} is not described"
        );
    }
    let names = |of: &serde_json::Value| -> Vec<String> {
        of["function_signatures"].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(names(&ours), names(&recorded));
    let of = |all: &serde_json::Value, name: &str| all["function_signatures"][name].to_string();
    let differing: Vec<String> = names(&recorded)
        .iter()
        .filter(|name| of(&ours, name) != of(&recorded, name))
        .map(|name| format!("{name}\n  ours     {}\n  recorded {}", of(&ours, name), of(&recorded, name)))
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert_eq!(ours["format_version"], recorded["format_version"]);
}

#[test]
fn before_an_apply_a_timestamp_is_unknown_and_that_of_the_plan_is_not() {
    struct Planning(Project);
    impl Scope for Planning {
        fn get(&self, reference: Reference) -> Result<Value, Diagnostic> {
            self.0.get(reference)
        }
        fn files(&self) -> &dyn ProjectFiles {
            self.0.files()
        }
        fn plan_time(&self) -> Option<SystemTime> {
            Some(UNIX_EPOCH - Duration::from_millis(1))
        }
    }
    let value = |text: &str| {
        let mut parsed = parse_expression(FileId(0), text);
        let names = Names::default();
        Resolver::new(&names, Allowed::all("a test"), &[]).expr(&mut parsed.tree);
        evaluate_with(&parsed.tree, &Planning(project()), &[]).unwrap()
    };
    assert!(!value("timestamp()").is_known());
    assert_eq!(value("timestamp() == null"), Value::bool(false));
    assert_eq!(value("plantimestamp()"), Value::string("1969-12-31T23:59:59Z"));
}

#[test]
fn a_function_of_a_provider_is_called_by_its_whole_name() {
    struct Providing(Project);
    impl Scope for Providing {
        fn get(&self, reference: Reference) -> Result<Value, Diagnostic> {
            self.0.get(reference)
        }
        fn files(&self) -> &dyn ProjectFiles {
            self.0.files()
        }
        fn call(&self, name: &str, arguments: &[Value]) -> Result<Value, functions::FunctionError> {
            match arguments {
                [] => Err(functions::FunctionError::new(None, "It takes one argument")),
                [one, ..] => Ok(Value::tuple(vec![Value::string(name), one.clone()])),
            }
        }
    }
    let answer = |text: &str, scope: &dyn Scope| {
        let parsed = parse_expression(FileId(0), text);
        assert!(parsed.diagnostics.is_empty(), "{text}: {}", parsed.diagnostics);
        evaluate_with(&parsed.tree, scope, &[]).map_err(|faults| faults.0[0].message.clone())
    };
    let providing = Providing(project());
    let called = answer("provider :: aws :: /* here */ trim(\"a\")", &providing).unwrap();
    assert_eq!(called, Value::tuple(vec![Value::string("provider::aws::trim"), Value::string("a")]));
    assert_eq!(answer("provider::aws::trim()", &providing), Err("It takes one argument".to_owned()));
    let message = answer("provider::aws::trim(1)", &project()).unwrap_err();
    assert_eq!(
        message,
        "The function `provider::aws::trim` is not available here: no provider that offers it is loaded"
    );
}

#[test]
fn what_gzip_makes_reads_back() {
    use base64::Engine as _;
    use std::io::Read as _;
    let project = project();
    let encoded = answer("base64gzip(\"hello\")", &project);
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim().trim_matches('"')).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
}

#[test]
fn a_uuid_is_of_version_four_and_another_each_time() {
    let project = project();
    let drawn = [answer("uuid()", &project), answer("uuid()", &project)];
    for text in &drawn {
        let parts: Vec<&str> = text.trim().trim_matches('"').split('-').collect();
        assert_eq!(parts.iter().map(|p| p.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{text}");
        assert!(parts.concat().bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()), "{text}");
        assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{text}");
    }
    assert_ne!(drawn[0], drawn[1]);
}

#[test]
fn the_cost_of_bcrypt_is_ten_where_none_is_given_or_too_low_a_one() {
    let project = project();
    for (expression, start) in [
        ("bcrypt(\"x\")", "$2a$10$"),
        ("bcrypt(\"x\", 3)", "$2a$10$"),
        ("bcrypt(\"x\", -1)", "$2a$10$"),
        ("bcrypt(\"x\", 4)", "$2a$04$"),
    ] {
        let answer = answer(expression, &project);
        let hash = answer.trim().trim_matches('"');
        assert!(hash.starts_with(start) && hash.len() == 60, "{expression}: {hash}");
    }
}

#[test]
fn where_nothing_may_be_drawn_a_result_is_an_unknown_string_that_is_not_null() {
    struct Planning(Project);
    impl Scope for Planning {
        fn get(&self, reference: Reference) -> Result<Value, Diagnostic> {
            self.0.get(reference)
        }
        fn files(&self) -> &dyn ProjectFiles {
            self.0.files()
        }
    }
    let planning = Planning(project());
    let value = |text: &str| {
        let mut parsed = parse_expression(FileId(0), text);
        let names = Names::default();
        Resolver::new(&names, Allowed::all("a test"), &[]).expr(&mut parsed.tree);
        evaluate_with(&parsed.tree, &planning, &[]).map_err(|faults| faults.0[0].message.clone())
    };
    for text in ["uuid()", "bcrypt(\"x\", 4)", "templatestring(\"${1}$${uuid()}\", {})"] {
        let value = value(text).unwrap();
        assert!(!value.is_known() && value.ty() == Type::String, "{text}: {value}");
    }
    assert_eq!(value("uuid() == null"), Ok(Value::bool(false)));
    assert!(value("bcrypt(sensitive(\"x\"))").unwrap().is_sensitive());
    assert_eq!(value("bcrypt(null)"), Err("`str` of `bcrypt`: argument must not be null".to_owned()));
}

#[test]
fn without_a_home_folder_a_path_stays_as_it_is() {
    let homeless = Project(DiskFiles::new(folder().join("project")).unwrap());
    assert_eq!(answer("pathexpand(\"~/a/../b\")", &homeless).trim(), "\"~/a/../b\"");
}
