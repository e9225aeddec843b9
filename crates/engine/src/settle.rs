//! What a killed run left open, and how it was settled.

use serde::{Deserialize, Serialize};

use crate::{Action, Address};

/// An operation of a killed run, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The resource.
    pub address: Address,
    /// What was to be done.
    pub action: Action,
    /// What was found.
    pub found: Found,
    /// How that was told, in a sentence.
    pub explanation: String,
}

/// What was found of an operation that a killed run left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// It had been done.
    Done,
    /// It had not been done.
    NotDone,
    /// It had been done in part; the next plan shows the rest.
    PartlyDone,
}
