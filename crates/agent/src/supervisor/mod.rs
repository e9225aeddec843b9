//! The supervisor of one instance: a single-threaded process of its own that makes the sandbox, captures the program's
//! output, restarts it by policy, stops it when told to, and keeps the exit code. It outlives the agent.
//!
//! It does not check health, opens no socket to listen on, and asks the agent nothing: it tells, and if nobody listens, the
//! files that it keeps say the same.

pub(crate) mod lifecycle;
pub(crate) mod output;
mod pipes;
mod relatives;
mod run;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::setsid;

use crate::order::{Order, SandboxOrder};
use crate::record::{self, Record};
use crate::sandbox;
use run::Run;

/// What the agent reads from a supervisor that has taken over.
pub(crate) const TAKEN_OVER: &str = "ok\n";
/// An order's largest size: command lines and environments together are at most 2 MiB in the kernel.
const ORDER_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Where things are in an instance's folder.
pub(crate) mod place {
    use std::path::{Path, PathBuf};

    /// Locked by the supervisor for its life; holds its process id.
    pub(crate) fn lock(folder: &Path) -> PathBuf {
        folder.join("lock")
    }

    /// The supervisor's record.
    pub(crate) fn status(folder: &Path) -> PathBuf {
        folder.join("status.json")
    }

    /// The agent's record.
    pub(crate) fn spec(folder: &Path) -> PathBuf {
        folder.join("spec.json")
    }

    /// The agent's judgement of its readiness.
    pub(crate) fn ready(folder: &Path) -> PathBuf {
        folder.join("ready.json")
    }

    /// The program's output.
    pub(crate) fn log(folder: &Path) -> PathBuf {
        folder.join("log")
    }
}

/// The body of the hidden verb: reads its order from standard input, answers [`TAKEN_OVER`] or a fault on standard output,
/// and returns when the instance is over.
pub(crate) fn supervise() -> ExitCode {
    match take_over() {
        Ok(run) => {
            run.until_over();
            ExitCode::SUCCESS
        }
        Err(fault) => {
            let mut out = io::stdout();
            // If the agent is gone there is nobody to tell; the exit code still says it.
            let _ = out.write_all(fault.as_bytes()).and_then(|()| out.flush());
            ExitCode::FAILURE
        }
    }
}

fn take_over() -> Result<Run, String> {
    // A session of its own: what ends the agent's terminal or group does not end it.
    setsid().map_err(|fault| format!("start a session: {fault}"))?;
    let mut text = Vec::new();
    io::stdin()
        .take(ORDER_BYTES_MAX)
        .read_to_end(&mut text)
        .map_err(|fault| format!("read the order: {fault}"))?;
    let mut order: Order =
        serde_json::from_slice(&text).map_err(|fault| format!("read the order: {fault}"))?;
    text.fill(0);
    let lock = lock(&order.folder)?;
    let network = hold_network(&mut order)?;
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGPIPE] {
        signals.add(signal);
    }
    signals.thread_block().map_err(|fault| format!("block signals: {fault}"))?;
    nix::sys::prctl::set_child_subreaper(true).map_err(|fault| format!("adopt what is orphaned: {fault}"))?;
    let telling = Telling::new(&order);
    let run = Run::new(order, telling, signals, (lock, network)).map_err(|fault| fault.to_string())?;
    // The first record is there before the agent is told, so that the agent always finds one.
    let mut out = io::stdout();
    out.write_all(TAKEN_OVER.as_bytes()).and_then(|()| out.flush()).map_err(|fault| fault.to_string())?;
    let _ = nix::unistd::dup2_stdout(io::stderr());
    Ok(run)
}

/// Takes the instance's lock for the life of this process.
fn lock(folder: &Path) -> Result<File, String> {
    let path = place::lock(folder);
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|fault| format!("{}: {fault}", path.display()))?;
    file.try_lock().map_err(|_| format!("{}: another supervisor runs this instance", path.display()))?;
    file.set_len(0)
        .and_then(|()| file.write_all(std::process::id().to_string().as_bytes()))
        .map_err(|fault| format!("{}: {fault}", path.display()))?;
    Ok(file)
}

/// Opens the network namespace that the agent made and keeps it: it lives as long as somebody holds it.
fn hold_network(order: &mut Order) -> Result<Option<File>, String> {
    let SandboxOrder::Container(container) = &mut order.sandbox else { return Ok(None) };
    let Some(path) = &container.network else { return Ok(None) };
    let network = File::open(path).map_err(|fault| format!("open the network: {fault}"))?;
    container.network = Some(sandbox::path_of(&network));
    Ok(Some(network))
}

/// Tells of changes: the record on disk, and a word to the agent.
#[derive(Debug)]
pub(crate) struct Telling {
    status: PathBuf,
    notify: PathBuf,
    id: String,
    socket: Option<UnixDatagram>,
    /// Whether the agent could not take the last word in, though it is there.
    owed: bool,
}

impl Telling {
    fn new(order: &Order) -> Self {
        let socket =
            UnixDatagram::unbound().and_then(|socket| socket.set_nonblocking(true).map(|()| socket)).ok();
        Self {
            status: place::status(&order.folder),
            notify: order.notify.clone(),
            id: order.id.0.clone(),
            socket,
            owed: false,
        }
    }

    /// Writes the record and says so.
    fn tell(&mut self, record: &Record) -> io::Result<()> {
        record::write_json(&self.status, record)?;
        self.say();
        Ok(())
    }

    /// Says that there is news. An agent that does not run reads the record when it starts.
    fn say(&mut self) {
        let sent = self.socket.as_ref().map(|socket| socket.send_to(self.id.as_bytes(), &self.notify));
        self.owed = matches!(sent, Some(Err(fault)) if fault.kind() == io::ErrorKind::WouldBlock);
    }

    fn say_again(&mut self) {
        if self.owed {
            self.say();
        }
    }
}

/// The supervisor's process id, if one holds the lock of this folder.
pub(crate) fn holder(folder: &Path) -> Option<u32> {
    let path = place::lock(folder);
    let file = File::open(&path).ok()?;
    match file.try_lock_shared() {
        // Nobody has it; closing the file gives it back.
        Ok(()) => None,
        Err(_) => fs::read_to_string(&path).ok()?.trim().parse().ok(),
    }
}
