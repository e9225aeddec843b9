//! Layers that nobody should make. Each is refused with a message that names the entry, and nothing is left of it.

use std::fs;
use std::path::Path;

use oci::{Digest, Error, Layer, Limits, UnpackOptions, WhiteoutForm, ensure_layer, unpack_layer};
use proptest::prelude::*;
use tar::EntryType;

use crate::images::{Fixture, RawTar, gzip};

/// Unpacks in both forms and checks that it is refused with these words, and that nothing new lies beside the layout.
fn refused(fixture: &Fixture, layer: &Layer, options: &UnpackOptions, words: &[&str]) {
    let sentinel = fixture.folder.path().join("sentinel");
    fs::write(&sentinel, "untouched").unwrap();
    for form in [WhiteoutForm::Overlay, WhiteoutForm::Apply] {
        let target = fixture.folder.path().join("target");
        let fault = unpack_layer(&fixture.layout, layer, &target, form, options).unwrap_err().to_string();
        for word in words {
            assert!(fault.contains(word), "{fault:?} lacks {word:?}");
        }
    }
    assert_eq!(fs::read_to_string(&sentinel).unwrap(), "untouched");
    assert_eq!(names(fixture.folder.path()), ["layout", "sentinel"]);
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn check(tar: RawTar, words: &[&str]) {
    let fixture = Fixture::new();
    let layer = fixture.layer(tar);
    refused(&fixture, &layer, &UnpackOptions::default(), words);
}

#[test]
fn names_that_lead_out_are_refused() {
    check(RawTar::default().file("ok", "").file("../sentinel", "x"), &["../sentinel", "`..`"]);
    check(RawTar::default().file("a/../../sentinel", "x"), &["a/../../sentinel", "`..`"]);
    check(RawTar::default().file("/etc/passwd", "x"), &["/etc/passwd", "absolute"]);
    check(RawTar::default().file("a/.wh...", ""), &["a/.wh...", "removal of nothing"]);
    let long = RawTar::default().pax("path", "../".repeat(50).as_bytes()).file("short", "x");
    check(long, &["../../", "`..`"]);
}

#[test]
fn links_are_never_written_through() {
    let outside = RawTar::default().symlink("out", "..").file("out/sentinel", "x");
    check(outside, &["out/sentinel", "`out`, a symbolic link"]);
    let absolute = RawTar::default().symlink("out", "/tmp").folder("out/made");
    check(absolute, &["out/made", "a symbolic link"]);
    let swapped = RawTar::default().folder("a").file("a/f", "").symlink("a", "..").file("a/sentinel", "x");
    check(swapped, &["a/sentinel", "a symbolic link"]);
    let inside = RawTar::default().file("f", "").file("f/g", "x");
    check(inside, &["f/g", "`f`, a file"]);
}

#[test]
fn a_link_in_the_place_of_a_file_is_replaced_and_what_it_led_to_is_left() {
    let fixture = Fixture::new();
    let outside = fixture.folder.path().join("outside");
    fs::write(&outside, "untouched").unwrap();
    let layer = fixture.layer(RawTar::default().symlink("f", "../outside").file("f", "new"));
    let target = fixture.folder.path().join("target");
    unpack_layer(&fixture.layout, &layer, &target, WhiteoutForm::Apply, &UnpackOptions::default()).unwrap();
    assert_eq!(fs::read_to_string(target.join("f")).unwrap(), "new");
    assert!(!target.join("f").is_symlink());
    assert_eq!(fs::read_to_string(outside).unwrap(), "untouched");
}

#[test]
fn a_removal_through_a_link_removes_nothing_outside() {
    let fixture = Fixture::new();
    let outside = fixture.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("f"), "untouched").unwrap();
    for marker in ["l/.wh.f", "l/.wh..wh..opq"] {
        let layer = fixture.layer(RawTar::default().symlink("l", "../outside").file(marker, ""));
        let target = fixture.folder.path().join("target");
        let _ =
            unpack_layer(&fixture.layout, &layer, &target, WhiteoutForm::Apply, &UnpackOptions::default());
        assert_eq!(fs::read_to_string(outside.join("f")).unwrap(), "untouched", "{marker}");
        let _ = fs::remove_dir_all(target);
    }
}

#[test]
fn hard_links_lead_to_files_of_the_image_only() {
    let hard = |target| RawTar::default().entry(EntryType::Link, "hard", target, 0o644, b"");
    check(hard("../sentinel"), &["hard", "`../sentinel`", "`..`"]);
    check(hard("/etc/passwd"), &["hard", "`/etc/passwd`", "absolute"]);
    check(hard("nothing"), &["hard", "`nothing`", "does not have"]);
    let through =
        RawTar::default().symlink("l", "..").entry(EntryType::Link, "hard", "l/sentinel", 0o644, b"");
    check(through, &["hard", "`l`, a symbolic link"]);
    let to_link =
        RawTar::default().symlink("l", "/etc/passwd").entry(EntryType::Link, "hard", "l", 0o644, b"");
    check(to_link, &["hard", "`l`, which is a symbolic link"]);
}

#[test]
fn device_nodes_are_refused() {
    for kind in [EntryType::Char, EntryType::Block] {
        check(RawTar::default().entry(kind, "dev/sda", "", 0o666, b""), &["dev/sda", "device node"]);
    }
    let fixture = Fixture::new();
    let zero = fixture.layer(RawTar::default().entry(EntryType::Char, "gone", "", 0o666, b""));
    let options = UnpackOptions { devices: true, ..UnpackOptions::default() };
    refused(&fixture, &zero, &options, &["gone", "0:0"]);
}

#[test]
fn what_claims_or_holds_more_than_the_limit_is_refused() {
    let huge = RawTar::default().file("small", "x").claim(EntryType::Regular, "huge", 1 << 40);
    check(huge, &["huge", "1099511627776 bytes", "limit"]);
    check(RawTar::default().claim(EntryType::XHeader, "x", 1 << 30), &["claims 1073741824 bytes"]);
    let fixture = Fixture::new();
    let limits =
        |bytes, entries| UnpackOptions { limits: Limits { bytes, entries }, ..UnpackOptions::default() };
    let many = fixture.layer((0..5).fold(RawTar::default(), |tar, at| tar.file(&format!("f{at}"), "x")));
    refused(&fixture, &many, &limits(100, 4), &["f4", "more than 4 entries"]);
    refused(&fixture, &many, &limits(4, 10), &["f4", "limit of 4"]);
    // Zeros after the end of the tar: no entry, but 64 MiB of work out of 64 KiB.
    let mut bomb = RawTar::default().file("f", "").bytes();
    bomb.resize(64 << 20, 0);
    let bomb = fixture.blob(&gzip(&bomb), Digest::of(&bomb));
    refused(&fixture, &bomb, &limits(1 << 20, 100), &["uncompressed size"]);
}

#[test]
fn a_layer_that_is_not_what_its_digests_say_is_refused() {
    let fixture = Fixture::new();
    let options = UnpackOptions::default();
    let right = RawTar::default().file("f", "content").bytes();
    let right = fixture.blob(&right, Digest::of(&right));
    let mut wrong = right.clone();
    wrong.diff_id = Digest::of(b"something else");
    refused(&fixture, &wrong, &options, &["diff id", &right.diff_id.to_string()]);

    let blob = fixture.layout.root().join("blobs/sha256").join(right.descriptor.digest.hex());
    let other = RawTar::default().file("f", "cOntent").bytes();
    assert_eq!(other.len() as u64, right.descriptor.size);
    fs::write(&blob, &other).unwrap();
    refused(&fixture, &right, &options, &[&right.descriptor.digest.to_string(), "their digest is"]);
    fs::write(&blob, &other[..other.len() - 1]).unwrap();
    refused(&fixture, &right, &options, &[&right.descriptor.digest.to_string()]);
    fs::remove_file(&blob).unwrap();
    refused(&fixture, &right, &options, &["lacks the blob"]);
}

#[test]
fn a_layer_that_breaks_off_is_refused() {
    let fixture = Fixture::new();
    let options = UnpackOptions::default();
    // Content that gzip cannot make smaller, so that a cut lies inside of it.
    let content: String = (0..5000u32).map(|at| Digest::of(&at.to_le_bytes()).hex()).collect();
    let tar = RawTar::default().file("first", "x").file("second", &content).bytes();
    let whole = gzip(&tar);
    let cut = fixture.blob(&whole[..whole.len() / 2], Digest::of(&tar));
    refused(&fixture, &cut, &options, &["second"]);
    let cut = fixture.blob(&tar[..2000], Digest::of(&tar[..2000]));
    refused(&fixture, &cut, &options, &["second", "ends inside its content"]);
    let noise = fixture.blob(&[7; 2000], Digest::of(&[7; 2000]));
    refused(&fixture, &noise, &options, &["checksum"]);
    let garbage = gzip(&tar).into_iter().chain([1, 2, 3]).collect::<Vec<_>>();
    let garbage = fixture.blob(&garbage, Digest::of(&tar));
    refused(&fixture, &garbage, &options, &["the end"]);
}

#[test]
fn a_refused_layer_leaves_nothing_in_the_cache() {
    let fixture = Fixture::new();
    let cache = fixture.folder.path().join("cache");
    let layer = fixture.layer(RawTar::default().file("ok", "").file("../x", ""));
    let fault = ensure_layer(&cache, &fixture.layout, &layer, &UnpackOptions::default()).unwrap_err();
    assert!(matches!(fault, Error::Layer { .. }), "{fault}");
    assert!(names(&cache).iter().all(|it| it.starts_with(".lock-")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_layer_neither_panics_nor_reaches_outside(
        changes in prop::collection::vec((0..6000usize, any::<u8>()), 1..6),
        names in prop::collection::vec("[a/.lw-]{1,6}", 3),
    ) {
        let fixture = Fixture::new();
        let outside = fixture.folder.path().join("sentinel");
        fs::write(&outside, "untouched").unwrap();
        let mut tar = RawTar::default().symlink("l", "..").folder("a").pax("path", b"a/long").file("b", "content");
        for name in &names {
            tar = tar.entry(EntryType::Link, name, "a/long", 0o644, b"").symlink(name, "l/..").file(name, "x");
        }
        let mut tar = tar.bytes();
        for (at, byte) in changes {
            let at = at % tar.len();
            tar[at] = byte;
            // A checksum that fits, or nothing but the checksum would ever be looked at.
            let header = tar::Header::from_byte_slice(&tar[at / 512 * 512..][..512]);
            let mut header = header.clone();
            header.set_cksum();
            tar[at / 512 * 512..][..512].copy_from_slice(header.as_bytes());
        }
        let layer = fixture.blob(&tar, Digest::of(&tar));
        let target = fixture.folder.path().join("target");
        for form in [WhiteoutForm::Overlay, WhiteoutForm::Apply] {
            if unpack_layer(&fixture.layout, &layer, &target, form, &UnpackOptions::default()).is_ok() {
                fs::remove_dir_all(&target).unwrap();
            }
        }
        prop_assert_eq!(fs::read_to_string(&outside).unwrap(), "untouched");
        prop_assert_eq!(super::hostile::names(fixture.folder.path()), ["layout", "sentinel"]);
    }
}
