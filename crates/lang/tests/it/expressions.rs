//! Expressions: what they are worth, what of it is known, and what is said about those that are worth nothing. Expected values of
//! what Terraform has as well were asked of `terraform console`.

use diag::FileId;
use lang::resolve::{Allowed, Names, Resolver};
use lang::syntax::parse_expression;
use lang::{MemoryFiles, evaluate_with};
use value::{Kind, Marks, Refinements, Type, Value};

struct NoScope(MemoryFiles);

impl lang::Scope for NoScope {
    fn get(&self, reference: lang::Reference) -> Result<Value, diag::Diagnostic> {
        Err(diag::Diagnostic::error("test", format!("{reference:?} has no value")))
    }

    fn files(&self) -> &dyn lang::ProjectFiles {
        &self.0
    }
}

/// The values that expressions of these tests may name.
fn variables() -> Vec<(&'static str, Value)> {
    let object = |a: i64| Value::object([("a", Value::number(a)), ("b", Value::string("x"))]);
    vec![
        ("text", Value::string("hello")),
        ("numbers", Value::list(Type::Number, vec![Value::number(1), Value::number(2)])),
        ("names", Value::set(Type::String, [Value::string("b"), Value::string("a")])),
        ("ports", Value::map(Type::Number, [("http", Value::number(80)), ("admin", Value::number(81))])),
        ("objects", Value::tuple(vec![object(1), object(2)])),
        ("nothing", Value::null(Type::String)),
        ("no_list", Value::null(Type::list(Type::String))),
        ("secret", Value::string("s3cret").with_marks(Marks::SENSITIVE)),
        ("secrets", Value::list(Type::String, vec![Value::string("s3cret")]).with_marks(Marks::SENSITIVE)),
        ("later", Value::refined(Type::String, Refinements { not_null: true, ..Refinements::default() })),
        ("later_bool", Value::unknown(Type::Bool)),
        ("later_list", Value::unknown(Type::list(Type::Number))),
        ("later_any", Value::unknown(Type::Dynamic)),
        ("half", Value::list(Type::String, vec![Value::string("a"), Value::unknown(Type::String)])),
    ]
}

fn run(text: &str) -> Result<Value, String> {
    let variables = variables();
    let names: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
    let slots: Vec<Value> = variables.into_iter().map(|(_, value)| value).collect();
    let first = |faults: &diag::Diagnostics| {
        let all: Vec<&str> = faults.0.iter().map(|d| d.message.as_str()).collect();
        all.join(" | ")
    };
    let parsed = parse_expression(FileId(0), text);
    if parsed.diagnostics.has_errors() {
        return Err(first(&parsed.diagnostics));
    }
    let mut expr = parsed.tree;
    let declared = Names::default();
    let mut resolver = Resolver::new(&declared, Allowed::constant("a test"), &names);
    resolver.expr(&mut expr);
    let resolved = resolver.finish();
    if resolved.diagnostics.has_errors() {
        return Err(first(&resolved.diagnostics));
    }
    evaluate_with(&expr, &NoScope(MemoryFiles::default()), &slots).map_err(|faults| first(&faults))
}

/// Value and type, with what is certain about an unknown.
fn shown(value: &Value) -> String {
    let sensitive = if value.is_sensitive() { "sensitive " } else { "" };
    let (value, _) = value.clone().unmark();
    match value.kind() {
        Kind::Unknown(unknown) => {
            let prefix = unknown.refinements.prefix.as_ref().map_or_else(String::new, |p| format!(" {p}…"));
            let not_null = if unknown.refinements.not_null { " not null" } else { "" };
            format!("{sensitive}unknown {}{not_null}{prefix}", unknown.ty)
        }
        _ => format!("{sensitive}{value} : {}", value.ty()),
    }
}

#[track_caller]
fn check(text: &str, expect: &str) {
    let found = match run(text) {
        Ok(value) => shown(&value),
        Err(message) => format!("fault: {message}"),
    };
    assert_eq!(found, expect, "in `{text}`");
}

#[test]
fn operators_follow_their_precedence_and_convert_their_operands() {
    check("1 + 2 * 3 - 4 / 2", "5 : number");
    check("10 - 3 - 2", "5 : number");
    check("1 + \"2\"", "3 : number");
    check("0.1 + 0.2 == 0.3", "true : bool");
    check("-\"5\"", "-5 : number");
    check("!\"true\"", "false : bool");
    check("5 % 3", "2 : number");
    check("1 < 2 && 2 >= 2 || false", "true : bool");
    check("true || false && false", "true : bool");
    check("1 == 1 ? \"yes\" : \"no\"", "\"yes\" : string");
    check("\"1\" == 1", "false : bool");
    check("null == null", "true : bool");
    check("[1, \"a\"] == [1, \"a\"]", "true : bool");
    check("nothing != null && nothing.x", "fault: this is null, and so has no `x`");
    check("false && nothing", "fault: `&&` cannot work on null");
    check("\"a\" + 1", "fault: `+` takes numbers");
    check("true && \"x\"", "fault: `&&` takes bools");
    check("-1 % 3", "-1 : number");
    check("7 % -3", "1 : number");
    check("[1, 2] == numbers", "false : bool");
    check("1 / 0", "fault: this divides by zero");
    check("null + 1", "fault: `+` cannot work on null");
    check("secret == \"x\"", "sensitive false : bool");
    check("later_bool && false", "unknown bool not null");
    check("later_bool && true", "unknown bool not null");
    check("later == nothing", "false : bool");
    check("later == text", "unknown bool");
}

#[test]
fn a_conditional_gives_one_type_whichever_way_it_goes() {
    check("true ? 1 : \"a\"", "\"1\" : string");
    check("true ? null : 1", "null : number");
    check("true ? { a = 1 } : { b = 2 }", "{ a = 1 } : map(number)");
    check("true ? { a = 1 } : { a = \"x\" }", "{ a = \"1\" } : object({a = string})");
    check("true ? [1, 2] : [\"a\"]", "[\"1\", \"2\"] : list(string)");
    check("true ? {} : { a = 1 }", "{ } : map(number)");
    check("true ? [] : [\"a\"]", "[] : list(string)");
    check(
        "true ? { a = 1, b = \"x\" } : { a = \"y\", b = true }",
        "{ a = \"1\", b = \"x\" } : object({a = string, b = string})",
    );
    check("false ? 1 : true", "fault: both results of a conditional need one type");
    check("true ? 1 : [1]", "fault: both results of a conditional need one type");
    check("null ? 1 : 2", "fault: this condition is null");
    check("\"maybe\" ? 1 : 2", "fault: this condition has to be `true` or `false`");
    check("true ? 1 : nothing.x", "1 : number");
    check("false ? 1 : nothing.x", "fault: this is null, and so has no `x`");
    check("later_bool ? 1 : 2", "unknown number not null");
    check("later_bool ? \"web-1\" : \"web-2\"", "unknown string not null");
    check("later_bool ? \"a\" : null", "unknown string");
    check("secret == \"\" ? 1 : 2", "sensitive 2 : number");
    check("true ? later_any : 1", "unknown any");
}

#[test]
fn templates_join_text_and_a_single_interpolation_keeps_its_type() {
    check("\"a${1}b${true}\"", "\"a1btrue\" : string");
    check("\"${numbers}\"", "[1, 2] : list(number)");
    check("\"$${x} %%{if} \\u00e9 \\n \\\" \\\\\"", "\"${x} %{if} é \\n \\\" \\\\\" : string");
    check("\"a\\n${~ 1 }\"", "\"a1\" : string");
    check("\"a \\n  ${~ 1 ~}  \\n b\"", "\"a1b\" : string");
    check("\"%{ if text == \"hello\" }yes%{ else }no%{ endif }\"", "\"yes\" : string");
    check("\"%{ for i, x in [5, 6] }${i}=${x};%{ endfor }\"", "\"0=5;1=6;\" : string");
    check("\"a-${later}-b\"", "unknown string not null a-…");
    check("\"a-${secret}\"", "sensitive \"a-s3cret\" : string");
    check("\"%{ if later_bool }x%{ endif }\"", "unknown string not null");
    check("\"a${nothing}\"", "fault: null cannot be put into text");
    check("\"a${[1]}\"", "fault: only strings, numbers and bools can be put into text");
    check("\"%{ if true }x\"", "fault: this `if` has no `%{ endif }`");
    check("\"${nothing.x}-${nope}\"", "fault: nothing is called `nope` here");
}

#[test]
fn heredocs_lose_the_indentation_that_their_lines_share() {
    check("<<-EOT\n    a\n      b\n\n   c\n  EOT\n", "\" a\\n   b\\n\\nc\\n\" : string");
    check("<<-EOT\n    a ${1}\n      ${2} x\n\ttab\n  EOT\n", "\"   a 1\\n     2 x\\ntab\\n\" : string");
    check("<<EOT\n  a \\n $${x}\nEOT\n", "\"  a \\\\n ${x}\\n\" : string");
    check(
        "<<EOT\n%{ for x in [1,2] ~}\n  item ${x}\n%{ endfor ~}\ndone\nEOT\n",
        "\"  item 1\\n  item 2\\ndone\\n\" : string",
    );
    check("<<-EOT\n    ${1}\n      b\n    \n  EOT\n", "\"1\\n  b\\n    \\n\" : string");
}

#[test]
fn steps_reach_into_values() {
    check("objects[0].a", "1 : number");
    check("objects.1.b", "\"x\" : string");
    check("ports[\"http\"]", "80 : number");
    check("ports.admin", "81 : number");
    check("{ \"a b\" = 1 }[\"a b\"]", "1 : number");
    check("objects[*].a", "[1, 2] : tuple([number, number])");
    check("objects.*.b", "[\"x\", \"x\"] : tuple([string, string])");
    check("numbers[*]", "[1, 2] : list(number)");
    check("[[1], [2]].*.0", "[1, 2] : tuple([number, number])");
    check("text[*]", "[\"hello\"] : tuple([string])");
    check("nothing[*]", "[] : tuple([])");
    check("no_list[*]", "fault: `[*]` cannot go through a list that is null");
    check("later_list[*]", "unknown list(number) not null");
    check("later_list[0]", "unknown number");
    check("numbers[5]", "fault: there is no element 5 in this list");
    check("numbers[-1]", "fault: there is no element -1 in this list");
    check("numbers[\"x\"]", "fault: an index into a list of numbers is a number");
    check("names[0]", "fault: the elements of a set have no order and no index");
    check("objects[0].c", "fault: this object has no attribute `c`");
    check("objects.a", "fault: a list of objects has no attributes");
    check("text.length", "fault: a string has no attributes");
    check("ports.https", "fault: this map has no element `https`");
    check("{ \"1\" = \"x\" }[1]", "\"x\" : string");
    check("numbers[\"1\"]", "2 : number");
    check("[{ a = [{ b = 1 }, { b = 2 }] }][*].a[*].b", "[[1, 2]] : tuple([tuple([number, number])])");
    check(
        "[{ a = [{ b = 1 }, { b = 2 }] }].*.a[0]",
        "[{ b = 1 }, { b = 2 }] : tuple([object({b = number}), object({b = number})])",
    );
    check("[[1, 2], [3]][*][0]", "[1, 3] : tuple([number, number])");
    check("secrets[0]", "sensitive \"s3cret\" : string");
}

#[test]
fn for_goes_through_collections_in_their_order() {
    check("[for k, v in { b = 1, a = 2 } : \"${k}${v}\"]", "[\"a2\", \"b1\"] : tuple([string, string])");
    check("[for x in names : x]", "[\"a\", \"b\"] : tuple([string, string])");
    check("[for i, x in [\"a\", \"b\"] : i if x != \"a\"]", "[1] : tuple([number])");
    check(
        "{ for k, v in ports : v => k }",
        "{ 80 = \"http\", 81 = \"admin\" } : object({80 = string, 81 = string})",
    );
    check(
        "{ for x in [\"a\", \"b\", \"a\"] : x => 1... }",
        "{ a = [1, 1], b = [1] } : object({a = tuple([number, number]), b = tuple([number])})",
    );
    check("{ for x in [\"a\", \"a\"] : x => 1 }", "fault: two elements of this `for` have the key \"a\"");
    check(
        "[for x in [1, 2] : [for y in [3] : x * y]]",
        "[[3], [6]] : tuple([tuple([number]), tuple([number])])",
    );
    check("[for text in [1] : text]", "[1] : tuple([number])");
    check("[for x in later_list : x + 1]", "unknown any");
    check("[for x in later_list : x.y]", "fault: a number has no attributes");
    check("[for x in half : \"-${x}\"]", "[\"-a\", (known after apply)] : tuple([string, string])");
    check("[for x in secrets : x]", "sensitive [\"s3cret\"] : tuple([string])");
    check("[for x in 5 : x]", "fault: a `for` goes through a list, a set, a map or an object");
    check("[for x in no_list : x]", "fault: a `for` cannot go through null");
    check("{ for x in [1] : null => x }", "fault: a key cannot be null");
}

#[test]
fn try_and_can_look_at_faults_without_failing() {
    check("try(objects[9], \"none\")", "\"none\" : string");
    check("try(objects[0].a, \"none\")", "1 : number");
    check("try(objects[9])", "fault: every argument of `try` fails");
    check("can(objects[9])", "false : bool");
    check("can(text)", "true : bool");
    check("try(later, 1)", "unknown any");
    check("can(later)", "unknown bool not null");
}

#[test]
fn what_cannot_be_read_is_said_in_words() {
    check("1 +", "fault: a value is missing before the end of the file");
    check("foo(1", "fault: `(` is not closed: `)` is missing before the end of the file");
    check("foo(1)", "fault: there is no function `foo`");
    check("[1 2]", "fault: a comma is missing between two elements");
    check("{ a = 1 b = 2 }", "fault: a comma is missing between two items of the object");
    check("'text'", "fault: text is written between straight double quotes");
    check(
        "[for x in objects : { x.a = 1 }]",
        "fault: it is not clear whether this key is text or a reference",
    );
    check("[[1], [2]].0.0", "fault: two indexes in a row are not written with dots");
    check("nope", "fault: nothing is called `nope` here");
    check("txt", "fault: nothing is called `txt` here");
    check("\"abc", "fault: this text has no closing quote");
    check("a ? 1", "fault: the conditional has no `:` before the end of the file");
}
