//! The proxy as a process: its lock, its sockets, its signals and its end.
//!
//! It does not detach itself: whoever starts it puts it into a session of its own.

use std::fs::{self, DirBuilder};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::UnixListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use crate::balancer::Balancer;
use crate::certificates::LOOK_INTERVAL;
use crate::control::Server;
use crate::listeners::{Listeners, accept, adopt, bind};
use crate::lock::Lock;
use crate::pool::IDLE_TIMEOUT;
use crate::succession;
use crate::table::Front;
use crate::workers::Workers;
use crate::{Info, StartError};

/// How the proxy is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where the entry listens. Port 0: one that the kernel chooses; [`Info`] says which.
    pub http: SocketAddr,
    /// The control socket, made with mode 0600. A stale one is replaced. Its folder is made with mode 0700 if it is not
    /// there.
    pub control: PathBuf,
    /// A file that is locked while the process lives, with its process id in it. One proxy for each lock.
    pub lock: PathBuf,
    /// How long requests in flight are given at SIGTERM, and at `POST /v1/shutdown` without a time of its own.
    pub shutdown_grace: Duration,
    /// How long clients are waited for.
    pub patience: Patience,
    /// Threads that serve. 0: one for each processor.
    pub workers: usize,
    /// Whether to take over from the proxy that runs with the same control socket and lock, if there is one: its sockets, its
    /// lock and its snapshot. It then finishes what it has in flight, and no connection is lost.
    pub take_over: bool,
}

/// How long clients are waited for, so that those who are slow on purpose hold nothing for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// The head of a request, or a TLS handshake. It also bounds how long a kept HTTP/1.1 connection waits for its next
    /// request, which is why it is not shorter: nginx waits 75 s there, and 60 s for a head.
    pub head: Duration,
    /// Between two parts of a body, and while nothing of an answer is taken.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(60), silence: Duration::from_secs(60) }
    }
}

/// Runs the proxy until SIGTERM, SIGINT or `POST /v1/shutdown`, and until what is then in flight has ended or the grace is
/// over. A second signal ends it at once.
///
/// It wants a Tokio runtime with I/O and time. The control socket answers once the entry listens.
///
/// # Errors
///
/// Only at the start: the entry's address is taken or not of this machine, another proxy holds the lock, or a file
/// cannot be made.
pub async fn run(options: Options) -> Result<(), StartError> {
    let mut claim =
        if options.take_over { succession::claim(&options.control).await } else { Default::default() };
    let mut inherited = std::mem::take(&mut claim.inheritance);
    let lock = match inherited.lock.take() {
        Some(file) => Lock::inherit(file, &options.lock)?,
        None => Lock::take(&options.lock)?,
    };
    raise_descriptor_limit();
    let listen_fault = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { address: options.http },
        _ => StartError::Listen { address: options.http, source },
    };
    let theirs = claim.predecessor.as_ref().and_then(|it| inherited.listeners.remove(&it.info.http));
    let entry = match theirs {
        Some(socket) => adopt(socket),
        None => bind(options.http),
    };
    let entry = Arc::new(entry.map_err(listen_fault)?);
    let http = entry.local_addr().map_err(listen_fault)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(StartError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(StartError::Signals)?;
    let count = match options.workers {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        count => count,
    };
    let workers = Workers::start(count).map_err(StartError::Threads)?;
    let balancer = Arc::new(Balancer::new(options.patience, workers));
    let tls = balancer.certificates.server_config().map_err(StartError::Tls)?;
    balancer.tls.get_or_init(|| tls);
    let info = Info {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        http,
        config_version: 0,
        program: program_of(Path::new("/proc/self/exe")).unwrap_or_default(),
    };
    let listeners = Listeners::new((http, &entry), inherited.listeners);
    let server = Arc::new(Server::new(balancer.clone(), listeners, lock, info, options.shutdown_grace));
    let retiring = claim
        .settle(&server, &options.control)
        .map_err(|source| StartError::File { path: options.control.clone(), source })?;
    let socket = bind_control(&options.control)?;
    // From here on whoever tells the proxy what to do speaks with this one.
    let front = Arc::new(RwLock::new(Front::Entry));
    balancer.tasks.spawn(accept(balancer.clone(), entry, front, balancer.stop.child_token()));
    let control = tokio::spawn(server.clone().serve(socket));
    let mut predecessors = tokio::task::JoinSet::new();
    for one in retiring {
        predecessors.spawn(one.finish());
    }
    let sweeper = tokio::spawn(sweep(balancer.clone()));
    let looker = tokio::spawn(look_at_certificates(balancer.clone()));
    info!(%http, control = %options.control.display(), "the proxy serves");

    tokio::select! {
        () = server.ended() => {}
        () = either(&mut terminate, &mut interrupt) => {
            let finishing = balancer.finish(options.shutdown_grace);
            tokio::select! {
                drained = finishing => if !drained.complete {
                    warn!(in_flight = drained.in_flight, "the grace is over; what is in flight is cut off");
                },
                () = either(&mut terminate, &mut interrupt) => warn!("told a second time; ending at once"),
            }
            server.end();
        }
    }
    sweeper.abort();
    looker.abort();
    // Lets the answers of the control socket go out. It bounds itself, and its faults are logged where they happen.
    let _ = control.await;
    balancer.workers.end();
    // They go on by themselves.
    drop(predecessors);
    // Where there is a successor, the socket's name is that one's by now.
    if !server.has_successor()
        && let Err(fault) = fs::remove_file(&options.control)
    {
        warn!("the control socket was left behind: {fault}");
    }
    Ok(())
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

async fn sweep(balancer: Arc<Balancer>) {
    // Three times in the time allowed, so that a connection outlives it by a third at most.
    let mut ticks = tokio::time::interval(IDLE_TIMEOUT / 3);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        balancer.sweep(Instant::now());
    }
}

async fn look_at_certificates(balancer: Arc<Balancer>) {
    let mut ticks = tokio::time::interval(LOOK_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let certificates = balancer.certificates.clone();
        if tokio::task::spawn_blocking(move || certificates.look_again()).await.is_err() {
            warn!("the certificates' files could not be looked at");
        }
    }
}

/// What tells a program's file from another or a newer one: device, inode, time of change and size.
///
/// # Errors
/// If the file cannot be asked.
pub fn program_of(path: &Path) -> io::Result<String> {
    let data = fs::metadata(path)?;
    Ok(format!("{}:{}:{}.{}:{}", data.dev(), data.ino(), data.mtime(), data.mtime_nsec(), data.len()))
}

/// Makes the control socket under another name and puts it in place when its mode is set, so that nobody else can ever
/// open it. What was there is stale: whoever made it would hold the lock.
fn bind_control(path: &Path) -> Result<UnixListener, StartError> {
    let fault = |source| StartError::File { path: path.to_owned(), source };
    make_parent(path).map_err(fault)?;
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let unfinished = PathBuf::from(unfinished);
    match fs::remove_file(&unfinished) {
        Err(missing) if missing.kind() != io::ErrorKind::NotFound => return Err(fault(missing)),
        _ => {}
    }
    let socket = UnixListener::bind(&unfinished).map_err(fault)?;
    fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o600)).map_err(fault)?;
    fs::rename(&unfinished, path).map_err(fault)?;
    Ok(socket)
}

pub(crate) fn make_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)
        }
        _ => Ok(()),
    }
}

/// Each request in flight takes two descriptors, and the soft limit commonly is 1024, for the sake of programs that use
/// `select`. A limit that cannot be raised leaves a proxy that works for fewer connections.
fn raise_descriptor_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(fault) = raised {
        warn!("the limit of open files stays as it is: {fault}");
    }
}
