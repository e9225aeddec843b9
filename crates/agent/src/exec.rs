//! A command inside an instance's sandbox: the body of the hidden verb that command checks run. It reads what to do from
//! standard input, and ends with the command's exit code.
//!
//! It keeps nothing and restarts nothing. If it is killed, the command is killed with it.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use std::collections::BTreeMap;

use nix::sched::{CloneFlags, setns};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, setsid};
use serde::{Deserialize, Serialize};

use crate::kernel::{self, Side, SingleThreaded};
use crate::order::ContainerOrder;
use crate::sandbox::{self, Prepared, SetUpError, at, cgroup::Cgroup, privileges, program, users};

/// An exit code of our own: the command could not be run at all.
const COULD_NOT_RUN: u8 = 125;

/// What is run where.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ExecOrder {
    /// The instance's program, whose sandbox is entered and whose environment is used.
    pub(crate) pid: u32,
    /// Program and arguments.
    pub(crate) command: Vec<String>,
    /// Working directory inside the sandbox.
    pub(crate) directory: String,
    /// Whether there is a sandbox to enter: none for a process of the host.
    pub(crate) container: bool,
    /// Whether that sandbox has a user namespace.
    pub(crate) rootless: bool,
    /// The control groups that the command counts in.
    pub(crate) cgroup: Option<Cgroup>,
}

/// The body of the hidden verb.
pub(crate) fn exec_in(_arguments: &[OsString]) -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(fault) => {
            let mut out = io::stdout();
            // Standard output is what the check reads; without it there is only the code.
            let _ = out.write_all(fault.to_string().as_bytes()).and_then(|()| out.flush());
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

fn run() -> Result<u8, SetUpError> {
    // Asked while /proc still shows this process; inside a sandbox it does not.
    let single = SingleThreaded::check().map_err(at("count threads"))?;
    let mut text = Vec::new();
    io::stdin().take(1024 * 1024).read_to_end(&mut text).map_err(at("read the order"))?;
    let order: ExecOrder = serde_json::from_slice(&text).map_err(at("read the order"))?;
    let pid = i32::try_from(order.pid).map(Pid::from_raw).map_err(at("find the instance"))?;
    let pidfd = kernel::pidfd_open(pid).map_err(at("find the instance"))?;
    let mut env = environment(pid).map_err(at("read the instance's environment"))?;
    env.entry("PATH".into()).or_insert_with(|| program::DEFAULT_PATH.into());
    let (uid, gid, groups) = credentials(pid).map_err(at("read the instance's user"))?;
    if let Some(cgroup) = &order.cgroup {
        cgroup.admit(Pid::this()).map_err(at("enter the control groups"))?;
    }
    privileges::die_with_parent().map_err(at("tie its life to the agent's"))?;
    if order.container {
        let mut flags = CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWNET;
        if order.rootless {
            flags |= CloneFlags::CLONE_NEWUSER;
            // The network is the machine's, and entering it again would want a right over it.
            flags &= !CloneFlags::CLONE_NEWNET;
        }
        setns(&pidfd, flags).map_err(at("enter the sandbox"))?;
        // A process of the sandbox must not reach this one's program file and memory.
        nix::sys::prctl::set_dumpable(false).map_err(at("hide from the sandbox"))?;
    }
    let directory = if order.directory.is_empty() { "/" } else { &order.directory };
    std::env::set_current_dir(directory).map_err(at("enter the working directory"))?;
    let user = users::User { uid, gid, groups, home: String::new() };
    let child = match kernel::fork_into(single, 0).map_err(at("fork"))? {
        Side::Parent(child) => child,
        Side::Child => {
            let fault = match become_command(&order, &env, &user) {
                Ok(never) => match never {},
                Err(fault) => fault,
            };
            let _ = io::stdout().write_all(fault.to_string().as_bytes());
            kernel::exit_now(i32::from(COULD_NOT_RUN));
        }
    };
    match waitpid(child, None).map_err(at("wait for the command"))? {
        WaitStatus::Exited(_, code) => Ok(u8::try_from(code & 0xff).unwrap_or(COULD_NOT_RUN)),
        WaitStatus::Signaled(_, signal, _) => Ok(u8::try_from(128 + signal as i32).unwrap_or(COULD_NOT_RUN)),
        _ => Ok(COULD_NOT_RUN),
    }
}

fn become_command(
    order: &ExecOrder,
    env: &BTreeMap<String, String>,
    user: &users::User,
) -> Result<std::convert::Infallible, SetUpError> {
    setsid().map_err(at("start a session"))?;
    kernel::reset_signals().map_err(at("reset signals"))?;
    let command: Vec<String> = order.command.iter().map(|word| program::expand(word, env)).collect();
    let search = env.get("PATH").map_or(program::DEFAULT_PATH, String::as_str);
    let name = command.first().map_or("", String::as_str);
    let file: PathBuf =
        program::find(name, search).map_err(|fault| SetUpError::new("find the program", &fault))?;
    let prepared = Prepared::new(Path::new(&file), &command, env)?;
    let null = fs::File::open("/dev/null").map_err(at("open /dev/null"))?;
    nix::unistd::dup2_stdin(&null).map_err(at("set standard input"))?;
    nix::unistd::dup2_stderr(io::stdout()).map_err(at("set standard error"))?;
    kernel::close_descriptors_on_exec().map_err(at("close descriptors"))?;
    let container = ContainerOrder {
        layers: Vec::new(),
        rootless: order.rootless,
        network: None,
        address: String::new(),
        directory: String::new(),
        user: String::new(),
    };
    sandbox::restrict(order.container.then_some((&container, user)))?;
    if order.container {
        privileges::filter_system_calls().map_err(at("install the filter of system calls"))?;
    }
    prepared.execute()
}

/// The environment that the program was started with.
fn environment(pid: Pid) -> io::Result<BTreeMap<String, String>> {
    let bytes = fs::read(format!("/proc/{pid}/environ"))?;
    Ok(bytes
        .split(|byte| *byte == 0)
        .filter_map(|entry| {
            let entry = String::from_utf8_lossy(entry);
            entry.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
        })
        .collect())
}

/// User, group and supplementary groups of a process, as the machine sees them.
fn credentials(pid: Pid) -> io::Result<(u32, u32, Vec<u32>)> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let column = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<u32>>())
    };
    let first = |name| column(name).and_then(|numbers| numbers.first().copied());
    let (Some(uid), Some(gid)) = (first("Uid:"), first("Gid:")) else {
        return Err(io::Error::other("/proc does not say who it runs as"));
    };
    Ok((uid, gid, column("Groups:").unwrap_or_default()))
}
