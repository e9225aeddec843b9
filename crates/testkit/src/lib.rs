//! What tests and benchmarks share: scratch projects, load, crash points, and a provider program that does what a script says.

pub mod aws;
pub mod docker;
pub mod load;
pub mod provider;
pub mod registry;
pub mod servers;
