//! Layers that are as they should be.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use oci::{
    Digest, Layer, Ownership, UnpackOptions, WhiteoutForm, ensure_layer, prune_layers, unpack, unpack_layer,
};
use tar::EntryType;

use crate::images::{Fixture, RawTar, gzip, is_root, skipped};

fn unpacked(fixture: &Fixture, layers: &[Layer], options: &UnpackOptions) -> std::path::PathBuf {
    let image = fixture.image(layers, None);
    let target = fixture.folder.path().join("root");
    unpack(&fixture.layout, &image, &target, options).unwrap();
    target
}

/// All paths below a folder with what files hold.
fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(at).unwrap().map(Result::unwrap) {
            let shown = entry.path().strip_prefix(folder).unwrap().display().to_string();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                found.push(format!("{shown}/"));
                open.push(entry.path());
            } else if kind.is_symlink() {
                found.push(format!("{shown} -> {}", fs::read_link(entry.path()).unwrap().display()));
            } else {
                found.push(format!("{shown} = {}", fs::read_to_string(entry.path()).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// A lower layer, and one that removes from it in every way there is.
fn removing(fixture: &Fixture) -> [Layer; 2] {
    let lower = RawTar::default()
        .file("keep", "1")
        .file("gone", "1")
        .folder("gone-folder")
        .file("gone-folder/f", "1")
        .folder("opaque")
        .file("opaque/old", "1")
        .folder("opaque/deep")
        .file("opaque/deep/old", "1")
        .folder("replaced")
        .file("replaced/old", "1")
        .file("becomes-folder", "1")
        .folder("becomes-file")
        .file("becomes-file/old", "1");
    let upper = RawTar::default()
        .file(".wh.gone", "")
        .file(".wh.gone-folder", "")
        // The content before the mark and after it: the mark is about the lower layer only.
        .folder("opaque")
        .file("opaque/new", "2")
        .file("opaque/.wh..wh..opq", "")
        .folder("opaque/deep")
        .file("opaque/deep/new", "2")
        .file(".wh.replaced", "")
        .folder("replaced")
        .file("replaced/new", "2")
        .folder("becomes-folder")
        .file("becomes-folder/new", "2")
        .file("becomes-file", "2");
    [fixture.layer(lower), fixture.layer(upper)]
}

const REMOVED: [&str; 10] = [
    "becomes-file = 2",
    "becomes-folder/",
    "becomes-folder/new = 2",
    "keep = 1",
    "opaque/",
    "opaque/deep/",
    "opaque/deep/new = 2",
    "opaque/new = 2",
    "replaced/",
    "replaced/new = 2",
];

#[test]
fn an_upper_layer_removes_from_the_lower_one_and_not_from_itself() {
    let fixture = Fixture::new();
    let root = unpacked(&fixture, &removing(&fixture), &UnpackOptions::default());
    assert_eq!(tree(&root), REMOVED);
}

#[test]
fn an_overlay_of_unpacked_layers_shows_what_applying_them_does() {
    if !is_root() {
        return skipped("only root can mount an overlay");
    }
    let fixture = Fixture::new();
    let cache = fixture.folder.path().join("cache");
    let layers = removing(&fixture)
        .map(|layer| ensure_layer(&cache, &fixture.layout, &layer, &UnpackOptions::default()).unwrap());
    let gone = fs::symlink_metadata(layers[1].join("gone")).unwrap();
    assert!(gone.file_type().is_char_device() && gone.rdev() == 0);
    let mark = xattr::get(layers[1].join("opaque"), "trusted.overlay.opaque").unwrap();
    assert_eq!(mark.as_deref(), Some(&b"y"[..]));
    let merged = fixture.folder.path().join("merged");
    fs::create_dir(&merged).unwrap();
    let options = format!("lowerdir={}:{}", layers[1].display(), layers[0].display());
    if let Err(errno) =
        mount(Some("overlay"), &merged, Some("overlay"), MsFlags::MS_RDONLY, Some(options.as_str()))
    {
        return skipped(&format!("an overlay cannot be mounted here: {errno}"));
    }
    let seen = tree(&merged);
    umount2(&merged, MntFlags::MNT_DETACH).unwrap();
    assert_eq!(seen, REMOVED);
}

#[test]
fn owners_modes_times_and_attributes_are_kept_for_root() {
    if !is_root() {
        return skipped("only root can give files away");
    }
    let fixture = Fixture::new();
    let capability = b"\x01\0\0\x02\0\x20\0\n\0\0\0\0\0\0\0\0\0\0\0\0";
    let layer = fixture.layer(
        RawTar::default()
            .owned("suid", (1000, 1001), 0o4755)
            .pax("SCHILY.xattr.security.capability", capability)
            .file("ping", "")
            .pax("SCHILY.xattr.trusted.overlay.opaque", b"y")
            .folder("folder")
            .entry(EntryType::Directory, "closed", "", 0o555, b"")
            .file("closed/f", "")
            .entry(EntryType::Link, "closed/hard", "closed/f", 0o644, b""),
    );
    let target = fixture.folder.path().join("kept");
    let options = UnpackOptions::default();
    unpack_layer(&fixture.layout, &layer, &target, WhiteoutForm::Overlay, &options).unwrap();
    let suid = fs::metadata(target.join("suid")).unwrap();
    assert_eq!(
        (suid.uid(), suid.gid(), suid.mode() & 0o7777, suid.mtime()),
        (1000, 1001, 0o4755, 1_000_000_000)
    );
    assert_eq!(
        xattr::get(target.join("ping"), "security.capability").unwrap().as_deref(),
        Some(&capability[..])
    );
    assert_eq!(xattr::get(target.join("folder"), "trusted.overlay.opaque").unwrap(), None);
    let mode = |path: &str| fs::metadata(target.join(path)).unwrap().mode() & 0o7777;
    assert_eq!((mode("closed"), mode("")), (0o555, 0o755));
    assert_eq!(fs::metadata(target.join("closed/hard")).unwrap().nlink(), 2);

    let target = fixture.folder.path().join("dropped");
    let options = UnpackOptions { ownership: Ownership::Drop, setuid: false, ..options };
    unpack_layer(&fixture.layout, &layer, &target, WhiteoutForm::Apply, &options).unwrap();
    let suid = fs::metadata(target.join("suid")).unwrap();
    assert_eq!((suid.uid(), suid.mode() & 0o7777), (0, 0o755));
    assert_eq!(fs::metadata(target.join("closed")).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(xattr::get(target.join("ping"), "security.capability").unwrap(), None);
}

#[test]
fn a_layer_is_known_by_its_first_bytes_whatever_it_is_compressed_with() {
    let fixture = Fixture::new();
    let tar = RawTar::default().file("f", "content").bytes();
    let diff_id = Digest::of(&tar);
    let two_members = [gzip(&tar[..700]), gzip(&tar[700..])].concat();
    for blob in [tar.clone(), gzip(&tar), two_members, zstd::encode_all(&tar[..], 3).unwrap()] {
        let layer = fixture.blob(&blob, diff_id);
        let target = fixture.folder.path().join("target");
        unpack_layer(&fixture.layout, &layer, &target, WhiteoutForm::Apply, &UnpackOptions::default())
            .unwrap();
        assert_eq!(tree(&target), ["f = content"]);
        fs::remove_dir_all(target).unwrap();
    }
}

#[test]
fn a_folder_that_holds_something_is_not_unpacked_into() {
    let fixture = Fixture::new();
    let layer = fixture.layer(RawTar::default().file("f", "x"));
    let target = fixture.folder.path().join("target");
    fs::create_dir(&target).unwrap();
    unpack_layer(&fixture.layout, &layer, &target, WhiteoutForm::Apply, &UnpackOptions::default()).unwrap();
    let again =
        unpack_layer(&fixture.layout, &layer, &target, WhiteoutForm::Apply, &UnpackOptions::default());
    assert!(std::error::Error::source(&again.unwrap_err()).unwrap().to_string().contains("not empty"));
}

#[test]
fn a_layer_asked_for_by_many_at_once_is_unpacked_once_and_pruned_when_nobody_keeps_it() {
    let fixture = Fixture::new();
    let cache = fixture.folder.path().join("cache");
    let files = (0..200).fold(RawTar::default(), |tar, at| tar.file(&format!("f{at}"), "x"));
    let layer = fixture.layer(files);
    // What a killed process left is removed by the next that wants the layer.
    let left = cache.join(format!(".partial-{}-killed", layer.diff_id.hex()));
    fs::create_dir_all(left.join("half")).unwrap();
    let options = UnpackOptions::default();
    let inodes: BTreeSet<_> = std::thread::scope(|scope| {
        let ask = || ensure_layer(&cache, &fixture.layout, &layer, &options).unwrap();
        let threads: Vec<_> =
            (0..6).map(|_| scope.spawn(move || fs::metadata(ask()).unwrap().ino())).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert_eq!(inodes.len(), 1);
    assert!(!left.exists());
    let folder = cache.join(layer.diff_id.hex());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 200);
    assert_eq!(prune_layers(&cache, &BTreeSet::from([layer.diff_id])).unwrap(), 0);
    assert_eq!(prune_layers(&cache, &BTreeSet::new()).unwrap(), 1);
    assert!(!folder.exists());
}
