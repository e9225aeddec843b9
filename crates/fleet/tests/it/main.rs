//! The fleet against a real agent with its proxy and its sandboxes.

mod load;
mod rig;
mod rollouts;
mod seeds;
