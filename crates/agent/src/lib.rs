//! The single-machine runtime: sandboxes, supervisors, health, logs.
