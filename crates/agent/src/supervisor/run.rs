//! The supervisor's loop: waits for signals, output and timers, feeds the state machine, and does what that says.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use agent_api::Exit;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, pipe2};

use super::lifecycle::{Action, Event, Lifecycle};
use super::output::{Log, Stream};
use super::pipes::{Output, nonblocking};
use super::relatives::{self, has_ended, would_wait_in_vain};
use super::{Telling, place};
use crate::kernel::{self, Side, SingleThreaded};
use crate::order::{Order, SandboxOrder};
use crate::record::{Record, now_ms};
use crate::sandbox::{self, ChildEnds};

/// How often an agent that was too busy is told again, in milliseconds.
const TELL_AGAIN_MS: u64 = 500;
/// A set-up fault's longest text.
const REPORT_BYTES_MAX: usize = 4096;

/// One instance under supervision.
pub(super) struct Run {
    order: Order,
    life: Lifecycle,
    record: Record,
    telling: Telling,
    log: Log,
    signals: SignalFd,
    single: SingleThreaded,
    program: Option<Program>,
    timer: Option<(Instant, Event)>,
    stop_signal: Signal,
    begun: Instant,
    over: bool,
    /// Held for the life of the process: the instance's lock and its network.
    _held: (File, Option<File>),
}

/// One run of the program.
struct Program {
    pid: Pid,
    /// Faults of the set-up; it closes when the program is executed.
    report: Option<File>,
    reported: Vec<u8>,
    outputs: Vec<Output>,
    out_of_memory_kills: u64,
}

/// What a round of waiting found.
struct Ready {
    signals: bool,
    report: bool,
    outputs: Vec<usize>,
}

impl Run {
    /// Prepares everything and writes the first record; nothing is started yet.
    pub(super) fn new(
        order: Order,
        telling: Telling,
        signals: SigSet,
        held: (File, Option<File>),
    ) -> io::Result<Self> {
        let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        let log = Log::open(&place::log(&order.folder))?;
        let stop_signal = order.stop.signal.parse().unwrap_or(Signal::SIGTERM);
        let life = Lifecycle::new(order.restart.clone());
        let mut run = Self {
            order,
            life,
            record: Record::starting(),
            telling,
            log,
            signals,
            single: SingleThreaded::check()?,
            program: None,
            timer: None,
            stop_signal,
            begun: Instant::now(),
            over: false,
            _held: held,
        };
        run.telling.tell(&run.record)?;
        Ok(run)
    }

    /// Launches the program and goes on until the instance is over.
    pub(super) fn until_over(mut self) {
        self.launch();
        while !self.over {
            let ready = self.wait();
            // Before its output: that it was started comes before what it says.
            if ready.report {
                self.read_report();
            }
            if let Some(program) = &mut self.program {
                for at in ready.outputs {
                    program.outputs[at].read(&mut self.log);
                }
                program.outputs.retain(|output| !output.closed);
            }
            if ready.signals {
                self.read_signals();
            }
            self.reap();
            if let Some((_, event)) = self.timer.take_if(|(at, _)| *at <= Instant::now()) {
                self.take(event);
            }
            self.telling.say_again();
        }
    }

    /// Feeds the state machine, does what it says, and records where things stand.
    fn take(&mut self, event: Event) {
        let before = (self.life.state(), self.record.pid);
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        if matches!(event, Event::Running) {
            self.record.pid =
                self.program.as_ref().and_then(|program| u32::try_from(program.pid.as_raw()).ok());
            self.record.running_since_ms = Some(now_ms());
        }
        if let Event::Ended(exit) = &event {
            self.record.pid = None;
            self.record.running_since_ms = None;
            self.record.last_exit = Some(exit.clone());
        }
        let action = self.life.on(event, now);
        if action.is_some() {
            self.timer = None;
        }
        self.record.state = self.life.state();
        self.record.restarts = self.life.restarts();
        self.record.reason = self.life.reason().map(str::to_owned);
        if action == Some(Action::Finish) {
            self.clear();
        }
        if before != (self.record.state, self.record.pid) || action == Some(Action::Finish) {
            self.tell();
        }
        match action {
            None => {}
            Some(Action::Launch) => self.launch(),
            Some(Action::WaitToRestart(wait_ms)) => {
                self.say(&format!("restarting in {wait_ms} ms"));
                self.set_timer(wait_ms, Event::BackoffOver);
            }
            Some(Action::SignalStop) => self.signal_stop(),
            Some(Action::Kill) => self.kill(),
            Some(Action::Finish) => self.over = true,
        }
    }

    fn tell(&mut self) {
        // With a full disk the agent would believe what was; the log says why, if that has room.
        if let Err(fault) = self.telling.tell(&self.record) {
            self.say(&format!("the status could not be written: {fault}"));
        }
    }

    fn say(&mut self, text: &str) {
        self.log.line(now_ms(), Stream::Mainstay, text.as_bytes());
    }

    fn set_timer(&mut self, wait_ms: u64, event: Event) {
        // A wait that is too long to be added never ends.
        self.timer = Instant::now().checked_add(Duration::from_millis(wait_ms)).map(|at| (at, event));
    }

    fn launch(&mut self) {
        match self.start_program() {
            Ok(program) => self.program = Some(program),
            Err(fault) => {
                let reason = format!("the sandbox could not be made: {fault}");
                self.say(&reason);
                self.take(Event::SetUpFailed(reason));
            }
        }
    }

    fn start_program(&mut self) -> io::Result<Program> {
        if let Some(cgroup) = &self.order.cgroup {
            cgroup.create(&self.order.resources)?;
        }
        let out_of_memory_kills =
            self.order.cgroup.as_ref().map_or(0, sandbox::cgroup::Cgroup::out_of_memory_kills);
        let (go_read, go_write) = pipe2(OFlag::O_CLOEXEC)?;
        let (report_read, report_write) = pipe2(OFlag::O_CLOEXEC)?;
        let (stdout_read, stdout_write) = pipe2(OFlag::O_CLOEXEC)?;
        let (stderr_read, stderr_write) = pipe2(OFlag::O_CLOEXEC)?;
        let pid = match kernel::fork_into(self.single, sandbox::namespaces(&self.order))? {
            Side::Child => {
                // The parent's ends must not stay open here: the child waits for them to close.
                drop((go_write, report_read, stdout_read, stderr_read));
                let ends = ChildEnds {
                    go: go_read.into(),
                    report: report_write.into(),
                    stdout: stdout_write,
                    stderr: stderr_write,
                };
                sandbox::become_program(&self.order, ends)
            }
            Side::Parent(pid) => pid,
        };
        drop((go_read, report_write, stdout_write, stderr_write));
        let mut outputs = Vec::new();
        for (pipe, stream) in [(stdout_read, Stream::Stdout), (stderr_read, Stream::Stderr)] {
            outputs.push(Output::new(pipe, stream)?);
        }
        let program = Program {
            pid,
            report: Some(nonblocking(report_read)?),
            reported: Vec::new(),
            outputs,
            out_of_memory_kills,
        };
        if let Some(cgroup) = &self.order.cgroup
            && let Err(fault) = cgroup.admit(pid)
        {
            // The child ends by itself, because it never gets its word to go on.
            drop(go_write);
            let _ = waitpid(pid, None);
            return Err(fault);
        }
        File::from(go_write).write_all(&[1])?;
        Ok(program)
    }

    fn wait(&self) -> Ready {
        let owed = self.telling.owed.then_some(Duration::from_millis(TELL_AGAIN_MS));
        let timer = self.timer.as_ref().map(|(at, _)| at.saturating_duration_since(Instant::now()));
        let wait = owed.into_iter().chain(timer).min();
        // One millisecond more than what is left: waking too early would only mean to wait again.
        let timeout = wait.map_or(PollTimeout::NONE, |wait| {
            PollTimeout::try_from(wait + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
        });
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        let report = self.program.as_ref().and_then(|program| program.report.as_ref());
        let outputs = self.program.as_ref().map_or(&[][..], |program| &program.outputs);
        fds.extend(outputs.iter().map(|output| PollFd::new(output.pipe.as_fd(), PollFlags::POLLIN)));
        fds.extend(report.map(|report| PollFd::new(report.as_fd(), PollFlags::POLLIN)));
        if poll(&mut fds, timeout).is_err() {
            return Ready { signals: true, report: report.is_some(), outputs: Vec::new() };
        }
        let ready = |fd: &PollFd<'_>| fd.any().unwrap_or(false);
        Ready {
            signals: ready(&fds[0]),
            report: report.is_some() && fds.last().is_some_and(ready),
            outputs: (0..outputs.len()).filter(|at| ready(&fds[1 + at])).collect(),
        }
    }

    fn read_report(&mut self) {
        let Some(program) = &mut self.program else { return };
        let Some(report) = &mut program.report else { return };
        let mut bytes = [0; REPORT_BYTES_MAX];
        match report.read(&mut bytes) {
            Ok(0) => program.report = None,
            Ok(length) => {
                program.reported.extend_from_slice(&bytes[..length]);
                return;
            }
            Err(fault) if matches!(fault.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return;
            }
            Err(_) => program.report = None,
        }
        if program.reported.is_empty() {
            // Closed without a word: the program was executed, or the child was killed before. Then its end says so.
            let pid = program.pid;
            if !has_ended(pid) {
                self.say(&format!("started, process {pid}"));
                self.take(Event::Running);
            }
            return;
        }
        let reason = String::from_utf8_lossy(&program.reported).into_owned();
        let pid = program.pid;
        let _ = waitpid(pid, None);
        self.program = None;
        self.say(&reason);
        self.take(Event::SetUpFailed(reason));
        if !self.over {
            // It was told to stop meanwhile: the end of the child is the end of the instance.
            self.take(Event::Ended(Exit {
                code: Some(127),
                signal: None,
                out_of_memory: false,
                at_ms: now_ms(),
            }));
        }
    }

    fn read_signals(&mut self) {
        while let Ok(Some(signal)) = self.signals.read_signal() {
            if i32::try_from(signal.ssi_signo) == Ok(Signal::SIGTERM as i32) {
                self.take(Event::StopAsked);
            }
        }
    }

    /// Takes the end of the program, and of whatever it left behind.
    fn reap(&mut self) {
        loop {
            // A set-up that failed is told by its report; whoever reads that reaps.
            let held =
                self.program.as_ref().filter(|program| program.report.is_some()).map(|program| program.pid);
            let status =
                match waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT) {
                    Ok(WaitStatus::StillAlive) | Err(_) => return,
                    Ok(status) => status,
                };
            let Some(pid) = status.pid() else { return };
            if held == Some(pid) {
                self.read_report();
                let still = self.program.as_ref().is_some_and(|program| program.report.is_some());
                if still {
                    return;
                }
                continue;
            }
            let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
            if self.program.as_ref().is_some_and(|program| program.pid == pid) {
                self.ended(status);
            }
        }
    }

    fn ended(&mut self, status: WaitStatus) {
        let Some(mut program) = self.program.take() else { return };
        self.kill_leftovers(program.pid);
        for output in &mut program.outputs {
            output.drain(&mut self.log);
        }
        let kills = self.order.cgroup.as_ref().map_or(0, sandbox::cgroup::Cgroup::out_of_memory_kills);
        let exit = Exit {
            code: if let WaitStatus::Exited(_, code) = status { Some(code) } else { None },
            signal: if let WaitStatus::Signaled(_, signal, _) = status {
                Some(signal.to_string())
            } else {
                None
            },
            out_of_memory: kills > program.out_of_memory_kills,
            at_ms: now_ms(),
        };
        self.say(&exit.to_string());
        self.take(Event::Ended(exit));
    }

    fn signal_stop(&mut self) {
        let Some(program) = &self.program else { return };
        let (pid, signal) = (program.pid, self.stop_signal);
        self.say(&format!("stopping with {signal}"));
        if matches!(self.order.sandbox, SandboxOrder::Container(_)) && would_wait_in_vain(pid, signal) {
            self.say(&format!("it does not handle {signal}"));
            self.kill();
            return;
        }
        // It may have ended by itself just now.
        let _ = match self.order.sandbox {
            SandboxOrder::Container(_) => kill(pid, signal),
            SandboxOrder::Process { .. } => killpg(pid, signal),
        };
        self.set_timer(self.order.stop.grace_ms, Event::GraceOver);
    }

    fn kill(&mut self) {
        let Some(program) = &self.program else { return };
        let pid = program.pid;
        self.say("killing it");
        // Killing the first process of a container's process namespace kills all of it.
        let _ = kill(pid, Signal::SIGKILL);
        if let SandboxOrder::Process { .. } = self.order.sandbox {
            let _ = killpg(pid, Signal::SIGKILL);
        }
    }

    /// Kills what a program left running. In a container the kernel has done that already.
    fn kill_leftovers(&self, pid: Pid) {
        if let SandboxOrder::Process { .. } = self.order.sandbox {
            let _ = killpg(pid, Signal::SIGKILL);
        }
        if let Some(cgroup) = &self.order.cgroup {
            cgroup.kill_all();
        }
        relatives::kill_orphans();
    }

    /// Leaves nothing running before the last record is written.
    fn clear(&mut self) {
        if let Some(program) = self.program.take() {
            let _ = kill(program.pid, Signal::SIGKILL);
            let _ = waitpid(program.pid, None);
            self.kill_leftovers(program.pid);
        }
        self.record.pid = None;
        self.record.running_since_ms = None;
        if let Some(cgroup) = &self.order.cgroup {
            // The agent tries again when it removes the instance.
            let _ = cgroup.remove();
        }
        if let Some(reason) = self.record.reason.clone() {
            self.say(&format!("failed: {reason}"));
        }
    }
}
