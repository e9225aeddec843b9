//! PyPI's `tf`: version 6 of the protocol by gRPC's own C library, with a certificate of 1024-bit RSA.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use engine::stack::ResourceProvider;
use engine::stack::provider::{ApplyResource, ImportBy, Observed, Part, PlanResource};
use lang::schema::Block;
use plugin::{Plugin, Program};
use value::{Value, from_json};

use super::{Folder, children, ran};
use crate::rig::{all_ended, at, described, lines, observed, proposed, strings, text};

const TF: &str = "1.2.0";
const NOTE: &str = "paper_note";

/// Python with `tf`, in a folder of the user's cache that is made where there is none yet.
fn python() -> Option<PathBuf> {
    let folder = Folder::of(&format!("tf-{TF}"))?;
    let python = folder.path.join("bin/python");
    if folder.is_whole() {
        return Some(python);
    }
    let is_made = ran(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder.path))
        && ran(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .arg(format!("tf=={TF}")));
    if !is_made {
        println!(
            "skipped: Python's `tf` cannot be installed here (`python3 -m venv`, `pip install tf=={TF}`)"
        );
        return None;
    }
    folder.finish();
    Some(python)
}

struct Paper {
    folder: tempfile::TempDir,
    plugin: Arc<Plugin>,
    provider: Arc<dyn ResourceProvider>,
    block: Arc<Block>,
}

impl Paper {
    async fn start(python: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("terraform-provider-paper");
        let script = format!("#!{}\n{}", python.display(), include_str!("paper.py"));
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        let notes = OsString::from(folder.path().join("notes.json"));
        let program = Program {
            path,
            hash: None,
            variables: BTreeMap::from([("NOTES".into(), notes)]),
            wrapper: None,
            reattach: None,
        };
        let plugin = Plugin::new(program, None);
        let provider = plugin.provider();
        let schema = provider.schema().await.unwrap_or_else(|said| panic!("{}", lines(&said)));
        let block = schema.resources.get(NOTE).unwrap().block.clone();
        Self { folder, plugin, provider, block }
    }

    async fn configure(&self, body: &str) {
        let schema = self.provider.schema().await.unwrap();
        self.provider.configure(&described(&schema.provider.block, body)).await.unwrap();
    }

    async fn apply(&self, prior: &Observed, configuration: &Value) -> Observed {
        let proposed = proposed(&self.block, &prior.value, configuration);
        let asked =
            PlanResource { prior: &prior.value, configuration, proposed: &proposed, private: &prior.private };
        let planned = self.provider.plan(NOTE, &asked).await.unwrap();
        let request = ApplyResource {
            prior: &prior.value,
            configuration,
            planned: &planned.planned,
            private: &planned.private,
        };
        observed(self.provider.apply(NOTE, &request).await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_written_in_python_is_one_like_any_other() {
    let Some(python) = python() else { return };
    let paper = Paper::start(&python).await;
    let schema = paper.provider.schema().await.unwrap();
    assert!(paper.block.attribute("pin").unwrap().is_sensitive);
    assert_eq!(schema.resources.get(NOTE).unwrap().version, 1);

    let wrong = described(&schema.provider.block, "region = \"nowhere\"");
    let said = paper.provider.validate(Part::Provider, "", &wrong).await;
    assert_eq!(lines(&said), "error: No such region; it is nowhere; .region");
    paper.configure("region = \"north\"").await;
    let validated = async |body: &str| {
        lines(&paper.provider.validate(Part::Managed, NOTE, &described(&paper.block, body)).await)
    };
    assert_eq!(validated("title = \"\"").await, "error: Empty title; a note has a title; .title");
    assert_eq!(validated("title = \"odd\"").await, "warning: Odd title; that is an odd title; .title");

    let nothing = Observed { value: Value::null(paper.block.ty()), private: Vec::new(), identity: None };
    let body = described(
        &paper.block,
        "title = \"t\"\npages = 3\nlines = [\"x\", \"y\"]\ntags = [\"b\", \"a\"]\nwords = { k = \"ü\" }\n\
         shelf = \"s\"\npin = \"1234\"",
    );
    let asked = PlanResource { prior: &nothing.value, configuration: &body, proposed: &body, private: &[] };
    let planned = paper.provider.plan(NOTE, &asked).await.unwrap();
    assert!(!at(&planned.planned, "id").is_known());
    assert_eq!(at(&planned.planned, "is_open"), Value::bool(true));

    let made = paper.apply(&nothing, &body).await;
    assert_eq!((text(&made.value, "id"), text(&made.value, "region")), ("note-1".into(), "north".into()));
    for same in ["title", "pages", "lines", "tags", "words", "shelf", "pin"] {
        assert_eq!(at(&made.value, same), at(&body, same), "{same}");
    }
    let read = paper.provider.read(NOTE, &made).await.unwrap().value.unwrap();
    assert_eq!(read.value, made.value);
    let found = paper.provider.powers().unwrap().import(NOTE, ImportBy::Id("note-1")).await.unwrap();
    assert_eq!(found[0].object.value, made.value);
    let said = paper.provider.powers().unwrap().import(NOTE, ImportBy::Id("note-9")).await.unwrap_err();
    assert_eq!(lines(&said), "error: No such note; there is no note-9; ");

    let moved = described(&paper.block, "title = \"u\"\nshelf = \"r\"");
    let proposed = proposed(&paper.block, &made.value, &moved);
    let asked = PlanResource {
        prior: &made.value,
        configuration: &moved,
        proposed: &proposed,
        private: &made.private,
    };
    let planned = paper.provider.plan(NOTE, &asked).await.unwrap();
    let replaces: Vec<_> = planned.requires_replace.iter().map(ToString::to_string).collect();
    assert_eq!(replaces, [".shelf"]);
    let changed = paper.apply(&made, &described(&paper.block, "title = \"u\"\nshelf = \"s\"")).await;
    assert_eq!(text(&changed.value, "title"), "u");
    assert!(at(&changed.value, "lines").is_null());

    let shelf = described(&schema.data.get("paper_shelf").unwrap().block, "name = \"s\"");
    let told = paper.provider.read_data("paper_shelf", &shelf).await.unwrap();
    assert_eq!(at(&told.value, "titles"), strings(&["u"]));
    let shouted = paper.provider.powers().unwrap().call("shout", &[Value::string("grün")]).await;
    assert_eq!(shouted, Ok(Value::string("GRÜN")));
    let old = serde_json::json!({
        "id": "note-1", "heading": "u", "pages": null, "is_open": true, "lines": null, "tags": null,
        "words": null, "shelf": "s", "pin": null, "region": "north",
    });
    let upgraded = paper.provider.upgrade(NOTE, 0, &from_json(&old)).await.unwrap();
    assert_eq!(upgraded, changed.value);

    let null = Value::null(paper.block.ty());
    let request = ApplyResource { prior: &changed.value, configuration: &null, planned: &null, private: &[] };
    assert!(observed(paper.provider.apply(NOTE, &request).await).value.is_null());
    assert_eq!(fs::read_to_string(paper.folder.path().join("notes.json")).unwrap(), "{}");
    let pids: Vec<u32> = children(paper.folder.path());
    paper.plugin.shut_down().await;
    all_ended(&pids).await;
}
