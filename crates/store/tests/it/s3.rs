//! What only the store in a bucket can get wrong: writes that were made and not answered, writers that were killed between two
//! objects, servers that pass over conditions, objects that nothing refers to, and Terraform's own state beside ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{
    Edit, History as _, LeaseHolder, Leases as _, Ledger as _, Revision, RevisionId, Snapshot,
    StateEditing as _, StateStore as _, Store, StoreError, Workspaces as _,
};
use futures_util::StreamExt as _;
use store::v4::{BuiltinShapes, read};
use store::{KeyRing, S3Store, TerraformState, this_process};
use tempfile::TempDir;
use value::Value;

use crate::moto::{BUCKET, Gate, Moto, Shut};
use crate::{address, dev, intent, row, secret, service};

/// A key in the bucket, opened through as many gates as a case wants.
struct Place {
    dir: TempDir,
    key: String,
}

impl Place {
    fn new(name: &str) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), key: format!("{name}/terraform.tfstate") }
    }

    fn open(&self, gate: &Gate) -> S3Store {
        let keys = KeyRing::open(&self.dir.path().join("keys"), BTreeMap::new());
        let mut options = gate.options(&self.key);
        // What is lost stays lost, so that the store itself has to find out.
        options.max_retries = 0;
        S3Store::connect(&options, keys).unwrap()
    }

    fn objects(&self, server: &Moto) -> Vec<(String, Vec<u8>)> {
        server.objects().into_iter().filter(|(key, _)| key.starts_with(&self.key)).collect()
    }
}

fn holder() -> LeaseHolder {
    this_process("ann@laptop".into(), "apply".into()).unwrap()
}

/// One whose process is gone.
fn gone() -> LeaseHolder {
    LeaseHolder { process_start: 1, ..holder() }
}

/// A value that takes more room than the head gives the end of the log, and hardly any less when it is compressed.
fn bulky(seed: u32) -> Value {
    let mut number = seed.wrapping_mul(2_654_435_761) | 1;
    let mut text = String::new();
    while text.len() < 140_000 {
        // Xorshift, by Marsaglia.
        number ^= number << 13;
        number ^= number >> 17;
        number ^= number << 5;
        text.push_str(&format!("{number:08x}"));
    }
    Value::object([("text", Value::string(text))])
}

/// What a run consists of, a step after the other.
const STEPS: usize = 10;

async fn step(store: &S3Store, number: usize) -> Result<(), StoreError> {
    let begin = async |at: &str| store.begin(&intent(at, None, Some(service("web:1")))).await;
    match number {
        0 => drop(store.acquire(&dev(), &gone(), 600_000).await?),
        1 => drop(begin("t.a").await?),
        2 => drop(begin("t.b").await?),
        3 | 4 => {
            let (at, value) = [("t.a", bulky(1)), ("t.b", service("web:1"))][number - 3].clone();
            let open = store.open_operations(&dev()).await?;
            let operation = open.iter().find(|open| open.intent.address == address(at)).unwrap();
            store.finish(&operation.id, Some(&row(at, value)), "done").await?;
        }
        5 => store.put_outputs(&dev(), &[("x".into(), secret("y"))]).await?,
        6 => {
            let edits = vec![
                Edit::Move { from: address("t.b"), to: address("t.c") },
                Edit::Put(Box::new(row("t.d", bulky(2)))),
            ];
            store.edit(&dev(), None, edits).await?;
        }
        7 => {
            let state = store.snapshot(&dev()).await?;
            store.edit(&dev(), None, vec![Edit::Everything(Box::new(state))]).await?;
        }
        8 => drop(begin("t.e").await?),
        9 => {
            for seed in 3..7 {
                let edit = Edit::Put(Box::new(row("t.d", bulky(seed))));
                store.edit(&dev(), None, vec![edit]).await?;
            }
            let token = store.lock(&dev()).await?.map_or(1, |lock| lock.token);
            store.release(&engine::Lease { environment: dev(), token }).await?;
        }
        _ => unreachable!(),
    }
    Ok(())
}

/// What there is to see, in words: serial, rows, outputs, open operations.
async fn seen(store: &S3Store) -> String {
    let state = store.snapshot(&dev()).await.unwrap();
    let rows: Vec<String> = state
        .rows
        .iter()
        .map(|row| format!("{} {}", row.address, value::encode(&row.value).value.to_string().len()))
        .collect();
    let open: Vec<String> = store
        .open_operations(&dev())
        .await
        .unwrap()
        .iter()
        .map(|open| format!("{} {}", open.intent.address, open.intent.after == Some(service("web:1"))))
        .collect();
    format!("{} {rows:?} {:?} {open:?}", state.serial, state.outputs)
}

#[tokio::test]
async fn a_writer_that_is_killed_at_any_write_leaves_what_it_had_finished() {
    let Some(server) = Moto::start() else { return };
    let place = Place::new("whole");
    let gate = server.gate();
    let store = place.open(&gate);
    let mut states = vec![seen(&store).await];
    for number in 0..STEPS {
        step(&store, number).await.unwrap();
        states.push(seen(&store).await);
    }
    assert!(gate.requests().iter().any(|request| request.contains("list-type")), "and it is tidied up");

    let writes: Vec<String> =
        gate.requests().into_iter().filter(|request| !request.starts_with(['G', 'H'])).collect();
    let mut kills = Vec::new();
    for (number, request) in (1..).zip(&writes) {
        kills.push(Shut::Before(number));
        // After another object than a head is before the next write.
        if request.ends_with("/head") {
            kills.push(Shut::After(number));
        }
    }
    let kill = async |shut: Shut| {
        let place = Place::new(&format!("{shut:?}"));
        let gate = server.gate();
        gate.shut(shut);
        let store = place.open(&gate);
        let mut done = 0;
        while done < STEPS && step(&store, done).await.is_ok() {
            done += 1;
        }
        drop(store);
        go_on(&place.open(&server.gate()), &states, done, &format!("{shut:?}")).await;
    };
    futures_util::stream::iter(kills).for_each_concurrent(4, kill).await;
}

/// What is there after so many steps were done, and that whoever comes next goes on from there.
async fn go_on(next: &S3Store, states: &[String], done: usize, when: &str) {
    let found = seen(next).await;
    // The last step has several edits; between two of them is a state of its own.
    if done < STEPS - 1 {
        let allowed = &states[done..=(done + 1)];
        assert!(allowed.contains(&found), "{when} after {done} steps: {found}\nnot in {allowed:#?}");
    }
    // Whoever comes next takes the lock from the dead, settles what is open, and goes on.
    let lease = next.acquire(&dev(), &holder(), 600_000).await.unwrap();
    for open in next.open_operations(&dev()).await.unwrap() {
        next.finish(&open.id, None, "settled").await.unwrap();
    }
    next.edit(&dev(), None, vec![Edit::Put(Box::new(row("t.z", service("z:1"))))]).await.unwrap();
    next.release(&lease).await.unwrap();
    let state = next.snapshot(&dev()).await.unwrap();
    assert!(state.rows.iter().any(|row| row.address == address("t.z")), "{when}");
    let versions = next.versions(&dev()).await.unwrap();
    assert_eq!(versions.len() as u64, state.serial, "{when}");
    let first = next.at(&dev(), versions[versions.len() - 1].serial).await.unwrap();
    assert!(first.is_some(), "{when}");
}

#[tokio::test]
async fn an_answer_that_was_lost_changes_nothing() {
    let Some(server) = Moto::start() else { return };
    let run = async |shut: Option<Shut>| {
        let place = Place::new(&format!("{shut:?}"));
        let gate = server.gate();
        if let Some(shut) = shut {
            gate.shut(shut);
        }
        let store = place.open(&gate);
        let lease = store.acquire(&dev(), &holder(), 600_000).await?;
        let operation = store.begin(&intent("t.a", None, Some(service("web:1")))).await?;
        store.finish(&operation, Some(&row("t.a", service("web:1"))), "done").await?;
        store.edit(&dev(), Some(1), vec![Edit::Remove { address: address("t.a"), deposed: None }]).await?;
        store.renew(&lease, 600_000).await?;
        store.release(&lease).await?;
        Ok::<_, StoreError>((seen(&place.open(&server.gate())).await, gate.requests()))
    };
    let (expected, requests) = run(None).await.unwrap();
    let writes: Vec<&String> = requests.iter().filter(|request| request.starts_with("PUT")).collect();
    for (number, request) in (1..).zip(writes) {
        match run(Some(Shut::Answer(number))).await {
            Ok((found, _)) => assert_eq!(found, expected, "{request}"),
            // Only where nothing depends on what was written may it be given up.
            Err(fault) => assert!(!request.ends_with("/head"), "{request}: {fault}"),
        }
    }
}

#[tokio::test]
async fn of_those_that_race_for_a_lease_exactly_one_gets_it() {
    let Some(server) = Moto::start() else { return };
    let place = Arc::new(Place::new("race"));
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = place.open(&server.gate());
        racers.spawn(async move { store.acquire(&dev(), &holder(), 600_000).await });
    }
    let answers = racers.join_all().await;
    let refused = |answer: &Result<_, _>| matches!(answer, Err(StoreError::Locked { .. }));
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| refused(answer)).count(), 7, "{answers:?}");
}

#[tokio::test]
async fn operations_that_come_together_are_one_write() {
    let Some(server) = Moto::start() else { return };
    let place = Place::new("together");
    let gate = server.gate();
    let store: Arc<dyn Store> = Arc::new(place.open(&gate));
    store.create(&dev()).await.unwrap();
    let before = gate.writes();
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..128 {
        let store = store.clone();
        tasks.spawn(async move {
            let at = format!("t.a[{i}]");
            let operation = store.begin(&intent(&at, None, None)).await.unwrap();
            store.finish(&operation, Some(&row(&at, service("web:1"))), "done").await.unwrap();
        });
    }
    tasks.join_all().await;
    assert_eq!(store.snapshot(&dev()).await.unwrap().serial, 128);
    let writes = gate.writes() - before;
    assert!(writes <= 16, "256 entries in {writes} writes");
}

#[tokio::test]
async fn no_byte_of_a_secret_is_in_any_object() {
    let Some(server) = Moto::start() else { return };
    let place = Place::new("secrets");
    let store = place.open(&server.gate());
    let value = Value::object([
        ("open", Value::string("in-the-open")),
        ("password", secret("correct-horse")),
        ("list", Value::list(value::Type::String, vec![Value::string("public"), secret("tr0ub4dor")])),
    ]);
    let mut kept = row("t.a", value.clone());
    kept.record.private = b"battery-staple".to_vec();
    let mut begun = intent("t.b", Some(value.clone()), Some(value.clone()));
    begun.record.private = b"battery-staple".to_vec();
    store.begin(&begun).await.unwrap();
    let operation = store.begin(&intent("t.a", Some(value.clone()), Some(value.clone()))).await.unwrap();
    store.finish(&operation, Some(&kept), "done").await.unwrap();
    store.put_outputs(&dev(), &[("x".into(), value.clone())]).await.unwrap();
    let state = store.snapshot(&dev()).await.unwrap();
    assert_eq!(state.rows, [kept]);
    store.edit(&dev(), None, vec![Edit::Everything(Box::new(state))]).await.unwrap();
    let revision = Revision {
        id: RevisionId::new("abc"),
        files: BTreeMap::new(),
        values: BTreeMap::from([("v".to_owned(), value)]),
        releases: BTreeMap::new(),
    };
    store.put_revision(&dev(), &revision).await.unwrap();

    let mut in_the_open = 0;
    for (key, bytes) in place.objects(&server) {
        let text = zstd::decode_all(bytes.as_slice()).unwrap_or(bytes);
        let text = String::from_utf8_lossy(&text);
        in_the_open += usize::from(text.contains("in-the-open"));
        for secret in ["correct-horse", "tr0ub4dor", "battery-staple"] {
            assert!(!text.contains(secret), "{key} holds {secret}");
        }
    }
    assert_eq!(
        in_the_open, 5,
        "head, segment, snapshot, outputs and revision: only what is sensitive is sealed"
    );
}

#[tokio::test]
async fn the_log_is_kept_short_and_what_nothing_refers_to_is_removed() {
    let Some(server) = Moto::start() else { return };
    let place = Place::new("short");
    // One that is killed after an object was written that no head refers to.
    let gate = server.gate();
    let store = place.open(&gate);
    store.edit(&dev(), None, Vec::new()).await.unwrap();
    gate.shut(Shut::Before(gate.writes() + 2));
    assert!(store.edit(&dev(), None, vec![Edit::Put(Box::new(row("t.lost", bulky(9))))]).await.is_err());
    let orphans: Vec<String> = place
        .objects(&server)
        .into_iter()
        .map(|(key, _)| key)
        .filter(|key| key.contains("/objects/"))
        .collect();
    assert_eq!(orphans.len(), 1, "{orphans:?}");

    let store = place.open(&server.gate());
    store.begin(&intent("t.open", None, Some(service("web:1")))).await.unwrap();
    for seed in 0..40 {
        let edits = vec![Edit::Put(Box::new(row(&format!("t.a[{}]", seed % 4), bulky(seed))))];
        store.edit(&dev(), None, edits).await.unwrap();
    }
    let gate = server.gate();
    let reader = place.open(&gate);
    let state = reader.snapshot(&dev()).await.unwrap();
    assert_eq!((state.serial, state.rows.len()), (41, 4));
    assert_eq!(state.rows[3].value, bulky(39));
    assert!(gate.requests().len() < 12, "{:#?}", gate.requests());
    assert_eq!(reader.open_operations(&dev()).await.unwrap().len(), 1, "it was begun before the snapshot");
    assert_eq!(reader.versions(&dev()).await.unwrap().len(), 41);
    for seed in [0, 16, 39] {
        let then = reader.at(&dev(), u64::from(seed) + 2).await.unwrap().unwrap();
        let last = then.rows.iter().find(|row| row.address == address(&format!("t.a[{}]", seed % 4)));
        assert_eq!(last.unwrap().value, bulky(seed), "{seed}");
    }
    assert!(!place.objects(&server).iter().any(|(key, _)| *key == orphans[0]));

    store.delete(&dev()).await.unwrap();
    let left: Vec<String> = place.objects(&server).into_iter().map(|(key, _)| key).collect();
    assert!(left.iter().all(|key| key.ends_with("/head") || key.ends_with("/clock")), "{left:?}");
}

#[tokio::test]
async fn a_server_that_passes_over_conditions_is_refused() {
    let Some(server) = Moto::start() else { return };
    let gate = server.gate();
    gate.forget_conditions();
    let store = Place::new("careless").open(&gate);
    for _ in 0..2 {
        let refused = store.create(&dev()).await.unwrap_err();
        assert!(refused.to_string().contains("passes over the condition"), "{refused}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_place_is_told() {
    let Some(server) = Moto::start() else { return };
    let place = Place::new("wrong");
    let keys = KeyRing::open(&place.dir.path().join("keys"), BTreeMap::new());
    let gate = server.gate();
    let mut elsewhere = gate.options(&place.key);
    elsewhere.bucket = "nowhere".into();
    let store = S3Store::connect(&elsewhere, keys.clone()).unwrap();
    let fault = store.snapshot(&dev()).await.unwrap_err().to_string();
    assert!(fault.contains("no bucket nowhere"), "{fault}");
    for key in ["", "/a", "a/", "a//b", "a/../b"] {
        let fault = S3Store::connect(&gate.options(key), keys.clone()).unwrap_err().to_string();
        assert!(fault.contains("is no `key`"), "{fault}");
    }
    let mut odd = gate.options(&place.key);
    odd.endpoint = Some("localhost:9000".into());
    let fault = S3Store::connect(&odd, keys).unwrap_err().to_string();
    assert!(fault.contains("not the address of a server"), "{fault}");

    // What was written by a newer program, and what is broken.
    let store = place.open(&gate);
    store.create(&dev()).await.unwrap();
    let head = format!("/{BUCKET}/{}.mainstay/environments/dev/head", place.key);
    server.put(&head, &zstd::encode_all(&br#"{"form":9}"#[..], 3).unwrap());
    let fault = store.snapshot(&dev()).await.unwrap_err().to_string();
    assert!(fault.contains("a newer program wrote it"), "{fault}");
    server.put(&head, b"nonsense");
    let fault = store.snapshot(&dev()).await.unwrap_err();
    assert!(matches!(fault, StoreError::Unreadable { .. }), "{fault:?}");
}

#[tokio::test]
async fn terraforms_state_is_taken_over_once_and_seen_when_it_changes() {
    const DOCUMENT: &str = include_str!("v4/modules.tfstate");
    let Some(server) = Moto::start() else { return };
    let place = Place::new("taken");
    let store = place.open(&server.gate());
    let blue = engine::EnvironmentName::new("blue");
    assert!(matches!(store.terraform_state(&dev()).await.unwrap(), TerraformState::Absent));

    let default = engine::EnvironmentName::new("default");
    let own = format!("/{BUCKET}/{}", place.key);
    server.put(&own, DOCUMENT.as_bytes());
    server.put(&format!("/{BUCKET}/env%3A/blue/{}", place.key), DOCUMENT.as_bytes());
    assert_eq!(store.terraform_workspaces().await.unwrap(), std::slice::from_ref(&blue));
    for environment in [&default, &blue] {
        let TerraformState::New(object) = store.terraform_state(environment).await.unwrap() else {
            panic!("there is none of ours yet")
        };
        assert!(object.address.ends_with("terraform.tfstate"), "{}", object.address);
        let document = read(&object.bytes, &object.address, &BuiltinShapes).unwrap();
        let snapshot = Snapshot {
            serial: document.serial,
            lineage: document.lineage.clone(),
            rows: document.rows.clone(),
            outputs: document.outputs,
            checks: document.checks,
        };
        let serial = store.take_over(environment, &object, snapshot.clone()).await.unwrap();
        assert_eq!(serial, document.serial);
        let ours = store.snapshot(environment).await.unwrap();
        assert_eq!((ours.serial, ours.lineage, ours.rows), (serial, document.lineage, document.rows));
        let again = store.take_over(environment, &object, snapshot).await;
        assert!(matches!(again, Err(StoreError::Refused { .. })), "{again:?}");
        assert!(matches!(store.terraform_state(environment).await.unwrap(), TerraformState::TakenOver));
    }
    // The same state written anew is the same, another is not.
    server.put(&own, format!("{DOCUMENT}\n").as_bytes());
    assert!(matches!(store.terraform_state(&default).await.unwrap(), TerraformState::TakenOver));
    let serial = |number: u64| format!(r#"{{"version":4,"serial":{number},"lineage":"other"}}"#);
    server.put(&own, serial(7).as_bytes());
    assert!(matches!(store.terraform_state(&default).await.unwrap(), TerraformState::Other(_)));
    store.note_taken_over(&default, None).await.unwrap();
    assert!(matches!(store.terraform_state(&default).await.unwrap(), TerraformState::Other(_)));

    assert_eq!(store.terraform_lock(&default).await.unwrap(), None);
    server
        .put(&format!("{own}.tflock"), br#"{"ID":"1","Operation":"OperationTypeApply","Who":"ann@laptop"}"#);
    assert_eq!(store.terraform_lock(&default).await.unwrap().unwrap().who, "ann@laptop");
}
