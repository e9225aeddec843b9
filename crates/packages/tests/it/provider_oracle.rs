//! The same providers installed by Terraform itself: lock files are the same byte for byte, and each tool goes on with what the other one
//! has installed. Skipped where there is no Terraform.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use packages::{LockRequest, LockSource, MirrorRequest, Patience, lock_providers, mirror_providers};

use crate::fixtures::Server;
use crate::provider_fixtures::{Key, Mirror, OTHER, Published, Stack, here, requirements, versions, zip};

/// Terraform in a stack's folder, with this configuration of its command line; `None` where there is no Terraform.
fn terraform(folder: &Path, configuration: &str, arguments: &[&str]) -> Option<String> {
    let file = folder.join("terraform.rc");
    std::fs::write(&file, configuration).unwrap();
    let output = Command::new("terraform")
        .args(arguments)
        .current_dir(folder)
        .env("TF_CLI_CONFIG_FILE", file)
        .env("CHECKPOINT_DISABLE", "1")
        .env("NO_COLOR", "1")
        .env_remove("TF_PLUGIN_CACHE_DIR")
        .output();
    let Output { status, stdout, stderr } = match output {
        Ok(output) => output,
        Err(e) => {
            eprintln!("skipped: terraform cannot be started: {e}");
            return None;
        }
    };
    let text = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{text}{}", String::from_utf8_lossy(&stderr));
    Some(text)
}

/// A configuration that requires providers.
fn configuration(wanted: &[(&str, &str)]) -> String {
    let mut text = "terraform {\n  required_providers {\n".to_owned();
    for (place, (source, constraints)) in wanted.iter().enumerate() {
        let version =
            if constraints.is_empty() { String::new() } else { format!(", version = \"{constraints}\"") };
        text.push_str(&format!("    p{place} = {{ source = \"{source}\"{version} }}\n"));
    }
    text + "  }\n}\n"
}

fn of_mirror(mirror: &Mirror) -> String {
    format!(
        "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
        mirror.path().display()
    )
}

#[tokio::test]
async fn lock_files_of_mirrors_are_terraforms_and_both_go_on_with_them() {
    let mirror = Mirror::new()
        .unpacked("acme/foo", "1.0.0")
        .unpacked("acme/foo", "1.2.0")
        .unpacked("acme/foo", "2.0.0-beta1")
        .unpacked("example.com/x/baz", "1.0.0")
        .packed("bar", "0.3.1")
        .packed("example.com.org/x/baz", "3.0.0");
    // Entries for folders count in an archive's hash, and are not in the folder's.
    let folders = zip(&[
        ("terraform-provider-dirs", "x", 0o755),
        ("docs/", "", 0o755),
        ("docs/b", "x", 0o644),
        ("docs/A", "y", 0o644),
    ]);
    mirror.archive("acme/dirs", "1.0.0", &here(), &folders);
    let wanted = [
        ("acme/foo", "~> 1, != 1.1.0, >=1.0"),
        ("example.com/x/baz", "1.0"),
        ("hashicorp/bar", ""),
        ("example.com.org/x/baz", "> 2,<4, < 4.0.0"),
        ("acme/dirs", ""),
    ];
    let (theirs, ours) = (Stack::new(&mirror), Stack::new(&mirror));
    theirs.write("main.tf", &configuration(&wanted));
    if terraform(theirs.path(), &of_mirror(&mirror), &["init"]).is_none() {
        return;
    }
    ours.install(&wanted).await.unwrap();
    assert_eq!(ours.lock(), theirs.lock());
    // What Terraform has installed is used as it is, and the other way round.
    theirs.events();
    let outcome = theirs.outcome(&wanted).await;
    assert!(!outcome.contains("installing") && outcome.ends_with("lock None, incomplete []"), "{outcome}");
    ours.write("main.tf", &configuration(&wanted));
    let said = terraform(ours.path(), &of_mirror(&mirror), &["init"]).unwrap();
    assert!(!said.contains("- Installing") && !said.contains("lock file."), "{said}");
    assert!(
        terraform(ours.path(), "", &["version"]).unwrap().contains("+ provider example.com.org/x/baz v3.0.0")
    );
    // A lock that was written by hand is put into order in the same way.
    let by_hand = "# ours\nprovider \"registry.terraform.io/hashicorp/bar\" {\n  version = \"0.3.1\"\n  hashes = [\"zh:bb\", \"h1:AA=\", \"h2:x\", \"zh:aa\"]\n}\n";
    let wanted = [("hashicorp/bar", ">= 0.1")];
    for stack in [&theirs, &ours] {
        let known = stack.lock();
        let h1 = known
            .split("hashicorp/bar\"")
            .nth(1)
            .and_then(|it| it.split('"').find(|it| it.starts_with("h1:")))
            .unwrap();
        stack.write(".terraform.lock.hcl", &by_hand.replace("h1:AA=", h1));
        stack.write("main.tf", &configuration(&wanted));
    }
    terraform(theirs.path(), &of_mirror(&mirror), &["init"]).unwrap();
    ours.install(&wanted).await.unwrap();
    assert_eq!(ours.lock(), theirs.lock());
    assert!(ours.lock().starts_with("# This file"), "{}", ours.lock());
}

#[tokio::test]
async fn locks_of_several_platforms_are_terraforms() {
    let mirror = Mirror::new().packed("acme/foo", "1.0.0").packed("bar", "2.0.0");
    let wanted = [("acme/foo", "~> 1.0"), ("hashicorp/bar", "")];
    let (theirs, ours) = (Stack::new(&mirror), Stack::new(&mirror));
    theirs.write("main.tf", &configuration(&wanted));
    let folder = mirror.path().display().to_string();
    let arguments = [
        "providers",
        "lock",
        &format!("-fs-mirror={folder}"),
        &format!("-platform={}", here()),
        &format!("-platform={OTHER}"),
    ];
    if terraform(theirs.path(), "", &arguments).is_none() {
        return;
    }
    let request = LockRequest {
        only: Vec::new(),
        platforms: vec![here().parse().unwrap(), OTHER.parse().unwrap()],
        source: LockSource::Folder(mirror.path().to_owned()),
        uses_cache: false,
        patience: Patience::default(),
    };
    lock_providers(&ours.place(), &requirements(&wanted), request, &ours.cli, ours.progress()).await.unwrap();
    assert_eq!(ours.lock(), theirs.lock());
}

#[tokio::test(flavor = "multi_thread")]
async fn locks_and_mirrors_of_a_registry_are_terraforms() {
    let server = Server::start().await;
    let (plain, below) = (Key::new(), Key::with_subkey());
    let foo = "example.com/acme/foo";
    versions(&server, foo, &["1.0.0", "1.1.0"]);
    Published::new(foo, "1.0.0", &plain).on(&server);
    Published::new(foo, "1.1.0", &below).on(&server);
    let services = format!("{}/v1/providers/", server.url);
    let rc = format!(
        "host \"example.com\" {{\n  services = {{\n    \"providers.v1\" = \"{services}\"\n  }}\n}}\n"
    );
    for (constraints, key) in [("1.0.0", &plain), (">= 1.1", &below)] {
        let wanted = [(foo, constraints)];
        let (theirs, ours) = (Stack::with_registry(&server), Stack::with_registry(&server));
        theirs.write("main.tf", &configuration(&wanted));
        let Some(said) = terraform(theirs.path(), &rc, &["init", "-no-color"]) else { return };
        assert!(said.contains(&format!("(self-signed, key ID {})", key.id())), "{said}");
        ours.install(&wanted).await.unwrap();
        assert_eq!(ours.lock(), theirs.lock());
        let platform = format!("-platform={OTHER}");
        terraform(theirs.path(), &rc, &["providers", "mirror", &platform, "mirror"]).unwrap();
        let request = MirrorRequest {
            folder: ours.path().join("mirror"),
            platforms: vec![OTHER.parse().unwrap()],
            heeds_lock: true,
            patience: Patience::default(),
        };
        mirror_providers(&ours.place(), &requirements(&wanted), request, &ours.cli, Arc::new(|_| ()))
            .await
            .unwrap();
        assert_eq!(files(&ours.path().join("mirror")), files(&theirs.path().join("mirror")));
    }
}

/// The files below a folder, by their paths.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(path) = pending.pop() {
        for entry in std::fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
