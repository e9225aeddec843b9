//! Agents on this machine: found, or started.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use agent_api::{AgentInfo, Client};
use diag::Diagnostic;

use crate::{Fault, Session, Wiring};

/// How long a started agent may take until it answers. It makes a bridge and starts the proxy, which takes a fraction of this.
const START_TIMEOUT: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);

/// What became of one cluster's agent.
#[derive(Debug, Clone, serde::Serialize)]
pub struct AgentStart {
    /// The cluster.
    pub cluster: String,
    /// Whether it had to be started.
    pub started: bool,
    /// What it is.
    pub info: AgentInfo,
}

/// Where this machine's agent keeps its data unless told: `MAINSTAY_AGENT_DIR`, else the system's folder for root and the user's
/// own for everybody else.
#[must_use]
pub fn default_data_dir(wiring: &Wiring) -> PathBuf {
    let variable = |name: &str| wiring.variables.get(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(dir) = variable("MAINSTAY_AGENT_DIR") {
        return dir;
    }
    let root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    if root {
        return PathBuf::from("/var/lib/mainstay");
    }
    let data = variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share")));
    data.unwrap_or_else(std::env::temp_dir).join("mainstay")
}

/// Sees to it that an agent answers for every cluster of the environment that is this machine.
///
/// # Errors
/// If one could not be started, with the end of its log.
pub async fn ensure_agents(session: &Session) -> Result<Vec<AgentStart>, Fault> {
    let mut starts = Vec::new();
    for place in session.agent_places() {
        let client = Client::new(place.socket.clone());
        let (started, info) = match client.info().await {
            Ok(info) => (false, info),
            Err(_) if place.own => {
                start(&place.data_dir, place.listen.as_deref()).await?;
                (true, client.info().await.map_err(|e| not_started(&place.data_dir, &e.to_string()))?)
            }
            Err(error) => {
                return Err(Fault::failed(unreachable(&place.cluster, &place.socket, &error.to_string())));
            }
        };
        starts.push(AgentStart { cluster: place.cluster, started, info });
    }
    Ok(starts)
}

fn unreachable(cluster: &str, socket: &Path, why: &str) -> Diagnostic {
    Diagnostic::error("agent-unreachable", "its agent cannot be reached")
        .about(format!("cluster {cluster}"))
        .because(format!("{}: {why}", socket.display()))
        .hint("the cluster names a socket of its own, so that `up` does not start an agent there: start it with `mainstay agent`")
}

/// Starts an agent that outlives us: a session of its own, its output in a file beside its data.
async fn start(data_dir: &Path, listen: Option<&str>) -> Result<(), Fault> {
    let failed = |doing: &str, e: &std::io::Error| Fault::io(doing, data_dir, e);
    std::fs::create_dir_all(data_dir).map_err(|e| failed("the agent's folder could not be made", &e))?;
    let log = std::fs::File::create(data_dir.join("agent.log"))
        .map_err(|e| failed("its log could not be made", &e))?;
    let errors = log.try_clone().map_err(|e| failed("its log could not be opened twice", &e))?;
    let binary = std::env::current_exe().map_err(|e| failed("our own program was not found", &e))?;
    let mut command = Command::new(binary);
    command.arg("agent").arg("--data-dir").arg(data_dir);
    if let Some(listen) = listen {
        command.arg("--listen").arg(listen);
    }
    // A group of its own: Ctrl-C in the terminal is for us, and the terminal's end is not the agent's.
    command.process_group(0);
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
    let mut child = command.spawn().map_err(|e| failed("the agent could not be started", &e))?;
    let client = Client::new(data_dir.join("agent.sock"));
    let deadline = tokio::time::Instant::now() + START_TIMEOUT;
    loop {
        if client.info().await.is_ok() {
            return Ok(());
        }
        if let Ok(Some(status)) = child.try_wait() {
            return Err(not_started(data_dir, &format!("it ended at once ({status})")));
        }
        if tokio::time::Instant::now() > deadline {
            return Err(not_started(
                data_dir,
                &format!("it did not answer within {} s", START_TIMEOUT.as_secs()),
            ));
        }
        tokio::time::sleep(POLL).await;
    }
}

fn not_started(data_dir: &Path, why: &str) -> Fault {
    let log = data_dir.join("agent.log");
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.get(lines.len().saturating_sub(10)..).unwrap_or_default().join("\n");
    Fault::failed(
        Diagnostic::error("agent-not-started", format!("the agent of this machine did not start: {why}"))
            .about(data_dir.display().to_string())
            .because(if end.is_empty() { "it said nothing".to_owned() } else { end })
            .hint("`listen` in the cluster's block chooses another address for its entry; `mainstay agent` in another terminal shows more"),
    )
}
