//! Broken configurations: each file or folder of `faults/` is loaded and validated, and everything that is said about it is kept
//! beside it. A file stands for a project whose other files are fine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use diag::{Diagnostics, Style, render_all};
use lang::MemoryFiles;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/faults")
}

/// What is said about a project: the faults of loading and, as the command line does, those of validating.
fn report(files: &MemoryFiles) -> (Diagnostics, String) {
    let loaded = lang::load(files);
    let mut faults = loaded.diagnostics;
    faults.extend(lang::validate(&loaded.configuration, files));
    faults.sort();
    let text = render_all(&faults, &loaded.sources, Style::Plain);
    (faults, text)
}

fn project(path: &Path) -> MemoryFiles {
    let mut files = BTreeMap::new();
    if path.is_dir() {
        add(path, path, &mut files);
    } else {
        files.insert("mainstay.hcl".into(), b"project {\n  name = \"shop\"\n}\n".to_vec());
        files.insert("shop.hcl".into(), fs::read(path).expect("a case"));
    }
    MemoryFiles(files)
}

fn add(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder of a case") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            add(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("inside").to_string_lossy().into_owned();
            files.insert(name, fs::read(&path).expect("a file of a case"));
        }
    }
}

#[test]
fn every_fault_is_told_with_its_place_and_a_way_out() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_snapshot_path(folder().join("said"));
    settings.set_omit_expression(true);
    settings.bind(|| {
        let mut cases: Vec<PathBuf> =
            fs::read_dir(folder()).expect("the cases").map(|entry| entry.expect("an entry").path()).collect();
        cases.retain(|path| path.file_name().is_some_and(|n| n != "said"));
        cases.sort();
        assert!(cases.len() >= 60, "there are {} cases", cases.len());
        for case in cases {
            let name = case.file_stem().expect("a name").to_string_lossy().into_owned();
            let (faults, text) = report(&project(&case));
            assert!(faults.has_errors(), "nothing is said about {name}");
            insta::assert_snapshot!(name, text);
        }
    });
}
