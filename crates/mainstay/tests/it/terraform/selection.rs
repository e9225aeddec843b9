//! Which cases are replayed, how, and which are known to differ. It replays nothing.

use std::collections::BTreeMap;
use std::env;

use super::corpus;

/// Whether `terraform` itself is run, to prove the replay right.
pub fn is_oracle() -> bool {
    is_set("MAINSTAY_REPLAY_ORACLE")
}

/// Whether folders outlive their case.
pub fn keeps_folders() -> bool {
    is_set("MAINSTAY_REPLAY_KEEP")
}

/// Whether differing summaries are printed.
pub fn prints_summaries() -> bool {
    is_set("MAINSTAY_REPLAY_SUMMARIES")
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0")
}

/// The one case (or theme) that was asked for.
pub fn asked() -> Option<String> {
    let asked = env::var("MAINSTAY_REPLAY").ok()?;
    let asked = asked.trim_matches('/');
    (!asked.is_empty()).then(|| asked.strip_prefix("cases/").unwrap_or(asked).to_owned())
}

/// Whether a case (`cases/THEME/NAME`, `broken/NAME`) is to be replayed.
pub fn is_chosen(case: &str) -> bool {
    asked().is_none_or(|asked| is_within(case, &asked))
}

fn is_within(case: &str, asked: &str) -> bool {
    let case = case.strip_prefix("cases/").unwrap_or(case);
    case.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The cases that are known to differ, each with its reason. Where one case was asked for, or the oracle is run, nothing is excused.
pub fn excused() -> BTreeMap<String, String> {
    if asked().is_some() || is_oracle() { BTreeMap::new() } else { listed() }
}

/// What `not-yet.txt` says: a case in each line and, after it, the reason.
fn listed() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(corpus().join("not-yet.txt")).expect("not-yet.txt");
    let mut listed = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (case, reason) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        assert!(!reason.trim().is_empty(), "not-yet.txt lists `{case}` without a reason");
        let before = listed.insert(case.to_owned(), reason.trim().to_owned());
        assert!(before.is_none(), "not-yet.txt lists `{case}` twice");
    }
    listed
}

#[test]
fn what_is_listed_and_what_is_asked_for_exists() {
    for case in listed().keys() {
        assert!(corpus().join(case).exists(), "not-yet.txt lists `{case}`, which is not in the corpus");
    }
    if let Some(asked) = asked() {
        let exists = corpus().join(&asked).exists() || corpus().join("cases").join(&asked).exists();
        assert!(exists, "MAINSTAY_REPLAY names `{asked}`, which is not in the corpus");
    }
}

#[test]
fn a_case_is_chosen_by_its_name_and_by_its_theme() {
    assert!(is_within("cases/moved/chain", "moved/chain"));
    assert!(is_within("cases/moved/chain", "moved"));
    assert!(is_within("broken/count_null", "broken/count_null"));
    assert!(!is_within("cases/moved/chain_of_three", "moved/chain"));
    assert!(!is_within("cases/removed/chain", "moved/chain"));
}
