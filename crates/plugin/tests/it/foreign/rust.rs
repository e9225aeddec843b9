//! The crate `tf-provider`: version 6 of the protocol by an older tonic, over TCP. The provider is the example that the crate brings.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use engine::stack::provider::{ApplyResource, Observed, Part, PlanResource};
use plugin::{Plugin, Program};
use serde_json::Value as Json;
use value::{Type, Value};

use super::{Folder, children, ran};
use crate::rig::{all_ended, at, described, lines, observed, text, with};

const VERSION: &str = "0.2.2";
const KIND: &str = "null_resource";

fn manifest(binary: &str) -> String {
    format!(
        r#"[package]
name = "null"
version = "0.0.0"
edition = "2021"

[workspace]

[dependencies]
anyhow = "1"
async-trait = "0.1"
protoc-bin-vendored = "3"
rand = "0.8"
serde = {{ version = "1", features = ["derive"] }}
tf-provider = "={VERSION}"
tokio = {{ version = "1", features = ["macros", "rt-multi-thread"] }}
{binary}"#
    )
}

/// The provider, built once.
fn program() -> Option<PathBuf> {
    let folder = Folder::of(&format!("tf-provider-{VERSION}"))?;
    let program = folder.path.join("target/debug/terraform-provider-null");
    if folder.is_whole() {
        return Some(program);
    }
    let project = folder.path.join("Cargo.toml");
    fs::create_dir_all(folder.path.join("src")).unwrap();
    fs::write(folder.path.join("src/lib.rs"), "").unwrap();
    fs::write(&project, manifest("")).unwrap();
    let cargo = || {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&folder.path).env("CARGO_TARGET_DIR", folder.path.join("target"));
        cargo
    };
    let told = cargo().args(["metadata", "--format-version=1", "--quiet"]).output().unwrap();
    let told: Option<Json> = serde_json::from_slice(&told.stdout).ok();
    let source = |name: &str| {
        let packages = told.as_ref()?.get("packages")?.as_array()?.iter();
        let mut found = packages.filter(|package| package["name"] == name);
        let manifest = PathBuf::from(found.next()?["manifest_path"].as_str()?);
        Some(manifest.parent()?.to_owned())
    };
    let sources = source("tf-provider").zip(source("protoc-bin-vendored-linux-x86_64"));
    let is_built = sources.is_some_and(|(provider, protoc)| {
        let example = provider.join("examples/terraform-provider-null.rs");
        let binary = format!("\n[[bin]]\nname = \"terraform-provider-null\"\npath = {example:?}\n");
        fs::write(&project, manifest(&binary)).unwrap();
        ran(cargo().args(["build", "--jobs=2"]).env("PROTOC", protoc.join("bin/protoc")))
    });
    if !is_built {
        println!("skipped: the crate `tf-provider` cannot be built here");
        return None;
    }
    folder.finish();
    Some(program)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds the crate tf-provider with 160 others, which takes 2 to 4 minutes the first time"]
async fn a_provider_written_in_rust_is_one_like_any_other() {
    let Some(path) = program() else { return };
    let program =
        Program { path: path.clone(), hash: None, variables: BTreeMap::new(), wrapper: None, reattach: None };
    let plugin = Plugin::new(program, None);
    let provider = plugin.provider();
    let schema = provider.schema().await.unwrap_or_else(|said| panic!("{}", lines(&said)));
    provider.configure(&described(&schema.provider.block, "")).await.unwrap();
    let block = schema.resources.get(KIND).unwrap().block.clone();
    assert!(schema.data.keys().next().is_none());

    let nothing = Observed { value: Value::null(block.ty()), private: Vec::new(), identity: None };
    // Its schema has the triggers as computed only, and yet it takes them.
    let triggered = |by: &str| {
        let triggers = Value::map(Type::String, [("a", Value::string(by))]);
        with(&described(&block, ""), "triggers", triggers)
    };
    let body = triggered("1");
    assert_eq!(provider.validate(Part::Managed, KIND, &body).await, []);
    let asked = PlanResource { prior: &nothing.value, configuration: &body, proposed: &body, private: &[] };
    let planned = provider.plan(KIND, &asked).await.unwrap();
    assert!(!at(&planned.planned, "id").is_known());
    let request = ApplyResource {
        prior: &nothing.value,
        configuration: &body,
        planned: &planned.planned,
        private: &planned.private,
    };
    let made = observed(provider.apply(KIND, &request).await);
    assert!(!text(&made.value, "id").is_empty());
    assert_eq!(text(&made.value, "triggers.a"), "1");
    let read = provider.read(KIND, &made).await.unwrap().value.unwrap();
    assert_eq!(read.value, made.value);
    assert_eq!(provider.upgrade(KIND, 1, &made.value).await.unwrap(), made.value);

    let changed = triggered("2");
    let proposed = with(&made.value, "triggers", at(&changed, "triggers"));
    let asked = PlanResource {
        prior: &made.value,
        configuration: &changed,
        proposed: &proposed,
        private: &made.private,
    };
    let planned = provider.plan(KIND, &asked).await.unwrap();
    let replaces: Vec<_> = planned.requires_replace.iter().map(ToString::to_string).collect();
    assert_eq!(replaces, [".triggers"]);

    let null = Value::null(block.ty());
    let asked =
        PlanResource { prior: &made.value, configuration: &null, proposed: &null, private: &made.private };
    let private = match provider.plans_removals().await {
        true => provider.plan(KIND, &asked).await.unwrap().private,
        false => made.private.clone(),
    };
    let request =
        ApplyResource { prior: &made.value, configuration: &null, planned: &null, private: &private };
    assert!(observed(provider.apply(KIND, &request).await).value.is_null());
    let pids = children(&path);
    plugin.shut_down().await;
    all_ended(&pids).await;
}
