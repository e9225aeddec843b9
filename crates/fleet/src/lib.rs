//! The provider of services: observes what is live, compares it with what is described, and rolls out the difference.
//!
//! It knows agents through their client and images through their layout. It does not know the command line, the store, or
//! the order of changes: the engine calls it for one service in one cluster at a time.

mod agent_driver;
mod compare;
mod description;
mod execution;
mod failure;
mod fleet;
mod identity;
mod logs;
mod observation;
mod provider;
mod publication;
mod record;
mod releases;
mod rolling;
mod rollout;
mod room;
mod seed;
mod status;
mod tags;

pub use agent_driver::{Capabilities, Cluster};
pub use description::{Defaults, DescriptionFault, Port, Rollout, Run, ServiceDescription, Strategy, Surge};
pub use fleet::{Fleet, FleetOptions};
pub use identity::{InstanceNames, SpecHash, service_key, service_name};
pub use logs::Lines;
pub use record::{RecordError, ServiceRecord};
pub use rollout::{Action, Cause, Decision, Desired, Drain, Seen, Situation, Warmth, decide};
pub use seed::{SeedError, load_redis};
pub use status::{CellStatus, ClusterStatus};
pub use tags::TagsAnew;
