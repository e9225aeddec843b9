//! Archives of every kind, and archives that mean ill.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::fixtures::{Project, Server, body, call, zip};

/// A tar archive: path, content, and what a link points to.
fn tar(entries: &[(&str, Entry)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, entry) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(if matches!(entry, Entry::Program(_)) { 0o755 } else { 0o644 });
        // The library refuses paths that lead out, so they are written as they are.
        let name = &mut header.as_old_mut().name;
        name[..path.len()].copy_from_slice(path.as_bytes());
        let content: &str = match entry {
            Entry::File(text) | Entry::Program(text) => text,
            Entry::Link(target) | Entry::Same(target) => {
                let is_link = matches!(entry, Entry::Link(_));
                header.set_entry_type(if is_link { tar::EntryType::Symlink } else { tar::EntryType::Link });
                header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
                ""
            }
            Entry::Pipe => {
                header.set_entry_type(tar::EntryType::Fifo);
                ""
            }
        };
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.append(&header, content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

enum Entry {
    File(&'static str),
    Program(&'static str),
    Link(&'static str),
    Same(&'static str),
    Pipe,
}
use Entry::{File, Link, Pipe, Program, Same};

/// What the archive becomes, or the fault.
async fn unpacked(name: &str, archive: Vec<u8>) -> (Project, String) {
    let server = Server::start().await;
    server.on(&format!("/{name}"), body(archive));
    let project = Project::new();
    let outcome = project.outcome(&[call("a", &format!("{}/{name}", server.url))]).await;
    (project, outcome)
}

async fn refused(entries: &[(&str, Entry)], what: &str) {
    let (project, outcome) = unpacked("p.tar", tar(entries)).await;
    let expect = format!(
        "module-package: module a: the package has {what}, which is not taken\n  \
         hint: ask who made the package to leave it out"
    );
    assert_eq!(outcome, expect);
    assert!(!project.has(".terraform/modules/a") && !project.has("x") && !project.has(".terraform/x"));
}

#[tokio::test]
async fn nothing_is_written_outside_of_the_package() {
    refused(&[("../x", File("x"))], "a path that leads out of it, `../x`").await;
    refused(&[("a/../../x", File("x"))], "a path that leads out of it, `a/../../x`").await;
    refused(&[("/tmp/x", File("x"))], "a path that leads out of it, `/tmp/x`").await;
    refused(&[("a", Link("../../x"))], "a link that leads out of it, `a`").await;
    refused(&[("a", Link("../../x")), ("a/b", File("x"))], "a link where something else is, `a`").await;
    refused(&[("a", Link("/etc"))], "a link that leads out of it, `a`").await;
    refused(&[("a", Link("a"))], "a link that leads out of it, `a`").await;
    // Each one for itself stays inside; the second one after the first does not.
    refused(
        &[("d/e/x", File("")), ("d/e/up", Link("../..")), ("b", Link("d/e/up/../x"))],
        "a link that leads out of it, `b`",
    )
    .await;
    refused(&[("a", Pipe)], "an entry of the kind Fifo, `a`").await;
    refused(&[("a", File("")), ("b", Same("../../../x"))], "a path that leads out of it, `../../../x`").await;
}

#[tokio::test]
async fn a_file_behind_a_link_of_the_archive_does_not_follow_it() {
    let (project, outcome) =
        unpacked("p.tar", tar(&[("d", Link("e")), ("d/x", File("x")), ("e/y", File("y"))])).await;
    // The folder `d` exists already when the link is to be made.
    assert!(outcome.contains("a link where something else is, `d`"), "{outcome}");
    assert!(!project.has(".terraform/modules/a"));
}

#[tokio::test]
async fn links_inside_of_the_package_and_programs_are_kept() {
    let entries = [
        ("s/run", Program("#!/bin/sh\n")),
        ("l", Link("s/run")),
        ("t/up", Link("../s")),
        ("h", Same("s/run")),
        ("x", Link("s/no")),
    ];
    let (project, outcome) = unpacked("p.tar", tar(&entries)).await;
    assert_eq!(outcome, "a .terraform/modules/a");
    for path in ["s/run", "l", "t/up/run", "h"] {
        assert_eq!(project.read(&format!(".terraform/modules/a/{path}")), "#!/bin/sh\n");
    }
    use std::os::unix::fs::PermissionsExt;
    let mode =
        std::fs::metadata(project.path().join(".terraform/modules/a/s/run")).unwrap().permissions().mode();
    assert_eq!(mode & 0o100, 0o100);
}

#[tokio::test]
async fn zip_archives_are_held_to_the_same() {
    let check = async |files: &[(&str, &str)], what: &str| {
        let (_, outcome) = unpacked("p.zip", zip(files)).await;
        assert!(
            outcome.starts_with(&format!("module-package: module a: the package has {what}")),
            "{outcome}"
        );
    };
    check(&[("../x", "x")], "a path that leads out of it, `../x`").await;
    check(&[("/x", "x")], "a path that leads out of it, `/x`").await;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.add_symlink("a", "../../x", zip::write::SimpleFileOptions::default()).unwrap();
    let (_, outcome) = unpacked("p.zip", archive.finish().unwrap().into_inner()).await;
    assert!(outcome.contains("a link that leads out of it, `a`"), "{outcome}");
}

/// What a program of this machine makes of the bytes; `None` where it is not installed.
fn compressed(program: &str, arguments: &[&str], bytes: &[u8]) -> Option<Vec<u8>> {
    let child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(e) => {
            eprintln!("skipped: {program} cannot be started: {e}");
            return None;
        }
    };
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    Some(child.wait_with_output().unwrap().stdout)
}

#[tokio::test]
async fn every_kind_of_archive_is_unpacked() {
    let plain = tar(&[("inner/main.tf", File("# text\n"))]);
    let mut kinds = vec![("p.tar", plain.clone()), ("p.tar.zst", zstd::encode_all(&plain[..], 0).unwrap())];
    for (names, program) in
        [(["p.tar.gz", "p.tgz"], "gzip"), (["p.tar.bz2", "p.tbz2"], "bzip2"), (["p.tar.xz", "p.txz"], "xz")]
    {
        if let Some(bytes) = compressed(program, &["-c"], &plain) {
            kinds.extend(names.map(|name| (name, bytes.clone())));
        }
    }
    for (name, bytes) in kinds {
        let (project, outcome) = unpacked(name, bytes.clone()).await;
        assert_eq!(outcome, "a .terraform/modules/a", "{name}");
        assert_eq!(project.read(".terraform/modules/a/inner/main.tf"), "# text\n", "{name}");
        let (_, outcome) = unpacked(name, bytes[..bytes.len() / 4 + 3].to_vec()).await;
        assert!(
            outcome.starts_with(&format!("module-package: module a: the archive {name} is damaged: ")),
            "{outcome}"
        );
    }
}

#[tokio::test]
async fn archives_that_would_fill_the_disk_are_refused() {
    let server = Server::start().await;
    // A megabyte of zeros is a kilobyte of archive.
    let zeros = "\0".repeat(1 << 20);
    server.on("/bomb.zip", body(zip(&[("a", &zeros)])));
    server.on("/many.zip", body(zip(&[("a", ""), ("b", ""), ("c", "")])));
    server.on("/large.zip", body(vec![0; 1 << 20]));
    let mut project = Project::new();
    project.settings.limits.unpacked_bytes_max = 1 << 16;
    project.settings.limits.archive_bytes_max = 1 << 16;
    project.settings.limits.entries_max = 2;
    for (name, what) in [
        ("bomb.zip", "what is in bomb.zip is larger than the 65536 bytes that are allowed"),
        ("many.zip", "many.zip is larger than the 2 files that are allowed"),
        ("large.zip", "URL/large.zip is larger than the 65536 bytes that are allowed"),
    ] {
        let outcome = project.outcome(&[call("a", &format!("{}/{name}", server.url))]).await;
        assert_eq!(
            outcome.replace(&server.url, "URL"),
            format!(
                "module-package: module a: {what}\n  \
                 hint: a package of modules is small; check that the address is the right one"
            )
        );
    }
}
