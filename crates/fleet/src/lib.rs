//! The provider of services: observes what is live, compares it with what is described, and rolls out the difference.
//!
//! It knows agents through their client and images through their layout. It does not know the command line, the store, or
//! the order of changes: the engine calls it for one service in one cluster at a time.

mod identity;
mod rollout;

pub use identity::{InstanceNames, SpecHash, service_key, service_name};
pub use rollout::{Action, Cause, Decision, Desired, Drain, Seen, Situation, decide};
