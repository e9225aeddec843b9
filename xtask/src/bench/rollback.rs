//! One small service is deployed and taken back, again and again, with what it replaced kept warm: how long a person waits for a
//! deployment, and for the way back. Beside it `docker-compose up -d` for one changed image, on a Docker Engine of the benchmark's own.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use testkit::docker::{Docker, on_path};

use super::{Judgement, Verdict};
use crate::machine::{Machine, request};

/// Of each; the median counts.
const RUNS: usize = 5;
const ROLLBACK_MS_MAX: u64 = 2_000;
const DEPLOY_MS_MAX: u64 = 1_500;

/// `interval` and `min_healthy` are short so that what is measured is ours: a check that passes twice, and one image with one file changed.
fn project(entry: &str) -> String {
    format!(
        r#"project {{
  name = "small"
}}

environment "dev" {{
  cluster "local" {{
    listen = "{entry}"
  }}
}}

image "small/web" {{
  programs   = ["/bin/busybox"]
  entrypoint = ["/bin/busybox"]
  file {{
    source      = "index.html"
    destination = "/www/index.html"
  }}
}}

service "web" {{
  image   = "small/web"
  command = ["/bin/busybox", "httpd", "-f", "-p", "$(HOST):$(PORT)", "-h", "/www"]
  port "http" {{
    container = 8080
  }}
  health {{
    http     = "/"
    interval = "50ms"
  }}
  route {{
    host = "small.test"
  }}
  rollout {{
    min_healthy = "0s"
    warm        = "10m"
  }}
}}
"#
    )
}

pub fn run(arguments: &[&str]) -> Result<Verdict> {
    if !Path::new("/bin/busybox").exists() {
        return Ok(Verdict::skipped("no_busybox", goal()));
    }
    let machine = match arguments {
        [] => Machine::release("bench-rollback")?,
        ["--binary", path] => {
            Machine::with_binary("bench-rollback", Path::new(path).canonicalize().context("the binary")?)?
        }
        _ => bail!("usage: cargo xtask bench rollback [--binary PATH]"),
    };
    let folder = machine.folder().join("small");
    fs::create_dir(&folder).context("no folder")?;
    fs::write(folder.join("mainstay.hcl"), project(&machine.entry.to_string()))?;
    let ours = ours(&machine, &folder);
    machine.stop(&folder);
    let (deploys, rollbacks) = ours?;
    let theirs = theirs()?;
    let (deploy, rollback) = (median(deploys), median(rollbacks));
    let ratio = theirs
        .map_or_else(|| "-".into(), |theirs| format!("{:.1}", theirs.as_secs_f64() / rollback.as_secs_f64()));
    Ok(Verdict {
        ours: format!("{}ms/{}ms", rollback.as_millis(), deploy.as_millis()),
        theirs: theirs.map_or_else(|| "-".into(), |theirs| format!("{}ms", theirs.as_millis())),
        ratio,
        goal: goal(),
        judgement: Judgement::of(
            rollback < Duration::from_millis(ROLLBACK_MS_MAX)
                && deploy < Duration::from_millis(DEPLOY_MS_MAX),
        ),
    })
}

/// Deployments and ways back.
fn ours(machine: &Machine, folder: &Path) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let write = |release: usize| fs::write(folder.join("index.html"), format!("release {release}\n"));
    let answers = |release: usize| {
        let answer = request(machine.entry, "small.test", "/")?;
        if answer.trim() == format!("release {release}") {
            return Ok(());
        }
        bail!("it answers {answer:?} where release {release} is expected")
    };
    write(0)?;
    machine.quietly(folder, &["up", "--detach"])?.must_succeed()?;
    answers(0)?;
    let (mut deploys, mut rollbacks) = (Vec::new(), Vec::new());
    for release in 1..=RUNS {
        write(release)?;
        let deploy = machine.quietly(folder, &["deploy", "web", "--yes"])?;
        deploy.must_succeed()?;
        answers(release)?;
        let back = machine.quietly(folder, &["rollback", "--yes"])?;
        back.must_succeed()?;
        answers(release - 1)?;
        // And forward again, so that the next one replaces this release.
        machine.quietly(folder, &["deploy", "web", "--yes", "--unpin"])?.must_succeed()?;
        answers(release)?;
        println!(
            "ours {release}: deploy {} ms, rollback {} ms",
            deploy.took.as_millis(),
            back.took.as_millis()
        );
        deploys.push(deploy.took);
        rollbacks.push(back.took);
    }
    Ok((deploys, rollbacks))
}

/// `docker-compose up -d` after the image has changed. The image is built before, and not part of it.
fn theirs() -> Result<Option<Duration>> {
    if !on_path("docker-compose") {
        println!("there is no `docker-compose` here (`apt-get install docker-compose`): no competitor runs");
        return Ok(None);
    }
    let Some(docker) = Docker::start() else { return Ok(None) };
    let folder = docker.folder().join("small");
    fs::create_dir(&folder)?;
    fs::copy("/bin/busybox", folder.join("busybox")).context("busybox")?;
    let dockerfile = "FROM scratch\nCOPY busybox /bin/busybox\nCOPY index.html /www/index.html\nENTRYPOINT [\"/bin/busybox\", \"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/www\"]\n";
    fs::write(folder.join("Dockerfile"), dockerfile)?;
    // As the first process of its container the program heeds no SIGTERM, and ten seconds would be waited for nothing.
    let compose = "version: \"3\"\nservices:\n  web:\n    image: small:latest\n    stop_signal: SIGKILL\n";
    fs::write(folder.join("docker-compose.yml"), compose)?;
    let must = |program: &str, arguments: &[&str]| -> Result<Duration> {
        let begun = Instant::now();
        let answer = docker.command(program, arguments).current_dir(&folder).output()?;
        if !answer.status.success() {
            bail!("`{program} {}` failed:\n{}", arguments.join(" "), String::from_utf8_lossy(&answer.stderr));
        }
        Ok(begun.elapsed())
    };
    let mut all = Vec::new();
    for release in 0..=RUNS {
        fs::write(folder.join("index.html"), format!("release {release}\n"))?;
        must("docker", &["build", "-q", "-t", "small:latest", "."])?;
        let took = must("docker-compose", &["up", "-d"])?;
        if release > 0 {
            println!("docker-compose {release}: up -d {} ms", took.as_millis());
            all.push(took);
        }
    }
    must("docker-compose", &["down", "-t", "1"])?;
    Ok(Some(median(all)))
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort_unstable();
    all[all.len() / 2]
}

fn goal() -> String {
    format!("{ROLLBACK_MS_MAX}ms/{DEPLOY_MS_MAX}ms")
}
