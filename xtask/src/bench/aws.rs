//! A plan with nothing to change of what a real provider makes: the stage of `examples/aws` over a stand-in for AWS on this machine,
//! planned by `mainstay terraform` and by Terraform itself, each with a provider process of its own. Makes the objects once, with the
//! oracle, and gives ours the very state that the oracle wrote. The provider's own costs are told and are not judged.

mod folders;
mod options;
mod side;
mod world;

use std::fs;

use anyhow::{Context, Result, bail};
use testkit::servers::Moto;

use self::options::Options;
use self::side::Side;
use self::world::World;
use super::{Judgement, Verdict};
use crate::house;
use crate::machine;
use crate::measure::Figures;
use crate::terraform::Terraform;

/// Of each side, one after the other in turn; the median counts.
const RUNS: usize = 3;
/// Ours is to be faster than the oracle at least so many times.
const WALL_TIMES_MIN: f64 = 3.0;
/// And its own process smaller.
const PEAK_TIMES_MIN: f64 = 5.0;
const WORKSPACE: &str = "stage";
const PLAN: [&str; 4] = ["plan", "-no-color", "-detailed-exitcode", "-var-file=stage.tfvars"];

pub fn run(arguments: &[&str]) -> Result<Verdict> {
    let options = Options::read(arguments)?;
    let Some(oracle) = Terraform::oracle() else { return Ok(Verdict::skipped("no_terraform", goal())) };
    let Some(mirror) = world::mirror() else {
        println!(
            "the AWS provider {} is looked for in the filesystem mirror that TF_PLUGIN_MIRROR names, and where mirrors usually are",
            world::PROVIDER
        );
        return Ok(Verdict::skipped("no_aws_provider", goal()));
    };
    let Some(moto) = Moto::start() else { return Ok(Verdict::skipped("no_moto_server", goal())) };
    println!("oracle: Terraform {}, AWS provider {}", oracle.version()?, world::PROVIDER);
    let ours = Terraform::ours(options.binary.map_or_else(|| machine::build(true), Ok)?);

    let folder = tempfile::Builder::new().prefix("bench-aws-").tempdir().context("no temporary folder")?;
    let world = World::new(folder.path(), &mirror, moto.port(), options.told)?;
    let (theirs, ours) = (Side::new("oracle", oracle, &world), Side::new("ours", ours, &world));
    make(&theirs)?;
    take_over(&theirs, &ours)?;
    measure(&ours, &theirs).map(|(ours, theirs)| verdict(&ours, &theirs))
}

/// The oracle makes the objects.
fn make(theirs: &Side) -> Result<()> {
    folders::copy_listed(&house::root(), "examples/aws", theirs.root())?;
    theirs.must(&["init", "-no-color"])?;
    theirs.must(&["workspace", "new", WORKSPACE])?;
    let made = theirs.must(&["apply", "-no-color", "-auto-approve", "-var-file=stage.tfvars"])?;
    let outcome = made.tail.lines().find(|line| line.starts_with("Apply complete!")).unwrap_or_default();
    println!("oracle: {outcome} ({})", side::seconds(made.wall_ms));
    Ok(())
}

/// Ours gets what the oracle left, and fills its cache of schemas.
fn take_over(theirs: &Side, ours: &Side) -> Result<()> {
    folders::copy_whole(theirs.root(), ours.root())?;
    let init = ours.must(&["init", "-no-color"])?;
    println!("ours: init, which takes the state over ({})", side::seconds(init.wall_ms));
    let workspace = fs::read_to_string(ours.folder().join(".terraform/environment")).unwrap_or_default();
    if workspace.trim() != WORKSPACE {
        bail!("after `init` the workspace is {:?}, not {WORKSPACE:?}", workspace.trim());
    }
    side::head();
    ours.unchanged(&PLAN, "first").map(drop)
}

/// The medians of both.
fn measure(ours: &Side, theirs: &Side) -> Result<(Costs, Costs)> {
    let (mut of_ours, mut of_theirs) = (Vec::new(), Vec::new());
    for n in 1..=RUNS {
        of_theirs.push(theirs.unchanged(&PLAN, &n.to_string())?);
        of_ours.push(ours.unchanged(&PLAN, &n.to_string())?);
    }
    Ok((Costs::of(&of_ours), Costs::of(&of_theirs)))
}

/// What is judged.
#[derive(Debug)]
struct Costs {
    wall_ms: u64,
    /// Of the program itself, without the provider's process.
    peak_kb: u64,
}

impl Costs {
    fn of(runs: &[Figures]) -> Self {
        let median = |measure: fn(&Figures) -> u64| {
            let mut sorted: Vec<u64> = runs.iter().map(measure).collect();
            sorted.sort_unstable();
            sorted[sorted.len() / 2]
        };
        Self { wall_ms: median(|f| f.wall_ms), peak_kb: median(|f| f.own_peak_kb) }
    }

    fn text(&self) -> String {
        format!("{:.2}s/{}MB", self.wall_ms as f64 / 1000.0, self.peak_kb / 1024)
    }
}

fn verdict(ours: &Costs, theirs: &Costs) -> Verdict {
    let times = |theirs: u64, ours: u64| theirs as f64 / ours.max(1) as f64;
    let wall = times(theirs.wall_ms, ours.wall_ms);
    let peak = times(theirs.peak_kb, ours.peak_kb);
    Verdict {
        ours: ours.text(),
        theirs: theirs.text(),
        ratio: format!("{wall:.1}/{peak:.1}"),
        goal: goal(),
        judgement: Judgement::of(wall >= WALL_TIMES_MIN && peak >= PEAK_TIMES_MIN),
    }
}

fn goal() -> String {
    format!("{WALL_TIMES_MIN:.1}/{PEAK_TIMES_MIN:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(wall_ms: u64, peak_kb: u64) -> Costs {
        Costs { wall_ms, peak_kb }
    }

    #[test]
    fn the_goal_is_a_third_of_the_time_and_a_fifth_of_the_memory() {
        let theirs = costs(30_000, 500 * 1024);
        let judged = |ours: Costs| matches!(verdict(&ours, &theirs).judgement, Judgement::Pass);
        assert!(judged(costs(10_000, 100 * 1024)));
        assert!(!judged(costs(10_001, 100 * 1024)));
        assert!(!judged(costs(10_000, 101 * 1024)));
    }

    #[test]
    fn the_last_line_tells_both_figures_and_both_ratios() {
        let verdict = verdict(&costs(8_000, 50 * 1024), &costs(30_000, 500 * 1024));
        let told = [verdict.ours, verdict.theirs, verdict.ratio, verdict.goal];
        assert_eq!(told, ["8.00s/50MB", "30.00s/500MB", "3.8/10.0", "3.0/5.0"]);
    }

    #[test]
    fn each_figure_is_the_median_of_its_own() {
        let run = |wall_ms, own_peak_kb| Figures {
            wall_ms,
            cpu_ms: 0,
            own_cpu_ms: 0,
            peak_kb: 0,
            own_peak_kb,
            code: Some(0),
            is_late: false,
            tail: String::new(),
        };
        let costs = Costs::of(&[run(3, 10), run(1, 30), run(2, 20)]);
        assert_eq!((costs.wall_ms, costs.peak_kb), (2, 20));
    }
}
