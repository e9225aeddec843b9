//! `cases/`: configurations that are planned, applied, changed and destroyed; a test for each theme, so that they run beside each other.

use std::collections::BTreeSet;

use super::comparison::Comparison;
use super::faults::Repeats;
use super::folder::Folder;
use super::judgement::{self, Outcome};
use super::normal::Normaliser;
use super::program::Program;
use super::runs::{Run, description};
use super::{corpus, folders, recorded};

macro_rules! themes {
    ($($theme:ident)*) => {
        $(
            #[test]
            fn $theme() {
                check(stringify!($theme));
            }
        )*

        const THEMES: &[&str] = &[$(stringify!($theme)),*];
    };
}

themes! {
    basic checks conditions count ephemeral expressions files flags for_each import json lifecycle modules moved outputs r#override
    partial provisioners remote_state removed replace seeded sensitive state_verbs unknowns variables
}

/// A theme whose name is a word of Rust's is written with a mark.
fn folder_of(theme: &str) -> &str {
    theme.trim_start_matches("r#")
}

#[test]
fn every_theme_on_disk_has_a_test() {
    let tested: BTreeSet<String> = THEMES.iter().map(|theme| folder_of(theme).to_owned()).collect();
    assert_eq!(folders("cases").into_iter().collect::<BTreeSet<_>>(), tested);
}

fn check(theme: &str) {
    let theme = format!("cases/{}", folder_of(theme));
    let names = folders(&theme).into_iter().map(|name| format!("{theme}/{name}")).collect();
    judgement::judge(&theme, names, replay);
}

/// Replays a case.
fn replay(name: &str) -> Outcome {
    let case = corpus().join(name);
    let description = description(&case);
    let folder = Folder::new();
    let program = Program::new(folder.above(), description.env);
    let mut normaliser = Normaliser::new(folder.path().display().to_string());
    let mut comparison = Comparison::default();
    for (index, run) in description.runs.iter().enumerate() {
        let number = index + 1;
        put_files(&folder, &case, run);
        let answered = run.answer(&program, &mut normaliser);
        folder.note(&format!("{number}.json"), &answered.record);
        let oracle = recorded(&case.join(format!("recorded/{number}.json")));
        let goes_on = comparison.run(&format!("run {number}: "), &answered, &oracle, Repeats::Counted);
        let more = description.runs.len() - number;
        if !goes_on && more > 0 {
            comparison.lines.push(format!("run {number} ends elsewhere: {more} more not compared"));
        }
        // Nothing was made and nothing would change: the recorder ended here as well.
        let was_nothing = number == 1 && !description.is_written && oracle["plan"]["exit"] == 1;
        let is_ended = was_nothing && description.runs.get(1).is_some_and(|next| next.files.is_none());
        if !goes_on || is_ended {
            break;
        }
    }
    Outcome::new(name, comparison, &folder)
}

fn put_files(folder: &Folder, case: &std::path::Path, run: &Run) {
    for name in &run.remove {
        folder.remove(name);
    }
    if let Some(files) = &run.files {
        folder.put(&case.join(files), &[]);
    }
}
