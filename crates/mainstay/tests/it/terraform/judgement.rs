//! Replays the cases of a group, two at a time, and judges them: the same, known to differ, or wrong. It knows no kind of case.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::comparison::Comparison;
use super::folder::Folder;
use super::selection;

/// What became of a case.
pub struct Outcome {
    name: String,
    comparison: Comparison,
    /// The folder, if it is kept.
    kept: Option<PathBuf>,
}

impl Outcome {
    pub fn new(name: &str, mut comparison: Comparison, folder: &Folder) -> Self {
        if selection::is_oracle() {
            // The oracle's words are its words.
            comparison.lines.append(&mut comparison.summaries.different);
        }
        let kept = selection::keeps_folders().then(|| folder.above().to_owned());
        Self { name: name.to_owned(), comparison, kept }
    }
}

/// As many as the machines have processors that the tests are made for.
const THREADS: usize = 2;
/// Enough to see what is wrong with a case; the rest is in the report, and is printed where one case was asked for.
const LINES_MAX: usize = 12;

/// Replays the cases that were chosen.
///
/// # Panics
/// If one differs that is not listed in `not-yet.txt`, or one is listed that is the same.
pub fn judge(group: &str, mut names: Vec<String>, replay: impl Fn(&str) -> Outcome + Sync) {
    names.retain(|name| selection::is_chosen(name));
    if names.is_empty() {
        return;
    }
    let outcomes = all(&names, replay);
    let excused = selection::excused();
    let (mut wrong, mut known) = (String::new(), 0);
    for outcome in &outcomes {
        match (outcome.comparison.lines.is_empty(), excused.contains_key(&outcome.name)) {
            (true, true) => wrong += &format!("{}: is the same now: take it off not-yet.txt\n", outcome.name),
            (true, false) => {}
            (false, true) => known += 1,
            (false, false) => {
                wrong += &told(outcome, if selection::asked().is_some() { usize::MAX } else { LINES_MAX })
            }
        }
    }
    let counted = counted(group, &outcomes, known);
    println!("{counted}");
    for outcome in &outcomes {
        if let Some(kept) = &outcome.kept {
            println!("{} is in {}", outcome.name, kept.display());
        }
        if selection::prints_summaries() {
            outcome.comparison.summaries.different.iter().for_each(|it| println!("{}: {it}", outcome.name));
        }
    }
    let report =
        if selection::asked().is_none() { report(group, &counted, &outcomes) } else { String::new() };
    assert!(wrong.is_empty(), "\n{wrong}{report}");
}

fn all(names: &[String], replay: impl Fn(&str) -> Outcome + Sync) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..THREADS.min(names.len()) {
            scope.spawn(|| {
                while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = replay(name);
                    outcomes.lock().expect("no panic").push(outcome);
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().expect("no panic");
    outcomes.sort_by(|one, other| one.name.cmp(&other.name));
    outcomes
}

fn told(outcome: &Outcome, lines_max: usize) -> String {
    let lines = &outcome.comparison.lines;
    let mut text = format!("{}:\n", outcome.name);
    for line in lines.iter().take(lines_max) {
        let _ = writeln!(text, "  {line}");
    }
    if lines.len() > lines_max {
        let _ = writeln!(text, "  and {} more", lines.len() - lines_max);
    }
    text
}

fn counted(group: &str, outcomes: &[Outcome], known: usize) -> String {
    let same = outcomes.iter().filter(|it| it.comparison.lines.is_empty()).count();
    let all = outcomes.len();
    let summaries = outcomes.iter().map(|it| &it.comparison.summaries);
    let (agreed, other) =
        summaries.fold((0, 0), |(agreed, other), it| (agreed + it.same, other + it.different.len()));
    format!(
        "{group}: {same} of {all} the same, {known} known to differ; {agreed} of {} summaries are the oracle's",
        agreed + other
    )
}

/// Writes down everything that differs, and answers where.
fn report(group: &str, counted: &str, outcomes: &[Outcome]) -> String {
    let mut text = format!("{counted}\n\n");
    for outcome in outcomes.iter().filter(|it| !it.comparison.lines.is_empty()) {
        text += &told(outcome, usize::MAX);
    }
    text += "\nSummaries in other words:\n";
    for outcome in outcomes {
        outcome
            .comparison
            .summaries
            .different
            .iter()
            .for_each(|it| text += &format!("{}: {it}\n", outcome.name));
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("terraform-replay");
    fs::create_dir_all(&folder).expect("a folder for the report");
    let path = folder.join(format!("{}.txt", group.replace('/', "-")));
    fs::write(&path, text).expect("a report");
    format!("{counted}\nAll differences are in {}\n", path.display())
}
