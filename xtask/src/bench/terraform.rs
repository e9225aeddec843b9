//! `mainstay terraform` beside Terraform itself: plans and applies of 1,000 to 100,000 `terraform_data`, so that it is the program that
//! is measured and no provider. Both sides of a case run one after the other on the same configuration.

mod cases;
mod goals;
mod options;
mod reading;
mod table;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use self::cases::{CASES, Case};
use self::goals::{GOALS, Judged, Met, Row, judge, row};
use self::options::Options;
use self::reading::{Attempt, Reading};
use self::table::thousands;
use super::{Judgement, Verdict};
use crate::machine;
use crate::terraform::Terraform;

/// A program, or why it is not run: in words joined by `_`.
type Side = Result<Terraform, &'static str>;

pub fn run(arguments: &[&str]) -> Result<Verdict> {
    let options = Options::read(arguments)?;
    let ours = ours(&options)?;
    let theirs = match options.runs_oracle.then(Terraform::oracle) {
        Some(Some(oracle)) => Ok(oracle),
        Some(None) => Err("no_terraform"),
        None => Err("oracle_not_asked_for"),
    };
    if let Ok(oracle) = &theirs {
        println!("oracle: Terraform {}", oracle.version()?);
    }
    let folder = tempfile::Builder::new().prefix("bench-terraform-").tempdir();
    let folder = folder.context("no temporary folder")?;
    let rows = measure(&options, &ours, &theirs, folder.path())?;
    let judged = judge(&rows);
    println!();
    for Judged { goal, found, met } in &judged {
        match met {
            Met::Yes => println!("goal {goal}: {found}: met"),
            Met::No => println!("goal {goal}: {found}: MISSED"),
            Met::Unknown => println!("goal {goal}: not measured"),
        }
    }
    Ok(verdict(&rows, &judged, &ours, &theirs))
}

fn ours(options: &Options) -> Result<Side> {
    if !options.runs_ours {
        return Ok(Err("ours_not_asked_for"));
    }
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => machine::build(true)?,
    };
    Ok(Ok(Terraform::ours(binary)))
}

fn measure(options: &Options, ours: &Side, theirs: &Side, folder: &Path) -> Result<Vec<Row>> {
    let wanted = CASES.iter().filter(|case| options.case.as_ref().is_none_or(|name| name == case.name));
    let steps: Vec<(&'static Case, usize)> = wanted
        .flat_map(|case| {
            let sizes = options.size.map_or_else(|| case.sizes.to_vec(), |size| vec![size]);
            sizes.into_iter().map(move |size| (case, size))
        })
        .collect();
    let mut rows: Vec<Row> = Vec::with_capacity(steps.len());
    table::head();
    for (at, &(case, size)) in steps.iter().enumerate() {
        table::begin(at + 1, steps.len(), case, size);
        let attempt = |side: &Side, name: &str, limit| match side {
            Ok(terraform) => Attempt { terraform, case, size, folder: &folder.join(name), limit }.measure(),
            Err(_) => Ok(Reading::LeftOut),
        };
        let our_reading = attempt(ours, "ours", options.ours_limit)?;
        table::ours(&our_reading);
        let hopeless = hopeless(case, size, options.oracle_limit, &rows).filter(|_| theirs.is_ok());
        let their_reading = match hopeless {
            Some(reason) => Reading::TooSlow(reason),
            None => attempt(theirs, "oracle", options.oracle_limit)?,
        };
        table::theirs(&our_reading, &their_reading, size);
        rows.push(Row { case, size, ours: our_reading, theirs: their_reading });
    }
    Ok(rows)
}

/// Why the oracle need not be tried: by what it took at smaller sizes.
fn hopeless(case: &Case, size: usize, limit: Duration, rows: &[Row]) -> Option<String> {
    let smaller = rows.iter().rfind(|row| row.case.name == case.name && row.size < size)?;
    match &smaller.theirs {
        Reading::TooSlow(_) => Some(format!("it was at {} already", thousands(smaller.size))),
        Reading::Done(figures) => {
            let times = (size as f64 / smaller.size as f64).powi(case.oracle_power_min);
            let expected_s = times * figures.wall_ms as f64 / 1000.0;
            (expected_s > limit.as_secs_f64()).then(|| {
                format!("at least {expected_s:.0} s are to be expected, {} s are allowed", limit.as_secs())
            })
        }
        Reading::Failed(_) => Some(format!("it failed at {} already", thousands(smaller.size))),
        Reading::LeftOut => None,
    }
}

fn verdict(rows: &[Row], judged: &[Judged], ours: &Side, theirs: &Side) -> Verdict {
    let [head, ..] = &GOALS;
    let row = row(rows, head.case, head.size);
    let text = |reading: Option<&Reading>, side: &Side| match (reading, side) {
        (Some(Reading::Done(f)), _) => format!("{}ms/{}MB", f.cpu_ms, f.peak_mb()),
        (Some(Reading::TooSlow(_)), _) => "too_slow".into(),
        (Some(Reading::Failed(_)), _) => "failed".into(),
        (_, Err(reason)) => format!("skipped:{reason}"),
        _ => "not_measured".into(),
    };
    let ratio = match row.map(|row| (&row.ours, &row.theirs)) {
        Some((Reading::Done(ours), Reading::Done(theirs))) => table::ratio(ours, theirs),
        _ => "-".into(),
    };
    let unknown = judged.iter().filter(|j| j.met == Met::Unknown).count();
    let has_failed = rows.iter().any(|row| matches!(row.ours, Reading::TooSlow(_) | Reading::Failed(_)));
    let judgement = if has_failed || judged.iter().any(|j| j.met == Met::No) {
        Judgement::Miss
    } else if unknown > 0 {
        let why = ours.as_ref().err().unwrap_or(&"not_measured");
        Judgement::Skipped(format!("{unknown}_of_{}_goals_{why}", judged.len()))
    } else {
        Judgement::Pass
    };
    Verdict {
        ours: text(row.map(|row| &row.ours), ours),
        theirs: text(row.map(|row| &row.theirs), theirs),
        ratio,
        goal: format!("{}ms/{}MB", head.cpu_ms, head.peak_mb.unwrap_or_default()),
        judgement,
    }
}
