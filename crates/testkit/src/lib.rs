//! What tests and benchmarks share: scratch projects, load, crash points.

pub mod load;
pub mod servers;
