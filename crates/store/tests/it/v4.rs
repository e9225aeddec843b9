//! Version 4 of Terraform's state. The documents in the folder `v4` were written by Terraform 1.11.4.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use engine::{Edit, Mode, Snapshot};
use store::v4::{BuiltinShapes, Document, Shapes, read, write};
use value::Type;

use crate::rig::Rig;
use crate::{address, dev};

const DOCUMENTS: [(&str, &str); 3] = [
    ("values", include_str!("v4/values.tfstate")),
    ("modules", include_str!("v4/modules.tfstate")),
    ("marks", include_str!("v4/marks.tfstate")),
];

/// Knows no type.
struct NoShapes;

impl Shapes for NoShapes {
    fn shape(&self, _: &str, _: Mode, _: &str) -> Option<Type> {
        None
    }
}

fn text(document: &Document, shapes: &dyn Shapes) -> String {
    let written = write(document, shapes);
    assert!(written.left_out.is_empty());
    String::from_utf8(written.bytes).unwrap()
}

/// A document without the order of the paths of sensitive parts, which Terraform leaves to chance.
fn unordered(text: &str) -> serde_json::Value {
    let mut json: serde_json::Value = serde_json::from_str(text).unwrap();
    for resource in json["resources"].as_array_mut().unwrap() {
        for instance in resource["instances"].as_array_mut().unwrap() {
            let paths = instance["sensitive_attributes"].as_array().unwrap();
            let paths: BTreeSet<String> = paths.iter().map(ToString::to_string).collect();
            instance["sensitive_attributes"] = paths.into_iter().collect();
        }
    }
    json
}

#[test]
fn a_document_is_written_as_it_was_read() {
    for (name, document) in DOCUMENTS {
        for shapes in [&BuiltinShapes as &dyn Shapes, &NoShapes] {
            let again = text(&read(document.as_bytes(), name, shapes).unwrap(), shapes);
            assert_eq!(unordered(&again), unordered(document), "{name}");
            assert_eq!(again.len(), document.len(), "{name}");
            if name != "marks" {
                let differs = again.lines().zip(document.lines()).find(|(ours, theirs)| ours != theirs);
                assert_eq!(differs, None, "{name}");
            }
        }
    }
}

#[test]
fn attributes_of_no_fixed_type_have_their_own() {
    let document = read(DOCUMENTS[0].1.as_bytes(), "values", &BuiltinShapes).unwrap();
    let row = document.rows.iter().find(|row| row.address == address("terraform_data.a")).unwrap();
    let input = row.value.get("input").unwrap();
    assert!(input.get("c").unwrap().is_sensitive());
    assert!(!input.get("a").unwrap().is_sensitive());
    let digits: value::Number = "12345678901234567890123".parse().unwrap();
    assert_eq!(input.get("e").unwrap().as_number(), Some(&digits), "not a digit is lost");
}

#[test]
fn what_cannot_be_read_says_where_and_why() {
    let state = |resources: &str| {
        format!(
            r#"{{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"x","resources":[{resources}]}}"#
        )
    };
    let instance = |members: &str| {
        state(&format!(
            r#"{{"mode":"managed","type":"t","name":"n","provider":"p","instances":[{{{members}}}]}}"#
        ))
    };
    for (document, says) in [
        ("{\n  \"version\": 4,\n  !".to_owned(), "line 3 column 3"),
        ("{}".into(), "no `version`"),
        (r#"{"version":3,"terraform_version":"0.11.15"}"#.into(), "version 3, written by Terraform 0.11.15"),
        (r#"{"version":5}"#.into(), "newer Mainstay"),
        (r#"{"version":4,"lineage":"x"}"#.into(), "missing field `serial`"),
        (state(r#"{"mode":"odd","type":"t","name":"n","instances":[]}"#), "its mode is `odd`"),
        (instance(r#""index_key":1.5,"attributes":{}"#), "`1.5` is not the key"),
        (instance(r#""status":"sad","attributes":{}"#), "its status is `sad`"),
        (instance(r#""attributes_flat":{"a":"b"}"#), "Terraform 0.11"),
        (instance(r#""attributes":{},"private":"?""#), "Base64"),
        (instance(r#""attributes":{},"dependencies":["?"]"#), "`?` is not an address"),
        (instance(r#""attributes":{}},{"attributes":{}"#), "there twice"),
    ] {
        let faults = read(document.as_bytes(), "the.tfstate", &NoShapes).unwrap_err();
        let told = format!("{faults:?}");
        assert!(told.contains(says) && told.contains("the.tfstate"), "{document}: {told}");
    }
    // Two faults are told together; what a later Terraform may add is passed over.
    let two = state(
        r#"{"mode":"odd","type":"a","name":"n","instances":[]},{"mode":"odd","type":"b","name":"n","instances":[]}"#,
    );
    assert_eq!(read(two.as_bytes(), "x", &NoShapes).unwrap_err().0.len(), 2);
    let later =
        instance(r#""attributes":{"id":"1"},"shiny":{"new":1},"deposed":"0badcafe","private":"AAE=""#);
    let rows = read(later.as_bytes(), "x", &NoShapes).unwrap().rows;
    assert_eq!(rows[0].record.deposed.as_deref(), Some("0badcafe"));
    assert_eq!(rows[0].record.private, [0, 1]);
}

#[tokio::test]
async fn a_document_goes_through_a_store_unharmed() {
    let rig = Rig::sqlite();
    let document = read(DOCUMENTS[0].1.as_bytes(), "values", &BuiltinShapes).unwrap();
    let everything = Snapshot {
        serial: document.serial,
        lineage: document.lineage.clone(),
        rows: document.rows.clone(),
        outputs: document.outputs.clone(),
        ..Snapshot::default()
    };
    rig.open().await.edit(&dev(), None, vec![Edit::Everything(Box::new(everything))]).await.unwrap();
    let Snapshot { serial, lineage, rows, outputs, .. } = rig.open().await.snapshot(&dev()).await.unwrap();
    let pulled = Document { serial, lineage, rows, outputs, ..document };
    let pulled = text(&pulled, &BuiltinShapes);
    assert_eq!(pulled.lines().zip(DOCUMENTS[0].1.lines()).find(|(ours, theirs)| ours != theirs), None);
}

#[test]
fn terraform_reads_what_is_written_and_has_nothing_to_change() {
    let terraform = |dir: &std::path::Path, arguments: &[&str]| {
        Command::new("terraform").args(arguments).arg("-no-color").current_dir(dir).output()
    };
    let dir = tempfile::tempdir().unwrap();
    if terraform(dir.path(), &["version"]).is_err() {
        println!("skipped: there is no `terraform` on the PATH");
        return;
    }
    let configuration = r#"
        variable "s" {
          default   = "x<&>"
          sensitive = true
        }
        resource "terraform_data" "a" {
          count = 3
          input = { n = count.index, s = var.s, l = [1.5, null] }
        }
        output "o" {
          value = terraform_data.a[*].id
        }
    "#;
    fs::write(dir.path().join("main.tf"), configuration).unwrap();
    for arguments in [&["init"][..], &["apply", "-auto-approve"]] {
        let done = terraform(dir.path(), arguments).unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let path = dir.path().join("terraform.tfstate");
    let mut document = read(&fs::read(&path).unwrap(), "terraform.tfstate", &BuiltinShapes).unwrap();
    document.serial += 1;
    fs::write(&path, write(&document, &BuiltinShapes).bytes).unwrap();
    let shown = terraform(dir.path(), &["show", "-json"]).unwrap();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let planned = terraform(dir.path(), &["plan", "-detailed-exitcode"]).unwrap();
    assert_eq!(planned.status.code(), Some(0), "{}", String::from_utf8_lossy(&planned.stdout));
}
