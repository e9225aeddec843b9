//! The messages of the protocol and the names of its calls. Field numbers are those of the protocol's published interface; where
//! versions 5 and 6 agree, which is everywhere but in attributes of schemas, one message serves both.

mod method;
mod schema;

pub mod calls;
pub mod messages;

pub use method::{Method, Protocol};
pub use schema::{v5, v6};
