//! What a command costs: wall time, processor time, and peak memory as the kernel accounts it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::resource::{Resource, UsageWho, getrusage, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, SysconfVar, sysconf};
use serde::{Deserialize, Serialize};

/// As much of what a command prints is kept: its last lines say what it did, or why not.
const TAIL_BYTES_MAX: i64 = 4_096;

/// What one run cost.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figures {
    pub wall_ms: u64,
    /// Of the process and of its children: user and system.
    pub cpu_ms: u64,
    /// Of the largest process.
    pub peak_kb: u64,
    /// The exit code; 128 and its number if a signal ended it.
    pub code: Option<i32>,
    /// Whether it was killed because it took longer than it may.
    pub is_late: bool,
    /// The end of what it printed.
    pub tail: String,
}

impl Figures {
    pub fn peak_mb(&self) -> u64 {
        self.peak_kb / 1024
    }
}

/// Runs a command in a process of its own that accounts for nothing else: the kernel's peak is that of all children together. It is
/// killed when it takes longer than the limit.
pub fn measured(command: &mut Command, limit: Duration) -> Result<Figures> {
    let own = std::env::current_exe().context("our own program")?;
    let mut meter = Command::new(own);
    meter.arg("measure").arg(limit.as_millis().to_string());
    meter.arg(command.get_program()).args(command.get_args());
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
    let [limit_ms, program, arguments @ ..] = words else { bail!("measure LIMIT_MS what?") };
    let limit = Duration::from_millis(limit_ms.parse().context("the limit is in milliseconds")?);
    bound_memory()?;
    // Both into one file, so that lines keep the order in which they came.
    let mut both = tempfile::tempfile().context("no temporary file")?;
    let mut command = Command::new(program);
    command.args(arguments).stdout(both.try_clone()?).stderr(both.try_clone()?);
    let begun = Instant::now();
    let mut child = command.spawn().with_context(|| (*program).to_owned())?;
    let is_late = wait_or_kill(&child, limit)?;
    let wall_ms = u64::try_from(begun.elapsed().as_millis())?;
    let status = child.wait()?;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let ms = |t: nix::sys::time::TimeVal| t.tv_sec() * 1000 + t.tv_usec() / 1000;
    let figures = Figures {
        wall_ms,
        cpu_ms: u64::try_from(ms(usage.user_time()) + ms(usage.system_time()))?,
        peak_kb: u64::try_from(usage.max_rss())?,
        code: status.code().or_else(|| status.signal().map(|s| 128 + s)),
        is_late,
        tail: tail(&mut both)?,
    };
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// A command that wants three quarters of the machine's memory is refused it: it ends, and the machine goes on.
fn bound_memory() -> Result<()> {
    let words = (sysconf(SysconfVar::_PHYS_PAGES)?, sysconf(SysconfVar::PAGE_SIZE)?);
    let (Some(pages), Some(page_bytes)) = words else { bail!("the machine does not tell its memory") };
    let bytes = u64::try_from(pages)? * u64::try_from(page_bytes)? / 4 * 3;
    setrlimit(Resource::RLIMIT_AS, bytes, bytes).context("memory could not be bounded")
}

/// Waits for the end of a process, which stays to be reaped, so that what is killed here is never another one with its number.
/// Answers whether it was too late and was killed.
fn wait_or_kill(child: &Child, limit: Duration) -> Result<bool> {
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    let (ended, end) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        let is_late = end.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout);
        // It may have ended at this very moment; then there is nothing to kill.
        is_late && kill(pid, Signal::SIGKILL).is_ok()
    });
    waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).context("the process was lost")?;
    drop(ended);
    watchdog.join().map_err(|_| anyhow::anyhow!("the watchdog died"))
}

fn tail(file: &mut File) -> Result<String> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::End(-TAIL_BYTES_MAX.min(i64::try_from(length)?)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
