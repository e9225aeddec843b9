//! The engine: addresses, the graph of instances, plan as data, and apply in parallel along the graph.
//!
//! It knows no provider and no database: those come in through [`Provider`], [`StateStore`], [`Leases`] and [`Ledger`]. Planning
//! performs no I/O but reading through providers, and changes nothing.

mod address;
mod event;
mod ledger;
mod plan;
mod provider;
mod settle;
mod store;

pub use address::{
    Address, ClusterName, DeploymentId, EnvironmentName, Key, ParseAddressError, ProjectName, ResourceKind, RevisionId,
};
pub use event::{Event, Events, Outcome};
pub use ledger::{Cell, Deployment, DeploymentKind, DeploymentOutcome, Ledger, Release, Revision};
pub use plan::{Action, Change, Difference, DifferenceKind, OutputChange, Plan, Sealed};
pub use provider::{ApplyFailure, ApplyRequest, ChangeRequest, PlannedChange, Provider, Providers, ReadRequest};
pub use settle::{Found, Settlement};
pub use store::{Intent, Lease, LeaseHolder, Leases, OpenOperation, OperationId, StateRow, StateStore, Snapshot, StoreError};
