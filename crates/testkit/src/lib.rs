//! What tests and benchmarks share: scratch projects, load, crash points.
