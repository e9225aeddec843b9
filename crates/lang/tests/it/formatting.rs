//! Layout: what `terraform fmt` makes of the same text, kept beside it, and asked anew where there is a `terraform`.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use diag::FileId;

fn cases() -> Vec<(PathBuf, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/fmt");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "hcl"))
        .map(|path| (path.clone(), fs::read_to_string(path).expect("a case")))
        .collect();
    cases.sort();
    cases
}

#[test]
fn a_text_is_laid_out_as_terraform_lays_it_out() {
    for (path, text) in cases() {
        let formatted = lang::format(&text, FileId(0)).expect("a case without faults");
        let recorded = path.with_extension("formatted");
        let expected = fs::read_to_string(&recorded).expect("what terraform made of it");
        assert_eq!(formatted, expected, "{}", path.display());
        let again = lang::format(&formatted, FileId(0)).expect("what was formatted");
        assert_eq!(again, formatted, "formatting {} twice changes it", path.display());
    }
}

#[test]
fn what_is_recorded_is_what_terraform_says() {
    if Command::new("terraform").arg("version").output().is_err() {
        eprintln!("skipped: there is no `terraform` on the path");
        return;
    }
    for (path, text) in cases() {
        let mut child = Command::new("terraform")
            .args(["fmt", "-"])
            .env("TF_CLI_CONFIG_FILE", "/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("terraform starts");
        child.stdin.take().expect("its input").write_all(text.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        let expected = fs::read_to_string(path.with_extension("formatted")).expect("what was recorded");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{}", path.display());
    }
}

#[test]
fn a_text_with_faults_is_not_laid_out() {
    let faults = lang::format("service \"web\" {\n  image = \n}\n", FileId(0)).expect_err("a fault");
    assert_eq!(faults.0.len(), 1, "{faults}");
}

#[test]
fn line_ends_of_another_system_are_kept() {
    let formatted = lang::format("locals {\r\n a=1\r\n bbb=2\r\n}\r\n", FileId(0)).expect("no fault");
    assert_eq!(formatted, "locals {\r\n  a   = 1\r\n  bbb = 2\r\n}\r\n");
}

#[test]
fn no_word_is_lost_where_terraform_loses_it() {
    // What `terraform fmt` makes of these: `a "b" "c" {}`, `a {}`, `a = b[]`, and text that it cannot read again.
    for text in [
        "a /* 1 */ \"b\" /* 2 */ \"c\" {}\n",
        "a \"100%\" {}\n",
        "a = b[true]\n",
        "a = \"${1 + # one\n2}\"\n",
        "a = \"${<<E\ntext\nE\n}\" # a\n",
    ] {
        let formatted = lang::format(text, FileId(0)).expect("no fault");
        let words = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(words(&formatted), words(text));
        assert_eq!(lang::format(&formatted, FileId(0)).expect("no fault"), formatted, "a second time");
    }
}

#[test]
fn a_file_of_terraforms_is_broken_where_terraform_says_so() {
    let twice = "x {\n  a = 1\n  a = 2\n}\n";
    lang::format(twice, FileId(0)).expect("the layout has no fault");
    let faults = lang::format_terraform(twice, FileId(0)).expect_err("a fault");
    assert_eq!(faults.0.len(), 1, "{faults}");
}
