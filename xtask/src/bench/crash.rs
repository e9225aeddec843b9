//! Killed with SIGKILL at every journal write of an apply: the next run settles it; nothing is lost, nothing runs twice. Then the
//! agent is killed under load: the instances go on, and are found again.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value as Json;
use testkit::load::{ConnectionUse, Load, LoadOptions};

use super::{Judgement, Verdict};
use crate::machine::{Machine, build_crasher};

const SERVICES: usize = 50;

pub fn run(arguments: &[&str]) -> Result<Verdict> {
    let services: usize = match arguments.first() {
        Some(n) => n.parse().context("the first argument is the number of instances")?,
        None => SERVICES,
    };
    let crasher = build_crasher()?;
    let machine = Machine::new("bench-crash")?;
    let project = machine.folder().join("many");
    fs::create_dir_all(&project)?;
    let result = tell(&machine, &crasher, &project, services);
    machine.stop(&project);
    let kills = result?;
    Ok(Verdict {
        ours: format!("{kills}_kills_settled"),
        theirs: "none_named".into(),
        ratio: "-".into(),
        goal: "all_settled".into(),
        judgement: Judgement::of(kills > 0),
    })
}

fn tell(machine: &Machine, crasher: &Path, project: &Path, services: usize) -> Result<usize> {
    write_project(machine, project, services, 0)?;
    machine.quietly(project, &["up", "--detach"])?.must_succeed()?;
    machine.quietly(project, &["destroy", "--yes"])?.must_succeed()?;
    let mut kills = 0;
    // Each round kills the apply one write later; the first that is not killed has had all of its writes.
    for write in 1.. {
        write_project(machine, project, services, write)?;
        let mut command = std::process::Command::new(crasher);
        command.args(["apply", "--yes", "-C"]).arg(project).env("MAINSTAY_AGENT_DIR", machine.agent_dir());
        command.env("CRASH_AT_WRITE", write.to_string()).stdin(std::process::Stdio::null());
        let output = command.output().context("the crasher could not be started")?;
        let killed = std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(9);
        if !killed {
            ensure!(output.status.success(), "apply failed: {}", String::from_utf8_lossy(&output.stderr));
            println!("point {write}: there is none; {kills} kills in all");
            break;
        }
        kills += 1;
        let settle = machine.quietly(project, &["apply", "--yes"])?;
        settle.must_succeed()?;
        let plan = machine.quietly(project, &["plan", "--detailed-exitcode"])?;
        ensure!(plan.succeeded, "after a kill at write {write} the next run left changes:\n{}", plan.text);
        check_instances(machine, project, services)
            .with_context(|| format!("after a kill at write {write}"))?;
        if write % 10 == 0 {
            println!("killed at point {write}: settled, {services} of {services} run once");
        }
        machine.quietly(project, &["destroy", "--yes"])?.must_succeed()?;
    }
    kill_the_agent(machine, project)?;
    Ok(kills)
}

/// Sleepers in groups that depend on each other, so that there is an order to keep.
fn write_project(machine: &Machine, project: &Path, services: usize, round: usize) -> Result<()> {
    let mut text = format!(
        "project {{\n  name = \"crash\"\n}}\n\nenvironment \"dev\" {{\n  cluster \"local\" {{\n    listen = \"{}\"\n  }}\n}}\n",
        machine.entry
    );
    for n in 0..services {
        let after = if n >= 10 { format!("  depends_on = [service.s{}]\n", n - 10) } else { String::new() };
        let _ = write!(
            text,
            "\nservice \"s{n}\" {{\n  program = [\"/bin/sleep\", \"infinity\"]\n  env = {{ ROUND = \"{round}\" }}\n{after}  rollout {{\n    min_healthy = \"0s\"\n  }}\n}}\n"
        );
    }
    fs::write(project.join("mainstay.hcl"), text).context("the project could not be written")
}

/// Every service runs exactly once, as the agent and as the process table tell it.
fn check_instances(machine: &Machine, project: &Path, services: usize) -> Result<()> {
    let pids = pids(machine, project)?;
    ensure!(pids.len() == services, "{} instances run, not {services}", pids.len());
    let unique: BTreeSet<u64> = pids.iter().copied().collect();
    ensure!(unique.len() == services, "two instances are one process");
    for pid in pids {
        ensure!(Path::new(&format!("/proc/{pid}")).exists(), "process {pid} is gone");
    }
    Ok(())
}

fn pids(machine: &Machine, project: &Path) -> Result<Vec<u64>> {
    let outcome = machine.command(project, &["status", "--json"]).output()?;
    let status: Json = serde_json::from_slice(&outcome.stdout).context("status")?;
    let cells = status["cells"].as_array().context("no cells")?;
    let instances = cells.iter().filter_map(|c| c["instances"].as_array()).flatten();
    let running = instances.filter(|i| !matches!(i["phase"].as_str(), Some("exited" | "failed")));
    running.map(|i| i["pid"].as_u64().context("an instance has no process")).collect()
}

fn kill_the_agent(machine: &Machine, project: &Path) -> Result<()> {
    machine.quietly(project, &["destroy", "--yes"])?.must_succeed()?;
    let shop = crate::demo::copy_of_the_shop(machine)?;
    machine.quietly(&shop, &["up", "--detach"])?.must_succeed()?;
    let before: BTreeSet<u64> = pids(machine, &shop)?.into_iter().collect();
    let runtime = tokio::runtime::Runtime::new()?;
    let report = runtime.block_on(async {
        let options =
            LoadOptions { connection_use: ConnectionUse::Both, ..crate::demo::load_options(machine, 300) };
        let load = Load::start(options)?;
        let dir = machine.agent_dir().display().to_string();
        let info = machine.command(&shop, &["agent", "info", "--json", "--data-dir", &dir]).output()?;
        let info: Json = serde_json::from_slice(&info.stdout).context("agent info")?;
        let pid = i32::try_from(info["pid"].as_i64().context("no pid")?)?;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL)?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        machine.quietly(&shop, &["up", "--detach"])?.must_succeed()?;
        anyhow::Ok(load.stop().await)
    })?;
    let after: BTreeSet<u64> = pids(machine, &shop)?.into_iter().collect();
    if before != after {
        bail!("after the agent was killed other processes run: {before:?} became {after:?}");
    }
    ensure!(
        report.failed() == 0,
        "{} requests were lost while the agent was dead: {:?}",
        report.failed(),
        report.examples
    );
    println!(
        "agent killed under load: {} instances found again, {} requests, 0 lost",
        after.len(),
        report.sent
    );
    Ok(())
}
