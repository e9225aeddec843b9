//! What a command costs: wall time, processor time, and peak memory as the kernel accounts it.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// What one run cost.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figures {
    pub wall_ms: u64,
    pub cpu_ms: u64,
    pub peak_kb: u64,
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
}

impl Figures {
    pub fn peak_mb(&self) -> u64 {
        self.peak_kb / 1024
    }
}

/// Runs a command in a process of its own that accounts for nothing else: the kernel's peak is that of all children together.
pub fn measured(command: &mut Command) -> Result<Figures> {
    let own = std::env::current_exe().context("our own program")?;
    let mut meter = Command::new(own);
    meter.arg("measure").arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        meter.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => meter.env(name, value),
            None => meter.env_remove(name),
        };
    }
    let output = meter
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("the meter could not be started")?;
    serde_json::from_slice(&output.stdout).context("the meter gave no figures")
}

/// The meter itself: runs the command, prints its figures.
pub fn meter(words: &[&str]) -> Result<()> {
    let (program, arguments) = words.split_first().context("measure what?")?;
    let begun = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .status()
        .with_context(|| (*program).to_owned())?;
    let wall_ms = u64::try_from(begun.elapsed().as_millis())?;
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)?;
    let ms = |t: nix::sys::time::TimeVal| t.tv_sec() * 1000 + t.tv_usec() / 1000;
    let figures = Figures {
        wall_ms,
        cpu_ms: u64::try_from(ms(usage.user_time()) + ms(usage.system_time()))?,
        peak_kb: u64::try_from(usage.max_rss())?,
        code: status.code().or_else(|| status.signal().map(|s| 128 + s)),
    };
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}
