//! `cargo xtask check`: formatting, lints, licences, arrows, sizes.

mod arrows;
mod sizes;

use std::process::Command;

use anyhow::{Result, bail};

use crate::house;

type Check = fn() -> Result<()>;

/// Runs every check, or those named; goes on after a failure, so that one run shows all of them.
pub fn run(names: &[&str]) -> Result<()> {
    let checks: [(&str, Check); 5] = [
        ("arrows", arrows::check),
        ("sizes", sizes::check),
        ("fmt", formatting),
        ("deny", deny),
        ("clippy", clippy),
    ];
    if let Some(unknown) = names.iter().find(|n| !checks.iter().any(|(name, _)| name == *n)) {
        bail!("there is no check `{unknown}`; there are arrows, sizes, fmt, deny, clippy");
    }
    let mut failed = Vec::new();
    for (name, check) in checks.iter().filter(|(name, _)| names.is_empty() || names.contains(name)) {
        match check() {
            Ok(()) => eprintln!("check {name}: ok"),
            Err(error) => {
                eprintln!("check {name}: FAILED\n{error:#}\n");
                failed.push(*name);
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

fn formatting() -> Result<()> {
    house::run("cargo", &["fmt", "--all", "--check"])
}

fn clippy() -> Result<()> {
    house::run("cargo", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
}

/// Licences, sources and bans. Advisories need a database from the network and are not asked for here.
fn deny() -> Result<()> {
    let there = Command::new("cargo-deny").arg("--version").output().is_ok_and(|o| o.status.success());
    if !there {
        eprintln!("check deny: skipped: cargo-deny is not installed (`cargo install --locked cargo-deny`)");
        return Ok(());
    }
    house::run("cargo", &["deny", "--locked", "check", "licenses", "bans", "sources"])
}
