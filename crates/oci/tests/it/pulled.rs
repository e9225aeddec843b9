//! What comes of images that were pulled from a server of the test's own: unpacked, refused, fetched once, told.

use std::fs;
use std::sync::Mutex;

use oci::registry::{Event, Progress};
use oci::{Digest, Layout, Platform};

use crate::images::{Fixture, RawTar, gzip};
use crate::liar::{Image, Liar, impatient, noise, pull};
use crate::registry::run;

#[test]
fn layers_of_a_pulled_image_that_nobody_should_make_are_refused_when_they_are_unpacked() {
    let bomb = {
        let mut tar = RawTar::default().file("f", "").bytes();
        tar.resize(64 << 20, 0);
        tar
    };
    let limits = oci::Limits { bytes: 1 << 20, entries: 100 };
    let options = oci::UnpackOptions { limits, ..oci::UnpackOptions::default() };
    for (tar, words) in [
        (RawTar::default().file("../out", "x").bytes(), "`..`"),
        (RawTar::default().file("/etc/passwd", "x").bytes(), "absolute"),
        (RawTar::default().symlink("l", "..").file("l/out", "x").bytes(), "a symbolic link"),
        (RawTar::default().entry(tar::EntryType::Link, "hard", "../out", 0o644, b"").bytes(), "`..`"),
        (RawTar::default().entry(tar::EntryType::Block, "sda", "", 0o666, b"").bytes(), "device node"),
        (RawTar::default().claim(tar::EntryType::Regular, "huge", 1 << 40).bytes(), "limit"),
        (bomb, "uncompressed size"),
    ] {
        let fixture = Fixture::new();
        let image = Image::of_blob(gzip(&tar), Digest::of(&tar), |_| {});
        let liar = Liar::start(move |asked| image.answer(asked));
        let digest = pull(&liar, &fixture.layout).unwrap().digest;
        let target = fixture.folder.path().join("target");
        let fault = oci::unpack(&fixture.layout, &digest, &target, &options).unwrap_err().to_string();
        assert!(fault.contains(words), "{fault}");
        assert!(!target.exists() && !fixture.folder.path().join("out").exists());
    }
    // A layer whose content is not what the configuration says.
    let tar = RawTar::default().file("f", "x").bytes();
    let image = Image::of_blob(gzip(&tar), Digest::of(b"other content"), |_| {});
    let fixture = Fixture::new();
    let liar = Liar::start(move |asked| image.answer(asked));
    let digest = pull(&liar, &fixture.layout).unwrap().digest;
    let fault =
        oci::unpack(&fixture.layout, &digest, &fixture.folder.path().join("target"), &options).unwrap_err();
    assert!(fault.to_string().contains("diff id"), "{fault}");
}

#[test]
fn layers_that_are_compressed_with_zstd_or_not_at_all_are_pulled_and_unpacked() {
    let tar = RawTar::default().file("f", "content").bytes();
    for (blob, kind) in [
        (zstd::encode_all(&tar[..], 3).unwrap(), "application/vnd.oci.image.layer.v1.tar+zstd"),
        (tar.clone(), "application/vnd.oci.image.layer.v1.tar"),
    ] {
        let image = Image::of_blob(blob, Digest::of(&tar), |it| it["layers"][0]["mediaType"] = kind.into());
        let fixture = Fixture::new();
        let liar = Liar::start(move |asked| image.answer(asked));
        let digest = pull(&liar, &fixture.layout).unwrap().digest;
        let target = fixture.folder.path().join("target");
        oci::unpack(&fixture.layout, &digest, &target, &oci::UnpackOptions::default()).unwrap();
        assert_eq!(fs::read_to_string(target.join("f")).unwrap(), "content");
    }
}

#[test]
fn several_that_pull_the_same_at_once_fetch_it_once() {
    let image = Image::new(noise());
    let answering = image.clone();
    let liar = Liar::start(move |asked| answering.answer(asked));
    let fixture = Fixture::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| pull(&liar, &Layout::open(fixture.layout.root()).unwrap()).unwrap());
        }
    });
    assert_eq!(liar.asked(&format!("blobs/{}", image.layer)), 1);
}

#[test]
fn how_far_it_is_is_told_and_comes_to_the_whole() {
    #[derive(Default)]
    struct Heard(Mutex<Vec<Event>>);
    impl Progress for Heard {
        fn event(&self, event: Event) {
            self.0.lock().unwrap().push(event);
        }
    }
    let image = Image::new(noise());
    let size = image.blobs[&image.layer.to_string()].len() as u64;
    let answering = image.clone();
    let liar = Liar::start(move |asked| answering.answer(asked));
    let (fixture, heard) = (Fixture::new(), Heard::default());
    run(impatient().pull(&liar.reference(), &fixture.layout, &Platform::host(), None, &heard)).unwrap();
    let heard = heard.0.into_inner().unwrap();
    assert_eq!(heard[0], Event::Begun { present: 0, wanted: 1, bytes: size });
    assert_eq!(heard.last(), Some(&Event::Moved { bytes: size, total: size }));
}
