//! What is kept on disk of an instance: the supervisor's record and the agent's. Files are replaced whole, never edited.
//!
//! Nothing secret is written: the values of environment variables are left out.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use agent_api::{CheckAnswer, Exit, InstanceSpec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How a supervisor sees its program. Readiness is the agent's to judge, and no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunState {
    /// The sandbox is being made.
    Starting,
    /// The program runs.
    Running,
    /// The program ended and is started again after a wait.
    BackingOff,
    /// Told to stop; not gone yet.
    Stopping,
    /// Ended as it was told to.
    Exited,
    /// Ended for good without having been told to.
    Failed,
}

impl RunState {
    /// Whether nothing of it runs any more and nothing will.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Exited | Self::Failed)
    }
}

/// `status.json`: written by the supervisor at each change, and by the agent once the supervisor is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Where it stands.
    pub(crate) state: RunState,
    /// The program's process id on the host, while it runs.
    pub(crate) pid: Option<u32>,
    /// Since when this run of the program has been going; Unix milliseconds.
    pub(crate) running_since_ms: Option<u64>,
    /// Restarts so far.
    pub(crate) restarts: u32,
    /// How the program last ended.
    pub(crate) last_exit: Option<Exit>,
    /// Why it failed.
    pub(crate) reason: Option<String>,
}

impl Record {
    /// Nothing has happened yet.
    pub(crate) fn starting() -> Self {
        Self {
            state: RunState::Starting,
            pid: None,
            running_since_ms: None,
            restarts: 0,
            last_exit: None,
            reason: None,
        }
    }
}

/// `spec.json`: what the agent needs to know of an instance after its own restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// What was asked for, without the values of its environment.
    pub(crate) spec: InstanceSpec,
    /// Address of its ports, seen from this machine.
    pub(crate) address: String,
    /// Port numbers on that address.
    pub(crate) ports: BTreeMap<String, u16>,
    /// First start; Unix milliseconds.
    pub(crate) started_at_ms: u64,
    /// Isolation that it does not have.
    pub(crate) missing_isolation: Vec<String>,
    /// Working directory inside the sandbox, for commands that check it.
    pub(crate) directory: String,
    /// When it is to end, where it is only kept warm; Unix milliseconds.
    #[serde(default)]
    pub(crate) retires_at_ms: Option<u64>,
}

/// `ready.json`: the agent's last judgement of one run of the program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Readiness {
    /// The run that was judged, by its start; another run starts anew.
    pub(crate) running_since_ms: Option<u64>,
    /// Since when it has been ready.
    pub(crate) ready_since_ms: Option<u64>,
    /// Whether it has been ready at all in this run.
    pub(crate) was_ready: bool,
    /// The last answer.
    pub(crate) last_check: Option<CheckAnswer>,
}

/// Replaces a file as a whole; a reader sees the old or the new, never half. Not synced: it need not survive a power
/// failure, because nothing that it describes does.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let temporary = path.with_file_name(name);
    let mut file = private_file(&temporary)?;
    serde_json::to_writer(&mut file, value)?;
    file.flush()?;
    drop(file);
    fs::rename(&temporary, path)
}

/// Reads what [`write_json`] wrote; none if there is no such file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// A new empty file that only its owner may read.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// The wall clock, in Unix milliseconds.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
