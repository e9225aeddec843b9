//! One proxy process after another: the new one takes sockets, lock and snapshot over from the one that runs, and lets it
//! finish what it has in flight. The sockets are the same ones, so that no connection is refused or lost in between.
//!
//! Both sides of a failure are safe: until the old process is told to finish it goes on serving, and one that does not know
//! how to hand over is left alone.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use crate::control::{Control, Server};
use crate::handover::{self, Inheritance};
use crate::{Config, ControlError, Info};

/// What is in flight in the old process is given: longer than any drain, which ends it sooner where it is told to.
const RETIRE_WAIT: Duration = Duration::from_secs(15 * 60);

/// How long kept connections of the old process wait for one more request, which is answered and then closes them. Clients
/// that are silent for longer than that rarely speak again at the very moment when theirs is closed.
const LINGER: Duration = Duration::from_secs(10);

/// The ending of the name that a predecessor's control socket has beside its successor's.
const BEFORE: &str = "before-";

/// A process that handed its sockets over and still serves.
#[derive(Debug)]
pub(crate) struct Predecessor {
    control: Control,
    pub(crate) info: Info,
    config: Config,
}

/// A predecessor that shall finish, under its other name.
pub(crate) struct Retiring {
    control: Control,
    server: Arc<Server>,
}

/// What was found of the proxies that ran until now.
#[derive(Debug, Default)]
pub(crate) struct Claim {
    pub(crate) inheritance: Inheritance,
    /// The one that gave it.
    pub(crate) predecessor: Option<Predecessor>,
    /// Those that only finish what they have in flight.
    finishing: Vec<Control>,
}

/// Asks the proxy at `control` for its sockets, its lock and its snapshot. Where none answers, the successor of one may have
/// been killed before that was told to finish, and it is asked under its other name.
pub(crate) async fn claim(control: &Path) -> Claim {
    let mut claim = Claim::default();
    for socket in std::iter::once(control.to_owned()).chain(set_aside(control)) {
        let found = Control::new(&socket);
        let Ok(info) = found.info().await else {
            if socket != control {
                // Whoever had it has ended.
                let _ = std::fs::remove_file(&socket);
            }
            continue;
        };
        if claim.predecessor.is_none() {
            match take(&found, control).await {
                Ok((inheritance, config)) => {
                    claim.inheritance = inheritance;
                    claim.predecessor = Some(Predecessor { control: found, info, config });
                    continue;
                }
                Err(fault) => warn!(pid = info.pid, "the proxy that runs does not hand over: {fault}"),
            }
        }
        if socket != control {
            claim.finishing.push(found);
        }
    }
    claim
}

/// Control sockets of predecessors.
fn set_aside(control: &Path) -> Vec<PathBuf> {
    let beginning = with_ending(control, BEFORE);
    let is_one = |path: &PathBuf| path.to_string_lossy().starts_with(&*beginning.to_string_lossy());
    let entries = control.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    let mut found: Vec<PathBuf> =
        entries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).filter(is_one).collect();
    found.sort();
    found
}

async fn take(control: &Control, path: &Path) -> Result<(Inheritance, Config), String> {
    let said = |fault: ControlError| diag::with_causes(&fault);
    let meeting = with_ending(path, "handover");
    // A stale one of a process that was killed in the middle of this.
    let _ = std::fs::remove_file(&meeting);
    let socket = UnixDatagram::bind(&meeting).map_err(|fault| format!("{}: {fault}", meeting.display()))?;
    let taking = tokio::task::spawn_blocking(move || handover::take(&socket));
    let given = control.hand_over(&meeting).await.map_err(said);
    let taken = match given {
        Ok(()) => taking.await.map_err(|fault| fault.to_string())?.map_err(|fault| fault.to_string()),
        // Whoever takes ends by itself when nothing comes.
        Err(refused) => Err(refused),
    };
    let _ = std::fs::remove_file(&meeting);
    // Read after the sockets are there: they are at least those of this snapshot.
    Ok((taken?, control.config().await.map_err(said)?))
}

impl Claim {
    /// Has `server` work by the predecessor's snapshot, and keeps all that still have something in flight within its reach.
    pub(crate) fn settle(self, server: &Arc<Server>, control: &Path) -> io::Result<Vec<Retiring>> {
        let mut retiring = self.finishing;
        if let Some(predecessor) = self.predecessor {
            retiring.push(predecessor.succeed(server, control)?);
        }
        let known = |control: Control| {
            server.add_predecessor(control.clone());
            Retiring { control, server: server.clone() }
        };
        Ok(retiring.into_iter().map(known).collect())
    }
}

impl Predecessor {
    fn succeed(self, server: &Server, control: &Path) -> io::Result<Control> {
        if let Ok(applied) = server.work_by(self.config) {
            for problem in applied.problems {
                warn!(
                    part = problem.part,
                    cause = problem.cause,
                    "a part of the snapshot was not taken over"
                );
            }
        }
        info!(pid = self.info.pid, "took over from the proxy that ran; it finishes what it has in flight");
        if self.control.socket() != control {
            return Ok(self.control);
        }
        let aside = with_ending(control, &format!("{BEFORE}{}", std::process::id()));
        let _ = std::fs::remove_file(&aside);
        std::fs::hard_link(control, &aside)?;
        Ok(Control::new(aside))
    }
}

impl Retiring {
    /// Tells it to finish, and waits until it has ended.
    pub(crate) async fn finish(self) {
        match self.control.retire(RETIRE_WAIT, LINGER).await {
            Ok(drained) if !drained.complete => {
                warn!(in_flight = drained.in_flight, "the proxy before this one had to cut connections off");
            }
            Ok(_) => {}
            Err(fault) => warn!("the proxy before this one has ended: {}", diag::with_causes(&fault)),
        }
        self.server.remove_predecessor(self.control.socket());
        // It may be gone with the folder.
        let _ = std::fs::remove_file(self.control.socket());
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}
