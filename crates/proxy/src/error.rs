//! What can go wrong when the proxy starts, and between it and its client.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::Refusal;

/// The proxy could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something else listens at the entry's address.
    #[error("port {port} of {ip} is in use by another program; stop that one, or choose another address", port = address.port(), ip = address.ip())]
    PortInUse {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The entry could not be opened for another reason.
    #[error(
        "cannot listen on {address}; choose an address of this machine and a port that this user may open"
    )]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Another proxy holds the lock.
    #[error("another proxy (process {pid}) holds {lock}; use that one, or end it first", lock = lock.display())]
    AlreadyRunning {
        /// The lock file.
        lock: PathBuf,
        /// What the lock file says about its holder.
        pid: String,
    },
    /// A file that the proxy needs could not be made.
    #[error("cannot make {path}; check that its folder belongs to this user and that the path is short enough for a socket", path = path.display())]
    File {
        /// The lock file, the control socket or a folder of theirs.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// TLS could not be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The threads that serve could not be started.
    #[error("the threads that serve cannot be started")]
    Threads(#[source] io::Error),
    /// Signals could not be listened to.
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
}

/// A request to a proxy's control socket that did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No proxy answers at the socket.
    #[error("no proxy answers at {socket}; it does not run, or this user may not open the socket", socket = socket.display())]
    Unreachable {
        /// The socket that was tried.
        socket: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The proxy refused.
    #[error("{}", refusal.message)]
    Refused {
        /// HTTP status, such as 409.
        status: u16,
        /// The proxy's words.
        refusal: Refusal,
    },
    /// The connection broke off, or the answer was not one that this client understands.
    #[error("the proxy at {socket} gave no whole answer to {request}: {cause}", socket = socket.display())]
    Broken {
        /// The socket of the proxy.
        socket: PathBuf,
        /// Method and path of the request.
        request: String,
        /// What was wrong.
        cause: String,
    },
}
