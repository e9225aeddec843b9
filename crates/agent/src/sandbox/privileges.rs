//! What a program is left with: user, capabilities, limits on its resources, and the filter of system calls. Everything
//! here applies to the calling process and cannot be taken back; it is done last, just before the program is executed.

use std::io;

use caps::{CapSet, Capability, CapsHashSet};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};

use super::syscalls;
use super::users::User;

/// What root inside a container keeps: to own, read and hand out its own files, to become another user, to signal its
/// own processes and to listen on low ports. Docker's default set without raw sockets, device nodes, chroot, file
/// capabilities and the audit log.
const KEPT: [Capability; 9] = [
    Capability::CAP_CHOWN,
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_FOWNER,
    Capability::CAP_FSETID,
    Capability::CAP_KILL,
    Capability::CAP_NET_BIND_SERVICE,
    Capability::CAP_SETGID,
    Capability::CAP_SETPCAP,
    Capability::CAP_SETUID,
];

/// Open files that a program may have: more than any server needs by itself, and less than what makes programs slow that
/// close every possible one.
const OPEN_FILES: u64 = 65_536;

/// Sets limits that hold for any program: no core files, and a sane number of open ones.
pub(crate) fn limit() -> io::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let files = hard.min(OPEN_FILES);
    setrlimit(Resource::RLIMIT_NOFILE, files, files)?;
    Ok(())
}

/// Becomes the user inside a container, with the capabilities that are kept. Rootless there is one user only.
pub(crate) fn become_user(user: &User, rootless: bool) -> io::Result<()> {
    let kept: CapsHashSet = KEPT.into_iter().collect();
    let refused =
        |fault: caps::errors::CapsError| io::Error::new(io::ErrorKind::PermissionDenied, fault.to_string());
    for capability in caps::runtime::thread_all_supported() {
        if !kept.contains(&capability) {
            caps::drop(None, CapSet::Bounding, capability).map_err(refused)?;
        }
    }
    if !rootless {
        let groups: Vec<Gid> = user.groups.iter().copied().map(Gid::from_raw).collect();
        setgroups(&groups)?;
        setgid(Gid::from_raw(user.gid))?;
        setuid(Uid::from_raw(user.uid))?;
    }
    if caps::runtime::ambient_set_supported().is_ok() {
        caps::clear(None, CapSet::Ambient).map_err(refused)?;
    }
    caps::clear(None, CapSet::Inheritable).map_err(refused)?;
    if rootless || user.uid == 0 {
        let had = caps::read(None, CapSet::Permitted).map_err(refused)?;
        let left: CapsHashSet = kept.intersection(&had).copied().collect();
        caps::set(None, CapSet::Effective, &left).map_err(refused)?;
        caps::set(None, CapSet::Permitted, &left).map_err(refused)?;
    }
    Ok(())
}

/// Dies with its parent. A change of user forgets this, so it comes after that.
pub(crate) fn die_with_parent() -> io::Result<()> {
    Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?)
}

/// No set-user-id program gives back what was taken.
pub(crate) fn no_new_privileges() -> io::Result<()> {
    Ok(nix::sys::prctl::set_no_new_privs()?)
}

/// Installs the filter of system calls.
pub(crate) fn filter_system_calls() -> io::Result<()> {
    for filter in syscalls::filters().map_err(io::Error::other)? {
        seccompiler::apply_filter(&filter).map_err(io::Error::other)?;
    }
    Ok(())
}
