//! The language as its users meet it.

mod formatting;
mod functions;
