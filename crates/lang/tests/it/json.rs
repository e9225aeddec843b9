//! Configuration in JSON means what the native text beside it means; places, and what is said about what is wrong. What is a
//! fault and what is not was asked of `terraform validate`.

use diag::{FileId, Sources, Span};
use lang::syntax::{Attribute, Block, Body, Expr, ExprKind, parse, parse_json};

/// A tree as text, places left out: what both syntaxes have in common.
fn outline(body: &Body, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    for Attribute { name, expr } in &body.attributes {
        out.push_str(&format!("{pad}{} = {}\n", name.name, shown(expr)));
    }
    for Block { kind, labels, body } in &body.blocks {
        let labels: String = labels.iter().map(|l| format!(" {}", l.name)).collect();
        out.push_str(&format!("{pad}{}{labels}\n", kind.name));
        outline(body, depth + 1, out);
    }
}

/// An expression without its places: its `Debug` with every span cut out.
fn shown(expr: &Expr) -> String {
    let text = format!("{:?}", expr.kind);
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("Span {") {
        out.push_str(&rest[..at]);
        rest =
            rest[at..].split_once('}').map_or("", |(_, after)| after.split_once('}').map_or("", |(_, a)| a));
    }
    out + rest
}

#[track_caller]
fn same(json: &str, native: &str) {
    let (json, native) = (parse_json(FileId(0), json), parse(FileId(0), native));
    assert!(json.diagnostics.is_empty() && json.templates.is_empty(), "{}", json.diagnostics);
    assert!(native.diagnostics.is_empty(), "{}", native.diagnostics);
    let (mut ours, mut theirs) = (String::new(), String::new());
    outline(&json.tree, 0, &mut ours);
    outline(&native.tree, 0, &mut theirs);
    assert_eq!(ours, theirs);
}

/// The faults, each with the text that it is about.
#[track_caller]
fn check(json: &str, expect: &[&str]) {
    let parsed = parse_json(FileId(0), json);
    let about = |span: Span| json.get(span.start as usize..span.end as usize).unwrap_or("outside");
    let found: Vec<String> = parsed
        .diagnostics
        .0
        .iter()
        .chain(&parsed.templates.0)
        .map(|d| format!("{} @ {}", d.message, d.span.map_or("nowhere", about)))
        .collect();
    assert_eq!(found, expect, "in {json}");
}

#[test]
fn blocks_are_objects_by_label_or_arrays_of_them() {
    let native = "resource \"a\" \"x\" {\n n = 1\n}\nresource \"a\" \"y\" {\n}\nlocals {\n b = 2\n}\n";
    same(r#"{"resource":{"a":{"x":{"n":1},"y":{}}},"locals":{"b":2}}"#, native);
    same(r#"{"resource":[{"a":{"x":{"n":1}}},{"a":{"y":{}}}],"locals":[{"b":2}]}"#, native);
    same(
        r#"{"resource":{"a":[{"x":[{"n":1}]},{"y":{}}]},"locals":{"b":2,"//":"a comment"},"//":{"x":1}}"#,
        native,
    );
    same(r#"[{"resource":{"a":{"x":{"n":1},"y":{}}}},{"locals":{"b":2}}]"#, native);
    same(
        r#"{"resource":{"a":{"x":{"n":1}}},"resource":{"a":{"y":{}}},"locals":{"b":2},"output":{"o":null}}"#,
        native,
    );
}

#[test]
fn texts_are_templates_or_literals_or_references_as_their_place_has_it() {
    same(
        r#"{"locals":{"a":"${var.x}","b":"x-${var.x}","c":"$${x} %%{","d":["${1 + 1}",null,true,-1.50],"e":{"${var.k}":"v"}}}"#,
        "locals {\n a = \"${var.x}\"\n b = \"x-${var.x}\"\n c = \"$${x} %%{\"\n d = [\"${1 + 1}\", null, true, -1.5]\n e = { \"${var.k}\" = \"v\" }\n}\n",
    );
    same(
        r#"{"variable":{"x":{"type":"list(object({a=string}))","default":["${x}"],"description":"${y}","validation":{"condition":"${length(var.x) > 0}","error_message":"none"}}}}"#,
        "variable \"x\" {\n type = list(object({a=string}))\n default = [\"$${x}\"]\n description = \"$${y}\"\n validation {\n condition = \"${length(var.x) > 0}\"\n error_message = \"none\"\n }\n}\n",
    );
    same(
        r#"{"resource":{"a":{"x":{"provider":"aws.west","depends_on":["b.c","module.m"],"lifecycle":{"ignore_changes":["tags[\"a\"]"],"replace_triggered_by":["b.c[count.index]"],"create_before_destroy":true},"provisioner":[{"local-exec":{"when":"destroy","command":"echo ${self.id}"}}]}}}}"#,
        "resource \"a\" \"x\" {\n provider = aws.west\n depends_on = [b.c, module.m]\n lifecycle {\n ignore_changes = [tags[\"a\"]]\n replace_triggered_by = [b.c[count.index]]\n create_before_destroy = true\n }\n provisioner \"local-exec\" {\n when = destroy\n command = \"echo ${self.id}\"\n }\n}\n",
    );
    same(
        r#"{"resource":{"a":{"x":{"lifecycle":{"ignore_changes":"all"}}}}}"#,
        "resource \"a\" \"x\" {\n lifecycle {\n ignore_changes = all\n }\n}\n",
    );
    same(
        r#"{"moved":[{"from":"a.b","to":"a.c[0]"}],"import":{"to":"a.b[each.key]","id":"${each.value}","for_each":{"k":1}},"removed":{"from":"a.z","lifecycle":{"destroy":false}}}"#,
        "moved {\n from = a.b\n to = a.c[0]\n}\nimport {\n to = a.b[each.key]\n id = \"${each.value}\"\n for_each = { \"k\" = 1 }\n}\nremoved {\n from = a.z\n lifecycle {\n destroy = false\n }\n}\n",
    );
    same(
        r#"{"module":{"m":{"source":"./${x}","providers":{"aws.src":"aws.west"},"n":"${1}"}},"terraform":{"required_providers":{"aws":{"source":"hashicorp/aws","configuration_aliases":["aws.x"]}},"backend":{"s3":{"bucket":"${b}"}}}}"#,
        "module \"m\" {\n source = \"./$${x}\"\n providers = { aws.src = aws.west }\n n = \"${1}\"\n}\nterraform {\n required_providers {\n aws = { \"source\" = \"hashicorp/aws\", \"configuration_aliases\" = [aws.x] }\n }\n backend \"s3\" {\n bucket = \"$${b}\"\n }\n}\n",
    );
}

#[test]
fn a_schema_turns_attributes_into_blocks() {
    let json = r#"{"resource":{"a":{"x":{"ami":"i","ebs":[{"size":1,"//":"c","tag":{"k":"v"}},{"size":2}],"net":{"one":{"ip":"${var.i}"},"two":{}},"none":null,
        "dynamic":{"ebs":{"for_each":[1],"iterator":"it","content":{"size":"${it.value}"}}}}}}}"#;
    let mut body = parse_json(FileId(0), json).tree.blocks.remove(0).body;
    let faults = body.promote(|name| match name {
        "ebs" | "none" => Some(0),
        "net" => Some(1),
        _ => None,
    });
    assert!(faults.is_empty(), "{faults}");
    let mut found = String::new();
    outline(&body, 0, &mut found);
    let native = "ami = \"i\"\nebs {\n size = 1\n tag = { \"k\" = \"v\" }\n}\nebs {\n size = 2\n}\nnet \"one\" {\n ip = \"${var.i}\"\n}\nnet \"two\" {\n}\ndynamic \"ebs\" {\n for_each = [1]\n iterator = it\n content {\n size = \"${it.value}\"\n }\n}\n";
    let mut expected = String::new();
    outline(&parse(FileId(0), native).tree, 0, &mut expected);
    assert_eq!(found, expected);
    assert!(body.blocks[0].body.is_json, "what is inside is promoted in its turn");
    let faults = body.blocks[0].body.promote(|name| (name == "tag").then_some(0));
    assert!(faults.is_empty() && body.blocks[0].body.blocks.len() == 1);

    let mut native = parse(FileId(0), "ebs = { size = 1 }\n").tree;
    assert!(native.promote(|_| Some(0)).is_empty());
    assert_eq!(native.attributes.len(), 1, "in the native syntax an attribute stays one");

    let json = r#"{"resource":{"a":{"x":{"ebs":"${var.all}","net":[1],"b":{"${k}":1},"l":{}}}}}"#;
    let mut body = parse_json(FileId(0), json).tree.blocks.remove(0).body;
    let faults = body.promote(|name| Some(usize::from(name == "l")));
    let messages: Vec<&str> = faults.0.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "the blocks of `ebs` are a JSON object, or an array of objects",
            "the blocks of `net` are JSON objects",
            "the name of an attribute or block is plain text, not a template",
            "a label of `l` is missing",
        ]
    );
}

/// What is said of a file besides the fault after which nothing of it is known.
fn lost(begins: &str) -> String {
    format!("the file holds no JSON object that could be read @ {begins}")
}

#[test]
fn what_is_no_json_is_shown_where_it_stops_being_so() {
    check("", &["this file is empty @ ", &lost("")]);
    check("{} {}", &["something follows the JSON value @ {"]);
    check(r#"{"locals":{"a":1,}}"#, &["JSON takes no comma after the last element @ ,"]);
    check(
        r#"{"locals":{"a":[1,],"b":tru,"c":01,"d":+1,"e":1.,"f":NaN}}"#,
        &[
            "JSON takes no comma after the last element @ ,",
            "`tru` is no JSON value @ tru",
            "`01` is no JSON number @ 01",
            "`+1` is no JSON number @ +1",
            "`1.` is no JSON number @ 1.",
            "`NaN` is no JSON value @ NaN",
        ],
    );
    check(r#"{"locals" {}}"#, &["`:` is missing after this name @ \"locals\"", &lost("{")]);
    check(r#"{"locals" = {}}"#, &["`:` is missing after this name @ =", &lost("{")]);
    check(
        "{locals:1}",
        &["this is no JSON text @ l", "the name of a property is missing here @ l", &lost("{")],
    );
    check(
        "{'locals':1}",
        &[
            "JSON writes text between double quotes @ '",
            "the name of a property is missing here @ '",
            &lost("{"),
        ],
    );
    check(r#"{"locals":{"a":'x'}}"#, &["JSON writes text between double quotes @ '", &lost("{")]);
    check(r#"{"locals":{"a":1 "b":2}}"#, &["a comma is missing before this @ \"", &lost("{")]);
    check(r#"{"locals":{"a":[1}}"#, &["`[` is closed by `}` @ }", &lost("{")]);
    let unclosed = "this `{` is never closed @ {";
    check(r#"{"locals":{"a":1"#, &[unclosed, unclosed, &lost("{")]);
    check(
        r#"{"locals":{"a":"#,
        &["a value is missing at the end of the file @ ", unclosed, unclosed, &lost("{")],
    );
    check(
        "{\"locals\":{\"a\":\"x\ny\"}}",
        &["this text has no closing quote @ \"x", unclosed, unclosed, &lost("{")],
    );
    check(
        r#"{"locals":{"a":"\q\u12","b":"	"}}"#,
        &[
            "JSON has no escape `\\q` @ \\q",
            "`\\u` needs four hexadecimal digits @ \\u",
            "a control character stands in a JSON text as an escape only @ \t",
        ],
    );
    let deep = format!("{{\"locals\":{{\"a\":{}1{}}}}}", "[".repeat(50_000), "]".repeat(50_000));
    let parsed = parse_json(FileId(0), &deep);
    assert_eq!(parsed.diagnostics.0[0].code, "too-deep");
}

#[test]
fn what_stands_in_the_wrong_place_is_shown() {
    check("1", &["a configuration file is a JSON object, or an array of objects @ 1"]);
    check(r#"["x"]"#, &["a configuration file is a JSON object, or an array of objects @ \"x\""]);
    check(r#"{"resourc":{}}"#, &["there is no block `resourc` @ \"resourc\""]);
    check(
        r#"{"resource":"x"}"#,
        &[
            "the labels of `resource` are a JSON object, or an array of objects @ \"x\"",
            "a label of `resource` is missing @ \"x\"",
        ],
    );
    check(r#"{"resource":null}"#, &["a label of `resource` is missing @ null"]);
    check(r#"{"resource":{"a":{}}}"#, &["a label of `resource` is missing @ {}"]);
    check(
        r#"{"output":{"value":1}}"#,
        &["the blocks of `output` are a JSON object, or an array of objects @ 1"],
    );
    check(
        r#"{"locals":["x",null,[{}]]}"#,
        &[
            "the blocks of `locals` are JSON objects @ \"x\"",
            "the blocks of `locals` are JSON objects @ null",
            "the blocks of `locals` are JSON objects @ [{}]",
        ],
    );
    check(r#"{"output":{"x":{"value":{"a":1,"a":2}}}}"#, &["this object has \"a\" twice @ \"a\""]);
    check(
        r#"{"output":{"x":{"value":"a ${1 +} b"}}}"#,
        &["a value is missing before the `}` of an interpolation @ }"],
    );
    check(r#"{"resource":{"a":{"x":{"depends_on":["${a.b}"]}}}}"#, &["a value is missing before `$` @ $"]);
}

/// The text of every interpolation in an expression, as its place has it.
fn interpolated<'a>(expr: &Expr, text: &'a str) -> &'a str {
    let ExprKind::Template(parts) = &expr.kind else { panic!("no template") };
    let spans = parts.iter().filter_map(|p| match p {
        lang::syntax::Part::Value(e) => Some(e.span),
        _ => None,
    });
    let span = spans.reduce(Span::to).unwrap();
    &text[span.start as usize..span.end as usize]
}

#[test]
fn places_inside_of_texts_count_escapes() {
    for (text, expected) in [
        (r#"{"locals":{"a":"x ${local.zz} y"}}"#, "local.zz"),
        (r#"{"locals":{"a":"\n\u0041\ud83d\ude00é ${local.zz} y"}}"#, "local.zz"),
        (r#"{"locals":{"a":"\" ${f(\"k\", local.zz)}\n"}}"#, r#"f(\"k\", local.zz)"#),
    ] {
        let parsed = parse_json(FileId(0), text);
        assert!(parsed.diagnostics.is_empty(), "{}", parsed.diagnostics);
        let attribute = &parsed.tree.blocks[0].body.attributes[0];
        assert_eq!(interpolated(&attribute.expr, text), expected);
        let span = attribute.expr.span;
        assert!(text[span.start as usize..span.end as usize].starts_with('"'));
    }
    let mut sources = Sources::default();
    let text = "{\n \"locals\": {\n  \"a\": 1,\n  \"b\": \"${1 +}\"\n }\n}\n";
    let file = sources.add("main.tf.json", text);
    let parsed = parse_json(file, text);
    let rendered = diag::render_all(&parsed.templates, &sources, diag::Style::Plain);
    assert!(rendered.contains("main.tf.json:4:14"), "{rendered}");
}
