//! The language as its users meet it.

mod expressions;
mod faults;
mod formatting;
mod functions;
mod projects;
mod robustness;
