//! SSH: connecting with patience, and running commands there.
//!
//! It knows nothing of provisioners. Connections are not shared between them: each has its own, and it ends with it.

mod authentication;
mod command;
mod error;
mod host_key;
mod proxy;
mod session;

pub(crate) use command::{Exit, Input, Run};
pub(crate) use error::SshError;
pub(crate) use session::{Session, connect};
