//! The goals, and which of them the readings of ours meet. Nothing is run here.

use super::cases::{CASES, Case};
use super::reading::Reading;
use super::table::{seconds, thousands};
use crate::measure::Figures;

/// What a case of ours may cost at a size: less than this.
pub struct Goal {
    pub case: &'static str,
    pub size: usize,
    pub cpu_ms: u64,
    /// Where somebody waits for it.
    pub wall_ms: Option<u64>,
    pub peak_mb: Option<u64>,
}

/// The first is the one that the benchmark's last line tells of.
pub const GOALS: [Goal; 3] = [
    Goal { case: "unchanged", size: 10_000, cpu_ms: 1_000, wall_ms: Some(1_000), peak_mb: Some(150) },
    Goal { case: "unchanged", size: 100_000, cpu_ms: 10_000, wall_ms: None, peak_mb: Some(1_200) },
    Goal { case: "apply", size: 5_000, cpu_ms: 3_000, wall_ms: None, peak_mb: None },
];

/// Every case is linear: at the larger size a resource costs at most so many times what it costs at the smaller.
const LINEAR: (usize, usize) = (10_000, 100_000);
const LINEAR_TIMES_MAX: f64 = 2.0;

/// Both sides of a case at a size.
pub struct Row {
    pub case: &'static Case,
    pub size: usize,
    pub ours: Reading,
    pub theirs: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    Yes,
    No,
    /// Nothing was measured that would say.
    Unknown,
}

/// A goal, what was found, and whether that meets it.
#[derive(Debug)]
pub struct Judged {
    pub goal: String,
    pub found: String,
    pub met: Met,
}

/// The row of a case at a size, if it is there.
pub fn row<'a>(rows: &'a [Row], case: &str, size: usize) -> Option<&'a Row> {
    rows.iter().find(|row| row.case.name == case && row.size == size)
}

/// Holds the readings against all goals.
pub fn judge(rows: &[Row]) -> Vec<Judged> {
    let costs = GOALS.iter().flat_map(|goal| judge_cost(rows, goal));
    costs.chain(CASES.iter().flat_map(|case| judge_growth(rows, case))).collect()
}

fn judge_cost(rows: &[Row], goal: &Goal) -> Vec<Judged> {
    let found = figures(rows, goal.case, goal.size);
    let about = |measure: &str| format!("{} {}, {measure}", goal.case, thousands(goal.size));
    let mut judged = vec![below(about("CPU"), goal.cpu_ms, found.map(|f| f.cpu_ms), seconds)];
    if let Some(wall_ms) = goal.wall_ms {
        judged.push(below(about("wall"), wall_ms, found.map(|f| f.wall_ms), seconds));
    }
    if let Some(peak_mb) = goal.peak_mb {
        judged.push(below(about("peak"), peak_mb, found.map(Figures::peak_mb), |mb| format!("{mb} MB")));
    }
    judged
}

fn below(about: String, limit: u64, found: Found<u64>, text: fn(u64) -> String) -> Judged {
    let goal = format!("{about} under {}", text(limit));
    Judged { goal, found: found.text(text), met: found.meets(|found| found < limit) }
}

fn judge_growth(rows: &[Row], case: &Case) -> Vec<Judged> {
    let (small, large) = (figures(rows, case.name, LINEAR.0), figures(rows, case.name, LINEAR.1));
    let measures: [(&str, Measure); 2] = [("CPU", |f| f.cpu_ms), ("peak", |f| f.peak_kb)];
    let judged = measures.map(|(name, measure)| {
        let times = match (small, large) {
            (Found::Measured(small), Found::Measured(large)) => {
                Found::Measured(times(measure(small), measure(large)))
            }
            (Found::NotRun, _) | (_, Found::NotRun) => Found::NotRun,
            (Found::NoFigures, _) | (_, Found::NoFigures) => Found::NoFigures,
        };
        let goal = format!(
            "{} linear, {name}: one of {} at most {LINEAR_TIMES_MAX} times one of {}",
            case.name,
            thousands(LINEAR.1),
            thousands(LINEAR.0)
        );
        let met = times.meets(|times| times <= LINEAR_TIMES_MAX);
        Judged { goal, found: times.text(|times| format!("{times:.2} times")), met }
    });
    judged.into()
}

type Measure = fn(&Figures) -> u64;

/// How many times as much one resource costs.
fn times(small: u64, large: u64) -> f64 {
    (large as f64 / LINEAR.1 as f64) / (small.max(1) as f64 / LINEAR.0 as f64)
}

/// What there is of ours to be judged.
#[derive(Debug, Clone, Copy)]
enum Found<T> {
    Measured(T),
    /// It was run and gave no figures: that is a miss.
    NoFigures,
    NotRun,
}

impl<T: Copy> Found<T> {
    fn map<U>(self, f: impl FnOnce(T) -> U) -> Found<U> {
        match self {
            Self::Measured(t) => Found::Measured(f(t)),
            Self::NoFigures => Found::NoFigures,
            Self::NotRun => Found::NotRun,
        }
    }

    fn meets(self, is_met: impl FnOnce(T) -> bool) -> Met {
        match self {
            Self::Measured(t) if is_met(t) => Met::Yes,
            Self::Measured(_) | Self::NoFigures => Met::No,
            Self::NotRun => Met::Unknown,
        }
    }

    fn text(self, text: impl FnOnce(T) -> String) -> String {
        match self {
            Self::Measured(t) => text(t),
            Self::NoFigures => "no figures".into(),
            Self::NotRun => String::new(),
        }
    }
}

fn figures<'a>(rows: &'a [Row], case: &str, size: usize) -> Found<&'a Figures> {
    match row(rows, case, size).map(|row| &row.ours) {
        Some(Reading::Done(figures)) => Found::Measured(figures),
        Some(Reading::TooSlow(_) | Reading::Failed(_)) => Found::NoFigures,
        Some(Reading::LeftOut) | None => Found::NotRun,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(cpu_ms: u64, peak_mb: u64) -> Reading {
        Reading::Done(Figures {
            wall_ms: cpu_ms,
            cpu_ms,
            own_cpu_ms: cpu_ms,
            peak_kb: peak_mb * 1024,
            own_peak_kb: peak_mb * 1024,
            code: Some(0),
            is_late: false,
            tail: String::new(),
        })
    }

    fn rows(unchanged: [Reading; 2]) -> Vec<Row> {
        let case = CASES.iter().find(|case| case.name == "unchanged").unwrap();
        let sizes = [LINEAR.0, LINEAR.1].into_iter();
        let row = |(size, ours)| Row { case, size, ours, theirs: Reading::LeftOut };
        sizes.zip(unchanged).map(row).collect()
    }

    fn met(rows: &[Row], goal: &str) -> Vec<Met> {
        judge(rows).iter().filter(|j| j.goal.starts_with(goal)).map(|j| j.met).collect()
    }

    #[test]
    fn a_goal_is_met_below_its_limit_only() {
        let rows = rows([costs(999, 150), costs(9_999, 1_199)]);
        assert_eq!(met(&rows, "unchanged 10,000"), [Met::Yes, Met::Yes, Met::No]);
        assert_eq!(met(&rows, "unchanged 100,000"), [Met::Yes, Met::Yes]);
    }

    #[test]
    fn a_case_is_linear_while_a_resource_costs_at_most_twice_as_much() {
        assert_eq!(
            met(&rows([costs(500, 100), costs(10_000, 900)]), "unchanged linear"),
            [Met::Yes, Met::Yes]
        );
        assert_eq!(
            met(&rows([costs(499, 100), costs(10_000, 2_100)]), "unchanged linear"),
            [Met::No, Met::No]
        );
    }

    #[test]
    fn what_gave_no_figures_is_missed_and_what_was_not_run_is_not_judged() {
        let rows = rows([costs(500, 100), Reading::TooSlow("it was stopped".into())]);
        assert_eq!(met(&rows, "unchanged 100,000"), [Met::No, Met::No]);
        assert_eq!(met(&rows, "unchanged linear"), [Met::No, Met::No]);
        assert_eq!(met(&rows, "apply"), [Met::Unknown; 3]);
    }
}
