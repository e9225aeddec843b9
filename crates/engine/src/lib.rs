//! The engine: addresses, the graph of instances, plan as data, and apply in parallel along the graph.
//!
//! It knows no provider and no database: those come in through [`Provider`], [`StateStore`], [`Leases`] and [`Ledger`]. Planning
//! performs no I/O but reading through providers, and changes nothing.

mod apply;
mod evaluation;
mod event;
mod graph;
mod hold;
mod inconsistency;
mod ledger;
mod plan;
mod planning;
mod provider;
mod provisioner;
mod reading;
mod sequence;
mod settle;
pub mod stack;
mod store;
mod store_powers;

pub use apply::{Applied, ApplyOptions, Execution, apply};
pub use evaluation::{EnvLayers, OtherOutputs, Variables};
pub use event::{Event, Events, Happened, KnownBy, Outcome, Work};
pub use hold::Hold;
pub use lang::address::{
    Address, ClusterName, DeploymentId, EnvironmentName, Key, Mode, ModulePath, ModuleStep,
    ParseAddressError, ProjectName, ResourceKind, RevisionId, Target,
};
pub use ledger::{Cell, Deployment, DeploymentKind, DeploymentOutcome, Ledger, Release, Revision};
pub use plan::{Action, Change, Difference, DifferenceKind, OutputChange, Plan, Sealed};
pub use planning::{PlanMode, PlanRequest, plan, plan_nothing};
pub use provider::{
    ApplyFailure, ApplyRequest, ChangeRequest, PlannedChange, Provider, Providers, ReadRequest,
};
pub use provisioner::{ProvisionRequest, Provisioners};
pub use settle::{Found, Settlement, settle};
pub use store::{
    HeldLock, Intent, Lease, LeaseHolder, Leases, OpenOperation, OperationId, Record, Snapshot, StateRow,
    StateStore, StoreError,
};
pub use store_powers::{Edit, History, StateEditing, StateVersion, Store, Workspaces};
