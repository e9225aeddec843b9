//! What people read: plans, states and values in Terraform's own layout. Everything in it exists as data first.

pub mod diff;
pub mod dot;
pub mod foreign;
pub mod paint;
pub mod plan;
pub mod quote;
pub mod sequences;
pub mod state;
pub mod tree;
pub mod types;
pub mod unified;

pub use paint::Paint;
