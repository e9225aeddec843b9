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
const TAIL_BYTES_MAX: i64 = 16_384;

/// How often the process is asked for its peak. It is gone with the process, so that what it grows by in its last moment is not seen; its
/// answer costs some twenty microseconds.
const SAMPLED_EVERY: Duration = Duration::from_millis(5);

/// What one run cost.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figures {
    pub wall_ms: u64,
    /// Of the process and of its children: user and system.
    pub cpu_ms: u64,
    /// Of the process alone, without its children.
    pub own_cpu_ms: u64,
    /// Of the largest process.
    pub peak_kb: u64,
    /// Of the process alone, whatever its children took.
    pub own_peak_kb: u64,
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
    let Watched { is_late, own_peak_kb } = watch(&child, limit)?;
    let wall_ms = u64::try_from(begun.elapsed().as_millis())?;
    let own_cpu_ms = own_cpu_ms(child.id())?;
    let status = child.wait()?;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let ms = |t: nix::sys::time::TimeVal| t.tv_sec() * 1000 + t.tv_usec() / 1000;
    let figures = Figures {
        wall_ms,
        cpu_ms: u64::try_from(ms(usage.user_time()) + ms(usage.system_time()))?,
        own_cpu_ms,
        peak_kb: u64::try_from(usage.max_rss())?,
        own_peak_kb,
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

/// What was seen of a process until its end.
struct Watched {
    /// Whether it was too late and was killed.
    is_late: bool,
    own_peak_kb: u64,
}

/// Waits for the end of a process, which stays to be reaped, so that what is killed here is never another one with its number.
fn watch(child: &Child, limit: Duration) -> Result<Watched> {
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    let begun = Instant::now();
    let (ended, end) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        let mut own_peak_kb = 0;
        while end.recv_timeout(SAMPLED_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
            own_peak_kb = own_peak_kb.max(peak_kb(pid).unwrap_or_default());
            if begun.elapsed() >= limit {
                // It may have ended at this very moment; then there is nothing to kill.
                return Watched { is_late: kill(pid, Signal::SIGKILL).is_ok(), own_peak_kb };
            }
        }
        Watched { is_late: false, own_peak_kb }
    });
    waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).context("the process was lost")?;
    drop(ended);
    watchdog.join().map_err(|_| anyhow::anyhow!("the watchdog died"))
}

/// The peak of resident memory until now; none when the process has ended. See proc_pid_status(5).
fn peak_kb(pid: Pid) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The processor time of a process without its children. One that has ended and was not reaped yet still tells it. See proc_pid_stat(5).
fn own_cpu_ms(pid: u32) -> Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("the process tells nothing")?;
    // The name, in parentheses, may have spaces and parentheses itself. `utime` and `stime` are fields 14 and 15, the one after it is 3.
    let (_, fields) = stat.rsplit_once(')').context("the process has no name")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let ticks = ticks.sum::<Result<u64, _>>().context("the process tells no processor time")?;
    let per_second = sysconf(SysconfVar::CLK_TCK)?.context("the machine does not tell its clock's ticks")?;
    Ok(ticks * 1000 / u64::try_from(per_second)?)
}

fn tail(file: &mut File) -> Result<String> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::End(-TAIL_BYTES_MAX.min(i64::try_from(length)?)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(program: &str, arguments: &[&str]) -> (Watched, u64) {
        let mut child = Command::new(program).args(arguments).stderr(Stdio::null()).spawn().unwrap();
        let watched = watch(&child, Duration::from_secs(60)).unwrap();
        let cpu_ms = own_cpu_ms(child.id()).unwrap();
        child.wait().unwrap();
        (watched, cpu_ms)
    }

    #[test]
    fn what_a_process_takes_itself_is_told_apart_from_what_its_children_take() {
        let copies = "dd if=/dev/zero of=/dev/null bs=64M count=64";
        let words: Vec<&str> = copies.split(' ').collect();
        let (alone, alone_ms) = watched(words[0], &words[1..]);
        assert!(alone.own_peak_kb >= 64 * 1024, "{} kB", alone.own_peak_kb);
        assert!(alone_ms >= 50, "{alone_ms} ms");
        let (parent, parent_ms) = watched("sh", &["-c", &format!("{copies}; true")]);
        assert!((1..32 * 1024).contains(&parent.own_peak_kb), "{} kB", parent.own_peak_kb);
        assert!(parent_ms < alone_ms, "{parent_ms} ms, {alone_ms} ms");
    }

    #[test]
    fn what_takes_longer_than_it_may_is_killed() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(watch(&child, Duration::from_millis(50)).unwrap().is_late);
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }
}
