//! The verb under which our own binary becomes a provider's process: it sees to it that the process ends with the one that started
//! it, however that ends, and goes over into the provider's program.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};

const VERB: &str = "--mainstay-provider";

/// What is put before a provider's program, so that no provider outlives a run that was killed.
#[derive(Debug, Clone)]
pub struct Wrapper(PathBuf);

impl Wrapper {
    /// By the binary that answers to [`hidden`].
    #[must_use]
    pub fn new(binary: PathBuf) -> Self {
        Self(binary)
    }

    /// The command that goes over into a program.
    pub(crate) fn command(&self, program: &OsStr) -> Command {
        let mut command = Command::new(&self.0);
        command.arg(VERB).arg(std::process::id().to_string()).arg(program);
        command
    }
}

/// Does what the hidden verb says, if the arguments, without the program's name, are that.
#[must_use]
pub fn hidden(arguments: &[OsString]) -> Option<ExitCode> {
    let [verb, parent, program, rest @ ..] = arguments else { return None };
    if verb != VERB {
        return None;
    }
    let ended = prctl::set_pdeathsig(Signal::SIGKILL).err();
    // Whoever died before that was asked for sends nothing any more.
    let parent = parent.to_str().and_then(|text| text.parse().ok()).map(Pid::from_raw);
    if ended.is_some() || parent != Some(getppid()) {
        return Some(ExitCode::FAILURE);
    }
    let error = Command::new(program).args(rest).exec();
    eprintln!("{}: {error}", program.to_string_lossy());
    // As a shell says that a program cannot be executed.
    Some(ExitCode::from(126))
}
