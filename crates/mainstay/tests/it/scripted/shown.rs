//! What providers say, and what they must not have said: faults at the right line, warnings of every call, and secrets that are in no
//! file and on no screen.

use serde_json::Value as Json;
use testkit::provider::{Rule, Said, Script};

use super::caller::Caller;

/// The diagnostics of a command that prints a stream: severity, summary, and the text of the line that is named.
fn told(caller: &Caller, code: i32, words: &[&str]) -> Vec<(String, String, String)> {
    let main = std::fs::read_to_string(caller.path("main.tf")).expect("a file");
    let lines: Vec<&str> = main.lines().collect();
    let answer = caller.ends(code, words);
    let messages = answer.out.lines().map(|line| serde_json::from_str::<Json>(line).expect("JSON"));
    let found = messages.filter(|message| message["type"] == "diagnostic").map(|message| {
        let told = &message["diagnostic"];
        let text = |of: &Json| of.as_str().unwrap_or_default().to_owned();
        let line = told["range"]["start"]["line"].as_u64().and_then(|line| usize::try_from(line).ok());
        let line = line.map_or("", |line| lines[line - 1].trim());
        (text(&told["severity"]), text(&told["summary"]), line.to_owned())
    });
    found.collect()
}

fn error(summary: &str, line: &str) -> (String, String, String) {
    ("error".into(), summary.into(), line.into())
}

fn warning(summary: &str, line: &str) -> (String, String, String) {
    ("warning".into(), summary.into(), line.into())
}

#[test]
fn faults_of_a_provider_are_told_at_the_line_of_what_they_are_about() {
    let caller = Caller::folder(
        r#"
resource "scripted_thing" "it" {
  name   = ""
  labels = {
    good = "fine"
    evil = "bad"
  }
  parts = [
    "fine",
    "bad",
  ]
}
"#,
    );
    let expect = [
        error("Empty name", "name   = \"\""),
        error("Bad word", "evil = \"bad\""),
        error("Bad word", "\"bad\","),
    ];
    assert_eq!(told(&caller, 1, &["plan", "-json"]), expect);
}

#[test]
fn faults_in_nested_blocks_and_attributes_are_told_where_they_are() {
    let caller = Caller::folder(
        r#"
resource "scripted_thing" "it" {
  name = "it"
  many {
    text = "first"
  }
  many {
    text = "second"
  }
  named "key" {
    text = "third"
  }
  steps = [
    { mode = "a" },
    { mode = "b" },
  ]
  routes = {
    north = { mode = "c" }
  }
}
"#,
    );
    let cases: [(&str, Json, &str); 6] = [
        ("in a block of a list", serde_json::json!(["many", 1, "text"]), "text = \"second\""),
        ("in a block of a map", serde_json::json!(["named", { "key": "key" }, "text"]), "text = \"third\""),
        ("in a list of objects", serde_json::json!(["steps", 1, "mode"]), "{ mode = \"b\" },"),
        (
            "in a map of objects",
            serde_json::json!(["routes", { "key": "north" }, "mode"]),
            "north = { mode = \"c\" }",
        ),
        ("of what is not written", serde_json::json!(["zone"]), "resource \"scripted_thing\" \"it\" {"),
        ("nowhere", serde_json::json!([]), "resource \"scripted_thing\" \"it\" {"),
    ];
    for (summary, path, line) in cases {
        let path = path.as_array().expect("a path").clone();
        let said = Said { summary: summary.into(), path, ..Said::default() };
        caller.rig.misbehaves(Rule::at("PlanResourceChange").says(said));
        assert_eq!(told(&caller, 1, &["plan", "-json"]), [error(summary, line)]);
    }
}

#[test]
fn warnings_of_every_call_are_shown() {
    let caller = Caller::folder(
        r#"
provider "scripted" {
  region = "north"
}
resource "scripted_thing" "it" {
  name = "odd"
}
data "scripted_thing" "it" {
  name = "odd"
}
"#,
    );
    let calls =
        ["ConfigureProvider", "ReadResource", "PlanResourceChange", "ReadDataSource", "ApplyResourceChange"];
    let said = |call: &str| Said { is_warning: true, summary: format!("Told by {call}"), ..Said::default() };
    let all = |script: Script| {
        calls.iter().fold(script, |script, call| script.with(Rule::at(call).says(said(call))))
    };
    all(Script::new(caller.rig.folder())).write().expect("a script");
    let block = "resource \"scripted_thing\" \"it\" {";
    let provider = "provider \"scripted\" {";
    let data = "data \"scripted_thing\" \"it\" {";
    let mut first = told(&caller, 0, &["apply", "-auto-approve", "-json"]);
    first.sort();
    first.dedup();
    let mut expect = vec![
        warning("Odd name", "name = \"odd\""),
        warning("Told by ApplyResourceChange", block),
        warning("Told by ConfigureProvider", provider),
        warning("Told by PlanResourceChange", block),
        warning("Told by ReadDataSource", data),
    ];
    assert_eq!(first, expect);
    let mut second = told(&caller, 0, &["plan", "-json"]);
    second.sort();
    second.dedup();
    expect[1] = warning("Told by ReadResource", block);
    expect.sort();
    assert_eq!(second, expect);
}

#[test]
fn what_is_secret_is_in_no_file_and_on_no_screen() {
    let caller = Caller::folder(
        r#"
provider "scripted" {
  token = "s3cret-token"
}
variable "password" {
  default   = "s3cret-password"
  sensitive = true
}
resource "scripted_thing" "it" {
  name           = "it"
  password       = "s3cret-inside"
  secret         = "s3cret-written"
  secret_version = 1
  labels         = { given = var.password }
}
"#,
    );
    let mut printed = String::new();
    for words in [
        &["plan", "-out=next.plan"] as &[&str],
        &["show", "next.plan"],
        &["apply", "next.plan"],
        &["show"],
        &["plan"],
        &["state", "show", "scripted_thing.it"],
    ] {
        let answer = caller.ends(0, words);
        printed += &format!("{words:?}\n{}\n{}", answer.out, answer.err);
    }
    assert!(!printed.contains("s3cret"), "{printed}");
    assert!(printed.contains("(sensitive value)"), "{printed}");
    // What is written only reached the provider, and nobody keeps it: not the state, and not where it is shown in clear.
    assert_eq!(caller.rig.numbers("secret_length")["it"], Some(14));
    let state = caller.ends(0, &["state", "pull"]).out;
    assert!(!state.contains("s3cret-written") && state.contains("s3cret-inside"), "{state}");
    let state: Json = serde_json::from_str(&state).expect("JSON");
    let instance = &state["resources"][0]["instances"][0];
    assert_eq!(instance["attributes"]["secret"], Json::Null);
    let sensitive = instance["sensitive_attributes"].to_string();
    assert!(sensitive.contains("\"password\"") && sensitive.contains("\"labels\""), "{sensitive}");

    let mut folders = vec![caller.path(".mainstay")];
    let mut files = vec![caller.path("next.plan")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            match entry.file_type().expect("a type") {
                kind if kind.is_dir() => folders.push(entry.path()),
                _ => files.push(entry.path()),
            }
        }
    }
    for file in files {
        let bytes = std::fs::read(&file).expect("a file");
        let is_told = bytes.windows(7).any(|part| part == b"s3cret-");
        // The plan keeps the configuration's text, in which a person has written it; compressed.
        assert!(!is_told, "{} holds a secret in clear", file.display());
    }
    // A new version of what is only written is a change, and an old one is none.
    let main = std::fs::read_to_string(caller.path("main.tf")).expect("a file");
    caller.write("main.tf", &main.replace("s3cret-written", "s3cret-rewritten"));
    assert!(caller.plan().changes.is_empty());
    caller.write("main.tf", &main.replace("s3cret-written", "s3cret-rewritten").replace("= 1", "= 2"));
    caller.apply(0);
    assert_eq!(caller.rig.numbers("secret_length")["it"], Some(16));
}
