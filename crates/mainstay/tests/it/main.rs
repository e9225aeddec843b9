//! The program as a user runs it: arguments in, text and exit codes out, with a real agent, real processes and real sockets.

mod aws;
mod backends;
mod drop_in;
mod faults;
mod folder;
mod holds;
mod images;
mod installing;
mod kills;
mod lifecycle;
mod project;
mod reference;
mod scripted;
mod stacks;
mod terraform;
mod variables;
