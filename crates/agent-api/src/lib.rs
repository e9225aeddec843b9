//! The agent's wire types and client.
//!
//! The agent serves HTTP/1.1 with JSON bodies over a unix socket. This crate holds what both sides say to each other and a
//! client; it decides nothing and starts nothing. Paths are listed on [`Client`]'s methods.

mod client;
mod error;
mod image;
mod instance;
mod logs;
mod service;
mod transport;

pub use client::{Client, LogQuery};
pub use error::ClientError;
pub use image::*;
pub use instance::*;
pub use logs::LogStream;
pub use service::*;
