//! The fleet against a real agent with its proxy and its sandboxes.

mod images;
mod load;
mod reach;
mod rig;
mod rollouts;
mod room;
mod scale;
mod seeds;
mod warm;
