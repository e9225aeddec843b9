//! Deployments in a row under load, on connections that are kept and on fresh ones: no request may fail.

use std::fs;

use anyhow::{Context, Result};
use testkit::load::{ConnectionUse, Load};

use super::{Judgement, Verdict};
use crate::demo;
use crate::machine::Machine;

const DEPLOYMENTS: usize = 20;
const RATE: u32 = 300;

pub fn run(arguments: &[&str]) -> Result<Verdict> {
    let deployments = match arguments.first() {
        Some(n) => n.parse().context("the first argument is the number of deployments")?,
        None => DEPLOYMENTS,
    };
    let machine = Machine::new("bench-deploys")?;
    let shop = demo::copy_of_the_shop(&machine)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let result = runtime.block_on(async {
        machine.quietly(&shop, &["up", "--detach"])?.must_succeed()?;
        // The program stays the same from here on; only its settings change.
        fs::write(shop.join("build"), "#!/bin/sh\n")?;
        let mut options = demo::load_options(&machine, RATE);
        options.connection_use = ConnectionUse::Both;
        let load = Load::start(options)?;
        for release in 1..=deployments {
            let settings = format!("{{ \"release\": \"{release}\", \"greeting\": \"Welcome\" }}\n");
            fs::write(shop.join("settings.json"), settings)?;
            let outcome = machine.quietly(&shop, &["deploy", "web", "--yes"])?;
            outcome.must_succeed()?;
            println!("deployment {release} of {deployments}: {:.1} s", outcome.took.as_secs_f64());
        }
        anyhow::Ok(load.stop().await)
    });
    machine.stop(&shop);
    let report = result?;
    println!("{}", serde_json::to_string(&report)?);
    let lost = report.failed();
    Ok(Verdict {
        ours: format!("{lost}_lost_of_{}", report.sent),
        theirs: "none_named".into(),
        ratio: "-".into(),
        goal: "0_lost".into(),
        judgement: Judgement::of(lost == 0 && report.resets == 0 && report.sent > 0),
    })
}
