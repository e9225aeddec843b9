//! Images out of what other tools write.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use oci::{
    Base, BuildSpec, Digest, Error, FileEntry, LayerSpec, Layout, Platform, Settings, UnpackOptions, build,
};
use tar::EntryType;
use testkit::registry::program;

use crate::images::{Fixture, RawTar, gzip};

/// Names and contents.
type Entries<'a> = &'a [(&'a str, &'a [u8])];
/// Names and where they lead.
type Links<'a> = &'a [(&'a str, &'a str)];

/// An archive as `docker save` writes it.
fn archive(fixture: &Fixture, entries: &[(&str, &[u8])], links: &[(&str, &str)]) -> PathBuf {
    let mut tar = RawTar::default();
    for (name, content) in entries {
        tar = tar.entry(EntryType::Regular, name, "", 0o644, content);
    }
    for (name, target) in links {
        tar = tar.entry(EntryType::Symlink, name, target, 0o777, b"");
    }
    let path = fixture.folder.path().join("image.tar");
    fs::write(&path, tar.bytes()).unwrap();
    path
}

fn config(diff_ids: &[Digest]) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({ "architecture": Platform::host().architecture, "os": "linux",
        "config": { "Env": ["A=1"], "Cmd": ["/app"] }, "rootfs": { "type": "layers", "diff_ids": diff_ids } }))
    .unwrap()
}

fn manifest(layers: &[&str]) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!([{ "Config": "c.json", "RepoTags": ["app:1"], "Layers": layers }]))
        .unwrap()
}

fn on(path: &std::path::Path, layout: &Layout) -> oci::Result<oci::BuiltImage> {
    let note = layout.root().join("../note");
    fs::write(&note, "on top").unwrap();
    let spec = BuildSpec {
        base: Base::DockerArchive { path: path.to_owned() },
        platform: Platform::host(),
        layers: vec![LayerSpec { files: vec![FileEntry::new(&note, "/note")], programs: Vec::new() }],
        settings: Settings::default(),
        name: Some("built".into()),
    };
    build(&spec, layout)
}

#[test]
fn an_image_is_built_on_an_archive_of_dockers_with_layers_of_every_form() {
    let fixture = Fixture::new();
    let (one, two) = (RawTar::default().file("one", "1").bytes(), RawTar::default().file("two", "2").bytes());
    let [config, manifest] = [
        config(&[Digest::of(&one), Digest::of(&two), Digest::of(&one)]),
        manifest(&["x/layer.tar", "y.tar", "z/layer.tar"]),
    ];
    let path = archive(
        &fixture,
        &[("manifest.json", &manifest), ("c.json", &config), ("x/layer.tar", &one), ("y.tar", &gzip(&two))],
        &[("z/layer.tar", "../x/layer.tar")],
    );
    let built = on(&path, &fixture.layout).unwrap();
    let image = fixture.layout.image(&built.digest).unwrap();
    assert_eq!(image.config.config.env, ["A=1"]);
    let target = fixture.folder.path().join("target");
    oci::unpack(&fixture.layout, &built.digest, &target, &UnpackOptions::default()).unwrap();
    let read = |name: &str| fs::read_to_string(target.join(name)).unwrap();
    assert_eq!((read("one").as_str(), read("two").as_str(), read("note").as_str()), ("1", "2", "on top"));

    // Compressed as a whole it is the same.
    let whole = fixture.folder.path().join("image.tar.gz");
    fs::write(&whole, gzip(&fs::read(&path).unwrap())).unwrap();
    assert_eq!(on(&whole, &fixture.layout).unwrap().digest, built.digest);

    // And what was imported once is not read again, until the file is another.
    fs::remove_file(fixture.layout.root().join("../image.tar")).unwrap();
    assert!(matches!(on(&path, &fixture.layout), Err(Error::Io { .. })));
    fixture
        .layout
        .collect_garbage([], std::time::SystemTime::now() + std::time::Duration::from_secs(60))
        .unwrap();
    assert_eq!(fixture.layout.image(&built.digest).unwrap().digest, built.digest);
}

#[test]
fn an_archive_that_is_none_is_refused_by_what_is_wrong_with_it() {
    let layer = RawTar::default().file("one", "1").bytes();
    let (good, wrong) = (config(&[Digest::of(&layer)]), config(&[Digest::of(b"other")]));
    let two = serde_json::to_vec(&serde_json::json!([
        { "Config": "c.json", "RepoTags": ["app:1"], "Layers": [] }, { "Config": "c.json", "RepoTags": null, "Layers": [] }
    ]))
    .unwrap();
    let outside =
        serde_json::to_vec(&serde_json::json!([{ "Config": "../../../../etc/passwd", "Layers": [] }]))
            .unwrap();
    let plain = manifest(&["l.tar"]);
    let cases: [(Entries<'_>, Links<'_>, &str); 8] = [
        (&[("c.json", &good)], &[], "has no `manifest.json`"),
        (&[("manifest.json", b"{}")], &[], "its `manifest.json`"),
        (&[("manifest.json", &two)], &[], "it has 2 images (app:1)"),
        (&[("manifest.json", &outside)], &[], "has no `../../../../etc/passwd`"),
        (&[("manifest.json", &plain), ("c.json", &good)], &[], "has no `l.tar`"),
        (&[("manifest.json", &plain), ("c.json", &good)], &[("l.tar", "l.tar")], "has no `l.tar`"),
        (
            &[("manifest.json", &plain), ("c.json", &config(&[]))],
            &[],
            "1 layers, and its configuration names 0",
        ),
        (&[("manifest.json", &plain), ("c.json", &wrong), ("l.tar", &layer)], &[], "has the digest"),
    ];
    for (entries, links, words) in cases {
        let fixture = Fixture::new();
        let path = archive(&fixture, entries, links);
        let fault = on(&path, &fixture.layout).unwrap_err();
        assert!(fault.to_string().contains(words), "{fault}");
        assert!(fixture.layout.list().unwrap().is_empty());
    }
    let fixture = Fixture::new();
    let noise = fixture.folder.path().join("noise.tar");
    fs::write(&noise, [7; 2000]).unwrap();
    let fault = on(&noise, &fixture.layout).unwrap_err();
    assert!(fault.to_string().contains("no tar, or damaged"), "{fault}");
}

#[test]
fn what_another_tool_writes_as_an_archive_of_dockers_is_read() {
    let Some(skopeo) = program("skopeo") else {
        println!("skipped: there is no `skopeo` here (`apt-get install skopeo`)");
        return;
    };
    let fixture = Fixture::new();
    let layer = fixture.layer(RawTar::default().folder("bin").file("bin/app", "program"));
    fixture.image(&[layer], Some("app"));
    let path = fixture.folder.path().join("app.tar");
    let copied = Command::new(skopeo)
        .args(["--insecure-policy", "copy"])
        .arg(format!("oci:{}:app", fixture.layout.root().display()))
        .arg(format!("docker-archive:{}:app:1", path.display()))
        .output()
        .unwrap();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    let other = Layout::create(fixture.folder.path().join("other")).unwrap();
    let built = on(&path, &other).unwrap();
    let target = fixture.folder.path().join("target");
    oci::unpack(&other, &built.digest, &target, &UnpackOptions::default()).unwrap();
    assert_eq!(fs::read_to_string(target.join("bin/app")).unwrap(), "program");
}

#[test]
fn a_root_file_system_becomes_an_image_of_one_layer() {
    let fixture = Fixture::new();
    let tar = RawTar::default().folder("etc").file("etc/hostname", "box").bytes();
    let labels = BTreeMap::from([("packages".to_owned(), "base-files=12".to_owned())]);
    let import = || {
        oci::import::root(&fixture.layout, &tar[..], &Platform::host(), labels.clone(), Some("debian/1"))
            .unwrap()
    };
    let digest = import();
    assert_eq!(import(), digest);
    let image = fixture.layout.resolve(Some("debian/1"), &Platform::host()).unwrap();
    assert_eq!((image.digest, image.config.config.labels), (digest, labels));
    assert_eq!(image.config.rootfs.diff_ids, [Digest::of(&tar)]);
}
