//! The demonstration: the shop is brought up, deployed under load, broken, taken back. Uses the command line only.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::house;
use crate::machine::{Machine, Outcome, request};
use testkit::load::{ConnectionUse, Load, LoadOptions, LoadReport};

/// Requests a second while things are deployed.
const RATE: u32 = 300;

/// Runs it; the last line says what was lost.
pub fn run() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let machine = Machine::new("shop-demo")?;
    let shop = copy_of_the_shop(&machine)?;
    let result = runtime.block_on(tell(&machine, &shop));
    machine.stop(&shop);
    result
}

struct Story {
    rows: Vec<[String; 4]>,
}

impl Story {
    fn step(&mut self, what: &str, outcome: &str, took: Duration, cause: &str) {
        self.rows.push([what.into(), outcome.into(), format!("{:.1} s", took.as_secs_f64()), cause.into()]);
    }
}

async fn tell(machine: &Machine, shop: &Path) -> Result<()> {
    let mut story = Story { rows: Vec::new() };
    if !machine.is_root() {
        println!(
            "note: not root: containers run in user namespaces; `up` says below what isolation is missing"
        );
    }

    heading("The shop comes up: an agent, two images, three services, seed data");
    let up = machine.mainstay(shop, &["up", "--detach"])?;
    up.must_succeed()?;
    story.step("up", "3 services running", up.took, "");

    heading("It answers");
    println!("GET /          {}", request(machine.entry, "shop.localhost", "/")?.trim_end());
    for product in request(machine.entry, "shop.localhost", "/products")?.lines() {
        println!("GET /products  {product}");
    }

    heading(&format!("Load begins: {RATE} requests a second, half of them on connections of their own"));
    let load = Load::start(load_options(machine, RATE))?;

    heading("Release 2 is deployed");
    let second =
        machine.mainstay(shop, &["deploy", "web", "--yes", "--var", "settings=demo/settings-2.json"])?;
    second.must_succeed()?;
    println!("GET /          {}", request(machine.entry, "shop.localhost", "/")?.trim_end());
    story.step("deploy release 2", "succeeded", second.took, "");

    heading("Release 3 is deployed; its settings are broken");
    let broken = machine
        .mainstay(shop, &["deploy", "web", "--yes", "--var", "settings=demo/settings-3-broken.json"])?;
    if broken.succeeded {
        bail!("a broken release was deployed as if it were whole");
    }
    println!("GET /          {}", request(machine.entry, "shop.localhost", "/")?.trim_end());
    story.step("deploy release 3", "reverted", broken.took, &cause(&broken));

    heading("Back to release 1");
    let back = machine.mainstay(shop, &["rollback", "--yes"])?;
    back.must_succeed()?;
    let answer = request(machine.entry, "shop.localhost", "/")?;
    println!("GET /          {}", answer.trim_end());
    if !answer.contains("release 1") {
        bail!("the rollback left another release: {answer}");
    }
    story.step("rollback", "release 1 again", back.took, "");

    let report = load.stop().await;
    heading("What runs, and what happened");
    machine.mainstay(shop, &["status"])?.must_succeed()?;
    println!();
    machine.mainstay(shop, &["history"])?.must_succeed()?;
    println!();
    print_story(&story);
    println!("\nanswers by release: {}", releases(&report));
    if report.failed() > 0 {
        println!("what was lost: {}", report.examples.join("; "));
    }
    println!("requests sent: {}, lost: {}", report.sent, report.failed());
    if report.failed() > 0 {
        bail!("requests were lost");
    }
    Ok(())
}

fn releases(report: &LoadReport) -> String {
    report.by_release.iter().map(|(release, n)| format!("{release}: {n}")).collect::<Vec<_>>().join(", ")
}

/// Requests to the shop, half of them on connections of their own.
pub fn load_options(machine: &Machine, rate: u32) -> LoadOptions {
    LoadOptions {
        address: machine.entry,
        host: "shop.localhost".into(),
        path: "/".into(),
        requests_per_second: rate,
        connections: 16,
        connection_use: ConnectionUse::Both,
        timeout: Duration::from_secs(10),
        duration_max: Duration::from_secs(900),
    }
}

fn heading(text: &str) {
    println!("\n== {text}");
}

/// The first line of the report that names the cause.
fn cause(outcome: &Outcome) -> String {
    let line = outcome.text.lines().find(|l| l.contains("note:"));
    line.map(|l| l.trim_start_matches([' ', '=']).trim_start_matches("note: ").to_owned()).unwrap_or_default()
}

fn print_story(story: &Story) {
    let head = ["WHAT", "OUTCOME", "TOOK", "CAUSE"].map(str::to_owned);
    let rows: Vec<&[String; 4]> = std::iter::once(&head).chain(&story.rows).collect();
    let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    for row in &rows {
        let line = format!(
            "{:w0$}  {:w1$}  {:w2$}  {}",
            row[0],
            row[1],
            row[2],
            row[3],
            w0 = width(0),
            w1 = width(1),
            w2 = width(2)
        );
        println!("{}", line.trim_end());
    }
}

/// The example in a folder of its own, so that the repository stays as it is and two demonstrations do not meet.
pub fn copy_of_the_shop(machine: &Machine) -> Result<PathBuf> {
    let from = house::root().join("examples/shop");
    let to = machine.folder().join("shop");
    for part in [
        "mainstay.hcl",
        "settings.json",
        "build",
        "demo/settings-2.json",
        "demo/settings-3-broken.json",
        "seed/products.json",
    ] {
        let target = to.join(part);
        fs::create_dir_all(target.parent().unwrap_or(&to))?;
        fs::copy(from.join(part), &target).with_context(|| format!("examples/shop/{part}"))?;
    }
    fs::create_dir_all(to.join("environments"))?;
    let dev = format!(
        "environment \"dev\" {{\n  cluster \"local\" {{\n    listen = \"{}\"\n  }}\n}}\n",
        machine.entry
    );
    fs::write(to.join("environments/dev.hcl"), dev)?;
    Ok(to)
}
