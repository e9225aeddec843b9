//! The three provisioners against real shells and a real SSH server.

mod arguments;
mod connecting;
mod local_exec;
mod passwords;
mod remote_exec;
mod rig;
mod sshd;
mod uploading;
