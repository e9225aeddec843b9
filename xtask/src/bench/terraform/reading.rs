//! Measuring one side of a case at a size: the folder is prepared, the command is run and what it says is held against what it must
//! have done. A command that fails is a reading too; only what is wrong with the benchmark itself is an error.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::cases::{Case, Deed};
use crate::measure::{Figures, measured};
use crate::terraform::Terraform;

/// What came of it.
#[derive(Debug, Clone)]
pub enum Reading {
    Done(Figures),
    /// It took too long, or would have; with the reason.
    TooSlow(String),
    /// It did not do what it must; with what it said.
    Failed(String),
    /// It was not to be run.
    LeftOut,
}

/// The cheapest of as many runs counts.
const RUNS_MAX: usize = 3;
/// What takes longer than this altogether is not repeated.
const REPEATED_BELOW: Duration = Duration::from_secs(5);

/// One side of a case at a size.
pub struct Attempt<'a> {
    pub terraform: &'a Terraform,
    pub case: &'a Case,
    pub size: usize,
    /// Made anew for each preparation, and taken away at the end.
    pub folder: &'a Path,
    /// What one command may take.
    pub limit: Duration,
}

/// Why there are no figures.
enum Stop {
    Read(Reading),
    /// The benchmark itself cannot go on.
    Broken(anyhow::Error),
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error.into())
    }
}

const PLAN: [&str; 4] = ["plan", "-detailed-exitcode", "-no-color", "-input=false"];

impl Attempt<'_> {
    /// Runs it.
    pub fn measure(&self) -> Result<Reading> {
        let reading = match self.cheapest() {
            Ok(figures) => Reading::Done(figures),
            Err(Stop::Read(reading)) => reading,
            Err(Stop::Broken(error)) => return Err(error),
        };
        fs::remove_dir_all(self.folder)?;
        Ok(reading)
    }

    fn cheapest(&self) -> Result<Figures, Stop> {
        self.prepare()?;
        let mut best = self.once()?;
        let mut spent_ms = best.wall_ms;
        for _ in 1..RUNS_MAX {
            if Duration::from_millis(spent_ms) >= REPEATED_BELOW {
                break;
            }
            // An apply changes what it is run on.
            if self.case.deed == Deed::Apply {
                self.prepare()?;
            }
            let figures = self.once()?;
            spent_ms += figures.wall_ms;
            if figures.cpu_ms < best.cpu_ms {
                best = figures;
            }
        }
        if self.case.deed == Deed::Apply {
            self.run(&PLAN, 0, "No changes.")?;
        }
        Ok(best)
    }

    /// Makes the folder anew. It is `init` that lets ours take over a state that Terraform wrote.
    fn prepare(&self) -> Result<(), Stop> {
        if self.folder.exists() {
            fs::remove_dir_all(self.folder)?;
        }
        fs::create_dir_all(self.folder)?;
        self.case.shape.write(self.folder, self.size)?;
        if self.case.deed == Deed::Unchanged {
            self.case.shape.write_state(self.folder, self.size)?;
        }
        self.run(&["init", "-no-color", "-input=false"], 0, "").map(drop)
    }

    /// The command that is measured.
    fn once(&self) -> Result<Figures, Stop> {
        let resources = self.case.shape.resources(self.size);
        match self.case.deed {
            Deed::Create => {
                self.run(&PLAN, 2, &format!("Plan: {resources} to add, 0 to change, 0 to destroy."))
            }
            Deed::Unchanged => self.run(&PLAN, 0, "No changes."),
            Deed::Apply => {
                let done = format!("Apply complete! Resources: {resources} added, 0 changed, 0 destroyed.");
                self.run(&["apply", "-auto-approve", "-no-color", "-input=false"], 0, &done)
            }
        }
    }

    /// Runs a command that must end with this code and must say this.
    fn run(&self, arguments: &[&str], code: i32, must_say: &str) -> Result<Figures, Stop> {
        let figures = measured(&mut self.terraform.command(self.folder, arguments), self.limit)?;
        let verb = arguments[0];
        if figures.is_late {
            let reason = format!("`{verb}` was stopped after {} s", self.limit.as_secs());
            return Err(Stop::Read(Reading::TooSlow(reason)));
        }
        let fault = match figures.code {
            Some(ended) if ended != code => format!("`{verb}` ended with {ended}, not with {code}"),
            None => format!("nobody knows how `{verb}` ended"),
            Some(_) if !figures.tail.contains(must_say) => format!("`{verb}` did not say {must_say:?}"),
            Some(_) => return Ok(figures),
        };
        Err(Stop::Read(Reading::Failed(format!("{fault}:\n{}", figures.tail.trim()))))
    }
}
