//! The same calls by Terraform itself: the manifests are the same, and each tool uses what the other one has installed. Skipped
//! where there is no Terraform.

use std::path::Path;
use std::process::Command;

use crate::fixtures::{Project, Repository, Server, call, package};

/// `terraform get` with a registry's host in its configuration; `None` where there is no Terraform.
fn terraform(folder: &Path, server: &Server, arguments: &[&str]) -> Option<String> {
    let configuration = folder.join("terraform.rc");
    let services = format!("{}/v1/modules/", server.url);
    let text =
        format!("host \"example.com\" {{\n  services = {{\n    \"modules.v1\" = \"{services}\"\n  }}\n}}\n");
    std::fs::write(&configuration, text).unwrap();
    let output = Command::new("terraform")
        .args(arguments)
        .arg("-no-color")
        .current_dir(folder)
        .env("TF_CLI_CONFIG_FILE", configuration)
        .env("CHECKPOINT_DISABLE", "1")
        .output();
    match output {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
            Some(text)
        }
        Err(e) => {
            eprintln!("skipped: terraform cannot be started: {e}");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_is_the_one_that_terraform_writes_and_both_use_it() {
    let Some(repository) = Repository::new() else { return };
    let server = Server::start().await;
    server.module("acme/net/aws", &["1.0.0", "1.1.0", "v1.2.0", "2.0.0-rc1"], &package());
    server.on("/p.zip", crate::fixtures::body(package()));
    let sources = [
        ("reg", "example.com/acme/net/aws".to_owned(), Some("~> 1.0")),
        ("old", "Example.com/acme/net/aws//inner".to_owned(), Some("1.0")),
        ("git", format!("{}//net?ref=v1.0.0&depth=1", repository.url()), None),
        ("all", repository.url(), None),
        ("zip", format!("{}/p.zip//inner?archive=zip", server.url), None),
        ("abs", format!("{}//net", repository.path().display()), None),
        ("loc", "./x/../local".to_owned(), None),
    ];
    let project = Project::with_registry(&server).without_lock();
    project.write("local/main.tf", "module \"deep\" {\n  source = \"../local/deep\"\n}\n");
    project.write("local/deep/main.tf", "");
    let mut text = String::new();
    for (key, source, version) in &sources {
        let version = version.map_or(String::new(), |v| format!("  version = \"{v}\"\n"));
        text.push_str(&format!("module \"{key}\" {{\n  source = \"{source}\"\n{version}}}\n"));
    }
    project.write("main.tf", &text);
    if terraform(project.path(), &server, &["get"]).is_none() {
        return;
    }
    let theirs = project.read(".terraform/modules/modules.json");
    let abs = repository.path().canonicalize().unwrap();
    let mut calls: Vec<_> = sources
        .iter()
        .map(|(key, source, version)| match version {
            Some(version) => call(key, source).version(version),
            None => call(key, source),
        })
        .collect();
    calls.push(call("abs.up", "../other").from(".terraform/modules/abs/net"));
    calls.push(call("git.up", "../other").from(".terraform/modules/git/net"));
    calls.push(call("loc.deep", "../local/deep").from("local"));
    calls.push(call("reg.in", "./inner").from(".terraform/modules/reg"));
    // What Terraform has installed is used as it is.
    server.seen();
    project.install(&calls).await.unwrap();
    assert_eq!(project.read(".terraform/modules/modules.json"), theirs);
    assert_eq!((server.seen().as_str(), project.events().as_str()), ("", ""));
    // Installed by us from nothing, it is the same, and Terraform has nothing to do.
    std::fs::remove_dir_all(project.path().join(".terraform")).unwrap();
    project.install(&calls).await.unwrap();
    assert_eq!(project.read(".terraform/modules/modules.json"), theirs);
    assert!(theirs.contains(&format!("\"Dir\":\"{}/other\"", abs.display())), "{theirs}");
    server.seen();
    let said = terraform(project.path(), &server, &["get"]).unwrap();
    assert_eq!((said.as_str(), server.seen().as_str()), ("", ""));
}
