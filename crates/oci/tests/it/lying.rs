//! Registries that lie, stall, break off or are not there: a server of the test's own says what no registry should. Each pull ends
//! in words that name the cause, and leaves the layout as it was.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use oci::registry::{DockerConfig, Patience, Registries, RegistryError, RegistrySettings, Settings, Silent};
use oci::{Digest, Platform, Reference};
use serde_json::{Value as Json, json};

use crate::images::{Fixture, RawTar, gzip};
use crate::liar::{Answer, Asked, Image, Liar, impatient, noise, ok, pull, status};
use crate::registry::{leftovers, run};

/// Pulls what a script gives, and checks that it is refused with these words and that the layout names nothing.
fn refused(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static, words: &[&str]) -> (Fixture, Liar) {
    let fixture = Fixture::new();
    let liar = Liar::start(script);
    let fault = pull(&liar, &fixture.layout).unwrap_err();
    let text = diag::with_causes(&fault);
    for word in words {
        assert!(text.contains(word), "{text:?} lacks {word:?}");
    }
    assert!(!fault.hint().is_empty());
    assert!(fixture.layout.list().unwrap().is_empty(), "{text}");
    (fixture, liar)
}

#[test]
fn a_download_goes_on_behind_where_the_connection_broke() {
    let image = Image::new(noise());
    let size = image.blobs[&image.layer.to_string()].len();
    let (answering, at) = (image.clone(), Mutex::new(0));
    let liar = Liar::start(move |asked| {
        let mut answer = answering.answer(asked);
        if answering.is_layer(asked) {
            let mut at = at.lock().unwrap();
            *at += 1;
            if *at < 3 {
                answer.cut = Some(size / 4);
            }
        }
        answer
    });
    let fixture = Fixture::new();
    let pulled = pull(&liar, &fixture.layout).unwrap();
    assert_eq!(pulled.blobs_received, 2);
    let blob = |range: &str| liar.asked(&format!("{} {range}", image.layer));
    assert_eq!(
        (blob("None"), blob(&format!("Some({})", size / 4)), blob(&format!("Some({})", size / 4 * 2))),
        (1, 1, 1)
    );
    assert!(leftovers(&fixture.layout).is_empty());
    fixture.layout.resolve(Some("app"), &Platform::host()).unwrap();
}

#[test]
fn what_a_pull_that_failed_has_received_is_kept_for_the_next() {
    let image = Image::new(noise());
    let size = image.blobs[&image.layer.to_string()].len();
    let (answering, is_down) = (image.clone(), Arc::new(Mutex::new(true)));
    let down = is_down.clone();
    let liar = Liar::start(move |asked| {
        let mut answer = answering.answer(asked);
        if answering.is_layer(asked) && *down.lock().unwrap() {
            match asked.from {
                None => answer.cut = Some(size / 2),
                Some(_) => answer = status(503, "down"),
            }
        }
        answer
    });
    let fixture = Fixture::new();
    let fault = pull(&liar, &fixture.layout).unwrap_err().to_string();
    assert!(fault.contains("answered 503: down"), "{fault}");
    assert_eq!(leftovers(&fixture.layout).len(), 1);
    *is_down.lock().unwrap() = false;
    let pulled = pull(&liar, &fixture.layout).unwrap();
    assert_eq!(pulled.bytes_received, (size - size / 2) as u64);
    assert!(leftovers(&fixture.layout).is_empty());
}

#[test]
fn a_part_that_was_kept_and_is_wrong_is_fetched_anew() {
    let image = Image::new(noise());
    let answering = image.clone();
    let liar = Liar::start(move |asked| answering.answer(asked));
    let fixture = Fixture::new();
    let part = fixture.layout.root().join("blobs/sha256").join(format!(".partial-{}", image.layer.hex()));
    fs::write(&part, [7; 1000]).unwrap();
    pull(&liar, &fixture.layout).unwrap();
    assert_eq!(liar.asked(&format!("{} ", image.layer)), 2);
    assert!(leftovers(&fixture.layout).is_empty());
}

#[test]
fn a_server_that_gives_no_parts_is_asked_for_all_of_it() {
    let image = Image::new(noise());
    let (answering, at) = (image.clone(), Mutex::new(0));
    let liar = Liar::start(move |asked| {
        let mut answer = answering.answer(&Asked { path: asked.path.clone(), from: None });
        if answering.is_layer(asked) {
            let mut at = at.lock().unwrap();
            *at += 1;
            if *at == 1 {
                answer.cut = Some(1000);
            }
        }
        answer
    });
    let fixture = Fixture::new();
    pull(&liar, &fixture.layout).unwrap();
    assert_eq!(liar.asked(&format!("{} ", image.layer)), 2);
}

#[test]
fn bytes_that_are_not_what_the_manifest_says_are_refused() {
    // Other bytes of the same length.
    let (image, mut other) = (Image::new(noise()), Vec::new());
    other.resize(image.blobs[&image.layer.to_string()].len(), 7);
    let layer = image.layer.to_string();
    let answering = image.clone();
    let (fixture, _) = refused(
        move |asked| if answering.is_layer(asked) { ok(&other) } else { answering.answer(asked) },
        &[&layer, "their digest is"],
    );
    assert!(leftovers(&fixture.layout).is_empty(), "what is wrong is not kept");

    // Longer, and said to be.
    let answering = image.clone();
    let long = [image.blobs[&layer].clone(), vec![0; 10]].concat();
    refused(
        move |asked| if answering.is_layer(asked) { ok(&long) } else { answering.answer(asked) },
        &["announces", "where", "are missing"],
    );

    // Longer, without saying how long.
    let answering = image.clone();
    let chunked = [b"100000\r\n".to_vec(), vec![7; 0x100000], b"\r\n".to_vec()].concat().repeat(3);
    let (fixture, _) = refused(
        move |asked| match answering.is_layer(asked) {
            true => Answer { headers: vec![("transfer-encoding", "chunked".into())], ..ok(&chunked) },
            false => answering.answer(asked),
        },
        &["go on after"],
    );
    assert!(leftovers(&fixture.layout).is_empty());

    // Shorter, and said to be.
    let answering = image.clone();
    let short = image.blobs[&layer][..100].to_vec();
    refused(
        move |asked| if answering.is_layer(asked) { ok(&short) } else { answering.answer(asked) },
        &["announces 100 bytes"],
    );

    // A part from somewhere else.
    let answering = image.clone();
    refused(
        move |asked| {
            let mut answer = answering.answer(asked);
            match (answering.is_layer(asked), asked.from) {
                (true, None) => answer.cut = Some(1000),
                (true, Some(_)) => answer.headers = vec![("content-range", "bytes 0-9/10".into())],
                _ => {}
            }
            answer
        },
        &["the part \"bytes 0-9/10\" is not the rest from 1000"],
    );
}

#[test]
fn a_manifest_that_is_not_what_was_asked_for_is_refused() {
    let image = Image::new(noise());
    let answering = image.clone();
    let fixture = Fixture::new();
    let liar = Liar::start(move |asked| answering.answer(asked));
    let wanted = liar.reference().at(Digest::of(b"another"));
    let pulled = run(impatient().pull(&wanted, &fixture.layout, &Platform::host(), None, &Silent));
    let fault = pulled.unwrap_err().to_string();
    assert!(
        fault.contains(&Digest::of(b"another").to_string()) && fault.contains("their digest is"),
        "{fault}"
    );

    let answering = image.clone();
    let header = Digest::of(b"what it says").to_string();
    let said = header.clone();
    refused(
        move |asked| {
            let mut answer = answering.answer(asked);
            answer.headers.push(("docker-content-digest", header.clone()));
            answer
        },
        &["announces the manifest", &said],
    );
}

#[test]
fn what_is_no_image_is_refused_by_what_it_is() {
    let changed = |change: fn(&mut Json)| {
        let tar = RawTar::default().file("f", "x").bytes();
        let image = Image::of_blob(gzip(&tar), Digest::of(&tar), change);
        move |asked: &Asked| image.answer(asked)
    };
    refused(
        changed(|it| it["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json".into()),
        &["helm.config", "no image"],
    );
    refused(
        changed(|it| {
            it["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.v1.tar+encrypted".into()
        }),
        &["+encrypted", "not supported"],
    );
    refused(
        changed(|it| it["mediaType"] = "application/vnd.example.thing+json".into()),
        &["vnd.example.thing"],
    );
    refused(changed(|it| it["schemaVersion"] = 1.into()), &["schema version is not 2"]);
    refused(changed(|it| it["layers"] = json!([])), &["0 layers and its configuration 1"]);
    refused(
        changed(|it| it["layers"][0]["size"] = (1u64 << 40).into()),
        &["said to have 1099511627776 bytes"],
    );
    refused(changed(|it| it["config"]["size"] = (1u64 << 40).into()), &["configuration is said to have"]);
    refused(changed(|it| it["layers"][0]["digest"] = "sha512:00".into()), &["is malformed", "sha512:00"]);
    refused(|_| ok(b"<html>a proxy's page</html>"), &["is malformed"]);
    refused(|_| ok(&vec![b' '; 5 << 20]), &["more than 4194304 bytes"]);
}

#[test]
fn an_index_that_leads_in_a_circle_or_nowhere_is_refused() {
    let host = Platform::host();
    // Each index leads to the next; their digests cannot be a circle, but a registry may make them without end.
    let mut documents = BTreeMap::new();
    let mut next = Digest::of(b"nothing");
    for _ in 0..8 {
        let index = json!({ "schemaVersion": 2, "manifests": [{ "mediaType": "application/vnd.oci.image.index.v1+json",
            "digest": next, "size": 1, "platform": { "architecture": host.architecture, "os": "linux" } }] });
        let bytes = serde_json::to_vec(&index).unwrap();
        next = Digest::of(&bytes);
        documents.insert(next.to_string(), bytes);
    }
    let top = next.to_string();
    refused(
        move |asked| {
            let wanted = asked.path.trim_start_matches("manifests/");
            documents
                .get(if wanted == "1" { top.as_str() } else { wanted })
                .map_or(status(404, ""), |it| ok(it))
        },
        &["indexes lead to no image"],
    );
}

#[test]
fn a_registry_that_stalls_or_is_down_is_said_to_be_so() {
    let image = Image::new(noise());
    let answering = image.clone();
    let (fixture, _) = refused(
        move |asked| {
            let mut answer = answering.answer(asked);
            if answering.is_layer(asked) {
                answer.stall = Some(1000);
            }
            answer
        },
        &["silent for too long"],
    );
    assert_eq!(leftovers(&fixture.layout).len(), 1, "what came is kept");

    let (_, liar) = refused(
        |_| status(500, r#"{"errors":[{"code":"UNKNOWN","message":"disk \u001b[31mfull"}]}"#),
        &["answered 500: disk  [31mfull (UNKNOWN)"],
    );
    assert_eq!(liar.asked("manifests/1"), 3, "it is asked as often as patience says");
    let (_, liar) = refused(|_| status(400, "no"), &["answered 400: no"]);
    assert_eq!(liar.asked("manifests/1"), 1);

    let fixture = Fixture::new();
    let nobody: Reference = format!("127.0.0.1:{}/a:1", testkit::servers::free_port()).parse().unwrap();
    let pulled = run(impatient().pull(&nobody, &fixture.layout, &Platform::host(), None, &Silent));
    let fault = pulled.unwrap_err();
    assert!(
        matches!(fault, RegistryError::Connection { .. }) && fault.to_string().contains("refused"),
        "{fault}"
    );
}

#[test]
fn credentials_are_not_shown_to_a_token_server_without_tls() {
    let answering = |asked: &Asked| match asked.path.as_str() {
        "manifests/1" => Answer {
            headers: vec![(
                "www-authenticate",
                "Bearer realm=\"ftp://127.0.0.1/token\",service=\"x\"".into(),
            )],
            ..status(401, "")
        },
        _ => status(404, ""),
    };
    refused(answering, &["without TLS", "no credentials are shown"]);
    let malformed = |_: &Asked| Answer {
        headers: vec![("www-authenticate", "Bearer realm=\"::\"".into())],
        ..status(401, "")
    };
    refused(malformed, &["token server is malformed"]);
    let unknown =
        |_: &Asked| Answer { headers: vec![("www-authenticate", "Negotiate".into())], ..status(401, "") };
    refused(unknown, &["does not let us pull from a"]);
}

#[test]
fn a_registry_elsewhere_is_not_spoken_to_in_plain_text_unless_told() {
    let reference: Reference = "registry.invalid/a:1".parse().unwrap();
    let set = |plain_http| {
        let one = RegistrySettings { plain_http, ..RegistrySettings::default() };
        let patience = Patience { attempts_max: 1, ..Patience::default() };
        let registries = [("registry.invalid".to_owned(), one)].into();
        let client = Registries::new(Settings { registries, patience }, DockerConfig::default());
        run(client.resolve(&reference, &Platform::host(), &Silent)).unwrap_err().to_string()
    };
    assert!(set(None).starts_with("https://registry.invalid/"), "{}", set(None));
    assert!(set(Some(true)).starts_with("http://registry.invalid/"));
}
