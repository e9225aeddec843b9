//! Provider programs as they are: the scripted one of crate `testkit`, which does what each test wants, and those that others wrote,
//! where they are to be had.

mod aws;
mod cached;
mod foreign;
mod life;
mod log;
mod powers;
mod rig;
mod shared;
mod starting;
mod stored;
mod things;
mod trouble;
mod wrapped;
mod wrong;
