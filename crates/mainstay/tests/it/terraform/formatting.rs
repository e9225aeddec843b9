//! Every file of the corpus through `terraform fmt`. `crates/lang` tests the layout on files of its own; here is the verb.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use super::comparison::Comparison;
use super::corpus;
use super::folder::Folder;
use super::judgement::{self, Outcome};
use super::program::{Environment, Program};
use super::selection;

/// The files that `fmt` is about: paths in the corpus.
fn files() -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let mut folders = vec![corpus()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the corpus") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "tf" || ending == "tfvars") {
                let within = path.strip_prefix(corpus()).expect("a path in the corpus");
                files.insert(within.to_str().expect("UTF-8").to_owned());
            }
        }
    }
    files
}

/// What cannot be parsed, and is not formatted.
fn refused() -> BTreeSet<String> {
    let text = fs::read_to_string(corpus().join("fmt/refused.txt")).expect("refused.txt");
    text.lines().map(str::to_owned).collect()
}

/// The recording of what `fmt` makes of a file: beside it, unless it is what it was.
fn recording(file: &str) -> std::path::PathBuf {
    let beside = corpus().join(format!("{file}.fmt"));
    if beside.exists() { beside } else { corpus().join(file) }
}

#[test]
fn a_file_on_standard_input_is_laid_out_as_recorded() {
    let refused = refused();
    // Of a file that changes on purpose, or cannot be parsed. The others are formatted in one go, which is faster.
    let names =
        files().into_iter().filter(|file| file.starts_with("fmt/") || refused.contains(file)).collect();
    judgement::judge("fmt", names, |file| {
        let folder = Folder::new();
        let program = Program::new(folder.above(), Environment::new());
        let stdin = File::open(corpus().join(file)).expect("a file of the corpus");
        let answer = program.run_with(&["fmt", "-"], &Environment::new(), stdin.into());
        let mut comparison = Comparison::default();
        match (answer.code == 0, refused.contains(file)) {
            (true, true) => comparison.lines.push("ours formats it, the oracle refuses".to_owned()),
            (false, false) => comparison.lines.push(format!("ours refuses it: {}", answer.begins())),
            (false, true) => {}
            (true, false) => {
                compare("", &answer.out, &text(&recording(file)), &mut comparison.lines);
            }
        }
        Outcome::new(file, comparison, &folder)
    });
}

#[test]
fn a_folder_is_formatted_with_all_that_is_in_it() {
    let refused = refused();
    let files: Vec<String> = files()
        .into_iter()
        .filter(|file| !file.starts_with("fmt/") && !refused.contains(file) && selection::is_chosen(file))
        .collect();
    if files.is_empty() {
        return;
    }
    let folder = Folder::new();
    for file in &files {
        let target = folder.path().join(file);
        fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
        fs::copy(corpus().join(file), target).expect("a file of the corpus");
    }
    let program = Program::new(folder.above(), Environment::new());
    let answer = program.run(&["fmt", "-recursive"], &Environment::new());
    let told: BTreeSet<&str> = answer.out.lines().collect();
    judgement::judge("fmt-folder", files, |file| {
        let mut comparison = Comparison::default();
        let recording = recording(file);
        compare("", &text(&folder.path().join(file)), &text(&recording), &mut comparison.lines);
        let changes = recording.extension().is_some_and(|ending| ending == "fmt");
        if told.contains(file) != changes {
            comparison.lines.push(format!("told as changed: ours {}, the oracle's {changes}", !changes));
        }
        Outcome::new(file, comparison, &folder)
    });
    assert_eq!(answer.code, 0, "{}", answer.begins());
}

/// A file's text. Some are no UTF-8, and stay so.
fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).expect("a file that was formatted")).into_owned()
}

/// The first line that differs is enough to see what is wrong.
fn compare(at: &str, ours: &str, oracle: &str, lines: &mut Vec<String>) {
    if ours == oracle {
        return;
    }
    let (mut mine, mut theirs) = (ours.split('\n'), oracle.split('\n'));
    for number in 1.. {
        let (mine, theirs) = (mine.next(), theirs.next());
        if mine != theirs || mine.is_none() {
            let or_end = |line: Option<&str>| line.map_or("its end".to_owned(), |line| format!("{line:?}"));
            lines.push(format!("{at}line {number}: ours {}, the oracle's {}", or_end(mine), or_end(theirs)));
            return;
        }
    }
}
