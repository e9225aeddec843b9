//! The language as its users meet it.

mod expressions;
mod faults;
mod formatting;
mod projects;
mod robustness;
