//! `init`, `providers lock`, `providers mirror` and `version` as a user runs them, with providers of a few bytes in a mirror; and what
//! Terraform prints of the same.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::folder::{Answer, Folder};

/// A folder that requires a provider, with a mirror that has it for the machines that the tests run on.
fn folder(constraints: &str) -> Folder {
    let folder = Folder::new(&format!(
        "terraform {{\n  required_providers {{\n    foo = {{\n      source  = \"acme/foo\"\n      version = \"{constraints}\"\n    }}\n  }}\n}}\n"
    ));
    for version in ["1.0.0", "1.2.0"] {
        for platform in ["linux_amd64", "linux_arm64"] {
            let package = folder.path(&format!("mirror/registry.terraform.io/acme/foo/{version}/{platform}"));
            std::fs::create_dir_all(&package).expect("a mirror");
            let program = package.join(format!("terraform-provider-foo_v{version}"));
            std::fs::write(&program, format!("#!/bin/sh\necho {version} {platform}\n")).expect("a program");
            std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).expect("rights");
        }
    }
    let mirror = folder.path("mirror");
    let text = format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
        mirror.display()
    );
    folder.write("terraform.rc", &text);
    folder
}

fn answer(folder: &Folder, program: &Path, words: &str) -> Option<Answer> {
    let mut command = folder.command(program);
    if program.ends_with("mainstay") {
        command.arg("terraform");
    }
    let output = command
        .args(words.split_whitespace())
        .env("TF_CLI_CONFIG_FILE", folder.path("terraform.rc"))
        .env("XDG_CACHE_HOME", folder.path("cache"))
        .env("TF_IN_AUTOMATION", "1")
        .env("CHECKPOINT_DISABLE", "1")
        .env_remove("TF_PLUGIN_CACHE_DIR")
        .output();
    match output {
        Ok(output) => Some(Answer::of(&output)),
        Err(error) => {
            eprintln!("skipped: {} cannot be started: {error}", program.display());
            None
        }
    }
}

fn ours(folder: &Folder, words: &str) -> Answer {
    answer(folder, Path::new(env!("CARGO_BIN_EXE_mainstay")), words).expect("the program")
}

fn theirs(folder: &Folder, words: &str) -> Option<Answer> {
    answer(folder, Path::new("terraform"), words)
}

#[test]
fn an_installation_is_told_as_terraform_tells_it_and_locks_the_same() {
    let (a, b) = (folder("~> 1.0"), folder("~> 1.0"));
    for words in [
        "init",
        "init",
        "init -upgrade",
        "providers lock -no-color -fs-mirror=mirror -platform=linux_amd64 -platform=linux_arm64",
        "providers lock -no-color -fs-mirror=mirror -platform=linux_amd64 -platform=linux_arm64",
        "version -json",
    ] {
        let Some(expect) = theirs(&a, words) else { return };
        let found = ours(&b, words);
        // In text mode Terraform's warnings are on stdout, in a frame; ours are on stderr.
        let without_frame = |text: &str| {
            let lines = text.lines().map(plain).filter(|line| !line.starts_with(['╷', '│', '╵']));
            let mut lines: Vec<String> = lines.collect();
            // Terraform names the platforms in any order.
            let is_of_platform = |line: &String| line.starts_with("- Obtained");
            if let Some(first) = lines.iter().position(is_of_platform) {
                let many = lines.iter().filter(|line| is_of_platform(line)).count();
                lines[first..first + many].sort();
            }
            lines.join("\n")
        };
        assert_eq!(
            (found.code, without_frame(&found.out)),
            (expect.code, without_frame(&expect.out)),
            "{words}"
        );
        assert_eq!(b.read(".terraform.lock.hcl"), a.read(".terraform.lock.hcl"), "{words}");
    }
}

/// Without the colours that Terraform prints to whoever reads.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        text.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    text + rest
}

#[test]
fn a_stream_has_the_messages_of_terraforms() {
    let (a, b) = (folder("~> 1.0"), folder("~> 1.0"));
    for words in ["init -json", "init -json", "init -json -upgrade"] {
        let Some(expect) = theirs(&a, words) else { return };
        let messages = |answer: &Answer| -> Vec<(String, String)> {
            let lines = answer
                .out
                .lines()
                .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line"));
            lines
                .map(|it| (it["@message"].to_string(), format!("{} {}", it["type"], it["message_code"])))
                .collect()
        };
        assert_eq!(messages(&ours(&b, words)), messages(&expect), "{words}");
    }
}

#[test]
fn faults_have_terraforms_names_and_a_way_out() {
    let folder = folder("~> 3.0");
    let summaries = |words: &str| {
        let answer = ours(&folder, words);
        assert_eq!(answer.code, 1, "{}{}", answer.out, answer.err);
        let lines =
            answer.out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("a line"));
        let found: Vec<String> =
            lines.filter_map(|it| Some(it["diagnostic"]["summary"].as_str()?.to_owned())).collect();
        found.join("; ")
    };
    assert_eq!(summaries("init -json"), "Failed to query available provider packages");
    let text = folder.read("main.tf").replace("~> 3.0", "~> 1.0");
    folder.write("main.tf", &text);
    assert_eq!(summaries("init -json -lockfile=readonly"), "Provider dependency changes detected");
    assert_eq!(
        summaries("init -json -lockfile=readonly -upgrade"),
        "The -upgrade flag conflicts with -lockfile=readonly."
    );
    assert_eq!(ours(&folder, "init").code, 0);
    let lock = folder.read(".terraform.lock.hcl");
    folder.write(".terraform.lock.hcl", &lock.replace("h1:", "h1:A"));
    assert_eq!(summaries("init -json"), "Failed to install provider");
    folder.write(".terraform.lock.hcl", "provider \"foo\" {\n}\n");
    assert!(summaries("init -json").contains("Failed to read dependency lock file"));
    folder.write("terraform.rc", "provider_installation {\n  magic {}\n}\n");
    assert_eq!(summaries("init -json"), "Invalid provider_installation method block");
    let other = ours(&folder, "providers lock -platform=bogus");
    assert!(other.err.contains("must be two words separated by an underscore"), "{}", other.err);
}
