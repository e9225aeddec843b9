//! Listening sockets and the lock on their way from one proxy process to the next, over a unix datagram socket
//! (`SCM_RIGHTS`, unix(7)). Both processes then hold the same sockets, so that no connection that waits in one is lost,
//! whichever accepts it. It decides neither when that is done nor what becomes of either process.
//!
//! Each datagram has one descriptor: `lock`, or `listen ADDRESS`. The last, `end`, has none.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

/// How long either side waits for the other: both are on this machine and have nothing else to do.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest text of a datagram: an IPv6 address with its scope and port is 60.
const TEXT_BYTES_MAX: usize = 128;

const LOCK: &str = "lock";
const LISTEN: &str = "listen ";
const END: &str = "end";

/// What a process takes over.
#[derive(Debug, Default)]
pub(crate) struct Inheritance {
    /// The lock file, locked.
    pub(crate) lock: Option<File>,
    /// The sockets by the address that they listen at.
    pub(crate) listeners: BTreeMap<SocketAddr, TcpListener>,
}

/// Gives the lock and the sockets to whoever listens at `path`.
pub(crate) fn give(
    path: &Path,
    lock: BorrowedFd<'_>,
    listeners: &BTreeMap<SocketAddr, OwnedFd>,
) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.connect(path)?;
    send(&socket, LOCK, &[lock])?;
    for (address, listener) in listeners {
        send(&socket, &format!("{LISTEN}{address}"), &[listener.as_fd()])?;
    }
    send(&socket, END, &[])
}

/// Takes what is sent, up to its end.
pub(crate) fn take(socket: &UnixDatagram) -> io::Result<Inheritance> {
    socket.set_read_timeout(Some(PATIENCE))?;
    let mut inheritance = Inheritance::default();
    loop {
        let (text, descriptor) = receive(socket)?;
        let unexpected = || io::Error::new(io::ErrorKind::InvalidData, format!("unexpected: {text:?}"));
        match (text.as_str(), descriptor) {
            (END, None) => return Ok(inheritance),
            (LOCK, Some(lock)) => inheritance.lock = Some(lock.into()),
            (listen, Some(listener)) => {
                let address = listen.strip_prefix(LISTEN).and_then(|address| address.parse().ok());
                inheritance.listeners.insert(address.ok_or_else(unexpected)?, listener.into());
            }
            _ => return Err(unexpected()),
        }
    }
}

fn send(socket: &UnixDatagram, text: &str, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sendmsg(socket, &[IoSlice::new(text.as_bytes())], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn receive(socket: &UnixDatagram) -> io::Result<(String, Option<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; TEXT_BYTES_MAX];
    let received =
        recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let rights = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    let text = bytes.get(..received.bytes).unwrap_or_default();
    Ok((String::from_utf8_lossy(text).into_owned(), rights))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_connection_that_waits_is_accepted_by_whoever_took_the_socket_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let taking = UnixDatagram::bind(&path).expect("a socket");
        let listeners: BTreeMap<SocketAddr, OwnedFd> = (0..3)
            .map(|_| {
                let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
                (listener.local_addr().expect("its address"), listener.into())
            })
            .collect();
        let mut waiting: Vec<TcpStream> =
            listeners.keys().map(|address| TcpStream::connect(address).expect("it listens")).collect();
        let lock = File::create(folder.path().join("lock")).expect("a file");
        let giving = std::thread::spawn(move || give(&path, lock.as_fd(), &listeners));
        let taken = take(&taking).expect("an inheritance");
        giving.join().expect("a thread").expect("given");
        assert!(taken.lock.is_some());
        assert_eq!(taken.listeners.len(), 3);
        for (client, listener) in waiting.iter_mut().zip(taken.listeners.values()) {
            let (mut accepted, _) = listener.accept().expect("a connection");
            accepted.write_all(b"x").expect("it reads");
            let mut byte = [0];
            client.read_exact(&mut byte).expect("it was accepted");
        }
    }
}
