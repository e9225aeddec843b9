//! `cargo xtask bench NAME`: what we measure, beside whom, and whether the goal is met. The last line of each reads
//! `NAME ours=… theirs=… ratio=… goal=… pass` (or `miss`, or `skipped` with the reason).

mod aws;
mod build;
mod crash;
mod deploys;
mod plan;
mod proxy;
mod rollback;
mod stack;
mod terraform;

use anyhow::{Result, anyhow, bail};

/// The last line of a benchmark.
pub struct Verdict {
    pub ours: String,
    pub theirs: String,
    pub ratio: String,
    pub goal: String,
    pub judgement: Judgement,
}

impl Verdict {
    /// Nothing was measured; the reason in words joined by `_`.
    pub fn skipped(reason: &str, goal: String) -> Self {
        let nothing = || "-".to_owned();
        let judgement = Judgement::Skipped(reason.into());
        Self { ours: nothing(), theirs: nothing(), ratio: nothing(), goal, judgement }
    }
}

/// Whether the goal is met.
pub enum Judgement {
    Pass,
    Miss,
    /// It was not judged; with the reason, in words joined by `_`.
    Skipped(String),
}

impl Judgement {
    pub fn of(is_met: bool) -> Self {
        if is_met { Self::Pass } else { Self::Miss }
    }
}

type Bench = fn(&[&str]) -> Result<Verdict>;

const BENCHES: [(&str, &str, Bench); 8] = [
    ("deploys", "deployments in a row under load; nothing may be lost", deploys::run),
    (
        "build",
        "a second build of an image after one file changed, beside Docker's; what a push of it sends",
        build::run,
    ),
    ("crash", "killed at every journal write of an apply; the next run settles it", crash::run),
    (
        "rollback",
        "a small service deployed and taken back to a warm release, beside `docker-compose up -d`",
        rollback::run,
    ),
    (
        "plan",
        "a plan of 10,000 services with nothing to change, beside Terraform's of as many resources",
        plan::run,
    ),
    (
        "terraform",
        "`mainstay terraform` plans and applies 1,000 to 100,000 resources, beside Terraform itself",
        terraform::run,
    ),
    (
        "aws",
        "`mainstay terraform` plans 100 resources of AWS with nothing to change, beside Terraform itself",
        aws::run,
    ),
    (
        "proxy",
        "requests per second of processor time, beside nginx and haproxy on the same upstream",
        proxy::run,
    ),
];

/// Runs one.
pub fn run(name: &str, arguments: &[&str]) -> Result<()> {
    if name == "list" {
        for (name, what, _) in BENCHES {
            println!("{name:9} {what}");
        }
        return Ok(());
    }
    let Some((_, _, bench)) = BENCHES.iter().find(|(n, ..)| *n == name) else {
        bail!("there is no benchmark `{name}`; `cargo xtask bench list` names them");
    };
    let v = bench(arguments)?;
    let (outcome, result) = match v.judgement {
        Judgement::Pass => ("pass".to_owned(), Ok(())),
        Judgement::Miss => ("miss".to_owned(), Err(anyhow!("the goal was missed"))),
        Judgement::Skipped(reason) => (format!("skipped:{reason}"), Ok(())),
    };
    println!("{name} ours={} theirs={} ratio={} goal={} {outcome}", v.ours, v.theirs, v.ratio, v.goal);
    result
}
