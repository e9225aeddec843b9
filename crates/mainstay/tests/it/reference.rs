//! The references in `docs/reference` are what the program says of itself. `UPDATE_DOCS=1` writes them anew.

use std::path::Path;

#[test]
fn the_reference_of_the_command_line_is_what_the_program_says() {
    check("cli.md", &cli::reference());
}

#[test]
fn the_reference_of_the_blocks_is_what_the_program_reads() {
    check("blocks.md", &lang::blocks::reference());
}

fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        std::fs::write(&path, text).expect("the reference");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "docs/reference/{name} is out of date: run the tests once with UPDATE_DOCS=1");
}
