//! A plan of 10,000 services with nothing to change: wall time and peak memory, beside Terraform's plan of as many resources.
//!
//! The services are real ones with `replicas = 0`: described, written to the agent and read back, with nothing to run.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::stack::Shape;
use super::{Judgement, Verdict};
use crate::machine::Machine;
use crate::measure::{Figures, measured};
use crate::terraform::Terraform;

const SERVICES: usize = 10_000;
const GOAL_MS: u64 = 1_000;
const GOAL_MB: u64 = 200;
const RUNS: usize = 3;
/// Nothing here takes as long, unless it hangs.
const LIMIT: Duration = Duration::from_secs(600);

pub fn run(arguments: &[&str]) -> Result<Verdict> {
    let services = match arguments.first() {
        Some(n) => n.parse().context("the first argument is the number of services")?,
        None => SERVICES,
    };
    let machine = Machine::release("bench-plan")?;
    let project = machine.folder().join("many");
    fs::create_dir_all(&project)?;
    fs::write(project.join("mainstay.hcl"), configuration(&machine, services))?;
    let ours = ours(&machine, &project);
    machine.stop(&project);
    let ours = ours?;
    let theirs = theirs(machine.folder(), services)?;
    let (theirs_text, ratio) = match theirs {
        Some(t) => {
            let ratio = t.wall_ms as f64 / ours.wall_ms.max(1) as f64;
            (format!("{}ms/{}MB", t.wall_ms, t.peak_mb()), format!("{ratio:.1}"))
        }
        None => ("skipped:no_terraform".into(), "-".into()),
    };
    Ok(Verdict {
        ours: format!("{}ms/{}MB", ours.wall_ms, ours.peak_mb()),
        theirs: theirs_text,
        ratio,
        goal: format!("{GOAL_MS}ms/{GOAL_MB}MB"),
        judgement: Judgement::of(ours.wall_ms < GOAL_MS && ours.peak_mb() < GOAL_MB),
    })
}

fn configuration(machine: &Machine, services: usize) -> String {
    let mut text = format!(
        "project {{\n  name = \"many\"\n}}\n\nenvironment \"dev\" {{\n  cluster \"local\" {{\n    listen = \"{}\"\n  }}\n}}\n\nvariable \"level\" {{\n  default = \"info\"\n}}\n",
        machine.entry
    );
    for n in 0..services {
        let _ = write!(
            text,
            "\nservice \"s{n}\" {{\n  program  = [\"/bin/sleep\", \"infinity\"]\n  replicas = 0\n  env = {{\n    LEVEL = var.level\n    NAME  = \"service-{n}\"\n  }}\n}}\n"
        );
    }
    text
}

fn ours(machine: &Machine, project: &Path) -> Result<Figures> {
    let agent = machine.quietly(project, &["up", "--detach"])?;
    agent.must_succeed()?;
    println!("up: {:.1} s", agent.took.as_secs_f64());
    let mut best: Option<Figures> = None;
    for _ in 0..RUNS {
        let mut command = machine.command(project, &["plan", "--detailed-exitcode"]);
        let figures = measured(&mut command, LIMIT)?;
        if figures.code != Some(0) {
            bail!("the plan has changes or failed (exit code {:?}):\n{}", figures.code, figures.tail);
        }
        println!(
            "plan: {} ms, {} ms of processor, {} MB",
            figures.wall_ms,
            figures.cpu_ms,
            figures.peak_mb()
        );
        if best.as_ref().is_none_or(|b| figures.wall_ms < b.wall_ms) {
            best = Some(figures);
        }
    }
    best.context("no run")
}

/// Terraform's plan of as many `terraform_data` that are in its state already; the state is written by us, because its own apply
/// of as many takes an hour.
fn theirs(folder: &Path, resources: usize) -> Result<Option<Figures>> {
    let Some(oracle) = Terraform::oracle() else { return Ok(None) };
    let folder = folder.join("terraform");
    fs::create_dir_all(&folder)?;
    Shape::Blocks.write(&folder, resources)?;
    Shape::Blocks.write_state(&folder, resources)?;
    let init = measured(&mut oracle.command(&folder, &["init"]), LIMIT)?;
    if init.code != Some(0) {
        bail!("`terraform init` failed:\n{}", init.tail);
    }
    let figures =
        measured(&mut oracle.command(&folder, &["plan", "-detailed-exitcode", "-lock=false"]), LIMIT)?;
    if figures.code != Some(0) {
        bail!("Terraform's plan has changes or failed (exit code {:?}):\n{}", figures.code, figures.tail);
    }
    println!(
        "terraform plan: {} ms, {} ms of processor, {} MB",
        figures.wall_ms,
        figures.cpu_ms,
        figures.peak_mb()
    );
    Ok(Some(figures))
}
