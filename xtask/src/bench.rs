//! `cargo xtask bench NAME`: what we measure, beside whom, and whether the goal is met. The last line of each reads
//! `NAME ours=… theirs=… ratio=… goal=… pass` (or `miss`, or `skipped` with the reason).

mod crash;
mod deploys;
mod plan;

use anyhow::{Result, bail};

/// The last line of a benchmark.
pub struct Verdict {
    pub ours: String,
    pub theirs: String,
    pub ratio: String,
    pub goal: String,
    pub pass: bool,
}

type Bench = fn(&[&str]) -> Result<Verdict>;

const BENCHES: [(&str, &str, Bench); 3] = [
    ("deploys", "deployments in a row under load; nothing may be lost", deploys::run),
    ("crash", "killed at every journal write of an apply; the next run settles it", crash::run),
    (
        "plan",
        "a plan of 10,000 services with nothing to change, beside Terraform's of as many resources",
        plan::run,
    ),
];

/// Runs one.
pub fn run(name: &str, arguments: &[&str]) -> Result<()> {
    if name == "list" {
        for (name, what, _) in BENCHES {
            println!("{name:8} {what}");
        }
        return Ok(());
    }
    let Some((_, _, bench)) = BENCHES.iter().find(|(n, ..)| *n == name) else {
        bail!("there is no benchmark `{name}`; `cargo xtask bench list` names them");
    };
    let v = bench(arguments)?;
    let verdict = if v.pass { "pass" } else { "miss" };
    println!("{name} ours={} theirs={} ratio={} goal={} {verdict}", v.ours, v.theirs, v.ratio, v.goal);
    if v.pass { Ok(()) } else { bail!("the goal was missed") }
}
