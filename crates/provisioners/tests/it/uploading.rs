//! `file`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use value::Value;

use crate::rig::{Case, Outcome, object, text};
use crate::sshd::{Sshd, sshd, sshd_with};

async fn upload(server: &Sshd, configuration: Value) -> Outcome {
    Case::new(server.folder.path()).over(server.connection(&[])).run("file", configuration).await
}

async fn send(server: &Sshd, source: &str, destination: &Path) -> Outcome {
    let destination = text(destination.to_str().unwrap());
    upload(server, object([("source", text(source)), ("destination", destination)])).await
}

/// Every file below a folder with its content, and folders with a `/`, sorted.
fn tree(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if path.is_dir() {
                found.push(format!("{name}/"));
                walk(&path, root, found);
            } else {
                found.push(format!("{name}={}", fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

#[tokio::test]
async fn content_and_files_arrive_as_they_are() {
    let Some(server) = sshd() else { return };
    let folder = server.folder.path();
    for (name, content) in [("plain", "hey\n"), ("a b'c $HOME \"d\" ü", "no end"), ("-empty", "")] {
        let there = folder.join(name);
        let destination = text(there.to_str().unwrap());
        let configuration = object([("content", text(content)), ("destination", destination)]);
        assert!(upload(&server, configuration).await.ok().is_empty());
        assert_eq!(fs::read_to_string(&there).unwrap(), content);
        assert_eq!(fs::metadata(&there).unwrap().permissions().mode() & 0o777, 0o644);
    }
    // Every byte, more than the channel's window holds, and twice: what was there is replaced.
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let there = folder.join("plain");
    for length in [bytes.len(), 1_000] {
        fs::write(folder.join("big"), &bytes[..length]).unwrap();
        send(&server, "big", &there).await.ok();
        assert!(fs::read(&there).unwrap() == bytes[..length]);
    }
}

#[tokio::test]
async fn a_folder_goes_below_the_destination_and_with_a_slash_into_it() {
    let Some(server) = sshd() else { return };
    let folder = server.folder.path();
    fs::create_dir_all(folder.join("src/sub/empty")).unwrap();
    fs::write(folder.join("src/one"), "1").unwrap();
    fs::write(folder.join("src/sub/t wo"), "2").unwrap();
    symlink("one", folder.join("src/link")).unwrap();
    for there in ["below", "into"] {
        fs::create_dir(folder.join(there)).unwrap();
    }
    let inside = ["link=1", "one=1", "sub/", "sub/empty/", "sub/t wo=2"];
    send(&server, "src", &folder.join("below")).await.ok();
    let below: Vec<_> =
        std::iter::once("src/".to_owned()).chain(inside.iter().map(|name| format!("src/{name}"))).collect();
    assert_eq!(tree(&folder.join("below")), below);
    for (source, there) in [("src/", "into"), ("src", "new"), ("src/", "new too")] {
        send(&server, source, &folder.join(there)).await.ok();
        assert_eq!(tree(&folder.join(there)), inside, "{there}");
    }
}

#[tokio::test]
async fn a_file_goes_where_terraform_puts_it() {
    let Some(server) = sshd() else { return };
    let folder = server.folder.path();
    fs::write(folder.join("one"), "1").unwrap();
    fs::create_dir(folder.join("there")).unwrap();
    send(&server, "one", &folder.join("there")).await.fails("Upload failed");
    // A slash at the end: the folder has to be there, and its name is the file's.
    send(&server, "one", &folder.join("there/")).await.ok();
    assert_eq!(tree(&folder.join("there")), ["there=1"]);
    send(&server, "one", &folder.join("missing/one")).await.fails("Upload failed");
    send(&server, "one", &folder.join("missing/")).await.fails("Upload failed");
    assert!(!folder.join("missing").exists());
}

#[tokio::test]
async fn many_files_arrive_even_where_a_connection_carries_one_channel() {
    for more in ["", "MaxSessions 1"] {
        let Some(server) = sshd_with(|_| more.to_owned()) else { return };
        let folder = server.folder.path();
        for i in 0..60 {
            let sub = folder.join(format!("src/{}", i % 7));
            fs::create_dir_all(&sub).unwrap();
            fs::write(sub.join(format!("{i}")), i.to_string()).unwrap();
        }
        send(&server, "src/", &folder.join("there")).await.ok();
        assert_eq!(tree(&folder.join("there")), tree(&folder.join("src")), "{more}");
    }
}

#[tokio::test]
async fn home_is_the_home_here_in_the_source() {
    let Some(server) = sshd() else { return };
    let folder = server.folder.path();
    fs::write(folder.join("one"), "1").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut case = Case::new(elsewhere.path()).over(server.connection(&[]));
    case.provisioners.home = Some(folder.to_owned());
    let there = folder.join("there");
    let destination = text(there.to_str().unwrap());
    case.run("file", object([("source", text("~/one")), ("destination", destination)])).await.ok();
    assert_eq!(fs::read_to_string(there).unwrap(), "1");
}
