//! Random trees of files, built into an image and unpacked again.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use oci::{Base, BuildSpec, FileEntry, LayerSpec, Platform, Settings, UnpackOptions, build, unpack};
use proptest::prelude::*;

use crate::images::Fixture;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Folder,
    File { content: Vec<u8>, executable: bool },
    Link(String),
}

/// Names that are short, long enough for GNU's extension, and not ASCII.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-c]{1,2}", 1 => "[a-z]{90,120}", 1 => "[äöü €.-]{1,5}".prop_filter("a name", |it| it != "." && it != "..")]
}

fn node() -> impl Strategy<Value = Node> {
    prop_oneof![
        1 => Just(Node::Folder),
        4 => (prop::collection::vec(any::<u8>(), 0..1500), any::<bool>())
            .prop_map(|(content, executable)| Node::File { content, executable }),
        1 => prop_oneof!["[a-c]{1,3}", "[a-c]{60}/[a-c]{60}"].prop_map(Node::Link),
    ]
}

fn tree() -> impl Strategy<Value = BTreeMap<PathBuf, Node>> {
    let path = prop::collection::vec(name(), 1..5).prop_map(|parts| parts.iter().collect::<PathBuf>());
    prop::collection::btree_map(path, node(), 0..12)
}

/// Makes the tree, leaving out what cannot be because a parent is no folder.
fn make(folder: &Path, tree: &BTreeMap<PathBuf, Node>) {
    fs::create_dir(folder).unwrap();
    for (path, node) in tree {
        let at = folder.join(path);
        let parent = at.parent().unwrap();
        let through_link = parent.ancestors().take_while(|it| *it != folder).any(Path::is_symlink);
        if through_link || fs::create_dir_all(parent).is_err() || fs::symlink_metadata(&at).is_ok() {
            continue;
        }
        match node {
            Node::Folder => fs::create_dir(&at).unwrap(),
            Node::Link(target) => symlink(target, &at).unwrap(),
            Node::File { content, executable } => {
                fs::write(&at, content).unwrap();
                let mode = if *executable { 0o700 } else { 0o600 };
                fs::set_permissions(&at, fs::Permissions::from_mode(mode)).unwrap();
            }
        }
    }
}

fn read(folder: &Path) -> BTreeMap<PathBuf, Node> {
    let (mut found, mut open) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(at).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            let node = if kind.is_dir() {
                open.push(entry.path());
                Node::Folder
            } else if kind.is_symlink() {
                Node::Link(fs::read_link(entry.path()).unwrap().to_str().unwrap().to_owned())
            } else {
                let executable = entry.metadata().unwrap().mode() & 0o100 != 0;
                Node::File { content: fs::read(entry.path()).unwrap(), executable }
            };
            found.insert(entry.path().strip_prefix(folder).unwrap().to_owned(), node);
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_built_is_what_is_unpacked(tree in tree()) {
        let fixture = Fixture::new();
        let source = fixture.folder.path().join("source");
        make(&source, &tree);
        let spec = BuildSpec {
            base: Base::Scratch,
            platform: Platform::host(),
            layers: vec![LayerSpec { files: vec![FileEntry::new(&source, "/")], programs: Vec::new() }],
            settings: Settings::default(),
            name: None,
        };
        let built = build(&spec, &fixture.layout).unwrap();
        let target = fixture.folder.path().join("target");
        unpack(&fixture.layout, &built.digest, &target, &UnpackOptions::default()).unwrap();
        prop_assert_eq!(read(&target), read(&source));
    }
}
