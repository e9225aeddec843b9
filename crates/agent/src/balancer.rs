//! Keeps the proxy running and told. One task writes snapshots; many changes that come together become one. The proxy
//! outlives the agent, and an agent that starts adopts the one that it finds.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agent_api::{Drained, InstanceId};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, setsid};
use proxy::{Config, Control, InstanceName, Problem};
use tokio::sync::watch as channel;
use tracing::{info, warn};

use crate::error::Refused;
use crate::hidden::PROXY;
use crate::instances::{ended, phase};
use crate::services::compose::{Candidate, compose};
use crate::{Agent, AgentError, kernel, record};

/// How long a proxy that was started may take until it answers.
const START_MS: u64 = 10_000;
/// Between two questions whether it answers.
const START_STEP_MS: u64 = 20;
/// How long whoever wrote a service waits for the proxy.
const ACKNOWLEDGE_MS: u64 = 15_000;
/// Has a proxy take over from the one that runs, if there is one.
const TAKE_OVER: &str = "take-over";
/// Wait before a proxy that ended is started again.
const RESTART_MS: u64 = 200;
/// Enough of a hash to tell the releases of one service apart.
const RELEASE_CHARS: usize = 12;
/// What requests in flight are given when the proxy is told to end.
const SHUTDOWN_GRACE_MS: u64 = 10_000;

/// The agent's side of its proxy.
#[derive(Debug)]
pub(crate) struct Balancer {
    control: Control,
    /// The revision of the services that the proxy works by, and what of it could not be done.
    told: channel::Sender<Told>,
    process: Mutex<Option<Arc<OwnedFd>>>,
}

#[derive(Debug, Clone, Default)]
struct Told {
    revision: u64,
    problems: Vec<Problem>,
}

/// A proxy that answers.
struct Running {
    process: Arc<OwnedFd>,
    child: Option<Child>,
    info: proxy::Info,
}

impl Balancer {
    pub(crate) fn new(socket: PathBuf) -> Self {
        let (told, _) = channel::channel(Told::default());
        Self { control: Control::new(socket), told, process: Mutex::default() }
    }

    /// Waits until the proxy works by a revision.
    pub(crate) async fn acknowledged(&self, revision: u64, key: &str) -> Result<(), Refused> {
        let mut told = self.told.subscribe();
        let waited = told.wait_for(|told| told.revision >= revision);
        let Ok(Ok(told)) = tokio::time::timeout(Duration::from_millis(ACKNOWLEDGE_MS), waited).await else {
            return Err(Refused::unavailable(format!("{key} is written, but the proxy does not answer"))
                .hint("the agent starts it again; write the service again to wait for it"));
        };
        match told.problems.iter().find(|problem| problem.part.contains(&format!(" {key} "))) {
            Some(problem) => Err(Refused::conflict(format!(
                "{key} is written, but the proxy could not do all of it: {}: {}",
                problem.part, problem.cause
            ))),
            None => Ok(()),
        }
    }

    /// Waits until nothing is in flight on an instance: `wait_ms` at most, and `upgraded_wait_ms` where only upgraded
    /// connections are left.
    pub(crate) async fn drain(
        &self,
        id: &InstanceId,
        wait_ms: u64,
        upgraded_wait_ms: u64,
    ) -> Result<Drained, Refused> {
        let (wait, upgraded) = (Duration::from_millis(wait_ms), Duration::from_millis(upgraded_wait_ms));
        let drained = self.control.drain_each(&InstanceName(id.0.clone()), wait, upgraded).await;
        let drained = drained.map_err(|fault| Refused::unavailable(diag::with_causes(&fault)))?;
        Ok(Drained { complete: drained.complete, in_flight: drained.in_flight })
    }

    /// Ends the proxy.
    pub(crate) async fn end(&self) {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(process) = process else { return };
        let bound = Duration::from_millis(SHUTDOWN_GRACE_MS);
        let asked = self.control.shutdown(bound).await;
        if asked.is_err() || tokio::time::timeout(bound, ended(&process)).await.is_err() {
            // What does not end when it is asked is ended.
            let _ = kernel::pidfd_signal(process.as_fd(), Signal::SIGKILL);
            let _ = ended(&process).await;
        }
    }
}

/// Finds or starts the proxy, gives it what is known, and then keeps it running and told in a task of its own. Returns
/// where its entry listens.
pub(crate) async fn begin(agent: Arc<Agent>) -> Result<std::net::SocketAddr, AgentError> {
    let running = find_or_start(&agent).await.map_err(AgentError::Proxy)?;
    let entry = running.info.http;
    tokio::spawn(keep(agent, running));
    Ok(entry)
}

async fn keep(agent: Arc<Agent>, mut running: Running) {
    loop {
        tell(&agent, &mut running).await;
        if let Some(mut child) = running.child.take() {
            // It has ended or the agent ends; only an ended one has anything to give.
            let _ = child.try_wait();
        }
        if agent.ending.is_cancelled() {
            return;
        }
        warn!("the proxy ended; starting it again");
        running = loop {
            tokio::time::sleep(Duration::from_millis(RESTART_MS)).await;
            if agent.ending.is_cancelled() {
                return;
            }
            match find_or_start(&agent).await {
                Ok(running) => break running,
                Err(fault) => warn!("the proxy did not start: {fault}"),
            }
        };
    }
}

/// Gives snapshots whenever something changed, until the proxy or the agent ends.
async fn tell(agent: &Agent, running: &mut Running) {
    let mut instances = agent.instances.changes();
    let mut revisions = agent.services.revisions();
    let mut version = running.info.config_version;
    let mut last = None;
    loop {
        // Marked before it is composed: what changes while composing is told in the next round.
        instances.borrow_and_update();
        let revision = *revisions.borrow_and_update();
        let config = snapshot(agent);
        if last.as_ref() != Some(&config) {
            version += 1;
            let applied = agent.balancer.control.apply(&Config { version, ..config.clone() }).await;
            match applied {
                Ok(applied) => {
                    for problem in &applied.problems {
                        warn!(part = problem.part, cause = problem.cause, "the proxy could not do a part");
                    }
                    last = Some(config);
                    agent.balancer.told.send_replace(Told { revision, problems: applied.problems });
                }
                Err(fault) => {
                    warn!("the proxy did not take a snapshot: {}", diag::with_causes(&fault));
                    if tokio::time::timeout(Duration::from_millis(RESTART_MS), ended(&running.process))
                        .await
                        .is_ok()
                    {
                        return;
                    }
                    // A version of before the agent's own restart may be ahead.
                    if let Ok(info) = agent.balancer.control.info().await {
                        version = info.config_version;
                    }
                    continue;
                }
            }
        } else {
            agent.balancer.told.send_modify(|told| told.revision = revision);
        }
        tokio::select! {
            _ = instances.changed() => {}
            _ = revisions.changed() => {}
            _ = ended(&running.process) => return,
            () = agent.ending.cancelled() => return,
        }
    }
}

fn snapshot(agent: &Agent) -> Config {
    let candidates: BTreeMap<InstanceId, Candidate> = agent.instances.read_all(|entries| {
        let candidate = |entry: &crate::instances::Entry| Candidate {
            phase: phase(entry),
            address: entry.kept.address.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            ports: entry.kept.ports.clone(),
            release: release(&entry.kept.spec),
        };
        entries.iter().map(|(id, entry)| (id.clone(), candidate(entry))).collect()
    });
    let composed = agent
        .services
        .read_all(|services| compose(services, &candidates, |port| agent.services.listen(port)));
    Config { https: agent.options.https, metrics: agent.options.metrics, ..composed }
}

/// What metrics call an instance's release: its image's digest or the hash of its description, short as git's hashes are.
fn release(spec: &agent_api::InstanceSpec) -> String {
    let long = match &spec.sandbox {
        agent_api::Sandbox::Container { image } => image.strip_prefix("sha256:").unwrap_or(image),
        agent_api::Sandbox::Process { .. } => &spec.spec_hash,
    };
    long.chars().take(RELEASE_CHARS).collect()
}

async fn find_or_start(agent: &Agent) -> Result<Running, String> {
    if let Some(found) = find(agent).await? {
        info!(pid = found.info.pid, "found the proxy again");
        return Ok(found);
    }
    start(agent).await
}

/// A proxy that answers, listens where it shall, and is of this agent's program. One that listens elsewhere is ended; one of
/// another program, before or after an upgrade, is left for the next to take over from.
async fn find(agent: &Agent) -> Result<Option<Running>, String> {
    let control = &agent.balancer.control;
    let Ok(info) = control.info().await else { return Ok(None) };
    let pid = i32::try_from(info.pid).map_err(|fault| fault.to_string())?;
    let Ok(process) = kernel::pidfd_open(Pid::from_raw(pid)) else { return Ok(None) };
    let process = Arc::new(process);
    agent.balancer.remember(&process);
    let wanted = agent.options.http;
    if info.http == wanted || (wanted.port() == 0 && info.http.ip() == wanted.ip()) {
        let ours = proxy::program_of(&agent.options.binary).unwrap_or_default();
        if ours == info.program {
            return Ok(Some(Running { process, child: None, info }));
        }
        info!(pid = info.pid, "the proxy is of another program; the next one takes over from it");
        return Ok(None);
    }
    agent.balancer.end().await;
    Ok(None)
}

async fn start(agent: &Agent) -> Result<Running, String> {
    let log = agent.dir.proxy_log();
    let errors = record::private_file(&log).map_err(|fault| format!("{}: {fault}", log.display()))?;
    let mut child = Command::new(&agent.options.binary)
        .arg(PROXY)
        .arg(agent.options.http.to_string())
        .arg(agent.dir.proxy_socket())
        .arg(agent.dir.proxy_lock())
        .arg(TAKE_OVER)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .map_err(|fault| format!("{}: {fault}", agent.options.binary.display()))?;
    let pid = i32::try_from(child.id()).map_err(|fault| fault.to_string())?;
    let process = Arc::new(kernel::pidfd_open(Pid::from_raw(pid)).map_err(|fault| fault.to_string())?);
    for _ in 0..START_MS / START_STEP_MS {
        if let Ok(info) = agent.balancer.control.info().await
            && info.pid == child.id()
        {
            agent.balancer.remember(&process);
            return Ok(Running { process, child: Some(child), info });
        }
        if let Ok(Some(_)) = child.try_wait() {
            let mut said = String::new();
            if let Some(output) = child.stdout.take() {
                // It has ended, so that there is nothing to wait for.
                let _ = output.take(4096).read_to_string(&mut said);
            }
            return Err(if said.is_empty() { format!("see {}", log.display()) } else { said });
        }
        tokio::time::sleep(Duration::from_millis(START_STEP_MS)).await;
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(format!("it did not answer within {START_MS} ms; see {}", log.display()))
}

impl Balancer {
    fn remember(&self, process: &Arc<OwnedFd>) {
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(process.clone());
    }
}

/// The body of the hidden verb: `HTTP-ADDRESS CONTROL-SOCKET LOCK-FILE [take-over]`.
pub(crate) fn run_proxy(arguments: &[OsString]) -> ExitCode {
    let fault = match serve(arguments) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(fault) => fault,
    };
    // The agent reads this while the proxy starts; nothing else is ever written to standard output.
    print!("{fault}");
    eprintln!("{fault}");
    ExitCode::FAILURE
}

fn serve(arguments: &[OsString]) -> Result<(), String> {
    let (arguments, take_over) = match arguments {
        [first @ .., last] if last == TAKE_OVER => (first, true),
        all => (all, false),
    };
    let [http, control, lock] = arguments else {
        return Err(format!("usage: HTTP-ADDRESS CONTROL-SOCKET LOCK-FILE [{TAKE_OVER}]"));
    };
    // A session of its own: what ends the agent's terminal or group does not end it.
    setsid().map_err(|fault| format!("start a session: {fault}"))?;
    let http = http.to_string_lossy().parse().map_err(|_| format!("`{}` is no address", http.display()))?;
    let options = proxy::Options {
        http,
        control: control.into(),
        lock: lock.into(),
        shutdown_grace: Duration::from_millis(SHUTDOWN_GRACE_MS),
        patience: proxy::Patience::default(),
        workers: 0,
        take_over,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|fault| fault.to_string())?;
    runtime.block_on(proxy::run(options)).map_err(|fault| diag::with_causes(&fault))
}
