//! Control groups of one instance: limits, the whole of its processes, and whether the kernel ran out of memory for it.
//!
//! Both generations are served. It decides no limits, and never touches a group that the agent did not make.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use agent_api::Resources;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// Processor time is dealt out in periods of this many microseconds, the kernel's own default.
const CPU_PERIOD_US: u64 = 100_000;
/// The kernel refuses a smaller share of a period.
const CPU_QUOTA_US_MIN: u64 = 1_000;
/// Rounds of killing: a process that forks as fast as it can is caught after a few, with the limit on processes set.
const KILL_ROUNDS: u32 = 50;

/// What a folder of the control-group file system limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Controller {
    /// Version 2: all of them in one folder.
    Unified,
    /// Version 1: memory.
    Memory,
    /// Version 1: processor time.
    Cpu,
    /// Version 1: number of processes.
    Pids,
}

/// Where the groups of one agent are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hierarchy {
    parents: Vec<(Controller, PathBuf)>,
}

/// The control groups of one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cgroup {
    folders: Vec<(Controller, PathBuf)>,
}

/// Where each controller is mounted, from the text of `/proc/self/mountinfo`; version 2 last.
fn mounts(mountinfo: &str) -> Vec<(Controller, PathBuf)> {
    let mut found = Vec::new();
    let mut unified = None;
    for line in mountinfo.lines() {
        let Some((head, tail)) = line.split_once(" - ") else { continue };
        let Some(point) = head.split(' ').nth(4) else { continue };
        let mut tail = tail.split(' ');
        match tail.next() {
            Some("cgroup2") => unified = Some(PathBuf::from(point)),
            Some("cgroup") => {
                let options = tail.nth(1).unwrap_or_default();
                for (name, controller) in
                    [("memory", Controller::Memory), ("cpu", Controller::Cpu), ("pids", Controller::Pids)]
                {
                    if options.split(',').any(|option| option == name) {
                        found.push((controller, PathBuf::from(point)));
                    }
                }
            }
            _ => {}
        }
    }
    found.extend(unified.map(|point| (Controller::Unified, point)));
    found
}

impl Hierarchy {
    /// Finds the controllers of this machine and makes the agent's own folder in each. The second half says in a sentence
    /// each what could not be had.
    pub(crate) fn prepare(name: &str) -> (Option<Self>, Vec<String>) {
        let mountinfo = match fs::read_to_string("/proc/self/mountinfo") {
            Ok(text) => text,
            Err(fault) => return (None, vec![format!("No limits are kept: /proc/self/mountinfo: {fault}.")]),
        };
        let mounts = mounts(&mountinfo);
        let mut missing = Vec::new();
        if let Some((_, point)) = mounts.iter().find(|(controller, _)| *controller == Controller::Unified)
            && has_controllers(point)
        {
            match prepare_unified(point, name) {
                Ok(parent) => return (Some(Self { parents: vec![(Controller::Unified, parent)] }), missing),
                Err(fault) => {
                    missing.push(format!("Control groups at {} cannot be used: {fault}.", point.display()))
                }
            }
        }
        let mut parents = Vec::new();
        for (controller, what) in [
            (Controller::Memory, "Memory is not limited"),
            (Controller::Cpu, "Processor time is not limited"),
            (Controller::Pids, "The number of processes is not limited"),
        ] {
            let Some((_, point)) = mounts.iter().find(|(found, _)| *found == controller) else {
                missing.push(format!("{what}: this machine has no control group for it."));
                continue;
            };
            let parent = point.join(name);
            match fs::create_dir_all(&parent) {
                Ok(()) => parents.push((controller, parent)),
                Err(fault) => missing.push(format!("{what}: {}: {fault}.", parent.display())),
            }
        }
        if parents.is_empty() { (None, missing) } else { (Some(Self { parents }), missing) }
    }

    /// The groups of an instance; nothing is made yet.
    pub(crate) fn of_instance(&self, id: &str) -> Cgroup {
        let folders =
            self.parents.iter().map(|(controller, parent)| (*controller, parent.join(id))).collect();
        Cgroup { folders }
    }

    /// Removes the agent's own folders, once no instance is left in them.
    pub(crate) fn remove(&self) -> io::Result<()> {
        self.parents.iter().try_for_each(|(_, parent)| remove_folder(parent))
    }
}

fn has_controllers(point: &Path) -> bool {
    let text = fs::read_to_string(point.join("cgroup.controllers")).unwrap_or_default();
    ["memory", "cpu", "pids"].iter().all(|wanted| text.split_whitespace().any(|name| name == *wanted))
}

fn prepare_unified(point: &Path, name: &str) -> io::Result<PathBuf> {
    let parent = point.join(name);
    fs::create_dir_all(&parent)?;
    for folder in [point, &parent] {
        fs::write(folder.join("cgroup.subtree_control"), "+memory +cpu +pids")?;
    }
    Ok(parent)
}

impl Cgroup {
    /// Makes the groups and sets their limits; a limit of an earlier life is replaced.
    pub(crate) fn create(&self, resources: &Resources) -> io::Result<()> {
        for (controller, folder) in &self.folders {
            fs::create_dir_all(folder).map_err(|fault| named(folder, &fault))?;
            for (file, value) in limits(*controller, resources) {
                let path = folder.join(file);
                match fs::write(&path, &value) {
                    Ok(()) => {}
                    // Without swap accounting there is no swap to limit.
                    Err(fault) if file.contains("swap") || file.contains("memsw") => {
                        if fault.kind() != io::ErrorKind::NotFound && path.exists() {
                            return Err(named(&path, &fault));
                        }
                    }
                    Err(fault) => return Err(named(&path, &fault)),
                }
            }
        }
        Ok(())
    }

    /// Puts a process into the groups; its children follow.
    pub(crate) fn admit(&self, pid: Pid) -> io::Result<()> {
        for (_, folder) in &self.folders {
            let path = folder.join("cgroup.procs");
            fs::write(&path, pid.as_raw().to_string()).map_err(|fault| named(&path, &fault))?;
        }
        Ok(())
    }

    /// How many processes the kernel has killed here for the memory limit.
    pub(crate) fn out_of_memory_kills(&self) -> u64 {
        self.folders
            .iter()
            .filter_map(|(controller, folder)| match controller {
                Controller::Unified => Some(folder.join("memory.events")),
                Controller::Memory => Some(folder.join("memory.oom_control")),
                Controller::Cpu | Controller::Pids => None,
            })
            .filter_map(|path| fs::read_to_string(path).ok())
            .filter_map(|text| counter(&text, "oom_kill"))
            .sum()
    }

    /// Kills every process in the groups, and returns when none is left or when many rounds did not help.
    pub(crate) fn kill_all(&self) {
        for round in 0..KILL_ROUNDS {
            let mut left = false;
            for (controller, folder) in &self.folders {
                if *controller == Controller::Unified && fs::write(folder.join("cgroup.kill"), "1").is_ok() {
                    left |= !processes(folder).is_empty();
                    continue;
                }
                for pid in processes(folder) {
                    left = true;
                    // It may have ended since the list was read.
                    let _ = kill(pid, Signal::SIGKILL);
                }
            }
            if !left {
                return;
            }
            thread::sleep(Duration::from_millis(u64::from(round.min(20))));
        }
    }

    /// Removes the groups. They must be empty; the kernel needs a moment after the last process has ended.
    pub(crate) fn remove(&self) -> io::Result<()> {
        self.folders.iter().try_for_each(|(_, folder)| remove_folder(folder))
    }
}

fn processes(folder: &Path) -> Vec<Pid> {
    let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0).map(Pid::from_raw).collect()
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    for round in 0..100u64 {
        match fs::remove_dir(folder) {
            Ok(()) => return Ok(()),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(fault) if fault.kind() == io::ErrorKind::ResourceBusy && round < 99 => {
                thread::sleep(Duration::from_millis(round.min(20)));
            }
            Err(fault) => return Err(named(folder, &fault)),
        }
    }
    Ok(())
}

/// Files and values that set the limits; no limit is written too, so that an earlier one does not stay.
fn limits(controller: Controller, resources: &Resources) -> Vec<(&'static str, String)> {
    let quota_us = resources
        .cpu_millis
        .map(|millis| (millis.saturating_mul(CPU_PERIOD_US) / 1000).max(CPU_QUOTA_US_MIN));
    let or =
        |value: Option<u64>, none: &str| value.map_or_else(|| none.to_owned(), |value| value.to_string());
    match controller {
        Controller::Unified => vec![
            ("memory.max", or(resources.memory_bytes, "max")),
            ("memory.swap.max", resources.memory_bytes.map_or_else(|| "max".to_owned(), |_| "0".to_owned())),
            ("cpu.max", format!("{} {CPU_PERIOD_US}", or(quota_us, "max"))),
            ("pids.max", or(resources.pids, "max")),
        ],
        // The limit with swap can never be below the one without: the order is right for a fresh group, and a group that
        // had limits before is opened first.
        Controller::Memory => vec![
            ("memory.memsw.limit_in_bytes", "-1".to_owned()),
            ("memory.limit_in_bytes", or(resources.memory_bytes, "-1")),
            ("memory.memsw.limit_in_bytes", or(resources.memory_bytes, "-1")),
        ],
        Controller::Cpu => {
            vec![("cpu.cfs_period_us", CPU_PERIOD_US.to_string()), ("cpu.cfs_quota_us", or(quota_us, "-1"))]
        }
        Controller::Pids => vec![("pids.max", or(resources.pids, "max"))],
    }
}

fn counter(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(' ')?;
        if key == name { value.trim().parse().ok() } else { None }
    })
}

fn named(path: &Path, fault: &io::Error) -> io::Error {
    io::Error::new(fault.kind(), format!("{}: {fault}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_generations_are_found_in_mountinfo() {
        let text = "25 20 0:22 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct\n\
                    26 20 0:23 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                    27 20 0:24 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
                    28 20 0:25 / /proc rw - proc proc rw\n";
        assert_eq!(
            mounts(text),
            [
                (Controller::Cpu, PathBuf::from("/sys/fs/cgroup/cpu,cpuacct")),
                (Controller::Memory, PathBuf::from("/sys/fs/cgroup/memory")),
                (Controller::Unified, PathBuf::from("/sys/fs/cgroup/unified")),
            ]
        );
    }

    #[test]
    fn a_tiny_share_of_a_core_is_still_one_the_kernel_takes() {
        let resources = Resources { cpu_millis: Some(1), ..Resources::default() };
        assert_eq!(limits(Controller::Unified, &resources)[2].1, "1000 100000");
    }
}
