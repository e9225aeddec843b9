//! A plan of 10,000 services with nothing to change: wall time and peak memory, beside Terraform's plan of as many resources.
//!
//! The services are real ones with `replicas = 0`: described, written to the agent and read back, with nothing to run.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Verdict;
use crate::machine::Machine;
use crate::measure::{Figures, measured};

const SERVICES: usize = 10_000;
const GOAL_MS: u64 = 1_000;
const GOAL_MB: u64 = 200;
const RUNS: usize = 3;

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
        pass: ours.wall_ms < GOAL_MS && ours.peak_mb() < GOAL_MB,
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
        let figures = measured(&mut command)?;
        if figures.code != Some(0) {
            bail!("the plan has changes or failed (exit code {:?})", figures.code);
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
    let there = Command::new("terraform").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|s| s.success()) {
        return Ok(None);
    }
    let folder = folder.join("terraform");
    fs::create_dir_all(&folder)?;
    let mut text = String::from("variable \"level\" {\n  default = \"info\"\n}\n");
    let mut rows = Vec::with_capacity(resources);
    for n in 0..resources {
        let _ = write!(
            text,
            "resource \"terraform_data\" \"s{n}\" {{\n  input = {{ level = var.level, name = \"service-{n}\" }}\n}}\n"
        );
        let input = serde_json::json!({ "value": { "level": "info", "name": format!("service-{n}") },
            "type": ["object", { "level": "string", "name": "string" }] });
        rows.push(serde_json::json!({
            "mode": "managed", "type": "terraform_data", "name": format!("s{n}"),
            "provider": "provider[\"terraform.io/builtin/terraform\"]",
            "instances": [{ "schema_version": 0, "attributes": {
                "id": format!("00000000-0000-0000-0000-{n:012}"), "input": input, "output": input, "triggers_replace": null } }],
        }));
    }
    fs::write(folder.join("main.tf"), text)?;
    let state = serde_json::json!({ "version": 4, "terraform_version": "1.11.4", "serial": 1,
        "lineage": "00000000-0000-0000-0000-000000000000", "outputs": {}, "resources": rows });
    fs::write(folder.join("terraform.tfstate"), serde_json::to_vec(&state)?)?;
    let init = Command::new("terraform").arg("init").current_dir(&folder).stdout(Stdio::null()).status()?;
    if !init.success() {
        bail!("`terraform init` failed");
    }
    let mut command = Command::new("terraform");
    command.args(["plan", "-detailed-exitcode", "-lock=false"]).current_dir(&folder);
    let figures = measured(&mut command)?;
    if figures.code != Some(0) {
        bail!("Terraform's plan has changes or failed (exit code {:?})", figures.code);
    }
    println!(
        "terraform plan: {} ms, {} ms of processor, {} MB",
        figures.wall_ms,
        figures.cpu_ms,
        figures.peak_mb()
    );
    Ok(Some(figures))
}
