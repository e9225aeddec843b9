//! A child process: its end is noticed, and it is killed no more than once and never after its number may be another's.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::process::{ChildStderr, ChildStdout};
use tokio::sync::{oneshot, watch};

use super::log::Log;

/// The life of a process; that of a process that somebody else started is not ours to end.
pub(crate) struct Life {
    own: Option<Own>,
    log: Log,
}

struct Own {
    pid: Pid,
    is_over: Arc<Mutex<bool>>,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Life {
    /// Starts a command in a process group of its own, so that an interrupt from the terminal is for us to pass on.
    ///
    /// A thread starts it and waits for it: a process that is to end with its parent ends with the thread that started it.
    pub(super) async fn begin(mut command: Command) -> io::Result<(Self, ChildStdout)> {
        let (said, started) = oneshot::channel();
        let (tell, ended) = watch::channel(None);
        let is_over = Arc::new(Mutex::new(false));
        let over = is_over.clone();
        std::thread::Builder::new().name("provider".into()).spawn(move || {
            let mut child = match command.process_group(0).spawn() {
                Ok(child) => child,
                Err(error) => {
                    let _ = said.send(Err(error));
                    return;
                }
            };
            let pipes = (child.stdout.take(), child.stderr.take());
            let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
            let _ = said.send(Ok((pid, pipes)));
            let status = wait(&mut child, pid, &over);
            let _ = tell.send(status);
        })?;
        let started = started.await.map_err(|_| io::Error::other("the thread that starts it has ended"))?;
        let (pid, (stdout, stderr)) = started?;
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            return Err(io::Error::other("it has no output"));
        };
        let log = Log::follow(ChildStderr::from_std(stderr)?);
        Ok((Self { own: Some(Own { pid, is_over, ended }), log }, ChildStdout::from_std(stdout)?))
    }

    /// Of a process that somebody else started.
    pub(super) fn of_somebody() -> Self {
        Self { own: None, log: Log::default() }
    }

    /// The last that it wrote.
    pub(crate) fn last_words(&self) -> Vec<String> {
        self.log.last_words()
    }

    /// How it ended, if it does within a time; its last words are read then.
    pub(crate) async fn ended(&self, patience: Duration) -> Option<ExitStatus> {
        let mut ended = self.own.as_ref()?.ended.clone();
        let status = *tokio::time::timeout(patience, ended.wait_for(Option::is_some)).await.ok()?.ok()?;
        self.log.read().await;
        status
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.own.as_ref().is_some_and(|own| *own.is_over.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether it is ours to end.
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Ends it and what it has started, now.
    pub(crate) fn kill(&self) {
        let Some(own) = &self.own else { return };
        let is_over = own.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_over {
            // It may have left its group, or be gone already.
            let _ = killpg(own.pid, Signal::SIGKILL);
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits for the end. The process is only reaped after nobody can kill it any more: until then its number is its own.
fn wait(child: &mut Child, pid: Pid, over: &Mutex<bool>) -> Option<ExitStatus> {
    while let Err(nix::errno::Errno::EINTR) =
        waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)
    {}
    *over.lock().unwrap_or_else(PoisonError::into_inner) = true;
    child.wait().ok()
}
