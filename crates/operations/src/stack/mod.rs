//! Use cases on a stack: one folder of Terraform's configuration, with its state in one of its workspaces.

mod editing;
mod folder;
mod graphing;
mod importing;
mod inspecting;
mod loading;
mod locking;
mod overlay;
mod providers;
mod requirements;
mod runs;
mod saved;
mod settling;
mod state;
mod state_files;
mod taking_over;
mod variables;
mod workspaces;

pub use crate::backend::GivenSettings;
pub use editing::{Replacement, replace_provider};
pub use folder::StackFolder;
pub use graphing::{GraphNode, StackGraph, plan_graph, removal_graph};
pub use importing::{ImportRequest, import};
pub use inspecting::{Inspected, Inspection};
pub use loading::{Installed, LoadedStack, Look};
pub use locking::Locking;
pub use providers::{Schemas, StackProviderSource};
pub use runs::{Applying, PlanRequest, Planned, apply, open_saved, plan, show_saved, validate};
pub use saved::{SavedPlan, is_saved_plan, read_saved, write_saved};
pub(crate) use saved::{decode_plan, encode_plan};
pub(crate) use settling::{Unconfigured, settled_notes};
pub use state::StackState;
pub use state_files::{Pushed, read_state_file, write_document};
pub use variables::{Ask, Question};
pub use workspaces::is_workspace_name;
