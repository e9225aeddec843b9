//! Terraform's provisioners `local-exec`, `remote-exec` and `file`: programs on this machine, and scripts and files on another
//! one over SSH.
//!
//! It decides neither when a provisioner runs nor what its failure means: that is the engine's. It prints nothing, and hands each
//! line to whoever called. `winrm` is recognised and refused; of `ssh`, targets on Windows and proxies that are spoken to over TLS are.

mod arguments;
mod connection;
mod fault;
mod lines;
mod local_exec;
mod quote;
mod remote_exec;
mod schema;
mod source_tree;
mod ssh;
mod standard;
mod upload;

pub use standard::StandardProvisioners;
