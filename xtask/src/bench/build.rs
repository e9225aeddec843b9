//! A second build after one file changed, beside `docker build` where an engine answers; and what a push of it sends to a registry.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::docker::Docker;
use testkit::registry::{Door, Registry};

use super::{Judgement, Verdict};
use crate::machine::Machine;

/// A dependency that does not change, and a source folder of which one file does.
const DEPENDENCY_BYTES: usize = 40_000_000;
const SOURCE_FILES: usize = 500;
const SOURCE_FILE_BYTES: usize = 4_000;
const BUILDS: usize = 5;
const GOAL: Duration = Duration::from_secs(1);
const GOAL_TEXT: &str = "1s_and_1_layer_pushed";

pub fn run(_: &[&str]) -> Result<Verdict> {
    let Some(registry) = Registry::start(Door::Open) else {
        return Ok(Verdict::skipped("no_docker-registry", GOAL_TEXT.into()));
    };
    let machine = Machine::new("bench-build")?;
    let project = machine.folder().join("project");
    write_project(&project)?;
    let reference = |tag: &str| format!("{}/bench/app:{tag}", registry.name());
    let build = || -> Result<Duration> {
        let outcome = machine.quietly(&project, &["image", "build"])?;
        outcome.must_succeed()?;
        Ok(outcome.took)
    };
    let push = |tag: &str| -> Result<(usize, Duration)> {
        let before = registry.requests("PUT", "/blobs/uploads/");
        let outcome = machine.quietly(&project, &["image", "push", "app", &reference(tag)])?;
        outcome.must_succeed()?;
        Ok((registry.requests("PUT", "/blobs/uploads/") - before, outcome.took))
    };
    let first = build()?;
    let (blobs, took) = push("0")?;
    println!(
        "first build {:.2} s; its push sent {blobs} blobs in {:.2} s",
        first.as_secs_f64(),
        took.as_secs_f64()
    );
    ensure!(blobs == 3, "an image of two layers and a configuration was sent as {blobs} blobs");
    let mut builds = Vec::new();
    let mut layers_max = 0;
    for round in 1..=BUILDS {
        change(&project, round)?;
        let took = build()?;
        builds.push(took);
        let (blobs, pushed) = push(&round.to_string())?;
        // One of them is the configuration, which names the layers.
        let layers = blobs.saturating_sub(1);
        layers_max = layers_max.max(layers);
        println!(
            "build after a change {:.2} s; its push sent {layers} layer and the configuration in {:.2} s",
            took.as_secs_f64(),
            pushed.as_secs_f64()
        );
    }
    builds.sort();
    let median = builds[builds.len() / 2];
    let theirs = docker(&project)?;
    let shown = |took: Duration| format!("{:.2}s", took.as_secs_f64());
    let ratio =
        theirs.map_or("-".into(), |theirs| format!("{:.2}", median.as_secs_f64() / theirs.as_secs_f64()));
    let theirs = theirs.map_or("no_docker_here".into(), shown);
    let judgement = Judgement::of(median < GOAL && layers_max == 1);
    let ours = format!("{}_{layers_max}_layer_pushed", shown(median));
    Ok(Verdict { ratio, ..verdict(ours, theirs, judgement) })
}

fn verdict(ours: String, theirs: String, judgement: Judgement) -> Verdict {
    Verdict { ours, theirs, ratio: "-".into(), goal: GOAL_TEXT.into(), judgement }
}

fn write_project(project: &Path) -> Result<()> {
    fs::create_dir_all(project.join("source")).context("no folder")?;
    let hello = std::env::current_exe()?;
    let configuration = format!(
        "project {{\n  name = \"bench\"\n}}\n\nimage \"app\" {{\n  programs = [\"{}\"]\n  file {{\n    source      = \"source\"\n    \
         destination = \"/source\"\n  }}\n}}\n",
        project.join("dependency").display()
    );
    fs::write(project.join("mainstay.hcl"), configuration)?;
    fs::write(
        project.join("Dockerfile"),
        "FROM scratch\nCOPY dependency /dependency\nCOPY source /source\n",
    )?;
    // A program, so that it comes with its libraries; grown by what does not become smaller.
    fs::copy(hello, project.join("dependency"))?;
    let mut program = fs::File::options().append(true).open(project.join("dependency"))?;
    std::io::Write::write_all(&mut program, &noise(1, DEPENDENCY_BYTES))?;
    for file in 0..SOURCE_FILES {
        fs::write(project.join(format!("source/{file}")), noise(file as u64 + 2, SOURCE_FILE_BYTES))?;
    }
    Ok(())
}

fn change(project: &Path, round: usize) -> Result<()> {
    Ok(fs::write(project.join("source/7"), noise(1_000_000 + round as u64, SOURCE_FILE_BYTES))?)
}

/// Bytes that no compression makes smaller, the same for the same seed (xorshift).
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..bytes.div_ceil(8)).flat_map(|_| next()).take(bytes).collect()
}

/// The same with Docker's builder, in an engine of the benchmark's own; none where there is none.
fn docker(project: &Path) -> Result<Option<Duration>> {
    let Some(docker) = Docker::start() else { return Ok(None) };
    let folder = project.display().to_string();
    let build = || -> Result<()> {
        let mut command = docker.command("docker", &["build", "--quiet", "--tag", "bench", &folder]);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        ensure!(status.success(), "`docker build` failed");
        Ok(())
    };
    build()?;
    let mut builds = Vec::new();
    for round in 1..=BUILDS {
        change(project, 1000 + round)?;
        let begun = Instant::now();
        build()?;
        builds.push(begun.elapsed());
    }
    builds.sort();
    Ok(Some(builds[builds.len() / 2]))
}
