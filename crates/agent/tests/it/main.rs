//! The agent as a process, with real sandboxes. Those that need root say so on stderr and return.

mod containers;
mod garbage;
mod health;
mod isolation;
mod processes;
mod restarts;
mod rig;
mod rootless;
mod services;
