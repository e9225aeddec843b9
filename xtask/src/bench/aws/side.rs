//! One of the two programs in its copy of the example: commands that must succeed, and the row that a plan adds to the table.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use super::world::World;
use crate::measure::{Figures, measured};
use crate::terraform::Terraform;

/// An apply of the oracle takes two minutes; what takes as long as this hangs.
const LIMIT: Duration = Duration::from_secs(1_200);

/// A program and its folder.
pub struct Side<'a> {
    name: &'static str,
    terraform: Terraform,
    world: &'a World,
    root: PathBuf,
    folder: PathBuf,
}

impl<'a> Side<'a> {
    /// Its folder is not made yet.
    pub fn new(name: &'static str, terraform: Terraform, world: &'a World) -> Self {
        let root = world.root(name);
        let folder = root.join("terraform");
        Self { name, terraform, world, root, folder }
    }

    /// Its copy of the example.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder in it that the commands are run in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a command that must succeed.
    pub fn must(&self, arguments: &[&str]) -> Result<Figures> {
        let mut command = self.terraform.command(&self.folder, arguments);
        self.world.settle(&mut command);
        let figures = measured(&mut command, LIMIT)?;
        let (name, verb, tail) = (self.name, arguments.join(" "), figures.tail.trim());
        if figures.is_late {
            bail!("{name}: `{verb}` was stopped after {} s:\n{tail}", LIMIT.as_secs());
        }
        match figures.code {
            Some(0) => Ok(figures),
            Some(code) => bail!("{name}: `{verb}` ended with {code}, not with 0:\n{tail}"),
            None => bail!("{name}: nobody knows how `{verb}` ended:\n{tail}"),
        }
    }

    /// Runs a plan that must find nothing to change, and prints what it cost.
    pub fn unchanged(&self, plan: &[&str], run: &str) -> Result<Figures> {
        let figures = self.must(plan)?;
        if !figures.tail.contains("No changes.") {
            bail!("{}: the plan did not say that there are no changes:\n{}", self.name, figures.tail.trim());
        }
        row(
            &format!("{} {run}", self.name),
            &seconds(figures.wall_ms),
            &seconds(figures.own_cpu_ms),
            &seconds(figures.cpu_ms.saturating_sub(figures.own_cpu_ms)),
            &format!("{} MB", figures.own_peak_kb / 1024),
            &format!("{} MB", figures.peak_mb()),
        );
        Ok(figures)
    }
}

/// Prints the head of the table.
pub fn head() {
    row("plan", "wall", "own CPU", "CPU of children", "own peak", "largest process");
}

fn row(name: &str, wall: &str, own_cpu: &str, children_cpu: &str, own_peak: &str, largest: &str) {
    println!("{name:<12}{wall:>10}{own_cpu:>10}{children_cpu:>17}{own_peak:>10}{largest:>17}");
}

/// Milliseconds as a person reads them.
pub fn seconds(ms: u64) -> String {
    format!("{:.2} s", ms as f64 / 1000.0)
}
