//! The single-machine runtime: sandboxes, supervisors, health, logs, the network of containers, and a proxy that is kept
//! told.
//!
//! [`run`] is the agent; [`hidden`] is the body of the processes that it starts. The agent decides no rollouts: what runs and
//! who serves is what clients wrote. It listens on a unix socket, and on loopback or its own bridge through the proxy.

mod admission;
mod api;
mod balancer;
mod capacity;
mod data_dir;
mod error;
mod exec;
mod garbage;
mod health;
mod hidden;
mod images;
mod instances;
mod kernel;
mod logs;
mod network;
mod order;
mod record;
mod sandbox;
mod services;
mod supervisor;

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use agent_api::AgentInfo;
use caps::{CapSet, Capability};
use tokio::net::{UnixDatagram, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use error::AgentError;
pub use hidden::hidden;

use balancer::Balancer;
use data_dir::DataDir;
use instances::{Entry, Instances};
use network::Network;
use sandbox::cgroup::Hierarchy;
use services::Services;

/// How an agent is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentOptions {
    /// Where it keeps everything; made with mode 0700 if it is not there.
    pub data_dir: PathBuf,
    /// The socket of its API, made with mode 0600. None: `agent.sock` in the data folder.
    pub socket: Option<PathBuf>,
    /// Where its HTTP entry listens. Port 0: one that the kernel chooses; `info` says which.
    pub http: SocketAddr,
    /// A second address of the entry, meant for TLS: plain requests that are redirected go there. None: TLS is spoken at the
    /// first alone.
    pub https: Option<SocketAddr>,
    /// Where Prometheus reads what the proxy counts; a loopback or private address. None: nowhere.
    pub metrics: Option<SocketAddr>,
    /// A program whose `main` begins with [`hidden`]; the agent runs it for supervisors, the proxy and checks.
    pub binary: PathBuf,
}

impl AgentOptions {
    /// The defaults for a data folder: its own socket, 127.0.0.1:8080, and this very program.
    ///
    /// # Errors
    ///
    /// [`AgentError::Io`] if the path of this program is not known.
    pub fn new(data_dir: impl Into<PathBuf>) -> Result<Self, AgentError> {
        let binary = std::env::current_exe().map_err(|source| AgentError::Io {
            what: "the path of this program is not known".into(),
            source,
        })?;
        Ok(Self {
            data_dir: data_dir.into(),
            socket: None,
            http: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            https: None,
            metrics: None,
            binary,
        })
    }
}

/// All that the rooms of the agent share.
#[derive(Debug)]
pub(crate) struct Agent {
    options: AgentOptions,
    dir: DataDir,
    layout: oci::Layout,
    /// Isolation that this agent cannot give.
    missing: Vec<String>,
    rootless: bool,
    hierarchy: Option<Hierarchy>,
    network: Option<Network>,
    /// Held by whoever puts an image or starts an instance of one, and alone by whoever removes images.
    images_gate: tokio::sync::RwLock<()>,
    /// Keeps the order of reading and writing what environments need the same.
    keeping_images: Mutex<()>,
    instances: Instances,
    services: Services,
    /// Keeps the order of reading supervisors' records and taking them the same.
    reading_records: Mutex<()>,
    /// Keeps the order of writing services in memory and on disk the same.
    writing_services: tokio::sync::Mutex<()>,
    balancer: Balancer,
    /// Ports that were given to instances which may not be in the table yet.
    reserved_ports: Mutex<BTreeSet<u16>>,
    /// Where searches for free numbers begin, so that agents of one machine rarely meet.
    seed: u32,
    entry: OnceLock<SocketAddr>,
    /// Set when everything is being stopped: what is started at this moment is stopped as well.
    taking_down: AtomicBool,
    /// Cancelled when the agent shall end.
    ending: CancellationToken,
}

impl Agent {
    fn info(&self) -> AgentInfo {
        AgentInfo {
            version: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
            data_dir: self.dir.root().display().to_string(),
            http_entry: self.entry.get().unwrap_or(&self.options.http).to_string(),
            capacity: capacity::of_machine(),
            reserved: capacity::reserved(&self.instances),
            missing_isolation: self.missing.clone(),
        }
    }

    /// Gives back where an instance was reached.
    fn release(&self, entry: &Entry) {
        if let Some(network) = &self.network {
            network.release(&entry.kept.address);
        }
        if entry.kept.address == instances::ports::LOOPBACK {
            self.release_ports(entry.kept.ports.values());
        }
    }

    fn release_ports<'a>(&self, ports: impl Iterator<Item = &'a u16>) {
        let mut reserved = self.reserved_ports.lock().unwrap_or_else(PoisonError::into_inner);
        for port in ports {
            reserved.remove(port);
        }
    }

    /// Stops every instance and the proxy, takes the network and the control groups down, and lets the agent end.
    async fn end_all(&self) {
        self.taking_down.store(true, Ordering::SeqCst);
        self.ending.cancel();
        instances::stop_all(self).await;
        self.balancer.end().await;
        if let Some(network) = &self.network
            && let Err(fault) = network.remove().await
        {
            warn!("the bridge is left: {fault}");
        }
        if let Some(hierarchy) = &self.hierarchy
            && let Err(fault) = hierarchy.remove()
        {
            warn!("control groups are left: {fault}");
        }
    }
}

/// Runs the agent until SIGTERM, SIGINT or a client's wish. Instances and the proxy go on without it, unless a client wished
/// otherwise.
///
/// It wants a Tokio runtime with I/O, time and several threads.
///
/// # Errors
///
/// [`AgentError`] if it cannot start: another agent works in the folder, the entry's port is in use, or the disk refuses.
pub async fn run(options: AgentOptions) -> Result<(), AgentError> {
    let io = |what: &str| {
        let what = what.to_owned();
        move |source| AgentError::Io { what, source }
    };
    let agent = Arc::new(prepare(options).await?);
    let notify = agent.dir.notify();
    let words = fresh_socket(&notify, |path| UnixDatagram::bind(path))?;
    // Listening comes before reading: what is said in between is heard after.
    tokio::spawn(instances::listen(agent.clone(), words));
    instances::adopt(&agent).await.map_err(io("the instances of before cannot be read"))?;
    let entry = balancer::begin(agent.clone()).await?;
    tokio::spawn(instances::end_retired(agent.clone()));
    let _ = agent.entry.set(entry);
    let socket = agent.options.socket.clone().unwrap_or_else(|| agent.dir.root().join("agent.sock"));
    let listener = fresh_socket(&socket, |path| UnixListener::bind(path))?;
    info!(socket = %socket.display(), http = %entry, "the agent serves");
    let mut terminate = signal(SignalKind::terminate()).map_err(io("cannot listen for signals"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(io("cannot listen for signals"))?;
    let ending = agent.ending.clone();
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = ending.cancelled() => {}
        }
        ending.cancel();
    };
    let served = axum::serve(listener, api::router(agent.clone())).with_graceful_shutdown(stop).await;
    agent.ending.cancel();
    for path in [&socket, &notify] {
        if let Err(fault) = fs::remove_file(path) {
            warn!("{} is left: {fault}", path.display());
        }
    }
    served.map_err(io("the API's socket failed"))
}

async fn prepare(options: AgentOptions) -> Result<Agent, AgentError> {
    let dir = DataDir::open(&options.data_dir)?;
    let io = |what: &str| {
        let what = what.to_owned();
        move |source| AgentError::Io { what, source }
    };
    let layout = oci::Layout::create(dir.images()).map_err(AgentError::Images)?;
    let rootless = !is_root();
    let mut missing = Vec::new();
    let (mut hierarchy, mut network) = (None, None);
    if rootless {
        missing.extend(
            [
                "Memory, processor time and processes are not limited: the agent is not root.",
                "Containers share the machine's network: the agent is not root.",
                "Containers have one user, the agent's own: the agent is not root.",
            ]
            .map(str::to_owned),
        );
    } else {
        let (found, without) = Hierarchy::prepare(&format!("mainstay-{}", dir.mark()));
        hierarchy = found;
        missing.extend(without);
        match Network::prepare(&dir).await {
            Ok(made) => network = Some(made),
            Err(fault) => {
                missing.push(format!("Containers share the machine's network: no bridge: {fault}."))
            }
        }
    }
    let address = network.as_ref().map_or(Ipv4Addr::LOCALHOST, Network::gateway);
    let services =
        Services::load(&dir, IpAddr::V4(address)).map_err(io("the services of before cannot be read"))?;
    let seed = u32::from_str_radix(&dir.mark(), 16).unwrap_or(0);
    Ok(Agent {
        layout,
        missing,
        rootless,
        hierarchy,
        network,
        images_gate: tokio::sync::RwLock::default(),
        keeping_images: Mutex::default(),
        instances: Instances::new(dir.instances()),
        services,
        reading_records: Mutex::default(),
        writing_services: tokio::sync::Mutex::default(),
        balancer: Balancer::new(dir.proxy_socket()),
        reserved_ports: Mutex::default(),
        seed,
        entry: OnceLock::new(),
        taking_down: AtomicBool::new(false),
        ending: CancellationToken::new(),
        options,
        dir,
    })
}

/// Whether this process may make namespaces, networks and control groups for others.
fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
        && [Capability::CAP_SYS_ADMIN, Capability::CAP_NET_ADMIN]
            .into_iter()
            .all(|capability| caps::has_cap(None, CapSet::Effective, capability).unwrap_or(false))
}

/// Makes a socket that only this user may open, in the place of a stale one: whoever made that would hold the folder's lock.
fn fresh_socket<T>(path: &Path, bind: impl FnOnce(&Path) -> std::io::Result<T>) -> Result<T, AgentError> {
    let fault = |source| AgentError::Socket { path: path.to_path_buf(), source };
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let unfinished = path.with_file_name(name);
    match fs::remove_file(&unfinished) {
        Err(missing) if missing.kind() != std::io::ErrorKind::NotFound => return Err(fault(missing)),
        _ => {}
    }
    let socket = bind(&unfinished).map_err(fault)?;
    // It gets its name once its mode is set, so that nobody else could ever open it.
    fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o600)).map_err(fault)?;
    fs::rename(&unfinished, path).map_err(fault)?;
    Ok(socket)
}
