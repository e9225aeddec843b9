//! Sandboxes: what stands around a program. Everything here runs in the child of a supervisor that becomes the program,
//! except the control groups; it starts nothing else and knows neither restarts nor health.

pub(crate) mod cgroup;
pub(crate) mod privileges;
pub(crate) mod program;
mod root;
mod syscalls;
pub(crate) mod users;

use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, getegid, geteuid, sethostname, setsid};

use crate::kernel;
use crate::order::{ContainerOrder, Order, SandboxOrder};

/// A step of making a sandbox that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) struct SetUpError {
    step: String,
    cause: String,
}

impl fmt::Display for SetUpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the sandbox could not be made: {}: {}", self.step, self.cause)
    }
}

impl SetUpError {
    pub(crate) fn new(step: &str, cause: &dyn fmt::Display) -> Self {
        Self { step: step.to_owned(), cause: cause.to_string() }
    }
}

/// For `map_err`: names the step.
pub(crate) fn at<E: fmt::Display>(step: &str) -> impl Fn(E) -> SetUpError + use<E> {
    let step = step.to_owned();
    move |cause| SetUpError { step: step.clone(), cause: cause.to_string() }
}

/// The child's ends of the pipes between it and its supervisor.
pub(crate) struct ChildEnds {
    /// A byte arrives when the supervisor has put the child into its control groups.
    pub(crate) go: fs::File,
    /// Faults go here as text; it closes when the program is executed.
    pub(crate) report: fs::File,
    /// The program's output.
    pub(crate) stdout: OwnedFd,
    /// The program's errors.
    pub(crate) stderr: OwnedFd,
}

/// The namespaces with which the child of this order is forked.
pub(crate) fn namespaces(order: &Order) -> libc::c_int {
    match &order.sandbox {
        SandboxOrder::Container(container) if container.rootless => libc::CLONE_NEWUSER | libc::CLONE_NEWPID,
        SandboxOrder::Container(_) => libc::CLONE_NEWPID,
        SandboxOrder::Process { .. } => 0,
    }
}

/// Makes the sandbox around this process and becomes the program. It returns only by ending the process.
pub(crate) fn become_program(order: &Order, mut ends: ChildEnds) -> ! {
    // Taken before anything changes: who the agent is outside.
    let outside = (geteuid().as_raw(), getegid().as_raw());
    let fault = match make_and_execute(order, &mut ends, outside) {
        Ok(never) => match never {},
        Err(fault) => fault,
    };
    // The supervisor that would read it may be gone; there is nobody else to tell.
    let _ = ends.report.write_all(fault.to_string().as_bytes());
    kernel::exit_now(127)
}

fn make_and_execute(
    order: &Order,
    ends: &mut ChildEnds,
    outside: (u32, u32),
) -> Result<std::convert::Infallible, SetUpError> {
    kernel::reset_signals().map_err(at("reset signals"))?;
    // It must not go on where the supervisor died meanwhile: then nothing is read.
    ends.go.read_exact(&mut [0]).map_err(|_| SetUpError::new("wait for the supervisor", &"it is gone"))?;
    setsid().map_err(at("start a session"))?;
    umask(Mode::from_bits_truncate(0o022));
    kernel::close_descriptors_on_exec().map_err(at("close descriptors"))?;
    let null =
        open("/dev/null", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).map_err(at("open /dev/null"))?;
    let mut env = order.env.clone();
    let container = match &order.sandbox {
        SandboxOrder::Container(container) => {
            enter_namespaces(container, outside)?;
            sethostname(&order.id.0).map_err(at("set the host name"))?;
            root::enter(container, &order.folder, &order.id.0)?;
            Some(container)
        }
        SandboxOrder::Process { directory } => {
            std::env::set_current_dir(directory)
                .map_err(|fault| SetUpError::new(&format!("enter {}", directory.display()), &fault))?;
            None
        }
    };
    let user = container.map(|container| find_user(container, &mut env, &order.id.0)).transpose()?;
    if let Some(container) = container {
        enter_directory(&container.directory, user.as_ref())?;
    }
    let command: Vec<String> = order.command.iter().map(|word| program::expand(word, &env)).collect();
    let name = command.first().map(String::as_str).unwrap_or_default();
    let search = env.get("PATH").map_or(program::DEFAULT_PATH, String::as_str);
    let file = program::find(name, search).map_err(|fault| SetUpError::new("find the program", &fault))?;
    let prepared = Prepared::new(&file, &command, &env)?;
    dup2_stdin(&null).map_err(at("set standard input"))?;
    dup2_stdout(&ends.stdout).map_err(at("set standard output"))?;
    dup2_stderr(&ends.stderr).map_err(at("set standard error"))?;
    restrict(container.zip(user.as_ref()))?;
    watch_supervisor(&ends.report)?;
    if container.is_some() {
        privileges::filter_system_calls().map_err(at("install the filter of system calls"))?;
    }
    prepared.execute()
}

/// Everything that execve needs, made before privileges are dropped.
pub(crate) struct Prepared {
    file: std::ffi::CString,
    arguments: Vec<std::ffi::CString>,
    env: Vec<std::ffi::CString>,
}

impl Prepared {
    pub(crate) fn new(
        file: &Path,
        command: &[String],
        env: &std::collections::BTreeMap<String, String>,
    ) -> Result<Self, SetUpError> {
        Ok(Self {
            file: kernel::c_string(&file.to_string_lossy()).map_err(at("read the program's name"))?,
            arguments: command
                .iter()
                .map(|word| kernel::c_string(word))
                .collect::<Result<_, _>>()
                .map_err(at("read the program's arguments"))?,
            env: env
                .iter()
                .map(|(name, value)| kernel::c_string(&format!("{name}={value}")))
                .collect::<Result<_, _>>()
                .map_err(at("read the environment"))?,
        })
    }

    /// Becomes the program.
    pub(crate) fn execute(&self) -> Result<std::convert::Infallible, SetUpError> {
        nix::unistd::execve(&self.file, &self.arguments, &self.env)
            .map_err(|fault| SetUpError::new(&format!("execute {}", self.file.to_string_lossy()), &fault))
    }
}

/// Takes away what the program shall not have. `None`: a program of the host, which keeps its user.
pub(crate) fn restrict(container: Option<(&ContainerOrder, &users::User)>) -> Result<(), SetUpError> {
    privileges::limit().map_err(at("limit resources"))?;
    privileges::no_new_privileges().map_err(at("forbid new privileges"))?;
    if let Some((container, user)) = container {
        privileges::become_user(user, container.rootless).map_err(at("become the user"))?;
    }
    privileges::die_with_parent().map_err(at("tie its life to the supervisor's"))
}

/// Closes the gap between the supervisor's death and the wish to die with it: then nobody reads the report any more.
fn watch_supervisor(report: &fs::File) -> Result<(), SetUpError> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut fds = [PollFd::new(report.as_fd(), PollFlags::empty())];
    poll(&mut fds, PollTimeout::ZERO).map_err(at("look for the supervisor"))?;
    if fds[0].revents().is_some_and(|events| events.contains(PollFlags::POLLERR)) {
        return Err(SetUpError::new("look for the supervisor", &"it is gone"));
    }
    Ok(())
}

fn enter_namespaces(container: &ContainerOrder, outside: (u32, u32)) -> Result<(), SetUpError> {
    if container.rootless {
        fs::write("/proc/self/setgroups", "deny").map_err(at("map users"))?;
        fs::write("/proc/self/uid_map", format!("0 {} 1", outside.0)).map_err(at("map users"))?;
        fs::write("/proc/self/gid_map", format!("0 {} 1", outside.1)).map_err(at("map users"))?;
    }
    if let Some(network) = &container.network {
        let network = open(network, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())
            .map_err(at("open the network"))?;
        setns(&network, CloneFlags::CLONE_NEWNET).map_err(at("enter the network"))?;
    }
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWIPC)
        .map_err(at("make namespaces"))?;
    // It only hides names; a kernel without it isolates no less.
    let _ = unshare(CloneFlags::CLONE_NEWCGROUP);
    Ok(())
}

/// Looks the image's user up in the image's own files, and fills in the variables that a program expects.
fn find_user(
    container: &ContainerOrder,
    env: &mut std::collections::BTreeMap<String, String>,
    host_name: &str,
) -> Result<users::User, SetUpError> {
    let (passwd, group) = (users_text("/etc/passwd"), users_text("/etc/group"));
    let words = if container.rootless { "0:0" } else { container.user.as_str() };
    let user =
        users::resolve(words, &passwd, &group).map_err(|fault| SetUpError::new("find the user", &fault))?;
    env.entry("PATH".into()).or_insert_with(|| program::DEFAULT_PATH.into());
    env.entry("HOME".into()).or_insert_with(|| user.home.clone());
    env.entry("HOSTNAME".into()).or_insert_with(|| host_name.into());
    Ok(user)
}

/// A file of users of the image, as far as a sane one goes: what the image says is not to be trusted with our memory.
fn users_text(path: &str) -> String {
    const BYTES_MAX: u64 = 1024 * 1024;
    let mut text = Vec::new();
    if let Ok(file) = fs::File::open(path) {
        // Half a file is as good as none: a user that is not found is named in the failure.
        let _ = file.take(BYTES_MAX).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Enters the working directory, which is made where the image has none.
fn enter_directory(directory: &str, user: Option<&users::User>) -> Result<(), SetUpError> {
    let directory = if directory.is_empty() { "/" } else { directory };
    let at = |fault: std::io::Error| SetUpError::new(&format!("enter {directory}"), &fault);
    if !Path::new(directory).exists() {
        fs::create_dir_all(directory).map_err(at)?;
        if let Some(user) = user.filter(|user| user.uid != 0) {
            std::os::unix::fs::chown(directory, Some(user.uid), Some(user.gid)).map_err(at)?;
        }
    }
    std::env::set_current_dir(directory).map_err(at)
}

/// A path under which another process of this machine can open a descriptor of this one.
pub(crate) fn path_of(fd: &impl AsRawFd) -> std::path::PathBuf {
    format!("/proc/{}/fd/{}", std::process::id(), fd.as_raw_fd()).into()
}
