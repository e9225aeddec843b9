//! The use cases: typed input, events while they run, typed result. The command line calls them, and nothing here prints.

mod agents;
mod applying;
mod backend;
mod clock;
mod debian;
mod deploying;
mod destroying;
mod diffing;
mod doubts;
mod environments;
mod fault;
mod history;
mod images;
mod infrastructure;
mod init;
mod lease;
mod logs;
mod planning;
mod recording;
mod registries;
mod rollback;
mod saved;
mod scope;
mod seeds;
mod session;
pub mod stack;
mod status;
mod targets;
mod up;
mod wiring;
mod workspace;

pub use agents::{AgentStart, default_data_dir, ensure_agents};
pub use applying::{ApplyRequest, Report, apply};
pub use deploying::{DeployRequest, deploy};
pub use destroying::destroy;
pub use diffing::{Comparison, ObjectDifference, ValueDifference, compare};
pub use environments::PlannedOutputs;
pub use fault::Fault;
pub use history::history;
pub use images::{
    BuiltImage, ImageRow, Pruned, PrunedCluster, build_images, list_images, pin_images, prune_images,
};
pub use infrastructure::Infrastructure;
pub use init::{Initialized, init};
pub use logs::{Lines, LogRequest, logs};
pub use planning::{PlanOptions, Planned, Watch, plan};
pub use registries::{PulledImage, PushedImage, pull_image, push_image};
pub use rollback::{RollbackTarget, rollback};
pub use saved::{read_plan, write_plan};
pub use seeds::{SeedReport, load_seeds};
pub use session::{Session, SessionOptions};
pub use status::{Status, status};
pub use up::{UpReport, down, up};
pub use wiring::Wiring;
pub use workspace::{Checks, Workspace};
