//! Listening sockets: the entry, and the stable addresses of service ports, which open and close as snapshots say.
//!
//! An address that stays keeps its socket, even where another port takes it over, so that no connection is refused by a
//! change. Connections that were accepted are not touched when an address goes, other than that a kept HTTP connection
//! ends after its request.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::balancer::Balancer;
use crate::headers::forwarded_for;
use crate::metrics;
use crate::serve::{Client, serve};
use crate::table::{Front, Table, listen_part};
use crate::tcp::relay;
use crate::{Problem, Protocol};

/// Connections that wait to be accepted; the kernel's own bound (`somaxconn`) is 4096 on current systems.
const BACKLOG: u32 = 4096;

/// How long a listener rests when the process has no descriptors left: the cause does not go away in microseconds, and
/// trying again at once would burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Seconds of silence after which the kernel asks whether the other side is still there, so that tunnels to machines that
/// vanished end. Shorter than what firewalls commonly forget connections after (5 minutes).
const KEEPALIVE_IDLE_S: u32 = 60;

/// The addresses that are open. It belongs to whoever applies snapshots.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    open: BTreeMap<SocketAddr, Listener>,
    /// The entry's own address, which no snapshot opens or closes.
    entry: Option<(SocketAddr, Weak<TcpListener>)>,
    /// Sockets of a process that was taken over, until a snapshot wants them.
    inherited: BTreeMap<SocketAddr, std::net::TcpListener>,
}

#[derive(Debug)]
struct Listener {
    /// Whoever accepts holds the socket, so that it closes when nobody does.
    socket: Weak<TcpListener>,
    front: Arc<RwLock<Front>>,
    close: CancellationToken,
}

impl Listeners {
    /// With the entry, and with sockets of a process that was taken over.
    pub(crate) fn new(
        entry: (SocketAddr, &Arc<TcpListener>),
        inherited: BTreeMap<SocketAddr, std::net::TcpListener>,
    ) -> Self {
        Self { entry: Some((entry.0, Arc::downgrade(entry.1))), inherited, ..Self::default() }
    }

    /// All that is open, to be handed to another process.
    pub(crate) fn duplicates(&self) -> io::Result<BTreeMap<SocketAddr, OwnedFd>> {
        let ports = self.open.iter().map(|(address, listener)| (*address, &listener.socket));
        let entry = self.entry.iter().map(|(address, socket)| (*address, socket));
        let open = ports.chain(entry).filter_map(|(address, socket)| Some((address, socket.upgrade()?)));
        open.map(|(address, socket)| Ok((address, socket.as_fd().try_clone_to_owned()?))).collect()
    }

    /// Closes what was taken over and no snapshot wanted.
    pub(crate) fn forget_inherited(&mut self) {
        self.inherited.clear();
    }

    fn open(&mut self, address: SocketAddr) -> io::Result<TcpListener> {
        match self.inherited.remove(&address) {
            Some(socket) => adopt(socket),
            None => bind(address),
        }
    }

    /// Opens and closes addresses so that they are those of `table`. What cannot be opened is reported, and tried again
    /// with the next snapshot.
    pub(crate) fn follow(&mut self, balancer: &Arc<Balancer>, table: &Table) -> Vec<Problem> {
        self.open.retain(|address, listener| {
            let stays = table.listen.contains_key(address);
            if !stays {
                listener.close.cancel();
            }
            stays
        });
        let mut problems = Vec::new();
        for (&address, front) in &table.listen {
            let front = front.clone();
            if let Some(listener) = self.open.get(&address) {
                *listener.front.write().unwrap_or_else(PoisonError::into_inner) = front;
                continue;
            }
            match self.open(address) {
                Ok(socket) => {
                    let socket = Arc::new(socket);
                    let listener = Listener {
                        socket: Arc::downgrade(&socket),
                        front: Arc::new(RwLock::new(front)),
                        close: balancer.stop.child_token(),
                    };
                    let (shared, close) = (listener.front.clone(), listener.close.clone());
                    balancer.tasks.spawn(accept(balancer.clone(), socket, shared, close));
                    self.open.insert(address, listener);
                }
                Err(fault) => {
                    let cause = if fault.kind() == io::ErrorKind::AddrInUse {
                        "another program listens there; stop it, or give the port another address".to_owned()
                    } else {
                        format!("{fault}; give the port an address of this machine")
                    };
                    let part = match &front {
                        Front::Entry | Front::Metrics => format!("listen {address} of {front}"),
                        Front::Port(key, _) => listen_part(address, key),
                    };
                    problems.push(Problem { part, cause });
                }
            }
        }
        problems
    }
}

/// Opens a listening socket. Connections that it accepts inherit its options (Linux): no Nagle's delay, keep-alive.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_nodelay(true)?;
    socket.set_keepalive(true)?;
    setsockopt(&socket, sockopt::TcpKeepIdle, &KEEPALIVE_IDLE_S)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// A socket that another process opened.
pub(crate) fn adopt(socket: std::net::TcpListener) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

/// Accepts connections until `close`, then those that wait already, so that closing the socket resets nobody.
pub(crate) async fn accept(
    balancer: Arc<Balancer>,
    listener: Arc<TcpListener>,
    front: Arc<RwLock<Front>>,
    close: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = close.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => dispatch(&balancer, stream, peer, &front, &close),
            Err(fault) => {
                // Of what can go wrong here, only a lack of descriptors or memory lasts.
                warn!("a connection could not be accepted: {fault}");
                if fault.kind() != io::ErrorKind::ConnectionAborted {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        dispatch(&balancer, stream, peer, &front, &close);
    }
}

/// Gives a connection to the worker whose turn it is.
fn dispatch(
    balancer: &Arc<Balancer>,
    stream: TcpStream,
    peer: SocketAddr,
    front: &Arc<RwLock<Front>>,
    close: &CancellationToken,
) {
    let Some(worker) = balancer.workers.next() else { return };
    // Its readiness is told by the runtime that it was accepted in; the worker's own shall.
    let Ok(stream) = stream.into_std() else { return };
    let (shared, front, close) = (balancer.clone(), front.clone(), close.clone());
    let served = balancer.tasks.track_future(async move {
        match TcpStream::from_std(stream) {
            Ok(stream) => attend(shared, stream, peer, front, close).await,
            Err(fault) => warn!("a connection could not be served: {fault}"),
        }
    });
    worker.spawn(served);
}

async fn attend(
    balancer: Arc<Balancer>,
    stream: TcpStream,
    peer: SocketAddr,
    front: Arc<RwLock<Front>>,
    close: CancellationToken,
) {
    let now = front.read().unwrap_or_else(PoisonError::into_inner).clone();
    match now {
        Front::Entry | Front::Port(_, Protocol::Http | Protocol::H2c) => {
            // It is gone already; there is nobody to serve.
            let Ok(local) = stream.local_addr() else { return };
            let client = Client { address: forwarded_for(peer.ip()), local };
            serve(balancer, stream, client, front, close).await;
        }
        Front::Metrics => metrics::serve(balancer, stream, close).await,
        Front::Port(key, Protocol::Tcp) => relay(balancer, key, stream).await,
    }
}
