//! Programs of this machine with the libraries that they are linked to.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use oci::{Base, BuildSpec, LayerSpec, Platform, Settings, UnpackOptions, build, unpack};

use crate::images::{Fixture, is_root, skipped};

fn spec(program: &Path) -> BuildSpec {
    BuildSpec {
        base: Base::Scratch,
        platform: Platform::host(),
        layers: vec![LayerSpec { files: Vec::new(), programs: vec![program.to_owned()] }],
        settings: Settings::default(),
        name: None,
    }
}

/// Unpacks an image of nothing but the program.
fn root_of(fixture: &Fixture, program: &Path) -> PathBuf {
    let built = build(&spec(program), &fixture.layout).unwrap();
    let target = fixture.folder.path().join("root");
    unpack(&fixture.layout, &built.digest, &target, &UnpackOptions::default()).unwrap();
    target
}

/// Runs a program with the unpacked image as its whole world.
fn in_root(root: &Path, command: &[&str]) -> Result<String, String> {
    let mut chroot = Command::new("chroot");
    chroot.arg(root).args(command).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    // The loader reads `$ORIGIN` from /proc, which is not mounted here as it is in a container.
    chroot.env("LD_ORIGIN_PATH", Path::new(command[0]).parent().unwrap());
    let output = chroot.output().map_err(|fault| fault.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
fn a_program_runs_where_nothing_else_is() {
    let program = Path::new("/bin/ls");
    if !is_root() || !program.exists() {
        return skipped("it takes root and /bin/ls");
    }
    let fixture = Fixture::new();
    let root = root_of(&fixture, program);
    let listing = in_root(&root, &["/bin/ls", "/"]).unwrap();
    assert!(listing.lines().any(|it| it == "bin") && !listing.contains("home"), "{listing}");
}

#[test]
fn the_libraries_are_those_that_the_loader_itself_lists() {
    let fixture = Fixture::new();
    for program in ["/bin/ls", "/usr/bin/python3", "/usr/bin/git", "/usr/bin/curl"].map(Path::new) {
        let Ok(output) = Command::new("ldd").arg(program).output() else { return skipped("there is no ldd") };
        if !output.status.success() {
            skipped(&format!("{} is not a dynamic program here", program.display()));
            continue;
        }
        let root = root_of(&fixture, program);
        let listed = String::from_utf8(output.stdout).unwrap();
        // `name => path (address)`, or `path (address)` for the loader.
        let listed: BTreeSet<_> = listed.split_whitespace().filter(|it| it.starts_with('/')).collect();
        assert!(!listed.is_empty());
        for library in &listed {
            assert!(root.join(&library[1..]).is_file(), "{} lacks {library}", program.display());
        }
        let mut files = 0;
        let mut open = vec![root.clone()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() { open.push(entry.path()) } else { files += 1 }
            }
        }
        assert_eq!(files, listed.len() + 1, "{} brings more than it is linked to", program.display());
        fs::remove_dir_all(root).unwrap();
    }
}

/// A program and two libraries, one of which needs the other, found by `$ORIGIN` only.
fn compile(folder: &Path) -> Result<PathBuf, String> {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    fs::create_dir_all(folder.join("real/bin")).unwrap();
    fs::create_dir_all(folder.join("real/lib")).unwrap();
    write("inner.c", "int inner(void) { return 41; }");
    write("outer.c", "int inner(void); int outer(void) { return inner() + 1; }");
    write(
        "main.c",
        "#include <stdio.h>\nint outer(void); int main(void) { printf(\"%d\\n\", outer()); return 0; }",
    );
    for line in [
        "-shared -fPIC inner.c -o real/lib/libinner.so",
        "-shared -fPIC outer.c -Lreal/lib -linner -Wl,-rpath,$ORIGIN -o real/lib/libouter.so",
        "main.c -Lreal/lib -louter -Wl,-rpath-link,real/lib -Wl,-rpath,${ORIGIN}/../lib -o real/bin/answer",
    ] {
        let output = Command::new("cc").args(line.split(' ')).current_dir(folder).output();
        let output = output.map_err(|fault| format!("there is no C compiler: {fault}"))?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(folder.join("real/bin/answer"))
}

#[test]
fn libraries_beside_the_program_stand_where_it_will_look() {
    let fixture = Fixture::new();
    let source = fixture.folder.path().join("source");
    let program = match compile(&source) {
        Ok(program) => program,
        Err(why) => return skipped(&why),
    };
    // Named by a link in another folder: in the image it is a file there, and `$ORIGIN` is that folder.
    let link = source.join("tools/answer");
    fs::create_dir(source.join("tools")).unwrap();
    std::os::unix::fs::symlink(&program, &link).unwrap();
    for program in [program, link] {
        let root = root_of(&fixture, &program);
        if is_root() {
            assert_eq!(in_root(&root, &[program.to_str().unwrap()]).unwrap(), "42\n");
        }
        let lib = program.parent().unwrap().parent().unwrap().join("lib/libinner.so");
        assert!(root.join(lib.strip_prefix("/").unwrap()).is_file());
        fs::remove_dir_all(root).unwrap();
    }
    fs::remove_file(source.join("real/lib/libinner.so")).unwrap();
    let fault = build(&spec(&source.join("real/bin/answer")), &fixture.layout).unwrap_err().to_string();
    assert!(fault.contains("its library libinner.so, needed by") && fault.contains("libouter.so"), "{fault}");
}

#[test]
fn what_is_no_program_is_refused() {
    let fixture = Fixture::new();
    let script = fixture.folder.path().join("script");
    fs::write(&script, "#!/bin/sh\n").unwrap();
    let refused = |program: &Path| build(&spec(program), &fixture.layout).unwrap_err().to_string();
    assert!(refused(&script).contains("not an ELF program"));
    assert!(refused(Path::new("bin/ls")).contains("absolute"));
    assert!(refused(&fixture.folder.path().join("absent")).contains("cannot be read"));
    fs::write(&script, b"\x7fELF\x02\x01\x01 and then nothing").unwrap();
    assert!(refused(&script).contains("damaged"));
}
