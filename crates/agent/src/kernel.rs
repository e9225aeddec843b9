//! The few system calls that neither the standard library nor `nix` wraps safely. Nothing here decides anything, and no
//! other module of the crate holds unsafe code.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::libc;
use nix::unistd::{ForkResult, Pid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Which side of a fork runs.
pub(crate) enum Side {
    /// The new process.
    Child,
    /// The old one, with the new one's id.
    Parent(Pid),
}

/// Shows that this process has one thread, so that it can be forked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SingleThreaded(());

impl SingleThreaded {
    /// Counts the threads. Whoever holds the answer starts none.
    pub(crate) fn check() -> io::Result<Self> {
        match std::fs::read_dir("/proc/self/task")?.count() {
            1 => Ok(Self(())),
            threads => {
                Err(io::Error::other(format!("this process has {threads} threads and cannot be forked")))
            }
        }
    }
}

/// Forks with namespaces of the child's own (`CLONE_NEW…` flags, or none).
///
/// The process must be single-threaded: the child goes on with a copy of the memory, where a lock that another thread
/// held would stay held for ever.
pub(crate) fn fork_into(_single: SingleThreaded, namespaces: libc::c_int) -> io::Result<Side> {
    if namespaces == 0 {
        // SAFETY: the process has one thread, as the caller has shown, so the child may do anything that the parent might.
        return match unsafe { nix::unistd::fork() }? {
            ForkResult::Child => Ok(Side::Child),
            ForkResult::Parent { child } => Ok(Side::Parent(child)),
        };
    }
    let flags = libc::c_long::from(namespaces | libc::SIGCHLD);
    // SAFETY: without a stack of its own, CLONE_VM or thread-local storage this is fork with namespaces; there is one
    // thread, as the caller has shown. All other arguments are zero, so that their order, which differs by architecture,
    // is nothing.
    let result = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    match result {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Side::Child),
        pid => i32::try_from(pid).map(|pid| Side::Parent(Pid::from_raw(pid))).map_err(io::Error::other),
    }
}

/// A descriptor of a process: readable once it has ended, and never another process that got its number.
pub(crate) fn pidfd_open(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: plain integers; the result is checked before it is owned.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    let fd = i32::try_from(fd).map_err(io::Error::other)?;
    // SAFETY: the kernel has just handed out this descriptor, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sends a signal to the process of a descriptor.
pub(crate) fn pidfd_signal(pidfd: BorrowedFd<'_>, signal: nix::sys::signal::Signal) -> io::Result<()> {
    let none = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: the descriptor lives through the call, and no signal information is given.
    let result = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal as libc::c_int, none, 0)
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Lets a task wait until a descriptor is readable.
pub(crate) fn readable(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned by the value that is returned, which takes it out of the runtime's list before it
    // closes it, and `OwnedFd` always names the same descriptor.
    unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.map_err(io::Error::from)
}

/// Marks every descriptor but standard input, output and error to be closed by the next exec.
pub(crate) fn close_descriptors_on_exec() -> io::Result<()> {
    // SAFETY: CLOSE_RANGE_CLOEXEC closes nothing now; it sets a flag on descriptors that no program to come shall have.
    let result =
        unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Gives every signal its default meaning and unblocks all: neither survives into a program by accident.
pub(crate) fn reset_signals() -> io::Result<()> {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal};
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    for signal in Signal::iterator() {
        if !matches!(signal, Signal::SIGKILL | Signal::SIGSTOP) {
            // SAFETY: the default action runs no code of ours.
            unsafe { nix::sys::signal::sigaction(signal, &default) }?;
        }
    }
    SigSet::all().thread_unblock()?;
    Ok(())
}

/// Ends this process at once, without running anything that was registered to run at its end.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: `_exit` touches no memory of the process.
    unsafe { libc::_exit(code) }
}

/// A text for the kernel; refused if it holds a zero byte.
pub(crate) fn c_string(text: &str) -> io::Result<CString> {
    CString::new(text).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "it holds a zero byte"))
}
