//! Compares diagnostics: severity, file and line have to be the oracle's. Our summaries have words of their own; those that differ are
//! counted and kept, and are no difference.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;

/// Whether a recording has a fault as often as it was reported.
#[derive(Clone, Copy, PartialEq)]
pub enum Repeats {
    Counted,
    /// Equal faults were made one, which two of ours in other words are not: as many as are recorded have to be there, or more.
    Merged,
}

/// How many summaries are the oracle's, and those that are not.
#[derive(Default)]
pub struct Summaries {
    pub same: usize,
    pub different: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    file: String,
    line: u64,
    severity: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file.as_str() {
            "" => write!(f, "{} without a place", self.severity),
            file => write!(f, "{} at {file}:{}", self.severity, self.line),
        }
    }
}

/// The differences in a line each.
pub fn compare(
    at: &str,
    ours: &[Json],
    oracle: &[Json],
    repeats: Repeats,
    summaries: &mut Summaries,
) -> Vec<String> {
    let (mut ours, oracle) = (by_place(ours), by_place(oracle));
    let (mut missing, mut more) = (Vec::new(), Vec::new());
    for (place, theirs) in oracle {
        let mut mine = ours.remove(&place).unwrap_or_default();
        let mut theirs = summaries.take_same(&mut mine, theirs);
        let pairs = mine.len().min(theirs.len());
        for (mine, theirs) in mine.drain(..pairs).zip(theirs.drain(..pairs)) {
            summaries.differ(at, &place, &mine, &theirs);
        }
        missing.extend(theirs.into_iter().map(|summary| (place.clone(), summary)));
        if repeats == Repeats::Counted {
            more.extend(mine.into_iter().map(|summary| (place.clone(), summary)));
        }
    }
    more.extend(ours.into_iter().flat_map(|(place, all)| all.into_iter().map(move |it| (place.clone(), it))));
    // Where the oracle does not say where, it is right to say it.
    missing.retain(|(place, theirs): &(Place, String)| {
        let is_match = |(mine, _): &(Place, String)| mine.severity == place.severity;
        let found = more.iter().position(is_match).filter(|_| place.file.is_empty());
        if let Some((mine, summary)) = found.map(|found| more.remove(found)) {
            if is_same(&summary, theirs) {
                summaries.same += 1;
            } else {
                summaries.differ(at, &mine, &summary, theirs);
            }
        }
        found.is_none()
    });
    let missing = missing.iter().map(|(place, it)| format!("{at}: only the oracle's: {place}: {it:?}"));
    let more = more.iter().map(|(place, it)| format!("{at}: only ours: {place}: {it:?}"));
    missing.chain(more).collect()
}

fn by_place(faults: &[Json]) -> BTreeMap<Place, Vec<String>> {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let mut places: BTreeMap<Place, Vec<String>> = BTreeMap::new();
    for fault in faults {
        let place = Place {
            file: text(&fault["file"]),
            line: fault["line"].as_u64().unwrap_or(0),
            severity: text(&fault["severity"]),
        };
        places.entry(place).or_default().push(text(&fault["summary"]));
    }
    places
}

/// Ours may say more in the same line, behind a colon.
fn is_same(ours: &str, oracle: &str) -> bool {
    ours == oracle || ours.split_once(": ").is_some_and(|(summary, _)| summary == oracle)
}

impl Summaries {
    /// Takes the summaries that both have from `mine`; answers those that only the oracle has.
    fn take_same(&mut self, mine: &mut Vec<String>, mut theirs: Vec<String>) -> Vec<String> {
        theirs.retain(|summary| {
            let found = mine.iter().position(|it| is_same(it, summary)).map(|found| mine.remove(found));
            self.same += usize::from(found.is_some());
            found.is_none()
        });
        theirs
    }

    fn differ(&mut self, at: &str, place: &Place, ours: &str, oracle: &str) {
        self.different.push(format!("{at}: {place}: ours {ours:?}, the oracle's {oracle:?}"));
    }

    /// A fault that is told in a text, of which only the summary is known.
    pub fn compare(&mut self, at: &str, ours: &str, oracle: &str) {
        if is_same(ours, oracle) {
            self.same += 1;
        } else {
            self.different.push(format!("{at}: ours {ours:?}, the oracle's {oracle:?}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(file: &str, line: u64, summary: &str) -> Json {
        match file {
            "" => json!({ "severity": "error", "summary": summary }),
            _ => json!({ "severity": "error", "summary": summary, "file": file, "line": line }),
        }
    }

    #[track_caller]
    fn check(
        ours: &[Json],
        oracle: &[Json],
        repeats: Repeats,
        lines: &[&str],
        same: usize,
        different: usize,
    ) {
        let mut summaries = Summaries::default();
        assert_eq!(compare("plan", ours, oracle, repeats, &mut summaries), lines);
        assert_eq!((summaries.same, summaries.different.len()), (same, different));
    }

    #[test]
    fn a_fault_is_the_same_at_the_same_place_in_whatever_words() {
        let ours = [fault("a.tf", 1, "Wrong: very"), fault("a.tf", 2, "mine")];
        check(&ours, &[fault("a.tf", 1, "Wrong"), fault("a.tf", 2, "Theirs")], Repeats::Counted, &[], 1, 1);
        let lines =
            ["plan: only the oracle's: error at a.tf:1: \"A\"", "plan: only ours: error at a.tf:2: \"A\""];
        check(&[fault("a.tf", 2, "A")], &[fault("a.tf", 1, "A")], Repeats::Counted, &lines, 0, 0);
    }

    #[test]
    fn faults_are_counted_unless_the_recording_merged_them() {
        let (one, two) = ([fault("a.tf", 1, "A")], [fault("a.tf", 1, "A"), fault("a.tf", 1, "B")]);
        let more = ["plan: only ours: error at a.tf:1: \"B\""];
        check(&two, &one, Repeats::Counted, &more, 1, 0);
        check(&two, &one, Repeats::Merged, &[], 1, 0);
        let missing = ["plan: only the oracle's: error at a.tf:1: \"B\""];
        check(&one, &two, Repeats::Merged, &missing, 1, 0);
    }

    #[test]
    fn a_place_may_be_known_that_the_oracle_does_not_tell_but_not_the_other_way_round() {
        check(&[fault("a.tf", 1, "Cycle")], &[fault("", 0, "Cycle")], Repeats::Merged, &[], 1, 0);
        let lines = [
            "plan: only the oracle's: error at a.tf:1: \"Cycle\"",
            "plan: only ours: error without a place: \"Cycle\"",
        ];
        check(&[fault("", 0, "Cycle")], &[fault("a.tf", 1, "Cycle")], Repeats::Merged, &lines, 0, 0);
    }
}
