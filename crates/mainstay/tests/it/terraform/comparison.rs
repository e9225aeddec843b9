//! Compares what a run answered with what was recorded of it. Both have the form that the corpus's `README.md` describes.

use serde_json::{Map, Value as Json};

use super::difference;
use super::faults::{self, Repeats, Summaries};

/// What the parts of a record are called, in the order in which they come to be.
const PARTS: [&str; 8] = ["init", "command", "validate", "plan", "planned", "apply", "state", "output"];

/// What differs in a case.
#[derive(Default)]
pub struct Comparison {
    pub lines: Vec<String>,
    pub summaries: Summaries,
}

/// What a run answered, and what kept it from answering all.
pub struct Answered {
    pub record: Map<String, Json>,
    pub problem: Option<String>,
}

impl Comparison {
    /// Compares a run; `of` names it. Answers whether the next run begins where the oracle's began.
    pub fn run(&mut self, of: &str, ours: &Answered, oracle: &Json, repeats: Repeats) -> bool {
        for part in PARTS {
            let at = format!("{of}{part}");
            match (ours.record.get(part), oracle.get(part)) {
                (None, None) => {}
                // What a fault in our answer kept from being said is not told as another one.
                (None, Some(_)) if ours.problem.is_some() => {}
                (Some(mine), Some(theirs)) if mine.get("exit").is_some() => {
                    self.verb(&at, mine, theirs, repeats);
                    if mine["exit"] != theirs["exit"] {
                        break;
                    }
                }
                (Some(mine), Some(theirs)) => difference::json(&at, mine, theirs, &mut self.lines),
                (mine, theirs) => {
                    self.lines.push(difference::both(&at, mine, theirs));
                    break;
                }
            }
        }
        self.lines.extend(ours.problem.iter().map(|problem| format!("{of}{problem}")));
        let exits = PARTS.iter().map(|part| (ours.record.get(*part), oracle.get(*part)));
        ours.problem.is_none() && exits.into_iter().all(|(mine, theirs)| exit(mine) == exit(theirs))
    }

    /// A command: its exit code, its diagnostics, the messages of its stream, or what else was kept.
    fn verb(&mut self, at: &str, ours: &Json, oracle: &Json, repeats: Repeats) {
        if ours["exit"] != oracle["exit"] {
            self.lines.push(format!("{at}.exit: ours {}, the oracle's {}", ours["exit"], oracle["exit"]));
        }
        let list = |of: &Json| of["diagnostics"].as_array().cloned().unwrap_or_default();
        self.lines.extend(faults::compare(at, &list(ours), &list(oracle), repeats, &mut self.summaries));
        if ours["exit"] != oracle["exit"] {
            return;
        }
        difference::lists(at, &strings(&ours["messages"]), &strings(&oracle["messages"]), &mut self.lines);
        if let (Some(mine), Some(theirs)) = (ours["fault"].as_str(), oracle["fault"].as_str()) {
            self.summaries.compare(at, mine, theirs);
        }
        for kept in ["text", "json"] {
            difference::json(&format!("{at}.{kept}"), &ours[kept], &oracle[kept], &mut self.lines);
        }
    }
}

fn exit(part: Option<&Json>) -> Option<&Json> {
    part?.get("exit")
}

fn strings(of: &Json) -> Vec<String> {
    of.as_array().into_iter().flatten().filter_map(|it| it.as_str().map(str::to_owned)).collect()
}
