//! The engine with a provider that keeps what it makes as files, and a store that can be stopped at any write.

mod applying;
mod faults;
mod killing;
mod planning;
mod provider;
mod rig;
mod scale;
mod store;
