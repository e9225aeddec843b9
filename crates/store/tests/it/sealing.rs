//! Keys, and what they keep from being read.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use engine::{EnvironmentName, Ledger, Revision, RevisionId, StateStore, StoreError};
use serde_json::json;
use store::{KeyRing, SqliteStore};
use value::{Encoded, Marks, Type, Value, decode, encode};

use crate::{dev, intent, keys, open, row, secret, service};

fn holds(file: &Path, text: &str) -> bool {
    fs::read(file).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn no_byte_of_a_secret_is_in_any_file_but_the_key_is_needed_to_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let value = Value::object([
        ("service", service("web:1")),
        ("password", secret("correct-horse")),
        ("parsed", Value::object([("battery-staple", Value::bool(true))]).with_marks(Marks::SENSITIVE)),
        ("list", Value::list(Type::String, vec![Value::string("public"), secret("tr0ub4dor")])),
    ]);
    let operation =
        store.begin(&intent("service.web", Some(value.clone()), Some(value.clone()))).await.unwrap();
    store.begin(&intent("service.api", Some(value.clone()), Some(value.clone()))).await.unwrap();
    store.finish(&operation, Some(&row("service.web", value.clone())), "done").await.unwrap();
    store.put_outputs(&dev(), &[("value".into(), value.clone())]).await.unwrap();
    let revision = Revision {
        id: RevisionId::new("abc"),
        files: BTreeMap::new(),
        values: BTreeMap::from([("value".to_owned(), value.clone())]),
        releases: BTreeMap::new(),
    };
    store.put_revision(&dev(), &revision).await.unwrap();
    // What a plan file holds.
    let sealed = store.keys().seal_encoded(&dev(), "plan", &encode(&value)).unwrap();
    fs::write(dir.path().join("plan.json"), serde_json::to_vec(&sealed).unwrap()).unwrap();

    let mut files = 0;
    for entry in fs::read_dir(dir.path()).unwrap().map(Result::unwrap).filter(|e| e.path().is_file()) {
        files += 1;
        for text in ["correct-horse", "battery-staple", "tr0ub4dor"] {
            assert!(!holds(&entry.path(), text), "{} holds {text}", entry.path().display());
        }
    }
    assert!(files >= 3, "the database, its log and the plan");
    assert!(holds(&dir.path().join("plan.json"), "public"), "only what is sensitive is sealed");
    assert_eq!(store.snapshot(&dev()).await.unwrap().rows[0].value, value);
    assert_eq!(store.open_operations(&dev()).await.unwrap()[0].intent.before, Some(value.clone()));
    assert_eq!(store.revision(&dev(), "abc").await.unwrap().unwrap().values["value"], value);
    let clear = store.keys().unseal_encoded(&dev(), "plan", &sealed).unwrap();
    assert_eq!(decode(&clear).unwrap(), value);

    // With another key nothing is read, and the fault says which file and why.
    drop(store);
    fs::remove_file(dir.path().join("keys/dev.key")).unwrap();
    let other = SqliteStore::open(&dir.path().join("state.db"), keys(dir.path())).await.unwrap();
    let missing = other.snapshot(&dev()).await.unwrap_err().to_string();
    assert!(missing.contains("dev.key") && missing.contains("MAINSTAY_KEY_DEV"), "{missing}");
    other.keys().seal(&dev(), "makes another key", &secret("x")).unwrap();
    let wrong = other.snapshot(&dev()).await.unwrap_err().to_string();
    assert!(wrong.contains("another key") && wrong.contains("dev.key"), "{wrong}");
}

#[test]
fn a_sealed_value_cannot_be_moved_or_changed() {
    let dir = tempfile::tempdir().unwrap();
    let ring = keys(dir.path());
    let value = Value::object([("a", secret("x")), ("b", secret("y"))]);
    let sealed = ring.seal(&dev(), "here", &value).unwrap();
    assert_eq!(ring.unseal(&dev(), "here", sealed.clone()).unwrap(), value);
    let mut swapped = sealed.clone();
    swapped.value["a"] = sealed.value["b"].clone();
    let mut clear = sealed.clone();
    clear.value["a"] = json!("x");
    for (context, encoded) in [("there", sealed), ("here", swapped), ("here", clear)] {
        let fault = ring.unseal(&dev(), context, encoded);
        assert!(matches!(fault, Err(StoreError::Unreadable { .. })), "{fault:?}");
    }
}

#[test]
fn what_is_unknown_inside_a_sealed_value_comes_back_too() {
    let dir = tempfile::tempdir().unwrap();
    let inside = Value::object([("known", secret("x")), ("later", Value::unknown(Type::Number))]);
    let value = Value::object([
        ("a", Value::unknown(Type::String)),
        ("m", inside.with_marks(Marks::SENSITIVE)),
        ("z", Value::unknown(Type::Bool)),
    ]);
    let sealed = keys(dir.path()).seal(&dev(), "here", &value).unwrap();
    assert!(!serde_json::to_string(&sealed).unwrap().contains("later"));
    assert_eq!(keys(dir.path()).unseal(&dev(), "here", sealed).unwrap(), value);
    let whole = Value::tuple(vec![Value::string("x")]).with_marks(Marks::SENSITIVE);
    let sealed: Encoded = keys(dir.path()).seal(&dev(), "here", &whole).unwrap();
    assert_eq!(keys(dir.path()).unseal(&dev(), "here", sealed).unwrap(), whole);
}

#[test]
fn a_key_that_others_may_read_is_refused_and_a_key_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys/dev.key");
    let sealed = keys(dir.path()).seal(&dev(), "here", &secret("x")).unwrap();
    let key = fs::read(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(dir.path().join("keys")).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_dir(dir.path().join("keys")).unwrap().count(), 1);

    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let refused = keys(dir.path()).seal(&dev(), "here", &secret("x")).unwrap_err().to_string();
    assert!(refused.contains("chmod 600"), "{refused}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, "short").unwrap();
    assert!(matches!(
        keys(dir.path()).seal(&dev(), "here", &secret("x")),
        Err(StoreError::Unreadable { .. })
    ));
    assert_eq!(fs::read(&file).unwrap(), b"short");

    // The same key out of the process environment comes first.
    let given = BTreeMap::from([("MAINSTAY_KEY_DEV".to_owned(), String::from_utf8(key).unwrap())]);
    let ring = KeyRing::open(&dir.path().join("keys"), given);
    assert_eq!(ring.unseal(&dev(), "here", sealed).unwrap(), secret("x"));
    for name in ["../dev", "", "a/b"] {
        let fault = ring.seal(&EnvironmentName::new(name), "here", &secret("x"));
        assert!(matches!(fault, Err(StoreError::Refused { .. })), "{name}: {fault:?}");
    }
}
