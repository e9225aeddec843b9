//! Builds of files of this machine.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use oci::{
    Base, BuildSpec, Error, ExposedPort, FileEntry, LayerSpec, Layout, Platform, PortProtocol, Settings,
    UnpackOptions, build, unpack,
};

use crate::images::{Fixture, RawTar};

fn spec(files: Vec<FileEntry>) -> BuildSpec {
    BuildSpec {
        base: Base::Scratch,
        platform: Platform { architecture: "amd64".into(), os: "linux".into(), variant: None },
        layers: vec![LayerSpec { files, programs: Vec::new() }],
        settings: Settings::default(),
        name: None,
    }
}

/// Files of an application, with times and modes of whoever made them.
fn application(folder: &Path, umask: u32, age_s: u64) -> PathBuf {
    let app = folder.join("app");
    fs::create_dir_all(app.join("static/css")).unwrap();
    let time = SystemTime::now() - Duration::from_secs(age_s);
    for (name, content, mode) in [
        ("server", "#!/bin/sh\n", 0o777),
        ("static/index.html", "<h1>", 0o666),
        ("static/css/a.css", "", 0o666),
    ] {
        let path = app.join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode & !umask)).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    }
    fs::set_permissions(app.join("static"), fs::Permissions::from_mode(0o777 & !umask)).unwrap();
    symlink("index.html", app.join("static/start")).unwrap();
    app
}

#[test]
fn equal_inputs_make_equal_images_whatever_their_times_and_modes_are() {
    let digests = [(0o022, 10), (0o077, 100_000)].map(|(umask, age_s)| {
        let fixture = Fixture::new();
        let app = application(fixture.folder.path(), umask, age_s);
        let mut spec = spec(vec![FileEntry::new(app, "/srv/app")]);
        spec.settings.entrypoint = Some(vec!["/srv/app/server".into()]);
        spec.settings.env = [("PORT".into(), "8080".into()), ("MODE".into(), "live".into())].into();
        let built = build(&spec, &fixture.layout).unwrap();
        let image = fixture.layout.image(&built.digest).unwrap();
        (image.config.rootfs.diff_ids[0].to_string(), built.digest)
    });
    assert_eq!(digests[0], digests[1]);
    // Pinned: a change of how layers are written makes every image of every user a new one, so that it is not to be made
    // by accident. The compressed form is the library's, and is not pinned.
    assert_eq!(digests[0].0, "sha256:5f35b1dc6adce90b558b8b09f89370f8a41f9b51e7ae687c31adf682d46f0aa1");
}

#[test]
fn only_a_layer_whose_inputs_changed_is_written_again() {
    let fixture = Fixture::new();
    let app = application(fixture.folder.path(), 0o022, 10);
    let mut spec = spec(vec![FileEntry::new(app.join("static"), "/srv/static")]);
    spec.layers
        .push(LayerSpec { files: vec![FileEntry::new(app.join("server"), "/srv/server")], programs: vec![] });
    let counts = |spec: &BuildSpec| {
        let built = build(spec, &fixture.layout).unwrap();
        (built.layers_written, built.layers_reused, built.digest)
    };
    let first = counts(&spec);
    assert_eq!((first.0, first.1), (2, 0));
    assert_eq!(counts(&spec), (0, 2, first.2));
    // Of the same size and with the same modification time.
    let server = app.join("server");
    let modified = fs::metadata(&server).unwrap().modified().unwrap();
    fs::write(&server, "#!/bin/ls\n").unwrap();
    fs::File::options().write(true).open(&server).unwrap().set_modified(modified).unwrap();
    let changed = counts(&spec);
    assert_eq!((changed.0, changed.1), (1, 1));
    assert_ne!(changed.2, first.2);
    spec.layers[1].files[0].mode = Some(0o700);
    assert_eq!(counts(&spec).0, 1);
    // A collected layer is written again, and the image is the same.
    let later = SystemTime::now() + Duration::from_secs(3600);
    fixture.layout.remove(&first.2.to_string()).unwrap();
    for image in fixture.layout.list().unwrap() {
        fixture.layout.remove(&image.digest.to_string()).unwrap();
    }
    fixture.layout.collect_garbage([], later).unwrap();
    spec.layers[1].files[0].mode = None;
    assert_eq!(counts(&spec), (2, 0, changed.2));
}

#[test]
fn an_image_has_the_settings_the_owners_and_the_modes_that_were_asked_for() {
    let fixture = Fixture::new();
    let app = application(fixture.folder.path(), 0o022, 10);
    let mut spec = spec(vec![
        FileEntry { owner: (7, 8), mode: Some(0o4711), ..FileEntry::new(app.join("server"), "/bin/server") },
        FileEntry { owner: (9, 9), ..FileEntry::new(app.join("static"), "/srv/") },
    ]);
    spec.name = Some("shop".into());
    spec.settings = Settings {
        env: [("A".into(), "1=2".into())].into(),
        cmd: Some(vec!["/bin/server".into()]),
        working_dir: Some("/srv".into()),
        user: Some("1000:1001".parse().unwrap()),
        exposed_ports: vec![ExposedPort { port: 80, protocol: PortProtocol::Tcp }],
        labels: [("team".into(), "shop".into())].into(),
        stop_signal: Some("SIGINT".into()),
        entrypoint: None,
    };
    let built = build(&spec, &fixture.layout).unwrap();
    assert_eq!(fixture.layout.list().unwrap()[0].name.as_deref(), Some("shop"));
    let target = fixture.folder.path().join("root");
    let config = unpack(&fixture.layout, &built.digest, &target, &UnpackOptions::default()).unwrap().config;
    assert_eq!((config.env, config.cmd), (vec!["A=1=2".to_owned()], vec!["/bin/server".to_owned()]));
    assert_eq!((config.user.as_str(), config.working_dir.as_str()), ("1000:1001", "/srv"));
    assert!(config.exposed_ports.contains_key("80/tcp") && config.labels["team"] == "shop");
    assert_eq!(config.stop_signal.as_deref(), Some("SIGINT"));
    let of = |path: &str| fs::symlink_metadata(target.join(path)).unwrap();
    assert_eq!(of("bin/server").mode() & 0o7777, 0o4711);
    assert_eq!((of("bin").mode() & 0o7777, of("srv/css").mode() & 0o7777), (0o755, 0o755));
    assert_eq!(fs::read_link(target.join("srv/start")).unwrap(), Path::new("index.html"));
    if crate::images::is_root() {
        let owner = |path: &str| (of(path).uid(), of(path).gid());
        assert_eq!((owner("bin/server"), owner("bin"), owner("srv")), ((7, 8), (0, 0), (9, 9)));
        assert_eq!((owner("srv/start"), owner("srv/css/a.css")), ((9, 9), (9, 9)));
    }
}

#[test]
fn what_may_not_go_into_an_image_is_refused_by_name() {
    let fixture = Fixture::new();
    let app = application(fixture.folder.path(), 0o022, 10);
    let refused = |files: Vec<FileEntry>, words: &[&str]| {
        let fault = build(&spec(files), &fixture.layout).unwrap_err().to_string();
        for word in words {
            assert!(fault.contains(word), "{fault:?} lacks {word:?}");
        }
    };
    refused(
        vec![FileEntry::new(app.join("absent"), "/a")],
        &["app/absent", "the source of /a", "does not exist"],
    );
    refused(vec![FileEntry::new(&app, "relative")], &["relative", "not absolute"]);
    refused(vec![FileEntry::new(&app, "/a/../../b")], &["`..`"]);
    refused(vec![FileEntry::new(app.join("server"), "/bin/")], &["/bin/", "a folder"]);
    refused(vec![FileEntry::new(&app, "/a/.wh.b")], &["removal"]);
    refused(
        vec![FileEntry::new(app.join("server"), "/a"), FileEntry::new(app.join("static/index.html"), "/a")],
        &["/a", "app/server", "index.html"],
    );
    refused(
        vec![FileEntry::new(app.join("server"), "/a"), FileEntry::new(app.join("server"), "/a/b")],
        &["two things", "/a"],
    );
    let link = app.join("static/css/out");
    for target in ["../../server", "/etc/passwd", "../css/../../static/../server"] {
        symlink(target, &link).unwrap();
        refused(vec![FileEntry::new(app.join("static"), "/srv")], &["css/out", target, "leads out"]);
        fs::remove_file(&link).unwrap();
    }
    let socket = std::os::unix::net::UnixListener::bind(app.join("s")).unwrap();
    refused(vec![FileEntry::new(&app, "/app")], &["app/s", "is a socket"]);
    drop(socket);
    refused(vec![FileEntry::new("/dev/null", "/app")], &["/dev/null", "is a device"]);
    assert!(fixture.layout.list().unwrap().is_empty());
}

#[test]
fn an_image_of_somebody_elses_layout_is_built_upon() {
    let theirs = Fixture::new();
    let lower = RawTar::default()
        .entry(tar::EntryType::Directory, "tmp", "", 0o1777, b"")
        .folder("usr")
        .folder("usr/bin")
        .file("usr/bin/sh", "shell")
        .symlink("bin", "usr/bin");
    theirs.image(&[theirs.layer(lower)], Some("base"));
    let ours = Fixture::new();
    let app = application(ours.folder.path(), 0o022, 10);
    let mut spec = spec(vec![
        FileEntry::new(app.join("server"), "/bin/server"),
        FileEntry::new(app.join("server"), "/tmp/server"),
    ]);
    spec.platform = Platform::host();
    spec.base = Base::Layout { path: theirs.layout.root().to_owned(), reference: Some("base".into()) };
    spec.settings.env = [("LANG".into(), "de".into())].into();
    spec.settings.entrypoint = Some(vec!["/bin/server".into()]);
    let built = build(&spec, &ours.layout).unwrap();
    assert_eq!(build(&spec, &ours.layout).unwrap().digest, built.digest);
    let target = ours.folder.path().join("root");
    let config = unpack(&ours.layout, &built.digest, &target, &UnpackOptions::default()).unwrap().config;
    assert_eq!(config.env, ["PATH=/bin", "LANG=de"]);
    assert!(config.cmd.is_empty() && config.other.contains_key("Volumes"));
    // Through the base's link, which is still there, and beside what it leads to.
    assert!(target.join("bin").is_symlink() && target.join("usr/bin/server").is_file());
    assert_eq!(fs::read_to_string(target.join("bin/sh")).unwrap(), "shell");
    assert_eq!(fs::metadata(target.join("tmp")).unwrap().mode() & 0o7777, 0o1777);

    spec.base = Base::Layout { path: theirs.layout.root().to_owned(), reference: Some("bass".into()) };
    let fault = build(&spec, &ours.layout).unwrap_err();
    assert!(matches!(&fault, Error::UnknownImage { known, .. } if known == "base"), "{fault}");
    spec.base = Base::Layout { path: ours.folder.path().join("none"), reference: None };
    assert!(matches!(build(&spec, &ours.layout), Err(Error::NotALayout { .. })));
    drop(Layout::open(theirs.layout.root()).unwrap());
}

#[test]
fn a_later_layer_stands_over_an_earlier_one() {
    let fixture = Fixture::new();
    let app = application(fixture.folder.path(), 0o022, 10);
    let mut spec = spec(vec![FileEntry::new(app.join("static"), "/srv")]);
    let over = FileEntry::new(app.join("server"), "/srv/index.html");
    spec.layers.push(LayerSpec { files: vec![over], programs: vec![] });
    let built = build(&spec, &fixture.layout).unwrap();
    let target = fixture.folder.path().join("root");
    unpack(&fixture.layout, &built.digest, &target, &UnpackOptions::default()).unwrap();
    assert_eq!(fs::read_to_string(target.join("srv/index.html")).unwrap(), "#!/bin/sh\n");
    assert!(target.join("srv/css/a.css").is_file());
}

#[test]
fn skopeo_reads_what_is_built_and_what_it_writes_is_read() {
    let fixture = Fixture::new();
    let app = application(fixture.folder.path(), 0o022, 10);
    let mut spec = spec(vec![FileEntry::new(&app, "/app")]);
    spec.platform = Platform::host();
    spec.name = Some("shop:v1".into());
    let built = build(&spec, &fixture.layout).unwrap();
    let ours = format!("oci:{}:shop:v1", fixture.layout.root().display());
    let skopeo = |arguments: &[&str]| std::process::Command::new("skopeo").args(arguments).output();
    let output = match skopeo(&["inspect", &ours]) {
        Ok(output) => output,
        Err(fault) => return crate::images::skipped(&format!("skopeo cannot be started: {fault}")),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let image = fixture.layout.image(&built.digest).unwrap();
    assert_eq!(seen["Digest"], built.digest.to_string());
    assert_eq!(seen["Layers"][0], image.manifest.layers[0].digest.to_string());

    let copy = fixture.folder.path().join("copy");
    let output =
        skopeo(&["--insecure-policy", "copy", &ours, &format!("oci:{}:copied", copy.display())]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let copied = Layout::open(&copy).unwrap().resolve(Some("copied"), &Platform::host()).unwrap();
    assert_eq!(copied.config, image.config);
    let upon = BuildSpec { base: Base::Layout { path: copy, reference: None }, ..spec };
    let upon = build(&upon, &fixture.layout).unwrap();
    assert_eq!(fixture.layout.image(&upon.digest).unwrap().layers().count(), 2);
}
