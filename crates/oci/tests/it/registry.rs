//! Pulls and pushes with a real registry, and with `skopeo` as a second opinion.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use oci::registry::{
    Credentials, DockerConfig, Patience, Registries, RegistryError, RegistrySettings, Secret, Settings,
    Silent,
};
use oci::{Digest, Layout, Platform, Reference};
use testkit::registry::{Door, PASSWORD, Registry, USER, program};

use crate::images::{Fixture, RawTar};

/// Runs one test's work on a runtime of its own.
pub fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// Waits long enough for a slow machine, and not for ever.
pub fn settings() -> Settings {
    let patience = Patience { retry_delay: std::time::Duration::from_millis(5), ..Patience::default() };
    Settings { registries: BTreeMap::new(), patience }
}

pub fn anonymous() -> Registries {
    Registries::new(settings(), DockerConfig::default())
}

fn with(registry: &str, set: RegistrySettings) -> Registries {
    let mut settings = settings();
    settings.registries.insert(registry.to_owned(), set);
    Registries::new(settings, DockerConfig::default())
}

fn ann(registry: &Registry, password: &str) -> Registries {
    let credentials = Credentials::Password { username: USER.into(), password: Secret::new(password) };
    with(&registry.name(), RegistrySettings { credentials: Some(credentials), ..RegistrySettings::default() })
}

pub fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// An image of two layers, one of which is large enough for several pieces.
fn image(fixture: &Fixture, name: &str) -> Digest {
    let noise: String = (0..20_000u32).map(|at| Digest::of(&at.to_le_bytes()).hex()).collect();
    let base = fixture.layer(RawTar::default().folder("bin").file("bin/large", &noise));
    let top = fixture.layer(RawTar::default().file("name", name));
    fixture.image(&[base, top], Some(name))
}

fn empty(fixture: &Fixture, name: &str) -> Layout {
    Layout::create(fixture.folder.path().join(name)).unwrap()
}

/// `skopeo`, if it is here.
fn skopeo(arguments: &[&str]) -> Option<Vec<u8>> {
    let Some(program) = program("skopeo") else {
        println!("skipped: there is no `skopeo` here (`apt-get install skopeo`)");
        return None;
    };
    let output = Command::new(program).arg("--insecure-policy").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

fn host() -> Platform {
    Platform::host()
}

#[test]
fn what_is_pushed_is_what_another_client_pulls_and_what_is_pulled_again() {
    let Some(registry) = Registry::start(Door::Open) else { return };
    let fixture = Fixture::new();
    let digest = image(&fixture, "app");
    let target = reference(&format!("{}/shop/app:1", registry.name()));
    run(async {
        let client = anonymous();
        let pushed = client.push(&fixture.layout, &digest, &target, &Silent).await.unwrap();
        assert_eq!((pushed.digest, pushed.blobs_sent, pushed.blobs_present), (digest, 3, 0));
        assert_eq!(pushed.bytes_sent, fixture.layout.image(&digest).unwrap().size());
        assert_eq!(client.resolve(&target, &host(), &Silent).await.unwrap(), digest);
        let again = client.push(&fixture.layout, &digest, &target, &Silent).await.unwrap();
        assert_eq!((again.blobs_sent, again.blobs_present), (0, 3));

        let other = empty(&fixture, "other");
        let pulled = client.pull(&target, &other, &host(), Some("app"), &Silent).await.unwrap();
        assert_eq!((pulled.digest, pulled.blobs_received), (digest, 3));
        assert_eq!(other.resolve(Some("app"), &host()).unwrap(), fixture.layout.image(&digest).unwrap());
        let again = client.pull(&target.at(digest), &other, &host(), None, &Silent).await.unwrap();
        assert_eq!((again.blobs_received, again.bytes_received), (0, 0));
    });
    let url = format!("docker://{target}");
    let Some(manifest) = skopeo(&["inspect", "--tls-verify=false", "--raw", &url]) else { return };
    assert_eq!(Digest::of(&manifest), digest);
    let copy = fixture.folder.path().join("copy");
    skopeo(&["copy", "--src-tls-verify=false", &url, &format!("oci:{}:app", copy.display())]);
    let copied = Layout::open(copy).unwrap().resolve(Some("app"), &host()).unwrap();
    let ours = fixture.layout.image(&digest).unwrap();
    assert_eq!(copied.layers().collect::<Vec<_>>(), ours.layers().collect::<Vec<_>>());
    assert_eq!(copied.config, ours.config);
}

#[test]
fn what_another_client_pushed_in_dockers_form_is_pulled() {
    let Some(registry) = Registry::start(Door::Open) else { return };
    let fixture = Fixture::new();
    let digest = image(&fixture, "app");
    let from = format!("oci:{}:app", fixture.layout.root().display());
    let url = format!("docker://{}/shop/app:docker", registry.name());
    if skopeo(&["copy", "--dest-tls-verify=false", "--format=v2s2", &from, &url]).is_none() {
        return;
    }
    let other = empty(&fixture, "other");
    let target = reference(&format!("{}/shop/app:docker", registry.name()));
    let pulled = run(anonymous().pull(&target, &other, &host(), Some("app"), &Silent)).unwrap();
    assert_ne!(pulled.digest, digest, "a manifest of Docker's has other bytes");
    let (theirs, ours) = (other.image(&pulled.digest).unwrap(), fixture.layout.image(&digest).unwrap());
    assert!(theirs.manifest.media_type.unwrap().0.contains("docker"));
    assert_eq!(theirs.config.rootfs, ours.config.rootfs);
}

#[test]
fn of_an_image_for_several_platforms_the_one_that_runs_here_is_pulled_and_named_by_the_index() {
    let Some(registry) = Registry::start(Door::Open) else { return };
    let fixture = Fixture::new();
    let digest = image(&fixture, "app");
    let manifest = fs::read(fixture.layout.root().join("blobs/sha256").join(digest.hex())).unwrap();
    let entry = |digest: &Digest, architecture: &str| {
        serde_json::json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest,
            "size": manifest.len(), "platform": { "architecture": architecture, "os": "linux" } })
    };
    let index = |entries: &[serde_json::Value]| {
        serde_json::to_vec(&serde_json::json!({ "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries }))
        .unwrap()
    };
    let whole = index(&[entry(&digest, "s390x"), entry(&digest, &host().architecture)]);
    let whole = fixture.layout.put_manifest(&whole, Some("whole")).unwrap();
    let elsewhere = index(&[entry(&digest, "s390x"), entry(&digest, "riscv64")]);
    let elsewhere = fixture.layout.put_manifest(&elsewhere, Some("elsewhere")).unwrap();
    let absent = Digest::of(b"never built here");
    let partly = index(&[entry(&digest, &host().architecture), entry(&absent, "s390x")]);
    let partly = fixture.layout.put_manifest(&partly, Some("partly")).unwrap();
    let to = |tag: &str| reference(&format!("{}/shop/app:{tag}", registry.name()));
    let other = empty(&fixture, "other");
    run(async {
        let client = anonymous();
        client.push(&fixture.layout, &whole, &to("whole"), &Silent).await.unwrap();
        let pulled = client.pull(&to("whole"), &other, &host(), Some("app"), &Silent).await.unwrap();
        assert_eq!(pulled.digest, whole);
        assert_eq!(other.resolve(Some("app"), &host()).unwrap().digest, digest);

        client.push(&fixture.layout, &elsewhere, &to("elsewhere"), &Silent).await.unwrap();
        let fault = client.resolve(&to("elsewhere"), &host(), &Silent).await.unwrap_err().to_string();
        assert!(fault.contains("it is for linux/s390x, linux/riscv64, and not for"), "{fault}");

        let fault = client.push(&fixture.layout, &partly, &to("partly"), &Silent).await.unwrap_err();
        assert!(
            fault.to_string().contains(&format!("its manifest {absent}, for another platform")),
            "{fault}"
        );
    });
}

#[test]
fn a_push_sends_only_the_layer_that_is_new_and_takes_the_others_over_from_another_repository() {
    let Some(registry) = Registry::start(Door::Token) else { return };
    let fixture = Fixture::new();
    let first = image(&fixture, "first");
    let second = image(&fixture, "second");
    let large = fixture.layout.image(&first).unwrap().manifest.layers[0].clone();
    let to = |repository: &str| reference(&format!("{}/{repository}:1", registry.name()));
    run(async {
        let client = ann(&registry, PASSWORD);
        let layout = &fixture.layout;
        client.push(layout, &first, &to("shop/one"), &Silent).await.unwrap();
        let pushed = client.push(layout, &second, &to("shop/one"), &Silent).await.unwrap();
        // The configuration and the one small layer.
        assert_eq!((pushed.blobs_sent, pushed.blobs_present, pushed.blobs_mounted), (2, 1, 0));
        assert!(pushed.bytes_sent < large.size / 100, "{pushed:?}");
        let pushed = client.push(layout, &first, &to("shop/two"), &Silent).await.unwrap();
        assert_eq!((pushed.blobs_sent, pushed.blobs_present, pushed.blobs_mounted), (0, 0, 3));
        // Whoever has pulled it knows as much.
        let other = empty(&fixture, "other");
        client.pull(&to("shop/two"), &other, &host(), None, &Silent).await.unwrap();
        let pushed = client.push(&other, &first, &to("shop/three"), &Silent).await.unwrap();
        assert_eq!((pushed.blobs_sent, pushed.blobs_mounted), (0, 3));
    });
    // Each blob was sent once: the three of the first image, and two of the second.
    assert_eq!(registry.requests("PUT", "/blobs/uploads/"), 5);
}

#[test]
fn a_registry_with_passwords_lets_in_whoever_has_the_right_one() {
    let Some(registry) = Registry::start(Door::Password) else { return };
    let fixture = Fixture::new();
    let digest = image(&fixture, "app");
    let target = reference(&format!("{}/shop/app:1", registry.name()));
    run(async {
        ann(&registry, PASSWORD).push(&fixture.layout, &digest, &target, &Silent).await.unwrap();
        let other = empty(&fixture, "other");
        let fault = anonymous().pull(&target, &other, &host(), None, &Silent).await.unwrap_err();
        assert!(matches!(fault, RegistryError::Denied { had_credentials: false, .. }), "{fault}");
        assert!(fault.hint().contains("password_env"), "{}", fault.hint());
        let fault =
            ann(&registry, "wrong-s3cret").pull(&target, &other, &host(), None, &Silent).await.unwrap_err();
        assert!(matches!(fault, RegistryError::Denied { had_credentials: true, .. }), "{fault}");
        assert!(!format!("{fault} {fault:?} {}", fault.hint()).contains("s3cret"));
        assert!(other.list().unwrap().is_empty());
        ann(&registry, PASSWORD).pull(&target, &other, &host(), None, &Silent).await.unwrap();
    });
}

#[test]
fn a_token_is_asked_for_with_what_is_to_be_done() {
    let Some(registry) = Registry::start(Door::Token) else { return };
    let fixture = Fixture::new();
    let digest = image(&fixture, "app");
    let target = reference(&format!("{}/shop/app:1", registry.name()));
    run(async {
        let fault = anonymous().push(&fixture.layout, &digest, &target, &Silent).await.unwrap_err();
        assert!(fault.to_string().contains("does not let us push to shop/app"), "{fault}");
        let fault =
            ann(&registry, "wrong").push(&fixture.layout, &digest, &target, &Silent).await.unwrap_err();
        assert!(fault.to_string().contains("incorrect password"), "{fault}");
        ann(&registry, PASSWORD).push(&fixture.layout, &digest, &target, &Silent).await.unwrap();
        anonymous().pull(&target, &empty(&fixture, "other"), &host(), None, &Silent).await.unwrap();
    });
}

#[test]
fn what_docker_login_has_written_is_used() {
    use base64::Engine as _;
    let Some(registry) = Registry::start(Door::Password) else { return };
    let fixture = Fixture::new();
    let digest = image(&fixture, "app");
    let target = reference(&format!("{}/shop/app:1", registry.name()));
    let push = |content: String| {
        let path = fixture.folder.path().join("config.json");
        fs::write(&path, content).unwrap();
        let docker = DockerConfig::at(&path);
        run(Registries::new(settings(), docker).push(&fixture.layout, &digest, &target, &Silent))
    };
    let auth = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
    push(format!(r#"{{"auths":{{"{}":{{"auth":"{auth}"}}}}}}"#, registry.name())).unwrap();
    push(format!(r#"{{"auths":{{"https://{}/v2/":{{"auth":"{auth}"}}}}}}"#, registry.name())).unwrap();
    let fault = push(format!(r#"{{"auths":{{"other.example":{{"auth":"{auth}"}}}}}}"#)).unwrap_err();
    assert!(matches!(fault, RegistryError::Denied { had_credentials: false, .. }), "{fault}");
    let fault = push(format!(r#"{{"auths":{{"{}":{{"auth":"no base64"}}}}}}"#, registry.name())).unwrap_err();
    assert!(fault.to_string().contains("not `name:password` in base64"), "{fault}");
    let fault =
        push(format!(r#"{{"credsStore":"of-nobody","auths":{{"{}":{{}}}}}}"#, registry.name())).unwrap_err();
    assert!(
        fault.to_string().contains("`docker-credential-of-nobody`, which keeps the credentials"),
        "{fault}"
    );
    let fault = push(r#"{"auths": "s3cret"}"#.into()).unwrap_err().to_string();
    assert!(fault.contains("malformed at line 1") && !fault.contains("s3cret"), "{fault}");
}

#[test]
fn a_mirror_is_asked_first_and_what_it_does_not_have_comes_from_the_registry() {
    let (Some(registry), Some(mirror)) = (Registry::start(Door::Open), Registry::start(Door::Open)) else {
        return;
    };
    let fixture = Fixture::new();
    let digest = image(&fixture, "app");
    let target = reference(&format!("{}/shop/app:1", registry.name()));
    let mirrored = reference(&format!("{}/hub/shop/app:1", mirror.name()));
    let mirrors = |names: &[String]| {
        with(&registry.name(), RegistrySettings { mirrors: names.to_vec(), ..RegistrySettings::default() })
    };
    run(async {
        anonymous().push(&fixture.layout, &digest, &target, &Silent).await.unwrap();
        let nobody = format!("127.0.0.1:{}", testkit::servers::free_port());
        let client = mirrors(&[nobody, format!("{}/hub", mirror.name())]);
        client.pull(&target, &empty(&fixture, "before"), &host(), None, &Silent).await.unwrap();
        assert_eq!(mirror.requests("GET", "/blobs/"), 0);
        let from_registry = registry.requests("GET", "/blobs/");
        assert_eq!(from_registry, 3);

        anonymous().push(&fixture.layout, &digest, &mirrored, &Silent).await.unwrap();
        client.pull(&target, &empty(&fixture, "after"), &host(), None, &Silent).await.unwrap();
        assert_eq!(
            (mirror.requests("GET", "/blobs/"), registry.requests("GET", "/blobs/")),
            (3, from_registry)
        );

        // A mirror that has lost a blob.
        let lost = fixture.layout.image(&digest).unwrap().manifest.layers[0].digest;
        fs::remove_file(mirror.blob(&lost.hex())).unwrap();
        client.pull(&target, &empty(&fixture, "lost"), &host(), None, &Silent).await.unwrap();
        assert_eq!(registry.requests("GET", "/blobs/"), from_registry + 1);
    });
    let fault = run(mirrors(&["a b".into()]).resolve(&target, &host(), &Silent)).unwrap_err();
    assert!(fault.to_string().contains("the mirror `a b` is not `HOST`"), "{fault}");
}

#[test]
fn what_is_not_there_is_said_to_be_not_there() {
    let Some(registry) = Registry::start(Door::Open) else { return };
    let fixture = Fixture::new();
    let digest = image(&fixture, "app");
    run(async {
        let client = anonymous();
        let missing = reference(&format!("{}/shop/app:2", registry.name()));
        let fault = client.resolve(&missing, &host(), &Silent).await.unwrap_err();
        assert!(matches!(fault, RegistryError::NotFound { .. }), "{fault}");
        assert!(
            fault.to_string().contains(&format!("there is no image {missing}: manifest unknown")),
            "{fault}"
        );
        let wrong = missing.at(Digest::of(b"another"));
        let fault = client.push(&fixture.layout, &digest, &wrong, &Silent).await.unwrap_err();
        assert!(fault.to_string().contains("names another digest"), "{fault}");
    });
}

#[test]
fn blobs_that_are_here_already_are_not_fetched_again() {
    let Some(registry) = Registry::start(Door::Open) else { return };
    let fixture = Fixture::new();
    let (first, second) = (image(&fixture, "first"), image(&fixture, "second"));
    let to = |tag: &str| reference(&format!("{}/shop/app:{tag}", registry.name()));
    let other = empty(&fixture, "other");
    run(async {
        let client = anonymous();
        client.push(&fixture.layout, &first, &to("1"), &Silent).await.unwrap();
        client.push(&fixture.layout, &second, &to("2"), &Silent).await.unwrap();
        client.pull(&to("1"), &other, &host(), None, &Silent).await.unwrap();
        let pulled = client.pull(&to("2"), &other, &host(), None, &Silent).await.unwrap();
        assert_eq!(pulled.blobs_received, 2, "the configuration and the small layer");
    });
    assert_eq!(leftovers(&other), Vec::<String>::new());
}

/// Files of a layout that are parts of blobs.
pub fn leftovers(layout: &Layout) -> Vec<String> {
    let folder: &Path = &layout.root().join("blobs/sha256");
    let names = fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".partial-")).collect()
}
